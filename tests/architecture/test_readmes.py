"""The Python examples in the packages' READMEs and in pages of the docs run as they stand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
READMES = sorted(ROOT.glob("packages/*/README.md"))
PAGES = [ROOT / "docs" / "model" / f"{name}.md" for name in ("adapters", "blocks", "devices")]
PAGES += [ROOT / "docs" / "eval" / f"{name}.md" for name in ("compare", "sandbox")]
PAGES += [ROOT / "docs" / "reason" / f"{name}.md" for name in ("methods", "prompts", "use")]
PAGES += [ROOT / "docs" / "ldp" / f"{name}.md" for name in ("use",)]
PAGES += [ROOT / "docs" / "distill" / f"{name}.md" for name in ("tasks", "use")]
PAGES += [ROOT / "docs" / "calls.md"]


@pytest.mark.parametrize("readme", READMES + PAGES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_example_runs(readme: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", readme.read_text("utf-8"), re.DOTALL)
    assert blocks, f"{readme} has no Python example"
    for block in blocks:
        subprocess.run(
            [sys.executable, "-W", "error", "-c", block], cwd=tmp_path, check=True, timeout=120
        )


def test_every_package_is_introduced() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    for readme in READMES:
        assert f"packages/{readme.parent.name}/README.md" in text
