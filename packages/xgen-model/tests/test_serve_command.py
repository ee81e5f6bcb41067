"""`xgen model serve` as a user starts and ends it, with a model that needs no weights."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys

import pytest
from click.testing import CliRunner

from xgen_core import CapabilityError, InputError
from xgen_model.cli import model
from xgen_model.serve import bind

SCRIPT = """
import sys
import xgen_core.lm.open as opening
from xgen_core.command import main
from xgen_core.testing import UnigramModel
opening.load = lambda group, name: lambda rest: UnigramModel()
main(["model", "serve", "toy:", *sys.argv[1:]])
"""


@contextlib.contextmanager
def serving(*arguments, **environment):
    command = [sys.executable, "-c", SCRIPT, "--port", "0", "--json", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=os.environ | environment, **pipes) as process:
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def ask(url, path, body=None, key=None):
    host, _, rest = url.removeprefix("http://").partition("/")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with contextlib.closing(http.client.HTTPConnection(host, timeout=20)) as connection:
        raw = None if body is None else json.dumps(body)
        connection.request("POST" if body else "GET", f"/{rest}{path}", raw, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_answers_and_ends_with_zero(number):
    with serving("--name", "toy", "--api-key-env", "TOY_KEY", TOY_KEY="k") as (process, facts):
        assert facts["model"] == "toy"
        assert (facts["context_length"], facts["identity"][:8]) == (64, "unigram:")
        assert ask(facts["url"], "/models")[0] == 401
        assert ask(facts["url"], "/models", key="k")[1]["data"][0]["id"] == "toy"
        body = {"model": "toy", "prompt": "a", "max_tokens": 3}
        assert len(ask(facts["url"], "/completions", body, "k")[1]["choices"][0]["text"]) == 3
        process.send_signal(number)
        assert process.wait(20) == 0
        assert process.stderr.read() == ""


@pytest.fixture
def run(monkeypatch):
    def call(*arguments):
        done = CliRunner().invoke(model, ["serve", *arguments])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    return call


def test_mistakes_are_one_line(run, tmp_path, monkeypatch):
    monkeypatch.delenv("TOY_KEY", raising=False)
    with pytest.raises(InputError, match="TOY_KEY: this environment variable is not set"):
        run(str(tmp_path), "--api-key-env", "TOY_KEY")
    with bind("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"{port} is in use"):
            run(str(tmp_path), "--port", str(port))
    with pytest.raises(InputError, match="not a checkpoint"):
        run(str(tmp_path), "--port", "0")
    rules = tmp_path / "rules.jsonl"
    rules.write_text('{"pattern": "", "replies": ["x"]}\n')
    with pytest.raises(CapabilityError, match="cannot be served"):
        run(f"scripted:{rules}", "--port", "0")
    assert run(str(tmp_path), "--port", "70000").exit_code == 2
    assert run(str(tmp_path), "--max-concurrent", "0").exit_code == 2


def test_without_its_extra_the_command_says_what_to_install():
    script = (
        "import sys; sys.modules['aiohttp'] = None\n"
        "import pkgutil, xgen_model\n"
        "list(pkgutil.walk_packages(xgen_model.__path__, 'xgen_model.'))\n"
        "from xgen_core.command import main\n"
        "main(['model', 'serve', '.', '--port', '0'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "pip install 'xgen-model[serve]'" in done.stderr
