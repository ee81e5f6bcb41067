"""The example of xgen-ldp, then the commands of its page: scripted, and the same at an endpoint."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from xgen_core.command.group import xgen
from xgen_core.files import read_jsonl
from xgen_core.lm.scripted import Rule
from xgen_core.testing import LoopbackServer

ROOT = Path(__file__).parents[2]
README = ROOT / "packages" / "xgen-ldp" / "README.md"
PAGE = ROOT / "docs" / "ldp" / "use.md"


def blocks(path: Path, language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", path.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return [text for name, text in found if name == language]


def test_the_example_and_the_same_command_at_an_endpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", blocks(README, "python")[0]],
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.decode() == blocks(README, "")[0], "what the README shows is what it prints"
    scripted, asking = (shlex.split(block) for block in blocks(PAGE, "bash")[:2])
    assert scripted[:-1] == asking[:-1]
    here = CliRunner().invoke(xgen, scripted[1:])
    with LoopbackServer(list(read_jsonl("rules.jsonl", Rule.from_json))) as server:
        url = asking[-1].replace("http://127.0.0.1:8000/v1", server.url)
        there = CliRunner().invoke(xgen, [*asking[1:-1], url])
        assert server.count == 5, "four lines into English, then one into Nepali"
    assert here.stdout == there.stdout == "पानी नै जीवन हो।\n"
