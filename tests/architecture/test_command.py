"""`xgen` stays light however many packages are installed."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
XGEN = Path(sys.executable).parent / "xgen"
GROUPS = sorted(
    name
    for manifest in ROOT.glob("packages/*/pyproject.toml")
    for name in tomllib.loads(manifest.read_text("utf-8"))["project"]
    .get("entry-points", {})
    .get("xgen.commands", {})
)


def test_help_lists_every_package_and_loads_none() -> None:
    script = (
        "import sys\n"
        "from xgen_core.command import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit:\n    pass\n"
        "heavy = {'jax', 'numpy', 'torch', 'xgen_data', 'xgen_model'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    for group in GROUPS:
        assert f"\n  {group}" in result.stdout


@pytest.mark.parametrize("group", GROUPS)
def test_every_command_explains_itself_with_an_example(group: str) -> None:
    help_text = run(group, "--help")
    assert "Example" in help_text
    commands = help_text.split("Commands:")[1].splitlines()
    for line in commands:
        if line.startswith("  ") and line[2] != " ":
            assert "Example" in run(group, line.split()[0], "--help"), line


def run(*arguments: str) -> str:
    command = [str(XGEN), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_help_of_a_group_loads_no_jax() -> None:
    script = (
        "import sys\n"
        "from xgen_core.command import main\n"
        f"for group in {GROUPS!r}:\n"
        "    try:\n        main([group, '--help'])\n"
        "    except SystemExit:\n        pass\n"
        "assert 'jax' not in sys.modules and 'numpy' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
