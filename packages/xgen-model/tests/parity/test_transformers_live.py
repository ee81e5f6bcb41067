"""Logits and gradients of random models of every block variant, live against transformers.

Needs torch and transformers: `make parity`. `PARITY_SEEDS=10 make parity` draws more of them.
"""

import importlib.util
import os
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="parity needs torch: make parity")
pytest.importorskip("transformers", reason="parity needs transformers: make parity")

# What other libraries deprecate among themselves is not under test.
pytestmark = pytest.mark.filterwarnings("ignore")

ROOT = Path(__file__).parents[4]
SEEDS = int(os.environ.get("PARITY_SEEDS", "3"))
LENGTHS = (3, 61, 300)


SPEC = importlib.util.spec_from_file_location(
    "build_model_fixtures", ROOT / "tools" / "build_model_fixtures.py"
)
builder = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(builder)


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("name", list(builder.cases()))
def test_random_models(name, seed, differences, tmp_path):
    config = dict(builder.random_cases(seed))[name]
    builder.build(config, tmp_path / "case", seed=seed, lengths=LENGTHS)
    for length, (of_logits, of_gradients) in differences(tmp_path / "case", tmp_path).items():
        print(f"{name} seed {seed} length {length}: {of_logits:.1e} {of_gradients:.1e}")
        assert of_logits < 1e-4, (length, of_logits)
        assert of_gradients < 1e-4, (length, of_gradients)
