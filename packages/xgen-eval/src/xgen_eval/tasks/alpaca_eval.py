"""AlpacaEval 1 and 2 (Li et al. 2023): how often a judge prefers a model to a baseline."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from xgen_core import CapabilityError, GenerationRequest, InputError, Message, Model
from xgen_core.progress import Progress
from xgen_core.report import Table
from xgen_eval.answers import Ask, ask_all
from xgen_eval.grading import Graded, graded_result, metrics_of, part_metrics
from xgen_eval.inputs import Inputs
from xgen_eval.judges.comparison_prompts import is_switched, read_comparison_prompt
from xgen_eval.judges.given import GivenAnswers
from xgen_eval.judges.judge import JudgedTask, Judgment, judged_by
from xgen_eval.judges.length_control import (
    length_controlled,
    read_difficulty,
    read_gamed,
)
from xgen_eval.judges.outputs import Annotation, matched, read_annotations, read_outputs
from xgen_eval.judges.repeats import mean_of, round_metrics
from xgen_eval.judges.verdicts import letter_preference, logprob_preference, ranking_preference
from xgen_eval.judges.win_rate import discrete, share_won, win_rate
from xgen_eval.task import Metric, TaskResult

__all__ = ["AlpacaEval"]

_UNIT = "%"
_ALTERNATIVES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """One instruction with both outputs; with an error in the place of the model's."""

    instruction: str
    baseline: str
    output: str | None
    baseline_name: str
    name: str
    dataset: str
    error: str = ""

    @property
    def is_draw(self) -> bool:
        """Whether both wrote the same, which nobody needs to judge."""
        return self.output == self.baseline


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opinion:
    """Preferences of all rounds for one pair (1 baseline … 2 model), and what is behind them.

    Attributes:
        rounds: one preference (or None) for each repeat.
        first: of all judgments that name a winner, whether it was the output shown first.
    """

    rounds: tuple[float | None, ...]
    first: tuple[bool, ...] = ()
    judgments: tuple[Judgment, ...] = ()
    switched: bool = False
    annotator: str = ""

    @property
    def error(self) -> str:
        """Why the judge gave no answer."""
        return next((j.error for j in self.judgments if j.error), "")


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
        prompt = "given-prompt" if self.prompt else "own-prompt"
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
        given = [self.annotations, self.prompt, self.gamed, self.difficulty]
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
        prompt = read_comparison_prompt(self.prompt, self.version)
        if self.annotations is not None:
            annotated = read_annotations(self.annotations)[: inputs.limit]
            pairs = [_annotated(a) for a in annotated]
            opinions = [_Opinion(rounds=(a.preference,), annotator=a.annotator) for a in annotated]
            behind = f"Read from annotations by {_names(a.annotator for a in annotated)}."
        else:
            pairs = await self._pairs(model, inputs, progress)
            opinions, who = await self._opinions(pairs, inputs)
            behind = f"{who}, prompt {prompt.fingerprint[:12]}."
        items = [
            _graded(f"{i}", pair, opinion)
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
            | self._length_controlled(pairs, opinions)
            | round_metrics("win_rate", rounds, _UNIT)
            | _order(opinions),
            blocks=_counts(opinions),
        )

    async def _pairs(self, model: Model, inputs: Inputs, progress: Progress) -> list[_Pair]:
        assert self.reference is not None
        reference = read_outputs(self.reference)
        if isinstance(model, GivenAnswers):
            outputs = matched(read_outputs(model.path), reference, model.path)
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
            _Pair(
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

    async def _opinions(self, pairs: Sequence[_Pair], inputs: Inputs) -> tuple[list[_Opinion], str]:
        prompt = read_comparison_prompt(self.prompt, self.version)
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
            self._opinion([(judged[f"{i}#{switched}"], switched) for switched in orders[i]])
            if i in orders
            else _Opinion(rounds=(1.5,) * self.repeats if pair.is_draw else ())
            for i, pair in enumerate(pairs)
        ]
        return opinions, judged_by(judged)

    async def _ask(
        self, asked: Mapping[str, tuple[Message, ...]], inputs: Inputs
    ) -> dict[str, Judgment]:
        if self.version == 1 or self.letter:
            return await self.ask_judge(asked, inputs)
        advice = "version 2 needs them; --letter takes the letter alone, which is not the board's"
        try:
            judged = await self.ask_judge(asked, inputs, logprobs=_ALTERNATIVES)
        except CapabilityError as error:
            raise CapabilityError(f"{error}: {advice}") from error
        if any(c.text and not c.logprobs for j in judged.values() for c in j.completions):
            raise CapabilityError(f"{self.judge} gives no log-probabilities: {advice}")
        return judged

    def _opinion(self, judged: Sequence[tuple[Judgment, bool]]) -> _Opinion:
        """What one judgment (or two, in both orders) says of a pair."""
        judgments = tuple(judgment for judgment, _ in judged)
        if any(j.error for j in judgments):
            return _Opinion(rounds=(), judgments=judgments)
        shown = [self._preferences(j) for j in judgments]  # 1: the output shown first is better
        first = tuple(p < 1.5 for order in shown for p in order if p is not None and p != 1.5)
        turned = [
            [None if p is None else 3 - p if switched else p for p in order]
            for order, (_, switched) in zip(shown, judged, strict=True)
        ]
        return _Opinion(
            rounds=tuple(None if None in r else mean_of(r) for r in zip(*turned, strict=True)),
            first=first,
            judgments=judgments,
            switched=judged[0][1],
        )

    def _preferences(self, judgment: Judgment) -> list[float | None]:
        if self.version == 1:
            return [ranking_preference(text) for text in judgment.texts]
        if self.letter:
            return [letter_preference(text) for text in judgment.texts]
        return [logprob_preference(completion) for completion in judgment.completions]

    def _length_controlled(
        self, pairs: Sequence[_Pair], opinions: Sequence[_Opinion]
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
        shares = [share_won(mean_of(o.rounds)) for o in opinions]
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


def _annotated(a: Annotation) -> _Pair:
    return _Pair(
        instruction=a.instruction,
        baseline=a.output_1,
        output=a.output_2,
        baseline_name=a.generator_1,
        name=a.generator_2,
        dataset=a.dataset,
    )


def _graded(name: str, pair: _Pair, opinion: _Opinion) -> Graded:
    preference = mean_of([1.5 if p == 0 else p for p in opinion.rounds])
    share = share_won(preference)
    scores: dict[str, float] = {}
    if share is not None:
        scores = {"win_rate": 100 * share, "discrete_win_rate": 100 * discrete(share)}
    if opinion.rounds:
        unparsed = sum(share_won(p) is None for p in opinion.rounds)
        scores["unparsed"] = unparsed / len(opinion.rounds)
    said: dict[str, str] = {}
    for i, judgment in enumerate(opinion.judgments):
        tail = "_switched" if i else ""
        said |= {f"{key}{tail}": text for key, text in judgment.shown().items()}
    texts = {"instruction": pair.instruction, "output_1": pair.baseline}
    if pair.output is not None:
        scores["length"] = float(len(pair.output))
        texts["output_2"] = pair.output
    judge = opinion.judgments[0].judge if opinion.judgments else opinion.annotator
    return Graded(
        id=name,
        scores=scores,
        attributes={"dataset": pair.dataset} if pair.dataset else {},
        details={
            **texts,
            "generator_1": pair.baseline_name,
            "generator_2": pair.name,
            "preference": preference,
            "switched": opinion.switched,
            "judge": judge,
            **said,
        },
        shown={
            "instruction": pair.instruction,
            "baseline": pair.baseline,
            "model": pair.output or "",
            **said,
        },
        error=pair.error or opinion.error,
    )


def _rates(items: Sequence[Graded]) -> dict[str, Metric]:
    """Win rates in percent, of all and of each part of the benchmark; lengths in characters."""
    found = metrics_of(items) | part_metrics(items, "dataset")
    units = {"win_rate": _UNIT, "discrete_win_rate": _UNIT, "length": "characters"}
    return {
        name: dataclasses.replace(metric, unit=units[name.split("/")[0]])
        for name, metric in found.items()
        if name in units or name.startswith("win_rate/")
    }


def _order(opinions: Sequence[_Opinion]) -> dict[str, Metric]:
    first = [f for o in opinions for f in o.first]
    return {"prefers_first": Metric.proportion(sum(first), len(first))} if first else {}


def _counts(opinions: Sequence[_Opinion]) -> tuple[Table, ...]:
    preferences = [mean_of([1.5 if p == 0 else p for p in o.rounds]) for o in opinions]
    if all(share_won(p) is None for p in preferences):
        return ()
    found = win_rate(preferences)
    return (
        Table(
            columns=("wins", "losses", "draws", "counted", "left out"),
            rows=((found.n_wins, found.n_wins_base, found.n_draws, found.n_total, found.dropped),),
            caption="Comparisons by their outcome for the model.",
        ),
    )


def _percent(preferences: Sequence[float | None]) -> list[float | None]:
    return [None if (s := share_won(p)) is None else 100 * s for p in preferences]


def _names(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(n for n in names if n)) or "without a name"
