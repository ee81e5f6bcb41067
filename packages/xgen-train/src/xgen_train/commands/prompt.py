"""`xgen train prompt`: soft prompts before a frozen model, one a task."""

from __future__ import annotations

from dataclasses import replace

import click

from xgen_train.commands.tuning import TuningOptions, parse_tuning, run_tuning, tuning_options

__all__ = ["prompt"]


@click.command()
@tuning_options
@click.option(
    "--tokens",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="Virtual tokens of a soft prompt.",
)
@click.option("--init", "text", default="", help="Text that the virtual tokens begin as.")
@click.option("--shared", is_flag=True, help="One soft prompt for all sets instead of one each.")
def prompt(options: TuningOptions, tokens: int, text: str, shared: bool) -> None:
    """Learn soft prompts (Lester et al. 2021): virtual tokens before a model that stays as it is.

    Of several sets each gets a soft prompt of its own; batches mix them over one frozen model, and
    OUTPUT/prompts/NAME are their files for PEFT. FILE is as for `xgen train sft`.

    \b
    Example:
      xgen train prompt runs/instruct --from runs/base -o runs/prompt --tokens 20
      xgen train prompt nli=nli.jsonl sums=sums.jsonl --from runs/base -o runs/prompts
    """
    shared_fields = parse_tuning(options)
    tuning = replace(shared_fields, prompt_tokens=tokens, prompt_text=text, shared_prompt=shared)
    run_tuning(options, tuning)
