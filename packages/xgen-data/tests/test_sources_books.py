import gzip

import pytest

from xgen_core import Document, InputError
from xgen_data import Drop, SourceConfig
from xgen_data.sources import plan_source, read_part, read_source
from xgen_data.sources.books import strip_gutenberg

BOOK = "CHAPTER I.\n\n" + "It was a dark night. " * 100
MODERN = f"""\ufeffThe Project Gutenberg eBook of A Night

Title: A Night

Author: A. Nonymous

Language: English

*** START OF THE PROJECT GUTENBERG EBOOK A NIGHT ***

Produced by volunteers

{BOOK}

*** END OF THE PROJECT GUTENBERG EBOOK A NIGHT ***

The licence, at length.
"""
OLD = f"""**Welcome To The World of Free Plain Vanilla Electronic Texts**

*END*THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.29.93*END*

{BOOK}

End of the Project Gutenberg Etext of A Night
"""


def read(uri, **options):
    return list(read_source(SourceConfig(name="s", uri=uri), **options))


def test_books_without_their_wrapping(tmp_path):
    (tmp_path / "modern.txt").write_bytes(MODERN.replace("\n", "\r\n").encode())
    (tmp_path / "old.txt").write_text(OLD)
    (tmp_path / "plain.txt").write_bytes("Title: café\n\nA book.".encode("latin-1"))
    (tmp_path / "zip.txt.gz").write_bytes(gzip.compress(b"Packed."))
    modern, old, plain, packed = read(f"books:{tmp_path}")
    assert modern == Document(
        id="modern.txt",
        text=f"Produced by volunteers\n\n{BOOK.strip()}\n",
        source="s",
        metadata={
            "books.title": "A Night",
            "books.author": "A. Nonymous",
            "books.language": "English",
        },
    )
    assert old.text == BOOK.strip() + "\n"
    assert (plain.text, plain.metadata) == ("Title: café\n\nA book.", {})
    assert packed.text == "Packed."


def test_markers_that_are_none():
    mention = "He said: *** START OF THE PROJECT GUTENBERG EBOOK *** and smiled."
    assert strip_gutenberg(mention) == mention
    early = "End of Project Gutenberg, he read.\n" + "x " * 100
    assert strip_gutenberg(early) == early
    wrapped = "*** START OF THE PROJECT GUTENBERG EBOOK A LONG\nTITLE ***\nText."
    assert strip_gutenberg(wrapped) == "Text.\n"


def test_books_that_are_none(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"a\0")
    (tmp_path / "b.txt").write_bytes(b" \n")
    (tmp_path / "c.txt.gz").write_bytes(gzip.compress(b"text" * 100)[:-9])
    (tmp_path / "d.txt").write_text("A book.")
    items = read(f"books:{tmp_path}", damaged="drop")
    assert [i.reason for i in items if isinstance(i, Drop)] == [
        "binary file (NUL bytes)",
        "no text",
        "the compressed file is truncated",
    ]


@pytest.fixture
def maths(tmp_path):
    for level, pairs in (("train-easy", 1000), ("train-hard", 3), ("interpolate", 5)):
        (tmp_path / level).mkdir()
        lines = [f"What is {i} + {i}?\n{2 * i}\n" for i in range(pairs)]
        (tmp_path / level / "arithmetic__add.txt").write_text("".join(lines))
    return tmp_path


def test_mathematics_is_packed_in_pairs(maths):
    items = read(f"dm-math:{maths}")
    easy = [d for d in items if d.metadata["dm_math.level"] == "easy"]
    assert [d.id for d in items if d not in easy] == ["train-hard/arithmetic__add.txt:1"]
    path = maths / "train-easy" / "arithmetic__add.txt"
    assert "".join(d.text for d in easy) == path.read_text()
    assert all(8192 <= len(d.text) < 8192 + 40 for d in easy[:-1])
    assert sum(d.metadata["dm_math.pairs"] for d in easy) == 1000
    assert all(d.text.startswith("What is ") and d.text.count("\n") % 2 == 0 for d in easy)
    lines = path.read_text().split("\n")
    for document in easy:
        assert lines[int(document.id.rpartition(":")[2]) - 1] == document.text.split("\n")[0]
    assert items[-1].metadata == {
        "dm_math.level": "hard",
        "dm_math.kind": "arithmetic__add",
        "dm_math.pairs": 3,
    }
    config = SourceConfig(name="s", uri=f"dm-math:{maths}")
    assert [i for p in plan_source(config) for i in read_part(config, p)] == items
    assert len(read(f"dm-math:{maths / 'interpolate'}")) == 1


def test_a_question_without_its_answer(tmp_path):
    path = tmp_path / "add.txt"
    path.write_text("What is 1 + 1?\n2\nWhat is 2 + ")
    document, drop = read(f"dm-math:{path}", damaged="drop")
    assert document.text == "What is 1 + 1?\n2\n"
    assert drop == Drop(reason="a question without its answer", example=f"{path}:17", damaged=True)
    path.write_bytes(b"What is 1 + 1?\n\xff\n")
    with pytest.raises(InputError, match=r"add.txt:15: this line is not UTF-8"):
        read(f"dm-math:{path}")
