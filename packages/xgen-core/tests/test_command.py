import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

import xgen_core
from xgen_core import Run
from xgen_core.command import main
from xgen_core.plugins import PROVIDERS, available
from xgen_core.report import Section, Text


def xgen(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "xgen_core", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def call(capsys, *arguments):
    """The command inside this process: exit code, standard output, standard error."""
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    captured = capsys.readouterr()
    return stop.value.code, captured.out, captured.err


def test_help_lists_the_commands_and_what_is_not_installed():
    run = xgen("--help")
    assert run.returncode == 0
    assert "Example:" in run.stdout
    for command in ("doctor", "report"):
        assert f"\n  {command} " in run.stdout
    for (group, name), package in PROVIDERS.items():
        if group == "xgen.commands" and name not in available(group):
            assert package in run.stdout


IMPORTS = """
import importlib, pkgutil, sys
import xgen_core
from xgen_core.command import main
try:
    main(["--help"])
except SystemExit as stop:
    assert stop.code == 0
for module in pkgutil.walk_packages(xgen_core.__path__, "xgen_core."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
heavy = {"jax", "numpy", "jinja2", "vl_convert", "flax", "tiktoken", "aiohttp"} & set(sys.modules)
print("HEAVY", sorted(heavy))
"""


def test_core_loads_nothing_heavy():
    run = subprocess.run(
        [sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True
    )
    assert run.stdout.splitlines()[-1] == "HEAVY []"


def test_version_and_usage(capsys):
    code, out, _ = call(capsys, "--version")
    assert code == 0
    assert out.startswith("xgen, version 0.")
    code, _, err = call(capsys, "reprot")
    assert code == 2
    assert "No such command 'reprot'" in err
    code, _, err = call(capsys, "report")
    assert code == 2
    assert "DIRECTORIES" in err


@pytest.mark.parametrize(
    ("name", "package"), [(n, p) for (g, n), p in PROVIDERS.items() if g == "xgen.commands"]
)
def test_a_missing_package_gives_its_pip_line(tmp_path, name, package):
    # core and click alone, whatever else is installed where this test runs
    for module in (xgen_core, click):
        source = Path(module.__file__).parent
        (tmp_path / source.name).symlink_to(source)
    info = tmp_path / "xgen_core-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: xgen-core\nVersion: 0.1.0\n")
    made = subprocess.run(
        [sys.executable, "-S", "-m", "xgen_core", name, "anything"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (made.returncode, made.stdout) == (2, "")
    assert made.stderr.count("\n") == 1
    assert f"pip install '{package}'" in made.stderr


@pytest.mark.parametrize("command", ["doctor", "report"])
def test_every_command_helps_with_an_example(capsys, command):
    code, out, _ = call(capsys, command, "--help")
    assert code == 0
    assert f"Example:\n    xgen {command}" in out


def test_a_users_mistake_is_one_line_without_traceback(capsys, tmp_path):
    code, out, err = call(capsys, "report", str(tmp_path))
    assert (code, out) == (1, "")
    assert err == f"xgen: error: {tmp_path}: not a run directory (no run.json in it)\n"
    Run.create(tmp_path / "r", "train", {})
    code, out, err = call(capsys, "report", str(tmp_path / "r"))
    assert (code, out) == (1, "")
    assert err.count("\n") == 1
    assert "this train run has no report sections" in err


def test_a_page_that_cannot_be_written_is_one_line(capsys, tmp_path):
    pytest.importorskip("vl_convert")
    run = Run.create(tmp_path / "r", "train", {})
    run.write_section("10", Section(title="t", blocks=(Text(text="x"),)))
    blocked = tmp_path / "file"
    blocked.write_text("")
    code, out, err = call(capsys, "report", str(run.directory), "-o", str(blocked / "page.html"))
    assert (code, out) == (1, "")
    assert err.count("\n") == 1
    assert err.startswith("xgen: error: ")


def test_doctor_reports_for_people_and_machines(capsys):
    _, out, _ = call(capsys, "doctor")
    assert "python" in out
    assert "xgen-core" in out
    _, out, _ = call(capsys, "doctor", "--json")
    checks = json.loads(out)
    assert [c["name"] for c in checks[:2]] == ["python", "packages"]
    assert all(c["status"] in ("ok", "warning", "failure") for c in checks)


def test_a_closed_pipe_is_not_an_error():
    run = subprocess.run(
        f"{sys.executable} -m xgen_core doctor | true",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stderr == ""
