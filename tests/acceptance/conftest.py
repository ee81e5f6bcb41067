"""Real data sets, named by `make acceptance DATA=DIR`; the project ships none of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.acceptance)


@pytest.fixture(scope="session")
def data() -> Path:
    named = os.environ.get("XGEN_ACCEPTANCE_DATA")
    if not named:
        pytest.skip("needs real data sets: make acceptance DATA=DIR")
    return Path(named)
