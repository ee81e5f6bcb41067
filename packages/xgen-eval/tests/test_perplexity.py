import math

import pytest

from xgen_eval.tasks.perplexity import Perplexity


def test_perplexity_and_its_uncertainty(documents, run_task, doubles, tmp_path):
    # 8 bytes and 2 words of 1 bit a byte; 6 bytes and 1 word of 2 bits a byte
    model = doubles.ByteModel(lambda byte, i, left: math.log(2) * (2.0 if byte == 98 else 1.0))
    path = documents([("1", "x", "aaa aaaa"), ("2", "y", "bbbbbb")])
    record, rows = run_task(model, Perplexity(), tmp_path / "run", [path])
    metrics = record.metrics
    assert metrics["bits_per_byte"].value == pytest.approx(20 / 14)
    assert metrics["byte_perplexity"].value == pytest.approx(2 ** (20 / 14))
    assert metrics["word_perplexity"].value == pytest.approx(2 ** (20 / 3))
    # residuals of bits over bytes are ∓24/7; of two units
    error = math.sqrt(2 * 2 * (24 / 7) ** 2) / 14
    assert metrics["bits_per_byte"].stderr == pytest.approx(error)
    per_byte = metrics["byte_perplexity"]
    assert per_byte.stderr == pytest.approx(per_byte.value * error * math.log(2))
    assert per_byte.interval[0] * per_byte.interval[1] == pytest.approx(per_byte.value**2)
    assert metrics["byte_perplexity/y"].value == pytest.approx(4)
    assert metrics["byte_perplexity/y"].stderr is None
    assert [row["words"] for row in rows] == [2, 1]
    assert record.variant == "plain-disjoint-v1"


def test_wikitext_is_scored_as_written_and_counted_raw(documents, run_task, doubles, tmp_path):
    model = doubles.ByteModel(lambda byte, i, left: 1.0)
    path = documents([("1", "x", "a @-@ b , c"), ("2", "x", "d")])
    record, rows = run_task(model, Perplexity(text="wikitext"), tmp_path / "run", [path])
    assert rows[0]["tokens"] == len("a-b, c")
    assert (rows[0]["bytes"], rows[0]["words"]) == (11, 5)
    assert record.variant == "wikitext-disjoint-v1"
    with pytest.raises(ValueError, match="plain or wikitext"):
        Perplexity(text="other")


def test_a_perplexity_beyond_numbers_is_left_out(documents, run_task, doubles, tmp_path):
    model = doubles.ByteModel(lambda byte, i, left: 8.0)
    path = documents([("1", "x", "a" * 100), ("2", "x", "b" * 100)])
    record, _ = run_task(model, Perplexity(), tmp_path / "run", [path])
    assert set(record.metrics) == {"byte_perplexity", "bits_per_byte"}
