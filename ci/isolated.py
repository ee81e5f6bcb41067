"""Each wheel alone: built, installed in a clean environment with just its declared dependencies.

Then every module must import (or say which extra it wants), and the package's command must print
its help. Downloads are cached by pip, so a second run is quicker.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
wanted = []
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    if module.name.endswith("__main__"):
        continue
    try:
        importlib.import_module(module.name)
    except Exception as error:
        if "pip install" not in str(error):
            raise
        wanted.append(f"{module.name}: {error}")
print("; ".join(wanted) or "all modules import")
"""


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """Run a command to its end; its output, or exit with it."""
    result = subprocess.run(
        [str(c) for c in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    if result.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{result.stdout}{result.stderr}")
    return result.stdout


def build_wheels(directory: Path) -> dict[str, Path]:
    """Build all packages' wheels; the wheel by package name."""
    packages = sorted(ROOT.glob("packages/xgen-*"))
    run(
        sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
        "--wheel-dir", directory, *packages,
    )  # fmt: skip
    wheels = {p.name: next(directory.glob(p.name.replace("-", "_") + "-*.whl")) for p in packages}
    for name, wheel in wheels.items():
        print(f"built {wheel.name} ({wheel.stat().st_size / 1024:.0f} KiB) for {name}")
    return wheels


def try_alone(name: str, wheel: Path, wheels: Path, directory: Path) -> None:
    """Install one wheel into a new environment and use it from outside the checkout."""
    begun = time.monotonic()
    environment = directory / name
    venv.create(environment, with_pip=False, symlinks=True)
    python = environment / "bin" / "python"
    run(
        sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-compile",
        "--find-links", wheels, "--constraint", ROOT / "constraints.txt", wheel,
    )  # fmt: skip
    imported = run(python, "-c", IMPORT_ALL, name.replace("-", "_"), cwd=directory).strip()
    manifest = tomllib.loads((ROOT / "packages" / name / "pyproject.toml").read_text("utf-8"))
    commands = manifest["project"].get("entry-points", {}).get("xgen.commands", {})
    for command in commands or [""]:
        arguments = [command, "--help"] if command else ["--help"]
        if "Usage:" not in run(environment / "bin" / "xgen", *arguments, cwd=directory):
            sys.exit(f"{name}: xgen {command} --help prints no usage")
    installed = run(sys.executable, "-m", "pip", "--python", python, "list", "--format=freeze")
    seconds = time.monotonic() - begun
    count = len(installed.splitlines())
    print(f"{name}: {count} distributions, {imported}, help works ({seconds:.0f} s)", flush=True)


def main() -> None:
    """Try the packages named on the command line, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="*", help="xgen-core, say; default all")
    chosen = parser.parse_args().packages
    with tempfile.TemporaryDirectory() as temporary:
        wheels = Path(temporary) / "wheels"
        built = build_wheels(wheels)
        for name in chosen or built:
            if name not in built:
                sys.exit(f"no package {name!r}; there are {', '.join(built)}")
            try_alone(name, built[name], wheels, Path(temporary))
    print(f"{len(chosen or built)} passed, 0 failed")


if __name__ == "__main__":
    main()
