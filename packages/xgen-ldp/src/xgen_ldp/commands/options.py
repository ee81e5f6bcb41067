"""What the commands that translate share: the model, the prompts, unlabelled text."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, cast

import click

if TYPE_CHECKING:
    from xgen_core.lm import Budget
    from xgen_ldp.configuration import Configuration
    from xgen_ldp.languages import Language
    from xgen_ldp.prompts import Tags
    from xgen_ldp.results import RunResults
    from xgen_ldp.texts import Texts

__all__ = [
    "Choice",
    "language_files",
    "result_lines",
    "say",
    "scoring_options",
    "translation_options",
    "unknown_languages",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What was chosen by `translation_options`, as it was given."""

    model: str
    settings: tuple[str, ...]
    languages: str | None
    tags: str
    bank: str | None
    unlabelled: tuple[str, ...]
    chat: bool | None
    seed: int
    max_cost: float | None
    concurrency: int

    def configuration(self, methods: Sequence[str]) -> Configuration:
        """The same with these methods."""
        from xgen_ldp.configuration import Configuration

        return Configuration(
            model=self.model,
            methods=tuple(methods),
            settings=self.settings,
            languages=tuple(filter(None, (self.languages or "").split(","))),
            tags=cast("Tags", self.tags),
            bank=self.bank or "",
            chat=self.model.startswith("openai:") if self.chat is None else self.chat,
            seed=self.seed,
        )

    def texts(self) -> Texts:
        """The files of `--unlabelled`, harvested, and a checker that knows them.

        Raises:
            click.UsageError: not of the form CODE=FILE.
            InputError: no such file.
        """
        from xgen_ldp.texts import read_texts

        return read_texts(language_files("--unlabelled", self.unlabelled))

    def budget(self, limits: Sequence[str], prices: str | None) -> Budget | None:
        """That of `--budget`, the limit of `--max-cost` among its own.

        Raises:
            click.UsageError: not a limit or not prices.
        """
        from xgen_core.command.calls import budget_of

        return budget_of(limits, prices, self.max_cost)


def translation_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of `Choice`, as the argument `choice`."""
    names = [field.name for field in fields(Choice)]

    @functools.wraps(command)
    def chosen(**given: Any) -> None:
        choice = Choice(**{name: given.pop(name) for name in names})
        command(choice=choice, **given)

    for option in reversed(
        (
            click.option("--model", "-m", required=True, help="scheme:rest, such as openai:NAME."),
            click.option(
                "--set",
                "settings",
                multiple=True,
                metavar="[METHOD:]FIELD=VALUE",
                help="A setting of the method; repeatable.",
            ),
            click.option(
                "--languages",
                metavar="CODE,…",
                help="Of the exemplars, for methods that choose by language.",
            ),
            click.option(
                "--tags",
                type=click.Choice(("name", "generic", "none")),
                default="name",
                show_default=True,
                help="What stands before a text in prompts: the language's name, Source and "
                "Target, or nothing.",
            ),
            click.option(
                "--bank",
                type=click.Path(),
                help="Exemplars of your own: a directory of aligned files CODE.txt, or JSONL.",
            ),
            click.option(
                "--unlabelled",
                multiple=True,
                metavar="CODE=FILE",
                help="Text in a language, a sentence a line; repeatable. Into another language "
                "than English it is needed of every language but English.",
            ),
            click.option(
                "--chat/--no-chat",
                default=None,
                help="Send prompts as messages, to a model that chats only. Default: to openai:.",
            ),
            click.option("--seed", default=0, show_default=True, help="Of every choice."),
            click.option(
                "--max-cost",
                type=click.FloatRange(min=0),
                help="Stop before more money is spent; needs --prices. Short for --budget money=…",
            ),
            click.option(
                "--concurrency",
                type=click.IntRange(min=1),
                default=64,
                show_default=True,
                help="Requests to an endpoint at one time.",
            ),
        )
    ):
        chosen = option(chosen)
    return chosen


def scoring_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of `xgen_ldp.evaluation.Scoring`, as the argument `scoring`."""

    @functools.wraps(command)
    def scored(
        tokenizer: str | None, spm_file: str | None, spm_name: str | None, **given: Any
    ) -> None:
        from xgen_ldp.evaluation import Scoring

        scoring = Scoring(
            tokenizer=tokenizer or "", spm_file=spm_file or "", spm_name=spm_name or ""
        )
        command(scoring=scoring, **given)

    for option in reversed(
        (
            click.option(
                "--tokenizer",
                help="Of BLEU, by sacrebleu's name. Default: the one that fits the language.",
            ),
            click.option(
                "--spm-file",
                type=click.Path(),
                help="SentencePiece model, for spBLEU beside the others.",
            ),
            click.option("--spm-name", help="What sacrebleu calls it: flores200, flores101."),
        )
    ):
        scored = option(scored)
    return scored


def language_files(option: str, values: Sequence[str]) -> dict[str, str]:
    """`npi=FILE` as paths by what stands before the sign.

    Raises:
        click.UsageError: not of that form, or two of one name.
    """
    found: dict[str, str] = {}
    for text in values:
        name, equals, path = text.partition("=")
        if not equals or not name or not path:
            raise click.UsageError(f"{option} takes NAME=FILE, got {text!r}")
        if name in found:
            raise click.UsageError(f"{option}: two files for {name!r}; put them into one")
        found[name] = path
    return found


def unknown_languages(languages: Iterable[Language]) -> list[str]:
    """What is to be said of languages that are not in the table."""
    return [
        f"{language.code}: nobody knows this language here: prompts call it by its code, and "
        "nobody can say whether a text is in it"
        for language in dict.fromkeys(languages)
        if not language.known
    ]


def result_lines(results: RunResults) -> list[str]:
    """For people, of each system and direction: how many were accepted, why the others were not."""
    from xgen_ldp.finding import REASONS

    lines: list[str] = []
    for scored, arm in zip(results.scores.scored, results.arms, strict=True):
        name = f"{arm.direction}  {arm.system}"
        said = f"{name}: {scored.accepted:,} of {scored.lines:,} lines translated"
        said += "".join(f", {n} {f.value:.1f}" for n, f in scored.figures.items())
        lines.append(said)
        lines += [f"  rejected: {n:,} × {REASONS[r]}" for r, n in scored.rejected.items()]
        lines += [f"  failed: {count:,} × {reason}" for reason, count in arm.failed.items()]
        if arm.candidates:
            refused = "".join(f", {n:,} refused: {REASONS[r]}" for r, n in arm.refused.items())
            lines.append(f"  {arm.exemplars} exemplars of {arm.candidates} candidates{refused}")
    return lines


def say(lines: Sequence[str]) -> None:
    """Tell on standard error, so that standard output holds results only."""
    for line in lines:
        click.echo(line, err=True)
