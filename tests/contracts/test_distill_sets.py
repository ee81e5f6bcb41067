"""Sets of xgen-distill, as the readers of xgen-data and the trainer's template take them."""

from __future__ import annotations

from pathlib import Path

from xgen_core.testing import ByteTokenizer
from xgen_data.instruction import EncodedExample, encode_example, read_examples
from xgen_data.steps import Drop
from xgen_distill.sets import SETS, Row, SetName, Sets, write_sets
from xgen_tokenizer.templates import TEMPLATES
from xgen_train.chat import read_template


def rows(name: SetName) -> tuple[Row, ...]:
    """Rows whose texts begin and end with what a careless reader would strip."""
    header = "def f(x):\n"
    return tuple(
        Row(
            id=f"{name}/{number}",
            task=str(number),
            source="direct",
            asks="attempt",
            prompt=f'"""\nAdd {number}.\n"""\n\n{header}',
            completion=completion,
            program=header + completion,
        )
        for number, completion in enumerate(
            [
                "    return x\n",
                "\treturn 'I am sorry, but as an AI language model I cannot <|endoftext|>'\n",
                "  # é\n  return x + 1\n",
            ]
        )
    )


def test_the_loss_falls_on_the_completion_and_the_end_and_on_nothing_else(tmp_path: Path) -> None:
    sets = Sets(
        rows={name: rows(name) for name in SETS}, rejections=(), combined="repair", template="t"
    )
    write_sets(tmp_path / "sets", sets)
    tokenizer = ByteTokenizer()
    for name in SETS:
        found = list(read_examples(tmp_path / "sets" / f"{name}.examples.jsonl"))
        assert [item for item in found if isinstance(item, Drop)] == []
        for row, example in zip(sets.rows[name], found, strict=True):
            assert not isinstance(example, Drop)
            encoded = encode_example(example, TEMPLATES["raw"], tokenizer)
            assert isinstance(encoded, EncodedExample)
            ids = [int(id) for id in encoded.encoded.ids]
            mask = [bool(trained) for trained in encoded.encoded.mask]
            trained = [id for id, of_loss in zip(ids, mask, strict=True) if of_loss]
            assert tokenizer.decode(trained[:-1]) == row.completion
            assert trained[-1] == tokenizer.eos_id
            told = [id for id, of_loss in zip(ids, mask, strict=True) if not of_loss]
            assert tokenizer.decode(told).endswith(row.prompt)
            assert mask == sorted(mask)


def test_the_trainer_knows_the_template_by_its_name() -> None:
    assert read_template("raw") == TEMPLATES["raw"]
