"""`docs/examples/reason.sh`: one question for each kind of knowledge, every stage visible."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "reason.sh"


def test_notes_a_graph_and_a_table_answer_a_question_each(tmp_path: Path) -> None:
    done = subprocess.run(
        [EXAMPLE, tmp_path], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    _, notes, graph, table, _ = done.stdout.split("— ")
    for part, answer, votes, before, query, after in (
        (notes, "Madurai", "2 × London", "born in London.", "(found)", "Madurai, in the south"),
        (graph, "Christiaan Huygens", "2 × Giovanni", "Cassini.", "wdt:P61", "Huygens. [2]"),
        (table, "2850", "2 × 2,201", "the Dnieper.", "no such column", "the Danube. [1]"),
    ):
        lines = part.splitlines()
        assert answer in lines
        assert "uncertain: its steps were verified and edited" in part
        assert any(votes in line and "samples: " in line for line in lines)
        assert any("- " in line and line.endswith(before) for line in lines)
        assert any(line.startswith("     > ") and query in line for line in lines)
        assert any(line.startswith("     + ") and after in line for line in lines)
        assert "Sources" in lines
    page = (tmp_path / "report.html").read_text("utf-8")
    assert page.count("Traces</h3>") == 3


def test_the_readme_shows_what_its_example_prints(tmp_path: Path) -> None:
    readme = (ROOT / "packages" / "xgen-reason" / "README.md").read_text("utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    shown = readme.split(program)[1].split("```")[2]
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert shown.strip() in done.stdout
