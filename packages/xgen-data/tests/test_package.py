import pkgutil
import subprocess
import sys
from pathlib import Path

import xgen_data

README = Path(__file__).parents[1] / "README.md"


def python(script):
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_only_the_loader_loads_jax():
    modules = sorted(m.name for m in pkgutil.walk_packages(xgen_data.__path__, "xgen_data."))
    assert "xgen_data.loader" in modules
    assert "xgen_data.sources.hugging_face" in modules
    others = [m for m in modules if m not in ("xgen_data.loader", "xgen_data.__main__")]
    script = f"import importlib, sys\nfor m in {others}: importlib.import_module(m)\n"
    script += "print(sorted({'jax', 'grain', 'datasets', 'jaxlib'} & set(sys.modules)))"
    assert python(script).strip() == "[]"


def test_the_front_door_is_light_and_complete():
    script = "import sys, xgen_data, xgen_data.cli\nprint('numpy' in sys.modules)"
    assert python(script).strip() == "False"
    for name in xgen_data.__all__:
        assert getattr(xgen_data, name).__name__ == name
    assert not hasattr(xgen_data, "nothing")
