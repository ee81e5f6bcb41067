"""Two answers judged in both orders: who wins, and what the order did.

An answer wins only if it is preferred in both orders; a tie in either, or a disagreement, is a tie
(MT-Bench's rule). A game in which a verdict cannot be read is left out and counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from xgen_core import Message
from xgen_core.records import Scalar
from xgen_eval.grading import Graded
from xgen_eval.inputs import Inputs
from xgen_eval.judges.judge import JudgedTask, Judgment
from xgen_eval.judges.repeats import (
    agreement_metric,
    mean_of,
    round_metrics,
    unparsed_metric,
)
from xgen_eval.judges.verdicts import Verdict, read_verdict
from xgen_eval.task import Metric

__all__ = ["GameOutcome", "Match", "Played", "game_metrics", "order_metrics", "outcome", "play"]

GameOutcome = Literal["win", "loss", "tie"]
_SHARES: Mapping[GameOutcome, float] = {"win": 1.0, "loss": 0.0, "tie": 0.5}
_SWAPPED: Mapping[Verdict, Verdict] = {"A": "B", "B": "A", "tie": "tie"}


def outcome(first: Verdict | None, second: Verdict | None) -> GameOutcome | None:
    """How a game ends for the answer that is shown first in the first order, second in the second.

    None where one of the verdicts could not be read.
    """
    if first is None or second is None:
        return None
    if first == "tie" or first != _SWAPPED[second]:
        return "tie"
    return "win" if first == "A" else "loss"


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Two answers to one question, as they are shown to the judge.

    Attributes:
        id: unique in the task.
        prompts: with the answer under test as A, then as B; none where it is missing.
        attributes, cluster, details, shown, error: as in `xgen_eval.grading.Graded`.
    """

    id: str
    prompts: tuple[tuple[Message, ...], tuple[Message, ...]] | None
    attributes: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])
    cluster: str = ""
    details: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])
    shown: Mapping[str, str] = field(default_factory=dict[str, str])
    error: str = ""

    def asked(self) -> dict[str, tuple[Message, ...]]:
        """The prompts by the ids under which `Played` finds their judgments."""
        if self.prompts is None:
            return {}
        return {self._key(order): self.prompts[order] for order in (0, 1)}

    def _key(self, order: int) -> str:
        return f"{self.id}#{order + 1}"

    def played(self, judged: Mapping[str, Judgment], *, first: bool = False) -> Played:
        """The match with its judgments; `first` as in `read_verdict`."""
        found = [judged[self._key(order)] for order in (0, 1)] if self.prompts else []
        verdicts = [[read_verdict(text, first=first) for text in j.texts] for j in found]
        failed = next((j.error for j in found if j.error), "")
        rounds = () if failed or not found else tuple(zip(*verdicts, strict=True))
        return Played(match=self, judgments=tuple(found), rounds=rounds, error=failed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A match with what the judge said.

    Attributes:
        match: the match.
        judgments: of both orders.
        rounds: for each repeat the verdicts of both orders.
        error: why the judge gave no answer.
    """

    match: Match
    judgments: tuple[Judgment, ...]
    rounds: tuple[tuple[Verdict | None, Verdict | None], ...]
    error: str = ""

    @property
    def outcomes(self) -> tuple[GameOutcome | None, ...]:
        """How each repeat ended."""
        return tuple(outcome(*verdicts) for verdicts in self.rounds)

    @property
    def shares(self) -> tuple[float | None, ...]:
        """Each repeat's outcome as a share of a win: 1, 0.5 or 0."""
        return tuple(None if o is None else _SHARES[o] for o in self.outcomes)

    @property
    def verdict(self) -> GameOutcome | None:
        """Who won over all repeats together; a balance is a tie."""
        share = mean_of(self.shares)
        if share is None:
            return None
        return "tie" if share == 0.5 else "win" if share > 0.5 else "loss"

    def graded(self) -> Graded:
        """The row: rates over the repeats that could be read, verdicts and words of both orders."""
        ended = [o for o in self.outcomes if o is not None]
        scores: dict[str, float] = {}
        if ended:
            win, loss, tie = (ended.count(o) / len(ended) for o in _SHARES)
            scores = {"win_rate": win, "loss_rate": loss, "tie_rate": tie}
            scores["win_rate_adjusted"] = win + tie / 2
        verdicts = [v for verdicts in self.rounds for v in verdicts]
        if verdicts:
            scores["unparsed"] = verdicts.count(None) / len(verdicts)
        said: dict[str, str] = {}
        for order, judgment in zip(("A", "B"), self.judgments, strict=False):
            said |= {f"{name}_as_{order}": text for name, text in judgment.shown().items()}
        details: dict[str, Scalar] = {**self.match.details}
        if self.judgments:
            details |= {"judge": self.judgments[0].judge, "verdict": self.verdict}
        return Graded(
            id=self.match.id,
            scores=scores,
            attributes=self.match.attributes,
            cluster=self.match.cluster,
            details=details | said,
            shown={**self.match.shown, **said},
            error=self.match.error or self.error,
        )


async def play(
    judge: JudgedTask, matches: Sequence[Match], inputs: Inputs, *, first: bool = False
) -> list[Played]:
    """Let a task's judge see every match in both orders.

    Args:
        judge: the task.
        matches: with different ids.
        inputs: as the task got them.
        first: as in `read_verdict`.

    Raises:
        ModelError: more requests failed than may.
    """
    asked = {key: prompt for match in matches for key, prompt in match.asked().items()}
    judged = await judge.ask_judge(asked, inputs)
    return [match.played(judged, first=first) for match in matches]


def game_metrics(played: Sequence[Played]) -> dict[str, Metric]:
    """Over all games: what the order did, and what several rounds say together."""
    shares = [p.shares for p in played if p.rounds]
    outcomes = [p.outcomes for p in played if p.rounds]
    return (
        unparsed_metric(v for p in played for verdicts in p.rounds for v in verdicts)
        | order_metrics([verdicts for p in played for verdicts in p.rounds])
        | round_metrics("win_rate_adjusted", shares)
        | agreement_metric(outcomes)
    )


def order_metrics(rounds: Sequence[tuple[Verdict | None, Verdict | None]]) -> dict[str, Metric]:
    """What the order of the answers did to the verdicts.

    `consistent` is the fraction of games whose two orders name the same winner, or both a tie.
    `prefers_first` is the fraction of verdicts for a winner that went to the answer shown first:
    without position bias 0.5, for each answer is shown first once.
    """
    games = [(f, _SWAPPED[s]) for f, s in rounds if f is not None and s is not None]
    winners = [v for f, s in rounds for v in (f, s) if v in ("A", "B")]
    metrics: dict[str, Metric] = {}
    if games:
        same = sum(first == second for first, second in games)
        metrics["consistent"] = Metric.proportion(same, len(games))
    if winners:
        metrics["prefers_first"] = Metric.proportion(winners.count("A"), len(winners))
    return metrics
