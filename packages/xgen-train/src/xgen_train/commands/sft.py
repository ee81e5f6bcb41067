"""`xgen train sft`: a model tuned on examples, wholly, in part, or by adapters."""

from __future__ import annotations

from dataclasses import replace

import click

from xgen_train.commands.lora import lora_option, parse_lora
from xgen_train.commands.tuning import TuningOptions, parse_tuning, run_tuning, tuning_options

__all__ = ["sft"]


@click.command()
@tuning_options
@lora_option
@click.option(
    "--train",
    "trained",
    multiple=True,
    metavar="PART",
    help="Train only this: all, qkv, lora, or parameters by path, as in layers.mlp.*.kernel.",
)
def sft(options: TuningOptions, lora: str | None, trained: tuple[str, ...]) -> None:
    """Tune a model on examples, with the loss on their answers alone.

    FILE is Example JSONL, any form that `xgen data instruct` reads, or its output directory. The
    token store is built once, and no example is cut. The same command again takes up an interrupted
    run and ends with the same result.

    \b
    Example:
      xgen train sft runs/instruct --from runs/base -o runs/chat --template xgen
      xgen train sft runs/instruct --from runs/base -o runs/lora --lora rank=16,alpha=32
      xgen train sft nli=nli.jsonl sums=sums.jsonl --from runs/base -o runs/two \\
          --weight nli=1 --weight sums=3
    """
    tuning = replace(parse_tuning(options), trained=trained, lora=parse_lora(lora))
    run_tuning(options, tuning)
