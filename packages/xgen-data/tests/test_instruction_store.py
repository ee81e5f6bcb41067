import itertools
import json

import numpy as np
import pytest

from xgen_core import ChatTemplate, InputError, open_tokenizer
from xgen_data import Order, Stage, TokenStore, read_batch
from xgen_data.instruction import build_examples
from xgen_data.instruction.layout import lay_out

TEMPLATE = ChatTemplate(
    name="t",
    prefixes={"user": "U:", "assistant": "A:"},
    suffixes={"assistant": "<end>"},
)


def row(question, answer, **more):
    return {"instruction": question, "output": answer, **more}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "alpaca.jsonl"
    rows = [row(f"question {i}?", f"answer {i} " * (i % 7 + 1)) for i in range(60)]
    path.write_text("".join(json.dumps(r) + "\n" for r in [*rows, rows[0]]))
    return path


def test_the_loss_falls_on_answers_and_their_end(file, tmp_path):
    tokenizer = open_tokenizer("bytes:")
    path = build_examples({"a": file}, tmp_path / "s", template=TEMPLATE, tokenizer=tokenizer)
    store = TokenStore.open(path)
    assert store.verify() == []
    line = store.line("train", "a")
    assert line.masked
    assert line.documents == 60  # the repeated one once
    ids, mask = line.read(0, line.tokens), line.read_mask(0, line.tokens)
    starts = [*line.document_starts(0, line.tokens).tolist(), line.tokens]
    seen = set()
    for a, b in itertools.pairwise(starts):
        text = bytes(i for i in ids[a:b] if i < 256).decode()
        question, _, answer = text.partition("A:")
        assert question.startswith("U:question")
        trained = ids[a:b][mask[a:b] > 0]
        assert bytes(trained[:-1].tolist()).decode() == answer
        assert trained[-1] == ids[b - 1] == 256
        seen.add(text)
    assert len(seen) == 60


def test_batches_carry_the_mask(file, tmp_path):
    path = build_examples(
        {"a": file}, tmp_path / "s", template=TEMPLATE, tokenizer=open_tokenizer("bytes:")
    )
    store = TokenStore.open(path)
    line = store.line("train", "a")
    for packing in ("concat", "best_fit"):
        stage = Stage(sequence_length=64, batch_size=4, steps=5, weights={"a": 1}, packing=packing)
        order = Order(seed=0, stages=(stage,), lines=store.line_sizes())
        for step in range(5):
            batch = read_batch(store, order, step)
            begins = (batch.positions == 0) & (batch.segment_ids > 1)
            assert 0 < batch.loss_mask.mean() < 1
            assert not batch.loss_mask[:, :-1][begins[:, 1:] & (batch.inputs[:, :-1] == 256)].any()
            windows = order.windows(step)
            if packing == "concat":
                for r in range(4):
                    start = int(windows.start[r])
                    mask = line.read_mask(start + 1, start + 65).astype(int)
                    first = line.document_starts(start + 1, start + 65) - start - 1
                    mask[first] = 0
                    assert np.array_equal(batch.loss_mask[r], mask)


def test_it_is_a_cache(file, tmp_path, tree):
    options = {"template": TEMPLATE, "tokenizer": open_tokenizer("bytes:")}
    path = build_examples({"a": file}, tmp_path / "s", validation={"a": file}, **options)
    before = tree(path)
    assert "10-examples.json" in {p.name for p in (path / "sections").iterdir()}
    assert build_examples({"a": file}, path, validation={"a": file}, **options) == path
    assert tree(path) == before
    with pytest.raises(InputError, match="max_tokens was 0, now 9"):
        build_examples({"a": file}, path, validation={"a": file}, max_tokens=9, **options)


def test_nothing_to_encode(file, tmp_path):
    options = {"template": TEMPLATE, "tokenizer": open_tokenizer("bytes:")}
    with pytest.raises(InputError, match="no example can be encoded: 61 longer than 9 tokens"):
        build_examples({"a": file}, tmp_path / "s", max_tokens=9, **options)
    with pytest.raises(InputError, match="no such file"):
        build_examples({"a": tmp_path / "none"}, tmp_path / "t", **options)
    with pytest.raises(InputError, match="at least one file"):
        build_examples({}, tmp_path / "u", **options)


def test_rows_of_whole_examples(file, tmp_path):
    tokenizer = open_tokenizer("bytes:")
    prefix = (257, 258)
    path = build_examples(
        {"a": file},
        tmp_path / "s",
        template=TEMPLATE,
        tokenizer=tokenizer,
        validation={"a": file},
        row_tokens=100,
        prefixes={"a": prefix},
    )
    store = TokenStore.open(path)
    line = store.line("train", "a")
    rows = (line.tokens - 1) // 100
    assert line.tokens == rows * 100 + 1
    stage = Stage(sequence_length=100, batch_size=1, steps=rows, weights={"a": 1})
    order = Order(seed=0, stages=(stage,), lines=store.line_sizes())
    seen = []
    for step in range(rows):
        batch = read_batch(store, order, step)
        for segment in np.unique(batch.segment_ids[0]):
            mine = batch.segment_ids[0] == segment
            ids = batch.inputs[0, mine]
            if not batch.loss_mask[0, mine].any():
                assert set(ids.tolist()) == {256}  # fills up the row
                continue
            assert tuple(ids[:2]) == prefix
            assert ids[-1] == 256
            seen.append(bytes(ids[2:-1].tolist()).decode())
            trained = batch.targets[0, mine][batch.loss_mask[0, mine] > 0]
            assert bytes(trained[:-1].tolist()).decode() == seen[-1].partition("A:")[2]
    assert len(seen) == len(set(seen)) == 60  # each once, whole
    template = json.loads((path / "tokenizer" / "template.json").read_text())
    assert ChatTemplate.from_json(template["template"]) == TEMPLATE


def test_what_is_longer_than_a_row_is_left_out_by_name(file, tmp_path):
    options = {"template": TEMPLATE, "tokenizer": open_tokenizer("bytes:"), "row_tokens": 40}
    path = build_examples({"a": file}, tmp_path / "s", prefixes={"a": (300,) * 4}, **options)
    table = json.loads((path / "sections" / "10-examples.json").read_text())["blocks"][0]
    assert any(row[2] == "longer than 36 tokens" and row[3] < 0 for row in table["rows"])
    with pytest.raises(ValueError, match="leaves no room"):
        build_examples({"a": file}, tmp_path / "t", prefixes={"a": (300,) * 40}, **options)


def test_layout_fills_rows_and_cuts_nothing():
    lengths = np.random.default_rng(0).integers(1, 60, 500).tolist()
    rows = lay_out(lengths, 100)
    assert sorted(i for row in rows for i in row) == list(range(500))
    fill = [sum(lengths[i] for i in row) for row in rows]
    assert max(fill) <= 100
    assert np.mean(fill) > 98
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    with pytest.raises(ValueError, match="101 tokens does not fit in rows of 100"):
        lay_out([3, 101], 100)
