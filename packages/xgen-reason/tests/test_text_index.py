"""The text index: what goes in, how it is searched, and what is refused."""

import json
import sqlite3

import pytest
from click.testing import CliRunner

from xgen_core import FormatError, InputError
from xgen_core.command import xgen
from xgen_reason.cli import reason
from xgen_reason.knowledge.index import TextIndex, build_index, match_expression
from xgen_reason.knowledge.passages import Fields, cut_passages

ROWS = [
    {"id": "1", "title": "Ada Lovelace", "text": "Ada was a mathematician. She wrote a program."},
    {"id": "2", "title": "Tea", "text": "Tea is made of leaves. Drinking it wakes people."},
    {"id": "3", "title": "Émile Zola", "text": "Zola était un écrivain. Il vivait à Médan."},
    {"id": "4", "title": "Nothing", "text": " \n "},
]


def lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


@pytest.fixture
def index(tmp_path):
    build_index([lines(tmp_path / "docs.jsonl", ROWS)], tmp_path / "docs.db")
    with TextIndex(tmp_path / "docs.db") as opened:
        yield opened


def names(index, text, limit=3):
    return [passage.document for passage in index.search(text, limit=limit)]


def test_words_find_passages_by_stem_accent_and_title(index):
    assert names(index, "Who drinks what?") == ["2"]
    assert names(index, "medan ECRIVAINS") == ["3"]
    assert names(index, "lovelace tea") in (["1", "2"], ["2", "1"])
    [passage] = index.search("programs", limit=1)
    assert passage.sentences == ("Ada was a mathematician.", "She wrote a program.")
    assert (passage.title, passage.first) == ("Ada Lovelace", 1)
    assert passage.score > 0


def test_a_query_of_stop_words_finds_nothing(index):
    for text in ("", "Who is it?", "?!", "the of", "\x00", "\ud800"):
        assert index.search(text, limit=3) == []


@pytest.mark.parametrize(
    "text",
    [
        'tea" OR "x',
        "tea*",
        "title:tea",
        "NEAR(tea leaves)",
        "tea AND",
        "-tea",
        "^tea",
        "tea_leaves",
        "tea; DROP TABLE words",
        "(((tea",
        "tea\x00",
        "tea " * 9999,
        " ".join(f"w{i}" for i in range(9999)) + " tea",  # cut before the end
    ],
)
def test_a_query_is_words_never_syntax(index, text):
    assert names(index, text) == ([] if text.startswith("w0") else ["2"])


def test_expressions_are_quoted():
    assert match_expression('The "Ninth" Symphony, ninth!') == '"ninth" OR "symphony"'
    assert match_expression("who was the") == ""


def test_what_an_index_holds_is_told_and_pinned(tmp_path):
    first = build_index([lines(tmp_path / "a.jsonl", ROWS)], tmp_path / "a.db")
    assert (first.documents, first.passages, first.sentences, first.empty) == (3, 3, 6, 1)
    (tmp_path / "far").mkdir()
    again = build_index([lines(tmp_path / "far" / "b.jsonl", ROWS)], tmp_path / "far" / "b.db")
    assert again.fingerprint == first.fingerprint
    changed = [*ROWS[1:], {**ROWS[0], "text": "Ada was a writer."}]
    other = build_index([lines(tmp_path / "c.jsonl", changed)], tmp_path / "c.db")
    assert other.fingerprint != first.fingerprint
    assert (tmp_path / "a.db").read_bytes() == (tmp_path / "far" / "b.db").read_bytes()


def test_directories_of_text_and_markdown(tmp_path):
    notes = tmp_path / "notes"
    (notes / "deep").mkdir(parents=True)
    (notes / "old_tea.txt").write_text("Tea is old.\n\nIt is green.", "utf-8")
    (notes / "deep" / "b.md").write_text("# Coffee\n\nCoffee is black.", "utf-8")
    (notes / ".hidden.txt").write_text("secret", "utf-8")
    (notes / "image.png").write_bytes(b"\x89PNG")
    build_index([notes], tmp_path / "notes.db")
    with TextIndex(tmp_path / "notes.db") as index:
        assert [(d.name, d.title) for d in index.documents()] == [
            ("notes/deep/b.md", "Coffee"),
            ("notes/old_tea.txt", "old tea"),
        ]
        assert [p.first for p in index.search("green old", limit=5)] in ([1, 2], [2, 1])
        assert index.search("secret", limit=1) == []


def test_long_paragraphs_become_several_passages():
    text = "One two three. Four five six. Seven eight nine.\n\nTen."
    assert list(cut_passages(text, words=5)) == [
        ("One two three.", "Four five six."),
        ("Seven eight nine.",),
        ("Ten.",),
    ]


def test_fields_have_the_names_that_one_gives(tmp_path):
    path = lines(
        tmp_path / "x.jsonl", [{"qid": 7, "body": "Tea is hot."}, {"body": "Ice is cold."}]
    )
    build_index([path], tmp_path / "x.db", fields=Fields(id="qid", text="body"))
    with TextIndex(tmp_path / "x.db") as index:
        assert names(index, "tea") == ["7"]
        assert names(index, "ice") == ["x.jsonl:2"]


def test_inputs_that_cannot_be_indexed_are_said(tmp_path):
    output = tmp_path / "x.db"
    with pytest.raises(InputError, match="no such file or directory"):
        build_index([tmp_path / "none"], output)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no file of"):
        build_index([tmp_path / "empty"], output)
    image = tmp_path / "a.png"
    image.write_bytes(b"x")
    with pytest.raises(InputError, match=r"a.png: expected one of .txt"):
        build_index([image], output)
    latin = tmp_path / "latin.txt"
    latin.write_bytes("café".encode("latin-1"))
    with pytest.raises(InputError, match=r"latin.txt: not UTF-8"):
        build_index([latin], output)
    path = lines(tmp_path / "a.jsonl", [ROWS[0], ROWS[0]])
    with pytest.raises(InputError, match=r"a.jsonl: a second document is named '1'"):
        build_index([path], output)
    path = lines(tmp_path / "b.jsonl", [{"id": "1", "body": "x"}])
    with pytest.raises(InputError, match=r"b.jsonl:1: field 'text' is not text.*has id, body"):
        build_index([path], output)
    path = lines(tmp_path / "c.jsonl", [ROWS[3]])
    with pytest.raises(InputError, match="all 1 documents are empty"):
        build_index([path], output)
    assert not output.exists()
    assert not list(tmp_path.glob(".partial*"))


def test_a_failed_build_leaves_the_old_index(tmp_path):
    good = lines(tmp_path / "a.jsonl", ROWS)
    build_index([good], tmp_path / "x.db")
    before = (tmp_path / "x.db").read_bytes()
    with pytest.raises(InputError):
        build_index([lines(tmp_path / "b.jsonl", [{"id": "1"}])], tmp_path / "x.db")
    assert (tmp_path / "x.db").read_bytes() == before


def test_files_that_are_no_index_of_this_version_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such file; make it with xgen reason index"):
        TextIndex(tmp_path / "none.db")
    text = tmp_path / "text.db"
    text.write_text("not a database at all, and long enough to be looked at as one" * 9)
    with pytest.raises(FormatError, match="not a text index"):
        TextIndex(text)
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE a (b)")
    other.close()
    with pytest.raises(FormatError, match="not a text index"):
        TextIndex(tmp_path / "other.db")
    build_index([lines(tmp_path / "a.jsonl", ROWS)], tmp_path / "old.db")
    with sqlite3.connect(tmp_path / "old.db") as old:
        old.execute("PRAGMA user_version = 9")
    old.close()
    with pytest.raises(FormatError, match=r"index of the wrong version 9.*make it anew with") as e:
        TextIndex(tmp_path / "old.db")
    assert "\n" not in str(e.value)


def test_a_damaged_index_is_said(tmp_path):
    path = tmp_path / "x.db"
    rows = [{"id": f"{i}", "text": f"Tea number {i} is word{i}. " * 9} for i in range(300)]
    build_index([lines(tmp_path / "a.jsonl", rows)], path)
    raw = bytearray(path.read_bytes())
    raw[8192:] = b"\xff" * (len(raw) - 8192)
    path.write_bytes(raw)
    with pytest.raises(FormatError, match=r"x.db: .*damaged"), TextIndex(path) as index:
        index.search("tea", limit=3)


def test_a_search_ends_with_its_time(tmp_path):
    rows = [{"id": f"{i}", "text": " ".join(f"w{j}" for j in range(50))} for i in range(2000)]
    build_index([lines(tmp_path / "a.jsonl", rows)], tmp_path / "x.db")
    with TextIndex(tmp_path / "x.db") as index:
        asked = " ".join(f"w{j}" for j in range(50))
        with pytest.raises(TimeoutError, match="no answer within 1e-09 s"):
            index.search(asked, limit=3, seconds=1e-9)
        assert len(index.search("w1", limit=3)) == 3


def test_the_command(tmp_path):
    path = lines(tmp_path / "a.jsonl", [{"qid": "1", "text": "Tea."}, {"qid": "2", "text": ""}])
    output = str(tmp_path / "a.db")
    runner = CliRunner()
    done = runner.invoke(
        reason, ["index", str(path), "-o", output, "--fields", "id=qid", "--tfidf"]
    )
    assert done.exit_code == 0, done.output
    assert "1 documents, 1 passages, 1 sentences" in done.output
    assert "1 documents hold no text" in done.output
    assert (tmp_path / "a.db.tfidf" / "header.json").is_file()
    done = runner.invoke(reason, ["index", str(path), "-o", output, "--json"])
    assert json.loads(done.stdout)["empty"] == 1
    done = runner.invoke(reason, ["index", str(path), "-o", output, "--fields", "name=qid"])
    assert (done.exit_code, "unknown field 'name'" in done.output) == (2, True)
    done = runner.invoke(xgen, ["reason", "index", str(tmp_path / "none"), "-o", output])
    assert done.exit_code == 1
