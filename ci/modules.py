"""Modules stay readable, and packages keep to each other's front doors.

A module above 500 lines must state its reason in its docstring (a line with `Long because`).
No package imports a name with a leading underscore from another one.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
LIMIT = 500


def private_imports(path: Path, own: str) -> list[str]:
    """Imports of private modules or names of our other packages."""
    wrong: list[str] = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.ImportFrom) or node.level or not node.module:
            continue
        package, *parts = node.module.split(".")
        if package.startswith("xgen_") and package != own:
            names = [*parts, *(alias.name for alias in node.names)]
            wrong.extend(
                f"{path.relative_to(ROOT)}:{node.lineno} imports {n} of {package}"
                for n in names
                if n.startswith("_")
            )
    return wrong


def main() -> None:
    """Check every module; print what is wrong and exit with 1."""
    wrong: list[str] = []
    count = 0
    for path in sorted(ROOT.glob("packages/*/src/**/*.py")):
        count += 1
        text = path.read_text("utf-8")
        lines = text.count("\n")
        if lines > LIMIT and "Long because" not in (ast.get_docstring(ast.parse(text)) or ""):
            wrong.append(f"{path.relative_to(ROOT)}: {lines} lines and no stated reason")
        wrong.extend(private_imports(path, path.relative_to(ROOT).parts[3]))
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"modules: {count} looked at, none too long, no private import between packages")


if __name__ == "__main__":
    main()
