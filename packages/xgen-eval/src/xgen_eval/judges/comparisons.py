"""An output beside a baseline's: what judges prefer, and the row that comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xgen_core.report import Table
from xgen_eval.grading import Graded
from xgen_eval.judges.judge import Judgment
from xgen_eval.judges.outputs import Annotation
from xgen_eval.judges.repeats import mean_of
from xgen_eval.judges.win_rate import discrete, share_won, win_rate

__all__ = ["Opinion", "Pair", "annotated_pair", "graded_pair", "outcome_table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
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
class Opinion:
    """Preferences of all rounds for one pair (1 baseline … 2 model), and what is behind them.

    Attributes:
        rounds: one preference (or None) for each repeat.
        first: of all judgments that name a winner, whether it was the output shown first.
        judgments: in which words; one for each order.
        switched: whether the model's output was shown first (in the first of two orders).
        annotator: who judged, where that was read from a file.
        prompt: checksum of what the judge read.
    """

    rounds: tuple[float | None, ...]
    first: tuple[bool, ...] = ()
    judgments: tuple[Judgment, ...] = ()
    switched: bool = False
    annotator: str = ""
    prompt: str = ""

    @property
    def preference(self) -> float | None:
        """The mean over the rounds that gave one; draws are 1.5."""
        return mean_of([1.5 if p == 0 else p for p in self.rounds])

    @property
    def error(self) -> str:
        """Why the judge gave no answer."""
        return next((j.error for j in self.judgments if j.error), "")


def annotated_pair(a: Annotation) -> Pair:
    """The pair of an annotation."""
    return Pair(
        instruction=a.instruction,
        baseline=a.output_1,
        output=a.output_2,
        baseline_name=a.generator_1,
        name=a.generator_2,
        dataset=a.dataset,
    )


def graded_pair(name: str, pair: Pair, opinion: Opinion) -> Graded:
    """The row of a pair: `win_rate` and `discrete_win_rate` in percent, `unparsed`, `length`."""
    preference = opinion.preference
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
            "prompt_sha256": opinion.prompt,
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


def outcome_table(opinions: Sequence[Opinion]) -> tuple[Table, ...]:
    """How often the model won; nothing where no preference was given."""
    preferences = [o.preference for o in opinions]
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
