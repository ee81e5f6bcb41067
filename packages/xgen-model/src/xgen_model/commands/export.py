"""`xgen model export`: a checkpoint as a Hugging Face directory."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from xgen_model.parameters import ParameterReader

__all__ = ["export"]

_UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?B?)", re.IGNORECASE)


def _bytes(context: click.Context, parameter: click.Parameter, value: str) -> int:
    """`5GB` → 5,000,000,000."""
    found = _SIZE.fullmatch(value.strip())
    unit = found[2].upper() if found else ""
    unit = unit if len(unit) != 1 else ("" if unit == "B" else unit + "B")
    if found is None or float(found[1]) * _UNITS[unit] < 1:
        raise click.BadParameter(f"expected a size like 5GB or 500MB, got {value!r}")
    return int(float(found[1]) * _UNITS[unit])


@click.command()
@click.argument("name", metavar="MODEL")
@click.option("--output", "-o", required=True, type=click.Path(), help="The new directory.")
@click.option("--step", type=int, help="Of the checkpoint; the latest by default.")
@click.option(
    "--dtype",
    type=click.Choice(["float32", "bfloat16"]),
    default="float32",
    show_default=True,
    help="Of the weights.",
)
@click.option(
    "--shard-size", default="5GB", show_default=True, callback=_bytes, help="Of a file at most."
)
@click.option("--no-tokenizer", is_flag=True, help="Leave the tokenizer out.")
@click.option("--base-only", is_flag=True, help="Leave adapters out instead of merging LoRA.")
@click.option("--adapter", is_flag=True, help="Write LoRA or a soft prompt alone, for PEFT.")
@click.option("--base", metavar="NAME", help="With --adapter: where PEFT finds the base model.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def export(
    name: str,
    output: str,
    step: int | None,
    dtype: str,
    shard_size: int,
    no_tokenizer: bool,
    base_only: bool,
    adapter: bool,
    base: str | None,
    as_json: bool,
) -> None:
    """Write MODEL as transformers or PEFT read it.

    MODEL is a checkpoint, a run, or a Hugging Face directory to be written anew.

    LoRA is merged into the weights. Weights stream: no more than a part of one is in memory.

    \b
    Example:
      xgen model export runs/quickstart -o exports/quickstart --dtype bfloat16
      xgen model export runs/tuned -o exports/adapter --adapter --base Salesforce/xgen-7b-8k-base
    """
    from dataclasses import replace

    from xgen_core.errors import CapabilityError
    from xgen_model.hugging_face.adapter import export_adapter
    from xgen_model.hugging_face.exporter import export_model
    from xgen_model.parameters import MergedParameters, ReconfiguredParameters
    from xgen_model.source import open_source

    if adapter and base_only:
        raise click.UsageError("--adapter and --base-only contradict each other")
    if base is not None and not adapter:
        raise click.UsageError("--base says what an adapter is for: give --adapter too")
    opened = open_source(name, step=step)
    target = Path(output)
    if adapter:
        kind = export_adapter(opened.parameters, target, base_name=base)
        facts = {"directory": output, "peft_type": kind}
        click.echo(json.dumps(facts, indent=2) if as_json else f"{target}: PEFT adapter, {kind}")
        return
    reader: ParameterReader = opened.parameters
    if base_only:
        reader = ReconfiguredParameters(reader, replace(reader.config, lora=None, soft_prompt=0))
    elif reader.config.soft_prompt:
        raise CapabilityError(
            f"{name}: has a soft prompt, which a Hugging Face model has no place for: write it "
            "with --adapter, and the base model with --base-only"
        )
    elif reader.config.lora is not None:
        reader = MergedParameters(reader)
    opened.verify()
    written = export_model(
        reader,
        target,
        dtype=dtype,
        shard_bytes=shard_size,
        tokenizer_directory=None if no_tokenizer else opened.tokenizer_directory,
    )
    if as_json:
        click.echo(json.dumps(written.to_json(), indent=2))
        return
    files = f"{len(written.files)} file{'s' * (len(written.files) > 1)}"
    click.echo(
        f"{target}: {written.architecture}, {written.tensors} tensors, {written.bytes:,} bytes of "
        f"{dtype} in {files}" + (", with its tokenizer" if written.tokenizer else "")
    )
