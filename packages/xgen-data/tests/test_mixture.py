import json
from collections import Counter

import pytest

from xgen_data import LineSize, Order, Stage
from xgen_data.mixture import Component, Mixture
from xgen_data.recipes.xgen import STAGE_1_TOKENS, STAGE_2_TOKENS, stage_1, stage_2

TABLE = {  # percentages as they are published beside the tokens
    "redpajama-commoncrawl": 63.98,
    "redpajama-github": 4.54,
    "redpajama-books": 4.74,
    "redpajama-arxiv": 4.61,
    "redpajama-stackexchange": 1.56,
    "c4": 13.93,
    "wikipedia-en": 1.42,
    "wikipedia-21-languages": 4.51,
    "dm-mathematics": 0.56,
    "apex": 0.15,
}


def test_the_published_tables():
    assert stage_1().tokens == STAGE_1_TOKENS == 1_374_520_000_000
    assert {n: round(100 * s, 2) for n, s in stage_1().shares().items()} == TABLE
    two = stage_2()
    assert two.tokens == STAGE_2_TOKENS
    assert two.weights["starcoderdata"] == sum(two.weights.values()) // 2
    first, again = stage_1().components, two.components
    for component, extra in zip(first, again, strict=False):
        assert extra.tokens / component.tokens == pytest.approx(55 / 1374.52, rel=1e-6)
        assert extra.epochs / component.epochs == pytest.approx(55 / 1374.52, rel=1e-6)
        assert extra.distinct == pytest.approx(component.distinct, rel=1e-6)


def lines(mixture, scale):
    return {
        c.source: LineSize(tokens=c.distinct // scale + 9000, block_tokens=2**24)
        for c in mixture.components
    }


@pytest.mark.parametrize(("length", "rows"), [(2048, 2048), (8192, 512)])
def test_stage_1_is_read_to_one_window_at_full_size(length, rows):
    mixture = stage_1()
    steps = mixture.tokens // (length * rows)
    stage = Stage(sequence_length=length, batch_size=rows, steps=steps, weights=mixture.weights)
    order = Order(seed=0, stages=(stage,), lines=lines(mixture, 1))
    budgets = order.budgets(0)
    assert sum(budgets.values()) == stage.tokens
    for name, share in mixture.shares().items():
        assert abs(budgets[name] - share * stage.tokens) < length
    for component in mixture.components:
        assert order.epochs()[component.source] == pytest.approx(component.epochs, rel=1e-4)


def test_what_is_read_is_what_was_planned():
    """Every window of a small run counted, stage 1 in two lengths and then stage 2."""
    one, two = stage_1(), stage_2()
    stages = (
        Stage(sequence_length=64, batch_size=32, steps=1000, weights=one.weights),
        Stage(sequence_length=128, batch_size=16, steps=500, weights=one.weights),
        Stage(sequence_length=128, batch_size=16, steps=300, weights=two.weights),
    )
    order = Order(seed=1, stages=stages, lines={**lines(one, 10**6), **lines(two, 10**6)})
    for number, (stage, mixture) in enumerate(zip(stages, (one, one, two), strict=True)):
        read = Counter()
        first = order.plans[number].first_step
        for step in range(first, first + stage.steps):
            windows = order.windows(step)
            for source, length in zip(windows.source, windows.length, strict=True):
                read[order.sources[source]] += int(length)
        assert sum(read.values()) == stage.tokens
        for name, share in mixture.shares().items():
            assert abs(read[name] - share * stage.tokens) < order.cell_tokens


def test_needs_of_a_store():
    mixture = Mixture(
        name="m",
        components=(
            Component(source="books", tokens=250, epochs=2.5),
            Component(source="web", tokens=100, epochs=0.2),
        ),
    )
    found = mixture.needs({"books": LineSize(tokens=50, block_tokens=10)})
    assert [(n.source, n.available, n.epochs) for n in found] == [
        ("books", 50, 5.0),
        ("web", 0, None),
    ]
    assert mixture.components[0].distinct == 100


@pytest.mark.parametrize(
    ("components", "message"),
    [
        ((), "needs components"),
        ((Component(source="a", tokens=1, epochs=1),) * 2, "different names"),
        ((Component(source="a", tokens=0, epochs=1),), "has no tokens"),
    ],
)
def test_impossible_mixtures(components, message):
    with pytest.raises(ValueError, match=message):
        Mixture(name="m", components=components)
    with pytest.raises(ValueError, match="epochs be positive"):
        Component(source="a", tokens=1, epochs=0)


def test_the_command(recipe, tmp_path):
    from click.testing import CliRunner

    from xgen_data import build
    from xgen_data.cli import data

    runner = CliRunner()
    result = runner.invoke(data, ["mix", "xgen_data.recipes.xgen:stage_1", "--json"])
    assert result.exit_code == 0, result.output
    rows = json.loads(result.output)["mixture"]
    assert rows[0] == {
        "source": "redpajama-commoncrawl",
        "tokens": 879_370_000_000,
        "share %": 63.977,
        "epochs": 1.0,
        "tokens of the source": 879_370_000_000,
    }
    store = build(recipe, tmp_path / "store")
    (tmp_path / "m.py").write_text(
        "from xgen_data.mixture import Component, Mixture\n"
        "def make():\n"
        "    return Mixture(name='m', components=(Component(source='left', tokens=7000, epochs=1),"
        " Component(source='right', tokens=3000, epochs=0.5)))\n"
    )
    arguments = ["mix", f"{tmp_path}/m.py:make", "--store", str(store), "--sequence-length", "64"]
    result = runner.invoke(data, [*arguments, "--batch-size", "4", "--json"])
    assert result.exit_code == 0, result.output
    rows = json.loads(result.output)["mixture"]
    assert sum(row["tokens read"] for row in rows) == 10_000 // 256 * 256
    assert all(abs(row["windows off"]) < 1 for row in rows)
    assert "Mixture" in (store / "sections" / "30-mixture.json").read_text()
    result = runner.invoke(data, [*arguments, "--batch-size", "400"])
    assert "has 10000 tokens, but a step of 400 rows of 64 reads 25600" in str(result.exception)
