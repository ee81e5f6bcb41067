"""Self-consistency as a stage: samples until enough state an answer, their votes, and the gate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from xgen_core.records import Scalar
from xgen_reason.chain import Chain
from xgen_reason.gates import Gate, GateName, make_gate
from xgen_reason.methods.asking import ask, question_fields
from xgen_reason.parsing import read_chain
from xgen_reason.question import Question
from xgen_reason.result import Vote
from xgen_reason.tools import Tools
from xgen_reason.votes import count_votes, likeliest

__all__ = ["Drawn", "Sampling", "ThoughtPrompt"]

ThoughtPrompt = Literal["thought", "thought_json"]
"""Steps by ordinals and a marker; or a JSON object, for models that know conversations only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What was drawn.

    Attributes:
        samples: all chains, those without an answer included.
        votes: by the gate's measure, the winner first; none where no sample states an answer.
        certain: what the gate says.
    """

    samples: tuple[Chain, ...]
    votes: tuple[Vote, ...]
    certain: bool

    @property
    def chain(self) -> Chain:
        """The likeliest sample with the winning answer; an empty chain where there is none."""
        if not self.votes:
            return Chain()
        return self.samples[likeliest(self.samples, self.votes[0])]

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of abstentions."""
        kept = sum(vote.count for vote in self.votes)
        without = len(self.samples) - kept
        return (f"{without} of {len(self.samples)} samples state no answer",) if without else ()

    @property
    def details(self) -> dict[str, Scalar]:
        """Counts, for the summary of a run."""
        return {
            "drawn": len(self.samples),
            "kept": sum(vote.count for vote in self.votes),
            "certain": self.certain,
        }

    def share(self, answer: str) -> float:
        """The share of votes that an answer has, whoever won."""
        same = count_votes((Chain(answer=answer), *self.samples)) if answer else ()
        members = next((vote.count - 1 for vote in same if 0 in vote.members), 0)
        kept = sum(vote.count for vote in self.votes)
        return members / kept if kept else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How chains are drawn and when they agree.

    Attributes:
        n: chains that must state an answer.
        temperature: of the draws.
        most: chains that are drawn at most; twice `n` where None.
        gate: the measure of agreement.
        threshold: of the gate; its own where None.
        normalise: count answers that differ in case, articles or punctuation as one.
        logprobs: ask for log-probabilities, which break ties, choose the chain and say how sure an
            answer is. Endpoints give them in conversations only.
        prompt: the stage of the prompt.
    """

    n: int = 5
    temperature: float = 0.7
    most: int | None = None
    gate: GateName = "votes"
    threshold: float | None = None
    normalise: bool = True
    logprobs: bool = False
    prompt: ThoughtPrompt = "thought"

    def __post_init__(self) -> None:
        if self.n < 1:
            raise ValueError(f"n: at least one sample is needed, got {self.n}")
        if self.most is not None and self.most < self.n:
            raise ValueError(f"most: {self.most} draws cannot give n = {self.n} answers")
        make_gate(self.gate, self.threshold)

    async def draw(self, question: Question, tools: Tools) -> Drawn:
        """Draw `n` chains, then as many more as stated no answer, until `most` are drawn.

        Raises:
            InputError: the prompts have no such stage.
            ModelError: the model failed.
            CapabilityError: the gate needs log-probabilities, and the model gives none.
        """
        gate = make_gate(self.gate, self.threshold)
        samples: list[Chain] = []
        limit = 2 * self.n if self.most is None else self.most
        missing = self.n
        while missing and len(samples) < limit:
            wanted = min(missing, limit - len(samples))
            samples += await self._sample(question, tools, gate, wanted, len(samples))
            missing = self.n - sum(chain.states for chain in samples)
        votes = gate.weigh(count_votes(samples, normalise=self.normalise), samples)
        return Drawn(samples=tuple(samples), votes=votes, certain=gate.certain(votes))

    async def _sample(
        self, question: Question, tools: Tools, gate: Gate, n: int, first: int
    ) -> list[Chain]:
        made = await ask(
            tools,
            self.prompt,
            question_fields(question),
            called="sample",
            temperature=self.temperature,
            n=n,
            first=first,
            logprobs=self.logprobs or gate.needs_logprobs,
        )
        return [read_chain(completion, question) for completion in made]
