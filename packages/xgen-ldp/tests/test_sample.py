"""Which lines are used: drawn alike everywhere, written out, read back."""

from __future__ import annotations

from pathlib import Path

import pytest

from xgen_core import InputError
from xgen_ldp import Line
from xgen_ldp.sample import draw_sample, read_sample, write_sample

IDS = [f"flores200.devtest:{number}" for number in range(1, 1013)]


def test_a_sample_is_fixed_by_its_seed() -> None:
    sample = draw_sample(IDS)
    assert (len(sample.ids), sample.of) == (200, 1012)
    # written down: a new numpy, machine or Python must draw the same lines
    assert [name.partition(":")[2] for name in sample.ids[:6]] == ["3", "4", "12", "14", "16", "21"]
    assert draw_sample(IDS, seed=1).ids != sample.ids
    assert set(draw_sample(IDS, 50).ids) < set(sample.ids)
    assert draw_sample(IDS, 5000).ids == tuple(IDS)


def test_a_sample_goes_through_its_file(tmp_path: Path) -> None:
    sample = draw_sample(IDS, 20, seed=3)
    write_sample(tmp_path / "lines.txt", sample)
    assert (tmp_path / "lines.txt").read_text("utf-8").splitlines() == list(sample.ids)
    assert read_sample(tmp_path / "lines.txt", IDS) == sample


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("flores200.devtest:7\nflores200.dev:7\n", ":2: the corpus has no line"),
        ("flores200.devtest:7\n\nflores200.devtest:7\n", ":3: .* stands on line 1 already"),
        ("\n", "no ids"),
    ],
)
def test_a_list_that_does_not_fit_is_refused_by_line(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "lines.txt").write_text(text, "utf-8")
    with pytest.raises(InputError, match=told):
        read_sample(tmp_path / "lines.txt", IDS)


def test_lines_are_taken_by_id_and_the_rest_is_the_rest() -> None:
    lines = [Line(id=name, text="text") for name in IDS if not name.endswith("3")]
    sample = draw_sample(IDS, 100)
    taken, rest = sample.take(lines), sample.rest(lines)
    assert {line.id for line in taken} <= set(sample.ids)
    assert len(taken) + len(rest) == len(lines)
    assert not {line.id for line in rest} & set(sample.ids)
