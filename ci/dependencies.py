"""Each package declares what it imports, and imports what it declares.

Imports anywhere in a package's source (inside functions too) must belong to the standard library,
to the package itself, or to a distribution among its dependencies or extras. A declared base
dependency that nothing imports is an error as well.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parent.parent


def normal(name: str) -> str:
    """A distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\s\[<>=!~;]", name, maxsplit=1)[0]).lower()


def imports(source: Path) -> dict[str, Path]:
    """Top-level names imported below `source`, with one file that does so."""
    found: dict[str, Path] = {}
    for path in sorted(source.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            else:
                continue
            for name in names:
                found.setdefault(name.split(".")[0], path)
    return found


def main() -> None:
    """Check every package; print what is wrong and exit with 1."""
    owners = {m: {normal(d) for d in ds} for m, ds in packages_distributions().items()}
    wrong: list[str] = []
    for manifest in sorted(ROOT.glob("packages/*/pyproject.toml")):
        project = tomllib.loads(manifest.read_text("utf-8"))["project"]
        base = {normal(d) for d in project.get("dependencies", [])}
        extras = {normal(d) for ds in project.get("optional-dependencies", {}).values() for d in ds}
        own = project["name"].replace("-", "_")
        used: set[str] = set()
        for module, path in imports(manifest.parent / "src").items():
            if module == own or module in sys.stdlib_module_names:
                continue
            distributions = owners.get(module, {normal(module)})
            used |= distributions
            if not distributions & (base | extras):
                wrong.append(f"{path.relative_to(ROOT)} imports {module}, which is not declared")
        wrong.extend(
            f"{project['name']} declares {name}, which nothing imports"
            for name in sorted(base - used)
        )
    if wrong:
        sys.exit("\n".join(wrong))
    print("dependencies: what is imported is declared, what is declared is imported")


if __name__ == "__main__":
    main()
