"""`xgen model import`: somebody else's weights as a checkpoint of ours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import click

from xgen_core.errors import InputError

if TYPE_CHECKING:
    from xgen_model.parameters import ParameterReader
    from xgen_model.source import ModelSource

__all__ = ["import_command"]


@click.command("import")
@click.argument("source", metavar="SOURCE")
@click.option("--output", "-o", required=True, type=click.Path(), help="The new checkpoint.")
@click.option("--tokenizer", help="A tokenizer directory or name, in place of SOURCE's own.")
@click.option("--no-tokenizer", is_flag=True, help="Leave the checkpoint without one.")
@click.option("--base", metavar="MODEL", help="The model that an adapter is for.")
@click.option(
    "--dtype",
    type=click.Choice(["float32", "bfloat16"]),
    help="What layers compute in; by default what SOURCE says. Weights are kept as float32.",
)
def import_command(
    source: str,
    output: str,
    tokenizer: str | None,
    no_tokenizer: bool,
    base: str | None,
    dtype: str | None,
) -> None:
    """Make a checkpoint of SOURCE, a Hugging Face model or PEFT adapter directory.

    Llama, Qwen2, CodeGen and BLOOM models are read from safetensors files, or from PyTorch's .bin
    files with the [torch] extra. Weights stream: no more than a part of one is in memory.

    \b
    Example:
      xgen model import downloads/xgen-7b-8k-base --tokenizer xgen -o models/xgen-7b
      xgen model import adapters/mine --base models/xgen-7b -o models/xgen-7b-mine
    """
    from dataclasses import replace

    from xgen_core.lm import open_tokenizer
    from xgen_model.hugging_face.adapter import is_adapter_directory, read_adapter
    from xgen_model.importer import import_model
    from xgen_model.parameters import AdaptedParameters, ReconfiguredParameters
    from xgen_model.presets import parameter_count
    from xgen_model.source import open_source
    from xgen_model.target import require_new

    if tokenizer is not None and no_tokenizer:
        raise click.UsageError("--tokenizer and --no-tokenizer contradict each other")
    if not Path(source).is_dir():
        raise InputError(f"{source}: no such directory")
    adapter = is_adapter_directory(Path(source))
    if adapter and base is None:
        raise click.UsageError(f"{source} is an adapter: name the model it is for with --base")
    if base is not None and not adapter:
        raise InputError(f"{source}: --base is for an adapter, and there is no adapter_config.json")
    target = Path(output)
    require_new(target)
    opened = open_source(source if base is None else base)
    opened.verify()
    directory = opened.tokenizer_directory
    text = None
    if tokenizer is not None:
        text, directory = opened.checked(open_tokenizer(tokenizer)), None
    elif directory is not None and not no_tokenizer:
        try:
            text = opened.open_tokenizer()
        except InputError as error:
            raise InputError(f"{error}; --no-tokenizer imports the weights alone") from error
    if text is not None:
        opened = opened.fitted(text)
    reader: ParameterReader = opened.parameters
    if adapter:
        config, arrays = read_adapter(Path(source), reader.config)
        reader = AdaptedParameters(reader, config, arrays)
    if dtype is not None:
        config = replace(reader.config, dtype=cast('Literal["float32", "bfloat16"]', dtype))
        reader = ReconfiguredParameters(reader, config)
    store = import_model(
        reader,
        target,
        tokenizer=text,
        tokenizer_directory=directory,
        meta={"source": _name(opened, source if adapter else None)},
    )
    ids = "no tokenizer" if text is None else f"{text.vocab_size:,} ids"
    click.echo(f"{target}: {parameter_count(store.config):,} parameters, {ids}, step 0")


def _name(opened: ModelSource, adapter: str | None) -> dict[str, object]:
    """What the step remembers of where it came from."""
    return {
        "name": opened.directory.resolve().name,
        "identity": opened.identity,
        "adapter": None if adapter is None else Path(adapter).resolve().name,
    }
