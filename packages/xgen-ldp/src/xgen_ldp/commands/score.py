"""`xgen ldp score`: chrF++, BLEU and spBLEU of a file, and of another against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xgen_ldp.evaluation.files import FileScores
    from xgen_ldp.evaluation.scores import Comparison, Figure

__all__ = ["score"]


@click.command("score")
@click.argument("hypothesis", type=click.Path())
@click.option("--reference", "-r", required=True, type=click.Path(), help="Its references.")
@click.option("--language", "-l", help="Of both; BLEU's tokenizer follows it. [default: 13a]")
@click.option("--tokenize", metavar="NAME", default="", help="BLEU's tokenizer: 13a, zh, char, …")
@click.option("--spm-file", type=click.Path(), default="", help="SentencePiece model for spBLEU.")
@click.option("--spm-name", default="", help="Which it is: flores200, flores101 or spBLEU-1K.")
@click.option("--paired", "-p", multiple=True, type=click.Path(), help="Compare this file with it.")
@click.option("--resamples", type=click.IntRange(min=100), default=2000, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the resamples.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def score(
    hypothesis: str,
    reference: str,
    language: str | None,
    tokenize: str,
    spm_file: str,
    spm_name: str,
    paired: tuple[str, ...],
    resamples: int,
    seed: int,
    as_json: bool,
) -> None:
    """Score the translations in HYPOTHESIS, one a line, as sacrebleu would.

    Each value stands with its standard error, its 95 % interval and sacrebleu's signature. With
    --paired both files are compared on the same lines by paired bootstrap.

    \b
    Example:
      xgen ldp score out.eng --reference newstest2019-src.eng.txt
      xgen ldp score few-shot.npi -r ref.npi --language npi --paired ldp.npi
    """
    import json

    from xgen_ldp.evaluation.files import score_files
    from xgen_ldp.evaluation.scores import Scoring
    from xgen_ldp.languages import find_language

    scoring = Scoring(
        tokenizer=tokenize, spm_file=spm_file, spm_name=spm_name, resamples=resamples, seed=seed
    )
    found = score_files(
        [hypothesis, *paired],
        reference,
        language=find_language(language) if language else None,
        scoring=scoring,
    )
    if as_json:
        click.echo(json.dumps(found.to_json(), indent=2, ensure_ascii=False))
    else:
        click.echo(_text(found))


def _text(found: FileScores) -> str:
    lines = [f"{found.lines} lines, ± one standard error, 95 % interval, signature"]
    for path, figures in found.systems.items():
        lines += ["", path, *_figures(figures)]
    if found.comparisons:
        several = len(found.systems) > 2
        corrected = ", corrected by Holm" if several else ""
        lines += ["", f"difference, 95 % interval, two-sided p by paired bootstrap{corrected}"]
        lines += [_difference(one) for one in found.comparisons]
    if found.spm is not None:
        lines += ["", f"spBLEU's pieces: {found.spm.name}, sha256 {found.spm.sha256}"]
    lines += [f"note: {note}" for note in found.notes]
    return "\n".join(lines)


def _figures(figures: Mapping[str, Figure]) -> list[str]:
    lines: list[str] = []
    for metric, figure in figures.items():
        error = f" ± {figure.stderr:.2f}" if figure.stderr is not None else ""
        interval = figure.interval
        reach = f"  [{interval[0]:.2f}, {interval[1]:.2f}]" if interval else ""
        lines.append(f"  {metric:<6}  {figure.value:6.2f}{error}{reach}  {figure.signature}")
    return lines


def _difference(one: Comparison) -> str:
    reach = f"  [{one.interval[0]:+.2f}, {one.interval[1]:+.2f}]" if one.interval else ""
    return (
        f"  {one.second} against {one.first}: {one.metric} {one.difference:+.2f}{reach}  "
        f"p {one.corrected:.2g}"
    )
