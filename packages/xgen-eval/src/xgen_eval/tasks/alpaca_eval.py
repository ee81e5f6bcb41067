"""AlpacaEval 1 and 2 (Li et al. 2023): how often a judge prefers a model to a baseline."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from xgen_core import (
    CapabilityError,
    GenerationRequest,
    InputError,
    Message,
    Model,
)
from xgen_core.progress import Progress
from xgen_eval.answers import Ask, ask_all
from xgen_eval.grading import Graded, graded_result, metrics_of, part_metrics
from xgen_eval.inputs import Inputs
from xgen_eval.judges.comparison_prompts import (
    ComparisonPrompt,
    is_switched,
    read_comparison_prompt,
)
from xgen_eval.judges.comparisons import (
    Opinion,
    Pair,
    annotated_pair,
    graded_pair,
    outcome_table,
)
from xgen_eval.judges.judge import JudgedTask, Judgment, judged_by
from xgen_eval.judges.length_control import (
    length_controlled,
    read_difficulty,
    read_gamed,
)
from xgen_eval.judges.outputs import matched, read_annotations, read_outputs
from xgen_eval.judges.repeats import mean_of, round_metrics, unparsed_metric
from xgen_eval.judges.verdicts import letter_preference, logprob_preference, ranking_preference
from xgen_eval.judges.win_rate import share_won
from xgen_eval.task import Metric, TaskResult

__all__ = ["AlpacaEval"]

_UNIT = "%"
_ALTERNATIVES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class AlpacaEval(JudgedTask):
    """Win rate against a baseline, in percent.

    Attributes:
        version: 1 asks the judge for a ranking; 2 for a letter, and weighs its log-probabilities.
        reference: the baseline's outputs in alpaca_eval's form; they also give the instructions.
        annotations: judged pairs in alpaca_eval's form; nobody is asked then.
        prompt: a template in alpaca_eval's form in the place of the version's own.
        both_orders: judge every pair in both orders and take the mean, instead of alpaca_eval's one
            drawn order.
        letter: version 2 without log-probabilities: the letter that the judge writes, so that every
            preference is whole. Not what the leaderboard does.
        gamed, difficulty: `df_gamed.csv` and `instruction_difficulty.csv` of alpaca_eval's data
            set, for the length-controlled win rate; see `xgen_eval.judges.length_control`.
        max_tokens: longest output of a model that is asked.
    """

    version: Literal[1, 2] = 1
    reference: Path | None = None
    annotations: Path | None = None
    prompt: Path | None = None
    both_orders: bool = False
    letter: bool = False
    gamed: Path | None = None
    difficulty: Path | None = None
    max_tokens: int = 2048

    name: ClassVar[str] = "alpaca_eval"
    summary: ClassVar[str] = "how often a judge prefers the model to a baseline"

    def __post_init__(self) -> None:
        super(AlpacaEval, self).__post_init__()  # slots make another class: name it
        if self.letter and self.version == 1:
            raise ValueError("letter is for version 2; version 1 asks for a ranking")

    @property
    def variant(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Version, prompt, orders, and what a preference is read from."""
        if self.annotations is not None:
            return "annotations-v1"
        prompt = "given-prompt" if self.prompt else "board-prompt"
        orders = "both-orders" if self.both_orders else "one-order"
        return f"alpaca-{self.version}-{prompt}-{orders}{'-letter' if self.letter else ''}-v1"

    @property
    def longest_judgment(self) -> int:
        """alpaca_eval's figures: a ranking fits in 100 tokens, a letter is one."""
        return 100 if self.version == 1 else 8 if self.letter else 1

    def files(self, inputs: Inputs) -> tuple[Path, ...]:
        """Baseline, annotations, template, data of length control, and what the judge reads from.

        Raises:
            InputError: neither annotations nor both of judge and baseline were named.
        """
        given = [self.annotations, self.answers, self.prompt, self.gamed, self.difficulty]
        judge: tuple[Path, ...] = ()
        if self.annotations is None:
            if self.reference is None:
                raise InputError(
                    f"{self.name} compares with a baseline's outputs: --reference FILE, or --set "
                    f"{self.name}.reference=FILE"
                )
            given.append(self.reference)
            judge = self.judge_files()
        return (*(path for path in given if path is not None), *judge)

    async def run(self, model: Model, inputs: Inputs, progress: Progress) -> TaskResult:
        """Answer (or read outputs), compare, and count; see `xgen_eval.task.Task`."""
        if self.annotations is not None:
            self.given(model)
            annotated = read_annotations(self.annotations)[: inputs.limit]
            pairs = [annotated_pair(a) for a in annotated]
            opinions = [Opinion(rounds=(a.preference,), annotator=a.annotator) for a in annotated]
            behind = f"Read from annotations by {_names(a.annotator for a in annotated)}."
        else:
            prompt = read_comparison_prompt(self.prompt, self.version)
            pairs = await self._pairs(model, inputs, progress)
            opinions, who = await self._opinions(pairs, prompt, inputs)
            behind = f"{who}, prompt {prompt.fingerprint}."
        items = [
            graded_pair(f"{i}", pair, opinion)
            for i, (pair, opinion) in enumerate(zip(pairs, opinions, strict=True))
        ]
        rounds = [_percent(o.rounds) for o in opinions if o.rounds]
        return graded_result(
            self.name,
            self.variant,
            items,
            title=f"AlpacaEval {self.version}" if self.annotations is None else "AlpacaEval",
            caption=f"Preferences to the baseline ({_names(p.baseline_name for p in pairs)}), in "
            "percent; the standard error is sd / √n. What is no preference is left out and "
            f"counted (unparsed), so n may be below {len(items)}. {behind}",
            extra=_rates(items)
            | unparsed_metric(share_won(p) for o in opinions for p in o.rounds)
            | self._length_controlled(pairs, opinions)
            | round_metrics("win_rate", rounds, _UNIT)
            | _order(opinions),
            blocks=outcome_table(opinions),
        )

    async def _pairs(self, model: Model, inputs: Inputs, progress: Progress) -> list[Pair]:
        assert self.reference is not None
        reference = read_outputs(self.reference)
        given = self.given(model)
        if given is not None:
            outputs = matched(read_outputs(given), reference, given)
            written = [(o.output, o.generator, "") for o in outputs][: inputs.limit]
        else:
            asks = [
                Ask(id=f"{i}", request=self._instruct(r.instruction, inputs.seed))
                for i, r in enumerate(reference[: inputs.limit])
            ]
            answered = await ask_all(model, asks, inputs, progress)
            name = model.info.identity
            written = [(None if a.error else a.text, name, a.error) for a in answered]
        return [
            Pair(
                instruction=r.instruction,
                baseline=r.output,
                output=output,
                baseline_name=r.generator,
                name=name,
                dataset=r.dataset,
                error=error,
            )
            for r, (output, name, error) in zip(reference, written, strict=False)
        ]

    def _instruct(self, instruction: str, seed: int) -> GenerationRequest:
        return GenerationRequest(
            messages=(Message(role="user", content=instruction),),
            max_tokens=self.max_tokens,
            seed=seed,
        )

    async def _opinions(
        self, pairs: Sequence[Pair], prompt: ComparisonPrompt, inputs: Inputs
    ) -> tuple[list[Opinion], str]:
        asked: dict[str, tuple[Message, ...]] = {}
        orders: dict[int, tuple[bool, ...]] = {}
        for i, pair in enumerate(pairs):
            if pair.output is None or pair.is_draw:
                continue
            orders[i] = (False, True) if self.both_orders else (is_switched(pair.instruction),)
            for switched in orders[i]:
                shown = (pair.baseline, pair.output)[:: -1 if switched else 1]
                asked[f"{i}#{switched}"] = prompt.render(pair.instruction, *shown)
        judged = await self._ask(asked, inputs)
        opinions = [
            self._opinion(
                [(judged[f"{i}#{switched}"], switched) for switched in orders[i]],
                prompt.fingerprint,
            )
            if i in orders
            else Opinion(rounds=(1.5,) * self.repeats if pair.is_draw else ())
            for i, pair in enumerate(pairs)
        ]
        return opinions, judged_by(judged)

    async def _ask(
        self, asked: Mapping[str, tuple[Message, ...]], inputs: Inputs
    ) -> dict[str, Judgment]:
        if self.version == 1 or self.letter:
            return await self.ask_judge(asked, inputs)
        try:
            return await self.ask_judge(asked, inputs, logprobs=_ALTERNATIVES)
        except CapabilityError as error:
            raise CapabilityError(
                f"{error}: version 2 needs them; --letter takes the letter alone, which is not the "
                "board's"
            ) from error

    def _opinion(self, judged: Sequence[tuple[Judgment, bool]], prompt: str) -> Opinion:
        """What one judgment (or two, in both orders) says of a pair."""
        judgments = tuple(judgment for judgment, _ in judged)
        if any(j.error for j in judgments):
            return Opinion(rounds=(), judgments=judgments, prompt=prompt)
        shown = [self._preferences(j) for j in judgments]  # 1: the output shown first is better
        first = tuple(p < 1.5 for order in shown for p in order if p is not None and p != 1.5)
        turned = [
            [None if p is None else 3 - p if switched else p for p in order]
            for order, (_, switched) in zip(shown, judged, strict=True)
        ]
        return Opinion(
            rounds=tuple(None if None in r else mean_of(r) for r in zip(*turned, strict=True)),
            first=first,
            judgments=judgments,
            switched=judged[0][1],
            prompt=prompt,
        )

    def _preferences(self, judgment: Judgment) -> list[float | None]:
        if self.version == 1:
            return [ranking_preference(text) for text in judgment.texts]
        if self.letter:
            return [letter_preference(text) for text in judgment.texts]
        return [logprob_preference(completion) for completion in judgment.completions]

    def _length_controlled(
        self, pairs: Sequence[Pair], opinions: Sequence[Opinion]
    ) -> dict[str, Metric]:
        """The figure under a name that says whether it is the leaderboard's."""
        gamed = [] if self.gamed is None else read_gamed(self.gamed)
        difficulty: dict[int, float] = {}
        for row in gamed:
            difficulty.setdefault(row.index, row.difficulty)
        if self.difficulty is not None:
            difficulty = read_difficulty(self.difficulty)
        there = [p for p in pairs if p.output is not None]
        if not difficulty or len(there) < len(pairs):
            return {}
        shares = [share_won(o.preference) for o in opinions]
        found = length_controlled(
            shares,
            [len(p.baseline) for p in pairs],
            [len(p.output or "") for p in pairs],
            difficulty,
            gamed,
        )
        exact = found.exact and len(pairs) == len({row.index for row in gamed})
        name = "length_controlled_win_rate" + ("" if exact else "_approximate")
        n = sum(s is not None for s in shares)
        return {name: Metric(value=found.win_rate, n=n, unit=_UNIT)}


def _rates(items: Sequence[Graded]) -> dict[str, Metric]:
    """Win rates in percent, of all and of each part of the benchmark; lengths in characters."""
    found = metrics_of(items) | part_metrics(items, "dataset")
    units = {"win_rate": _UNIT, "discrete_win_rate": _UNIT, "length": "characters"}
    return {
        name: dataclasses.replace(metric, unit=units[name.split("/")[0]])
        for name, metric in found.items()
        if name in units or name.startswith("win_rate/")
    }


def _order(opinions: Sequence[Opinion]) -> dict[str, Metric]:
    first = [f for o in opinions for f in o.first]
    return {"prefers_first": Metric.proportion(sum(first), len(first))} if first else {}


def _names(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(n for n in names if n)) or "without a name"


def _percent(preferences: Sequence[float | None]) -> list[float | None]:
    return [None if (s := share_won(p)) is None else 100 * s for p in preferences]
