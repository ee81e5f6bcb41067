"""The lengths of prompts in the documentation are those of the prompts that ship."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_table_of_lengths_is_that_of_the_tool() -> None:
    tool = [sys.executable, ROOT / "tools" / "prompt_lengths.py"]
    printed = subprocess.run(tool, check=True, capture_output=True, text=True, timeout=60).stdout
    assert printed.count("\n") > 5
    page = (ROOT / "docs" / "reason" / "prompts.md").read_text("utf-8")
    assert printed in page, "run tools/prompt_lengths.py and put its table into the page"
