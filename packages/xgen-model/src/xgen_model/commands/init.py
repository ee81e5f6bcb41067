"""`xgen model init`: a fresh checkpoint."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["init"]


@click.command()
@click.argument("preset_name", metavar="PRESET")
@click.option("--tokenizer", required=True, help="A tokenizer directory, or a name like xgen.")
@click.option("--output", "-o", required=True, type=click.Path(), help="The new checkpoint.")
@click.option("--seed", default=0, show_default=True, help="Of the initial weights.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Change a size.")
def init(
    preset_name: str, tokenizer: str, output: str, seed: int, settings: tuple[str, ...]
) -> None:
    """Make a fresh checkpoint of PRESET, its vocabulary made to fit the tokenizer.

    \b
    Example:
      xgen model init tiny --tokenizer tokenizers/mine -o models/tiny --set n_layers=2
    """
    import tempfile
    from dataclasses import replace

    from xgen_core.lm import open_tokenizer
    from xgen_core.recipe import apply_settings
    from xgen_model.checkpoint import CheckpointStore
    from xgen_model.model import create
    from xgen_model.presets import parameter_count, preset
    from xgen_model.target import require_new

    opened = open_tokenizer(tokenizer)
    config = preset(preset_name)
    if config.n_tokens != opened.vocab_size:
        rows = -(-opened.vocab_size // 128) * 128  # so that a mesh can divide them
        config = replace(config, vocab_size=rows, n_tokens=opened.vocab_size)
    config = apply_settings(config, settings)
    target = Path(output)
    require_new(target)
    with tempfile.TemporaryDirectory() as scratch:
        opened.save(Path(scratch) / "tokenizer")
        store = CheckpointStore.create(
            target,
            config,
            tokenizer=Path(scratch) / "tokenizer",
            tokenizer_fingerprint=opened.fingerprint,
        )
    store.save(0, create(config, seed), meta={"seed": seed, "preset": preset_name})
    click.echo(f"{target}: {parameter_count(config):,} parameters, step 0")
