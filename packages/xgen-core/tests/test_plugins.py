"""Plug-ins are proven by a real little distribution on `sys.path`, not by patches."""

import asyncio
import os
import subprocess
import sys

import pytest

from xgen_core import (
    CapabilityError,
    GenerationRequest,
    InputError,
    PluginError,
    open_model,
    open_tokenizer,
)
from xgen_core.plugins import available, load

CODE = """
import click
from xgen_core.errors import InputError
from xgen_core.records import Check
from xgen_core.testing import ByteTokenizer, UnigramModel

@click.command()
@click.argument("word")
def shout(word):
    click.echo(word.upper())

def open_unigram(rest):
    if rest:
        raise InputError(f"unigram: takes nothing, got {rest!r}")
    return UnigramModel()

def open_bytes(rest):
    return ByteTokenizer(bos=rest == "bos")

def good_check():
    return [Check(name="paper", status="warning", detail="running low")]

def bad_check():
    raise RuntimeError("no lamp")
"""
ENTRY_POINTS = """
[xgen.commands]
shout = shoutpackage:shout
mumble = shoutpackage.broken:mumble
whisper = shoutpackage:no_such_name
notacommand = shoutpackage:good_check
[xgen.models]
unigram = shoutpackage:open_unigram
[xgen.tokenizers]
bytes = shoutpackage:open_bytes
[xgen.checks]
good = shoutpackage:good_check
bad = shoutpackage:bad_check
missing = shoutpackage:gone
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    package = tmp_path / "shoutpackage"
    package.mkdir()
    (package / "__init__.py").write_text(CODE)
    (package / "broken.py").write_text("undefined_name\n")
    info = tmp_path / "xgen_shout-2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: xgen-shout\nVersion: 2.0\nSummary: Says it louder\n"
    )
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [n for n in sys.modules if n.startswith("shoutpackage")]:
        del sys.modules[name]


def xgen(plugin, *arguments):
    path = os.pathsep.join(filter(None, [str(plugin), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(
        [sys.executable, "-m", "xgen_core", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )


def test_a_command_comes_from_another_package(plugin):
    run = xgen(plugin, "shout", "hello")
    assert (run.returncode, run.stdout, run.stderr) == (0, "HELLO\n", "")


def test_help_describes_plugins_without_loading_them(plugin):
    run = xgen(plugin, "--help")
    assert run.returncode == 0
    assert run.stderr == ""
    lines = [line.split(maxsplit=1) for line in run.stdout.splitlines() if line.startswith("  ")]
    described = {line[0]: line[1] for line in lines if len(line) == 2}
    assert described["shout"] == "Says it louder"
    assert described["mumble"] == "Says it louder"  # broken, and never imported


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("mumble", "'mumble' from xgen-shout is installed but broken"),
        ("whisper", "'whisper' from xgen-shout is installed but broken"),
        ("notacommand", "is not a click command"),
    ],
)
def test_a_broken_command_is_one_line(plugin, command, reason):
    run = xgen(plugin, command)
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1
    assert reason in run.stderr


def test_doctor_goes_on_after_a_broken_check(plugin):
    run = xgen(plugin, "doctor")
    assert run.returncode == 1
    assert "WARN  paper" in run.stdout
    assert "the check itself failed: RuntimeError: no lamp" in run.stdout
    assert "'missing' from xgen-shout is installed but broken" in run.stdout
    assert "xgen-shout 2.0" in run.stdout
    assert run.stderr == ""


def test_a_model_scheme_comes_from_another_package(plugin):
    model = open_model("unigram:", needs="score")

    async def ask():
        async with model:
            return await model.generate(GenerationRequest(prompt="p", max_tokens=3))

    assert asyncio.run(ask())[0].text == "   "
    with pytest.raises(InputError, match="takes nothing, got 'x'"):
        open_model("unigram:x")


def test_a_tokenizer_comes_by_name(plugin):
    assert open_tokenizer("bytes").bos_id is None
    assert open_tokenizer("bytes:bos").bos_id == 256
    with pytest.raises(InputError, match="no such tokenizer directory"):
        open_tokenizer(str(plugin / "missing"))


def test_unknown_names_are_refused_with_a_hint(plugin):
    assert set(available("xgen.models")) >= {"replay", "scripted", "unigram"}
    with pytest.raises(PluginError, match=r"unknown name in xgen\.models 'scriptd'; did you mean"):
        open_model("scriptd:x")
    with pytest.raises(PluginError, match="a model is named scheme:rest, got 'gpt'"):
        open_model("gpt")
    with pytest.raises(PluginError, match=r"local:.* for that directory"):
        open_model(str(plugin))
    with pytest.raises(PluginError, match="broken: name 'undefined_name' is not defined"):
        load("xgen.commands", "mumble")


def test_a_model_that_cannot_score_is_refused(tmp_path):
    rules = tmp_path / "rules.jsonl"
    rules.write_text('{"pattern": ".", "replies": ["a"]}\n')
    with pytest.raises(CapabilityError, match="can generate but not score"):
        open_model(f"scripted:{rules}", needs="score")
