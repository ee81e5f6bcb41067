"""The front door: cheap to import, honest about the machine, and the README's example runs."""

import re
import subprocess
import sys
from pathlib import Path

import xgen_model
from xgen_model.checks import checks

README = Path(__file__).parents[1] / "README.md"


def test_import_is_cheap_and_every_name_is_there():
    script = (
        "import sys, xgen_model, xgen_model.cli\n"
        "assert not {'jax', 'flax', 'orbax'} & set(sys.modules)\n"
        "for name in xgen_model.__all__: assert getattr(xgen_model, name) is not None, name\n"
        "assert 'orbax' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)
    assert set(xgen_model.__all__) == set(xgen_model._HOME)


def test_this_machine_computes_gradients_right():
    found = {c.name: c for c in checks()}
    assert list(found) == ["devices", "jax", "gradients"]
    assert found["gradients"].status == "ok", found["gradients"].detail


def test_the_readme_example_runs():
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    exec(compile(example, str(README), "exec"), {})
