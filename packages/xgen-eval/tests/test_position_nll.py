import json

import pytest

from xgen_core import InputError
from xgen_core.files import read_json
from xgen_eval.tasks.position_nll import PositionNll, bucket_edges


def test_bucket_edges_are_powers_of_two_and_end_at_the_window():
    assert bucket_edges(8) == [(0, 1), (1, 2), (2, 4), (4, 8)]
    assert bucket_edges(12) == [(0, 1), (1, 2), (2, 4), (4, 8), (8, 12)]


def test_loss_by_position_and_gains_by_hand(doubles, documents, run_task, tmp_path):
    # Loss 4 with fewer than 8 tokens before, 1 with 8 or more; 40 tokens: two windows of 16.
    model = doubles.ByteModel(lambda byte, i, left: 1.0 if left >= 8 else 4.0)
    held_out = documents([("1", "x", "a" * 40), ("2", "x", "b" * 16), ("short", "x", "c" * 15)])
    record, items = run_task(model, PositionNll(windows=(16, 4)), tmp_path / "run", [held_out])
    values = {name: metric.value for name, metric in record.metrics.items()}
    assert [(r["id"], r["window"]) for r in items] == [("1", 0), ("1", 1), ("2", 0)]
    assert values["nats_per_token/16@0-1"] == 4
    assert values["nats_per_token/16@4-8"] == 4
    assert values["nats_per_token/16@8-16"] == 1
    assert values["nats_per_token/4@2-4"] == 4
    assert values["nats_per_token/16"] == 2.5
    assert values["nats_per_token/4"] == 4
    # The last quarter of a window of 16: 12 to 15 tokens before it, against 4 to 7.
    assert values["gain_nats_per_token/last_quarter"] == 3
    assert values["gain_nats_per_token/4"] == 1.5
    assert values["bits_per_byte/4"] == pytest.approx(4 / 0.6931471805599453)
    assert record.metrics["nats_per_token/16"].n == 3  # windows
    assert record.metrics["nats_per_token/4@0-1"].n == 12
    assert record.metrics["gain_nats_per_token/4"].n == 2  # documents
    assert record.metrics["gain_nats_per_token/4"].stderr == 0


def test_a_model_without_memory_gains_nothing(doubles, documents, run_task, tmp_path):
    model = doubles.ByteModel(doubles.unigram)
    held_out = documents([("1", "x", "ab" * 40), ("2", "x", "aab" * 30)])
    record, _ = run_task(model, PositionNll(windows=(8, 32)), tmp_path / "run", [held_out])
    for name, metric in record.metrics.items():
        if name.startswith("gain"):
            assert (metric.value, metric.stderr) == (0, 0)


def test_standard_error_across_windows(doubles, documents, run_task, tmp_path):
    model = doubles.ByteModel(lambda byte, i, left: 1.0 if byte == 97 else 3.0)
    held_out = documents([("1", "x", "a" * 8 + "b" * 8)])
    record, _ = run_task(model, PositionNll(windows=(8,)), tmp_path / "run", [held_out])
    metric = record.metrics["nats_per_token/8@4-8"]
    assert (metric.value, metric.stderr, metric.n) == (2, pytest.approx(1), 2)
    assert record.metrics["gain_nats_per_token/last_quarter"].stderr is None  # one document


def test_default_window_is_the_context_and_limit_counts_windows(
    doubles, documents, run_task, tmp_path
):
    model = doubles.ByteModel(doubles.unigram, context_length=18)
    held_out = documents([(f"{i}", "x", "a" * 40) for i in range(40)])
    _, items = run_task(model, PositionNll(), tmp_path / "run", [held_out], limit=3)
    assert [(r["id"], r["window"], r["bytes"]) for r in items] == [
        ("0", 0, 16),
        ("0", 1, 16),
        ("1", 0, 16),
    ]
    _, items = run_task(model, PositionNll(), tmp_path / "all", [held_out])
    assert len(items) == 80
    plot = read_json(tmp_path / "all/sections/20-position_nll-0.json")["blocks"][1]
    assert '"log"' in json.dumps(plot["spec"])
    assert [row["x"] for row in plot["spec"]["data"]["values"]] == [1, 2, 4, 8, 16]


def test_documents_that_fill_no_window_are_refused(doubles, documents, run_task, tmp_path):
    model = doubles.ByteModel(doubles.unigram)
    held_out = documents([("1", "x", "a" * 40)])
    with pytest.raises(InputError, match="no document fills a window of 64 tokens"):
        run_task(model, PositionNll(), tmp_path / "run", [held_out])


@pytest.mark.parametrize("windows", [(6,), (4,), (16, 5), (16, 16), (16, 1)])
def test_windows_that_cannot_be_compared_are_refused(windows):
    with pytest.raises(ValueError):
        PositionNll(windows=windows)
