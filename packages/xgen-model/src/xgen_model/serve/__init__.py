"""An OpenAI-compatible endpoint for one model: `xgen model serve`.

async with model, Server(model, Endpoint(name="tiny"), bind("127.0.0.1", 0)) as server:
print(server.url)
await server.stopping.wait()

app      HTTP: paths, keys, errors, server-sent events
answers  prompts into ids, ids into answers, whole or as a stream of chunks
server   socket, start, graceful end
"""

from xgen_model.serve.answers import ServedModel
from xgen_model.serve.app import Endpoint
from xgen_model.serve.server import Server, bind

__all__ = ["Endpoint", "ServedModel", "Server", "bind"]
