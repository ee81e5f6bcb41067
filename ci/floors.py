"""The floors of the house hold: import-linter passes, and a planted violation fails.

Also the wall around jax, as it is at run time: the modules of the light packages are imported in a
fresh interpreter of an environment that has jax, and jax must not be loaded afterwards.
Import-linter alone does not see what a third-party package pulls in.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
LIGHT = (
    "xgen_core",
    "xgen_tokenizer",
    "xgen_data",
    "xgen_eval",
    "xgen_reason",
    "xgen_ldp",
    "xgen_distill",
)
MAY_LOAD_JAX = ("xgen_data.loader",)
VIOLATIONS = {
    "a room that imports its neighbour": ("xgen_eval", "import xgen_model\n"),
    "core that looks up": ("xgen_core", "import xgen_data\n"),
    "a light room that imports jax": ("xgen_tokenizer", "import jax\n"),
    "records that know runs": ("xgen_core.records", "import xgen_core.run\n"),
}


def source_paths(packages: Path) -> list[str]:
    """The `src` directories of all packages."""
    return [str(p) for p in sorted(packages.glob("xgen-*/src"))]


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter over the packages below `root`."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(source_paths(root / "packages"))}
    return subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def check_contracts() -> None:
    """Contracts hold as they are, and each planted violation breaks one."""
    real = lint(ROOT)
    if real.returncode:
        sys.exit(real.stdout + real.stderr)
    print("import-linter: all contracts kept")
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory)
        ignore = shutil.ignore_patterns("tests", "__pycache__")
        shutil.copytree(ROOT / "packages", copy / "packages", ignore=ignore)
        shutil.copy(ROOT / "pyproject.toml", copy)
        for what, (module, line) in VIOLATIONS.items():
            distribution = module.split(".")[0].replace("_", "-")
            base = copy / "packages" / distribution / "src" / Path(*module.split("."))
            planted = base.with_suffix(".py") if "." in module else base / "planted.py"
            before = planted.read_text("utf-8") if planted.exists() else None
            planted.write_text(line + (before or ""), "utf-8")
            result = lint(copy)
            if "BROKEN" not in result.stdout:
                sys.exit(f"planted {what}, and import-linter did not notice:\n{result.stdout}")
            if before is None:
                planted.unlink()
            else:
                planted.write_text(before, "utf-8")
            print(f"planted {what}: noticed")


def check_wall() -> None:
    """No light module loads jax, directly or through others."""
    script = """
import importlib, sys
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except Exception as error:
        if "pip install" not in str(error):  # it says which extra it wants
            raise
    if "jax" in sys.modules or "torch" in sys.modules:
        sys.exit(f"importing {name} loads jax or torch")
"""
    modules: list[str] = []
    for package in LIGHT:
        source = ROOT / "packages" / package.replace("_", "-") / "src"
        for path in sorted(source.rglob("*.py")):
            name = ".".join(path.relative_to(source).with_suffix("").parts)
            name = name.removesuffix(".__init__")
            if name not in MAY_LOAD_JAX and not name.endswith("__main__"):
                modules.append(name)
    result = subprocess.run([sys.executable, "-c", script, *modules], check=False)
    if result.returncode:
        sys.exit(result.returncode)
    print(f"the wall around jax: {len(modules)} modules import without it")


if __name__ == "__main__":
    check_contracts()
    check_wall()
