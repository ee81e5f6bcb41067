"""The network is the one of transformers, by fixtures made with it; `make parity` does it live."""

from pathlib import Path

import pytest

FIXTURES = Path(__file__).with_name("fixtures")


@pytest.mark.parametrize("case", sorted(p.name for p in FIXTURES.iterdir()))
def test_logits_and_gradients_are_those_of_transformers(case, differences, tmp_path):
    found = differences(FIXTURES / case, tmp_path)
    assert list(found) == [7, 33]
    for length, (of_logits, of_gradients) in found.items():
        assert of_logits < 1e-4, (length, of_logits)
        assert of_gradients < 1e-4, (length, of_gradients)
