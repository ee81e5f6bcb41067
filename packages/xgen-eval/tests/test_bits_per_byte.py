import gzip
import lzma
import math
import subprocess

import pytest

from xgen_core import InputError, ModelError
from xgen_core.files import read_json
from xgen_eval.metrics import gzip_bytes, xz_bytes
from xgen_eval.tasks.bits_per_byte import BitsPerByte


def test_bits_per_byte_of_a_unigram_model_by_hand(doubles, documents, run_task, tmp_path):
    held_out = documents([("1", "x", "aab"), ("2", "x", "abbb"), ("3", "y", "ac"), ("4", "y", "é")])
    model = doubles.ByteModel(doubles.unigram)
    record, items = run_task(model, BitsPerByte(), tmp_path / "run", [held_out])
    # a 1 bit, b 2 bits, anything else 10 bits; é is two bytes
    assert [(r["bits"], r["bytes"]) for r in items] == [
        (pytest.approx(4), 3),
        (pytest.approx(7), 4),
        (pytest.approx(11), 2),
        (pytest.approx(20), 2),
    ]
    metrics = record.metrics
    assert metrics["bits_per_byte"].value == pytest.approx(42 / 11)
    assert metrics["bits_per_byte/x"].value == pytest.approx(11 / 7)
    assert metrics["bits_per_byte/y"].value == pytest.approx(31 / 4)
    # residuals of the ratio 11/7: 4 - 33/7, 7 - 44/7
    assert metrics["bits_per_byte/x"].stderr == pytest.approx(math.sqrt(2 * 2 * (5 / 7) ** 2) / 7)
    assert metrics["bits_per_byte"].n == 4


def test_compressors_see_the_documents_of_a_source_as_one_file(
    doubles, documents, run_task, tmp_path
):
    texts = {"x": ["first text é\n" * 9, "first text, again\n"], "y": ["z" * 500]}
    rows = [(f"{s}{i}", s, t) for s, own in texts.items() for i, t in enumerate(own)]
    model = doubles.ByteModel(doubles.unigram)
    record, _ = run_task(model, BitsPerByte(), tmp_path / "run", [documents(rows)])
    total = {"gzip": 0, "xz": 0}
    for source, own in texts.items():
        data = "".join(own).encode()
        sizes = {
            "gzip": len(gzip.compress(data, compresslevel=9)),
            "xz": len(lzma.compress(data, preset=9)),
        }
        for name, size in sizes.items():
            assert record.metrics[f"{name}/{source}"].value == 8 * size / len(data)
            total[name] += size
    everything = sum(len("".join(own).encode()) for own in texts.values())
    for name, size in total.items():
        assert record.metrics[name].value == 8 * size / everything


def test_compressed_sizes_are_those_of_the_command_line_tools(tmp_path):
    data = b"".join(b"%d squared is %d\n" % (i, i * i) for i in range(3000))
    chunks = [data[:100], data[100:]]
    for command, size in (
        (["gzip", "-9", "-n", "-c"], gzip_bytes(chunks)),
        (["xz", "-9", "-T1", "-c"], xz_bytes(chunks)),
    ):
        try:
            made = subprocess.run(command, input=data, capture_output=True, check=True).stdout
        except FileNotFoundError:
            pytest.skip(f"{command[0]} is not installed")
        assert size == len(made)


def test_stride_decides_how_much_stands_before_a_token(doubles, documents, run_task, tmp_path):
    held_out = documents([("1", "x", "a" * 32)])
    # A token costs 1 bit with at least 4 tokens before it in its window, else 5 bits.
    model = doubles.ByteModel(lambda byte, i, left: (1 if left >= 4 else 5) * math.log(2))
    half, _ = run_task(model, BitsPerByte(window=8), tmp_path / "half", [held_out])
    disjoint, _ = run_task(model, BitsPerByte(window=8, stride=8), tmp_path / "full", [held_out])
    assert half.metrics["bits_per_byte"].value == pytest.approx((4 * 5 + 28) / 32)
    assert disjoint.metrics["bits_per_byte"].value == pytest.approx((4 * 4 * 5 + 4 * 4) / 32)
    caption = read_json(tmp_path / "half/sections/20-bits_per_byte-0.json")["blocks"][0]["caption"]
    assert "windows of 8 tokens that advance by 4" in caption


def test_max_bytes_takes_whole_documents_in_file_order(doubles, documents, run_task, tmp_path):
    held_out = documents([("1", "x", "aaaa"), ("2", "x", "bbbb"), ("3", "x", "a")])
    model = doubles.ByteModel(doubles.unigram)
    _, items = run_task(model, BitsPerByte(), tmp_path / "a", [held_out], max_bytes=8)
    assert [row["id"] for row in items] == ["1", "2"]
    _, items = run_task(model, BitsPerByte(), tmp_path / "b", [held_out], max_bytes=7)
    assert [row["id"] for row in items] == ["1"]
    _, items = run_task(model, BitsPerByte(), tmp_path / "c", [held_out], limit=1)
    assert [row["id"] for row in items] == ["1"]
    with pytest.raises(InputError, match="more than 3 bytes"):
        run_task(model, BitsPerByte(), tmp_path / "d", [held_out], max_bytes=3)


def test_plain_text_files_and_directories(doubles, run_task, tmp_path):
    folder = tmp_path / "held-out"
    folder.mkdir()
    (folder / "b.txt").write_bytes(b"aa\r\n")
    (folder / "a.jsonl").write_text('{"id": "1", "source": "notes", "text": "ab"}\n')
    (folder / "ignored.bin").write_bytes(b"\xff")
    model = doubles.ByteModel(doubles.unigram)
    _, items = run_task(model, BitsPerByte(), tmp_path / "run", [folder])
    assert [(r["source"], r["id"], r["bytes"]) for r in items] == [
        ("notes", "1", 2),
        ("b", "b.txt", 4),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no documents in it"),
        ('{"id": "1", "source": "x", "text": "a"}\nnot json\n', ":2: this line is not JSON"),
        ('{"id": "1", "source": "x"}\n', ":1: Document lacks the field 'text'"),
        ('\n{"id": "1", "source": "x", "text": ""}\n', ":2: the text is empty"),
        ('{"id": "1", "source": "x", "text": "a\\ud800"}\n', ":1: character 1 .* lone surrogate"),
    ],
)
def test_bad_documents_are_refused_with_file_and_line(
    doubles, run_task, tmp_path, content, message
):
    path = tmp_path / "bad.jsonl"
    path.write_text(content)
    with pytest.raises(InputError, match=r"bad\.jsonl.*" + message):
        run_task(doubles.ByteModel(doubles.unigram), BitsPerByte(), tmp_path / "run", [path])


def test_bad_models_are_refused(doubles, documents, run_task, tmp_path):
    held_out = documents([("1", "x", "aaaa")])

    class Skips(doubles.ByteModel):
        def _score(self, request):
            score = super()._score(request)
            return type(score)(
                token_logprobs=score.token_logprobs[1:],
                byte_lengths=score.byte_lengths[1:],
                is_greedy=False,
            )

    with pytest.raises(ModelError, match="scored 3 of the 4 bytes"):
        run_task(Skips(doubles.unigram), BitsPerByte(), tmp_path / "a", [held_out])
    infinite = doubles.ByteModel(lambda byte, i, left: math.inf)
    with pytest.raises(ModelError, match="not finite"):
        run_task(infinite, BitsPerByte(), tmp_path / "b", [held_out])
    endless = doubles.ByteModel(doubles.unigram, context_length=None)
    with pytest.raises(InputError, match="set a window"):
        run_task(endless, BitsPerByte(), tmp_path / "c", [held_out])
    run_task(endless, BitsPerByte(window=2), tmp_path / "d", [held_out])
    short = doubles.ByteModel(doubles.unigram, context_length=8)
    with pytest.raises(InputError, match="exceeds the model's context of 8"):
        run_task(short, BitsPerByte(window=16), tmp_path / "e", [held_out])


def test_settings_that_skip_tokens_are_refused():
    with pytest.raises(ValueError, match="skip tokens"):
        BitsPerByte(window=8, stride=9)
