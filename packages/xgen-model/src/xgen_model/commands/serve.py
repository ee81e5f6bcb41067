"""`xgen model serve`: an OpenAI-compatible endpoint."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xgen_core.errors import CapabilityError, InputError
from xgen_model.commands.uri import model_uri

if TYPE_CHECKING:
    import socket

    from xgen_core.protocols import Model
    from xgen_model.serve import Endpoint

__all__ = ["serve"]


@click.command()
@click.argument("directory", metavar="DIR")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="0 is any free one.",
)
@click.option("--name", help="The model's name for clients.  [default: the directory's name]")
@click.option("--api-key-env", metavar="NAME", help="Environment variable with the key to ask for.")
@click.option(
    "--max-concurrent",
    default=64,
    show_default=True,
    type=click.IntRange(1),
    help="Requests answered at a time; others wait.",
)
@click.option("--json", "as_json", is_flag=True, help="Announce the URL as JSON.")
def serve(
    directory: str,
    host: str,
    port: int,
    name: str | None,
    api_key_env: str | None,
    max_concurrent: int,
    as_json: bool,
) -> None:
    """Serve DIR, a checkpoint directory or model URI, as an OpenAI-compatible endpoint.

    Paths are /v1/completions (with log-probabilities and echo), /v1/chat/completions, /v1/models
    and /health. An interrupt lets requests in work finish, a second one does not.

    \b
    Example:
      xgen model serve models/tiny --port 8000
      curl http://127.0.0.1:8000/v1/completions -d '{"model": "tiny", "prompt": "def "}'
    """
    from xgen_core.lm import open_model
    from xgen_model.serve import Endpoint, ServedModel, bind

    endpoint = Endpoint(
        name=name or Path(directory).resolve().name or directory,
        api_key=_api_key(api_key_env),
        max_concurrent=max_concurrent,
    )
    bound = bind(host, port)
    with bound:
        model = open_model(model_uri(directory))
        if not isinstance(model, ServedModel):
            raise CapabilityError(f"{directory} cannot be served: it takes a local:DIR model")
        asyncio.run(_serve(model, endpoint, bound, as_json))


def _api_key(variable: str | None) -> str | None:
    if variable is None:
        return None
    key = os.environ.get(variable)
    if not key:
        raise InputError(
            f"--api-key-env {variable}: this environment variable is not set, or empty"
        )
    return key


async def _serve(model: Model, endpoint: Endpoint, bound: socket.socket, as_json: bool) -> None:
    from xgen_model.serve import ServedModel, Server
    from xgen_model.serve.server import is_loopback

    assert isinstance(model, ServedModel)
    async with model, Server(model, endpoint, bound) as server:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, server.stop)
        if endpoint.api_key is None and not is_loopback(bound):
            click.echo("other machines can use this model: --api-key-env keeps them out", err=True)
        if as_json:
            facts = {
                "url": server.url,
                "model": endpoint.name,
                "identity": model.info.identity,
                "context_length": model.info.context_length,
            }
            click.echo(json.dumps(facts))
        else:
            click.echo(f"{endpoint.name} is served at {server.url}  (Ctrl-C ends it)")
        await server.stopping.wait()
