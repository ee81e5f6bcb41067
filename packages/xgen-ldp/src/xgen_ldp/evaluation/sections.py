"""A run's scores on the report page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xgen_core.records import Scalar
from xgen_core.report import Block, Section, Table, Text
from xgen_eval.plots import Dot, interval_plot
from xgen_eval.statistics import ALPHA
from xgen_ldp.evaluation.published.page import published_section
from xgen_ldp.evaluation.scores import (
    METRICS,
    Comparison,
    Figure,
    GroupMean,
    RunScores,
    Scored,
)
from xgen_ldp.finding import REASONS
from xgen_ldp.line import Direction

__all__ = ["score_sections"]

_MOST_DOTS = 240
_UNBROKEN = "\u00a0"
_BASIS = (
    "Every line that has a reference is scored by what the system wrote, accepted or not, and a "
    "line without an answer as an empty one; texts are in Unicode NFC."
)


def score_sections(scores: RunScores) -> list[Section]:
    """Scores, differences between systems, published figures beside them, and what was refused.

    A part that has nothing to show is left out.
    """
    parts = (_scores(scores), _differences(scores), published_section(scores), _refusals(scores))
    return [part for part in parts if part is not None]


def _scores(scores: RunScores) -> Section | None:
    scored = [one for one in scores.scored if one.figures]
    if not scored:
        return None
    blocks: list[Block] = [_table(scores, scored), *map(_text, _notes(scored))]
    if scores.means:
        blocks.append(_means(scores.means))
    blocks += _plot(scored)
    return Section(title="Scores", summary=_BASIS, blocks=tuple(blocks))


def _table(scores: RunScores, scored: Sequence[Scored]) -> Table:
    metrics = [metric for metric in METRICS if any(metric in one.figures for one in scored)]
    rows: list[tuple[Scalar, ...]] = [
        (
            _arrow(one.direction),
            one.system,
            one.scored,
            *(_with_error(one.figures.get(metric)) for metric in metrics),
            f"{one.acceptance:.1%}",
        )
        for one in scored
    ]
    caption = f"± is one standard error by bootstrap over the lines. {_signatures(scores, scored)}"
    return Table(
        columns=("direction", "system", "lines", *metrics, "accepted"),
        rows=tuple(rows),
        caption=caption,
    )


def _signatures(scores: RunScores, scored: Sequence[Scored]) -> str:
    """Each metric's signature; where it has several, with the languages that each is of."""
    said: list[str] = []
    for metric in METRICS:
        targets: dict[str, list[str]] = {}
        for one in scored:
            if metric in one.figures:
                of = targets.setdefault(one.figures[metric].signature, [])
                if one.direction.target.name not in of:
                    of.append(one.direction.target.name)
        for signature, names in targets.items():
            whose = f"{metric} into {', '.join(names)}" if len(targets) > 1 else metric
            said.append(f"{whose}: {signature}.")
    if scores.spm is not None:
        said.append(f"spBLEU's pieces: {scores.spm.name}, sha256 {scores.spm.sha256}.")
    return " ".join(said)


def _notes(scored: Sequence[Scored]) -> list[str]:
    """Each note once; and which directions have lines without a reference."""
    notes = list(dict.fromkeys(f"{note}." for one in scored for note in one.notes))
    short = dict.fromkeys(
        f"{one.lines - one.scored} of {one.lines} in {_arrow(one.direction)}"
        for one in scored
        if one.scored < one.lines
    )
    if short:
        notes.append(f"Lines without a reference, which are not scored: {', '.join(short)}.")
    return notes


def _means(means: Sequence[GroupMean]) -> Table:
    metrics = [metric for metric in METRICS if any(metric in mean.figures for mean in means)]
    rows: list[tuple[Scalar, ...]] = [
        (
            mean.title,
            mean.system,
            f"{len(mean.present)} of {mean.of}",
            *(_with_error(mean.figures.get(metric)) for metric in metrics),
        )
        for mean in means
    ]
    return Table(
        columns=("mean over", "system", "languages", *metrics),
        rows=tuple(rows),
        caption="Each language counts alike. ± is for the choice of lines, not for that of "
        "languages. A metric whose signature differs between the languages has no mean.",
    )


def _plot(scored: Sequence[Scored]) -> list[Block]:
    """chrF++ of each direction and system with its interval."""
    metric = METRICS[0]
    dots = [
        Dot(
            label=_arrow(one.direction),
            value=round(one.figures[metric].value, 2),
            interval=_rounded(one.figures[metric].interval),
            series=one.system,
        )
        for one in scored
        if metric in one.figures
    ]
    if len(dots) < 2:
        return []
    shown = dots[:_MOST_DOTS]
    some = "" if len(shown) == len(dots) else f" The first {len(shown)} of {len(dots)} scores."
    return [
        interval_plot(
            shown,
            title=metric,
            series="system",
            description=f"{metric} of each system by direction, with 95 % intervals",
            caption=f"Bars are 95 % intervals.{some}",
        )
    ]


def _differences(scores: RunScores) -> Section | None:
    compared = (*scores.comparisons, *scores.mean_comparisons)
    if not compared:
        return None
    arrows = {one.direction.name: _arrow(one.direction) for one in scores.scored}
    pairs = dict.fromkeys((one.first, one.second) for one in compared)
    tables = [
        _pair_table([one for one in compared if (one.first, one.second) == pair], arrows)
        for pair in pairs
    ]
    how = (
        f"Paired bootstrap, {scores.scoring.resamples:,} resamples of the lines, seed "
        f"{scores.scoring.seed}, with 95 % intervals. p is two-sided, corrected by Holm over all "
        f"comparisons of a metric in directions (and over those of means); at most {ALPHA} is "
        "called a difference."
    )
    return Section(
        title="Differences between systems",
        summary=_in_words(scores.comparisons),
        blocks=(*tables, Text(text=how)),
    )


def _pair_table(compared: Sequence[Comparison], arrows: Mapping[str, str]) -> Table:
    """Two systems in all directions, a metric beside the other."""
    metrics = [metric for metric in METRICS if any(one.metric == metric for one in compared)]
    by_place: dict[str, dict[str, Comparison]] = {}
    for one in compared:
        by_place.setdefault(one.where, {})[one.metric] = one
    rows: list[tuple[Scalar, ...]] = [
        (
            arrows.get(where, where),
            *(cell for metric in metrics for cell in _difference(of.get(metric))),
            reading(of[metrics[0]]) if metrics[0] in of else "",
        )
        for where, of in by_place.items()
    ]
    headings = [cell for metric in metrics for cell in (metric, "p")]
    return Table(
        columns=("direction", *headings, f"by {metrics[0]}"),
        rows=tuple(rows),
        caption=f"{compared[0].second} minus {compared[0].first}.",
    )


def _difference(one: Comparison | None) -> tuple[Scalar, Scalar]:
    if one is None:
        return None, None
    reach = ""
    if one.interval is not None:
        reach = f"{_UNBROKEN}({one.interval[0]:+.2f},{_UNBROKEN}{one.interval[1]:+.2f})"
    return f"{one.difference:+.2f}{reach}", float(f"{one.corrected:.2g}")


def reading(one: Comparison) -> str:
    """What a comparison says, in a word."""
    if one.corrected > ALPHA:
        return "unclear"
    return "better" if one.difference > 0 else "worse"


def _in_words(comparisons: Sequence[Comparison]) -> str:
    """For each two systems, in how many directions which is better by the first metric."""
    said: list[str] = []
    judged = [one for one in comparisons if one.metric == METRICS[0]]
    for first, second in dict.fromkeys((one.first, one.second) for one in judged):
        own = [one for one in judged if (one.first, one.second) == (first, second)]
        sure = [one for one in own if one.corrected <= ALPHA]
        better = sum(one.difference > 0 for one in sure)
        said.append(
            f"{second} against {first} by {METRICS[0]}: better in {better}, worse in "
            f"{len(sure) - better}, no difference shown in {len(own) - len(sure)} "
            f"of {len(own)} direction{'s' * (len(own) != 1)}."
        )
    return " ".join(said)


def _refusals(scores: RunScores) -> Section | None:
    if not scores.scored:
        return None
    reasons = [r for r in REASONS if any(r in one.rejected for one in scores.scored)]
    kinds = sorted({kind for one in scores.scored for kind in one.failed})
    rows: list[tuple[Scalar, ...]] = [
        (
            _arrow(one.direction),
            one.system,
            one.lines,
            one.accepted,
            *(one.rejected.get(reason, 0) for reason in reasons),
            *(one.failed.get(kind, 0) for kind in kinds),
        )
        for one in scores.scored
    ]
    meaning = "; ".join(f"{reason}: {REASONS[reason]}" for reason in reasons)
    total = sum(one.lines for one in scores.scored)
    accepted = sum(one.accepted for one in scores.scored)
    return Section(
        title="Accepted and rejected",
        summary=f"{accepted:,} of {total:,} translations were accepted. Whoever uses only those "
        "gets no translation for the others: a rejected line is counted by its first reason.",
        blocks=(
            Table(
                columns=("direction", "system", "lines", "accepted", *reasons, *kinds),
                rows=tuple(rows),
                caption=f"{meaning}." if meaning else "Nothing was rejected.",
            ),
        ),
    )


def _arrow(direction: Direction) -> str:
    return f"{direction.source.name} → {direction.target.name}"


def _text(text: str) -> Text:
    return Text(text=text)


def _with_error(figure: Figure | None) -> str:
    if figure is None:
        return ""
    return f"{figure.value:.2f}" + (f" ± {figure.stderr:.2f}" if figure.stderr is not None else "")


def _rounded(interval: tuple[float, float] | None) -> tuple[float, float] | None:
    return None if interval is None else (round(interval[0], 2), round(interval[1], 2))
