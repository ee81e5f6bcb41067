"""An OpenAI-compatible endpoint for one model: `xgen model serve`.

async with model, Server(model, Endpoint(name="tiny"), bind("127.0.0.1", 0)) as server:
print(server.url)
await server.stopping.wait()

app      HTTP: paths, keys, errors, server-sent events
answers  prompts into ids, ids into answers, whole or as a stream of chunks
server   socket, start, graceful end
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xgen_model.serve.answers import ServedModel
    from xgen_model.serve.app import Endpoint
    from xgen_model.serve.server import Server, bind

__all__ = ["Endpoint", "ServedModel", "Server", "bind"]

_HOME = {"Endpoint": "app", "ServedModel": "answers", "Server": "server", "bind": "server"}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
