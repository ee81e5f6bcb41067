import gzip

import pytest

from xgen_core import Document, InputError
from xgen_data import Drop, SourceConfig
from xgen_data.sources import read_source
from xgen_data.sources.html import html_to_text
from xgen_data.sources.stackexchange import StackExchangeReader


def row(number, kind, body, **attributes):
    values = {"Id": number, "PostTypeId": kind, "Body": body, **attributes}
    escaped = (
        f'{k}="{str(v).replace("&", "&amp;").replace("<", "&lt;").replace(chr(10), "&#xA;")}"'
        for k, v in values.items()
    )
    return f"  <row {' '.join(escaped)} />\n"


ROWS = [
    row(1, 1, "<p>How do I <b>boil</b> an egg?</p>", Title="Eggs & water", Score=7,
        Tags="<egg><pan>", ContentLicense="CC BY-SA 2.5", CreationDate="2010-07-09T19:05:36.853"),
    row(2, 2, "<p>In water.</p>\n<pre><code>boil(egg)\n  wait\n</code></pre>", ParentId=1, Score=9),
    row(3, 1, "<p>Alone</p>", Title="No answers", Score=-1),
    row(4, 2, "<p>Ten points.</p>", ParentId=1, Score=10),
    row(5, 5, "<p>about a tag</p>"),
    row(6, 2, "<p>Orphan</p>", ParentId=77, Score=1),
    row(7, 2, "<ul><li>as good as 2,<li>but younger</ul>", ParentId=1, Score=9),
]  # fmt: skip
DUMP = '<?xml version="1.0" encoding="utf-8"?>\n<posts>\n' + "".join(ROWS) + "</posts>"


def read(path, **options):
    config = SourceConfig(name="se", uri=f"stackexchange:{path}")
    return list(read_source(config, **options))


@pytest.fixture
def site(tmp_path):
    directory = tmp_path / "cooking.stackexchange.com"
    directory.mkdir()
    (directory / "Posts.xml").write_text(DUMP)
    (directory / "Users.xml").write_text("<users/>")
    return directory


def test_answers_follow_their_question_by_score(site, tmp_path):
    first, third, orphan = read(tmp_path)
    assert first == Document(
        id="cooking.stackexchange.com/1",
        text=(
            "Q: Eggs & water\n\nHow do I boil an egg?\n\nA: Ten points.\n\n"
            "A: In water.\n\nboil(egg)\n  wait\n\nA: * as good as 2,\n* but younger"
        ),
        source="se",
        metadata={
            "stackexchange.site": "cooking.stackexchange.com",
            "stackexchange.score": 7,
            "stackexchange.answers": 3,
            "stackexchange.tags": "egg pan",
            "stackexchange.licence": "CC BY-SA 2.5",
            "stackexchange.date": "2010-07-09T19:05:36.853",
            "stackexchange.url": "https://cooking.stackexchange.com/questions/1",
        },
    )
    assert third.text == "Q: No answers\n\nAlone"
    assert orphan == Drop(
        reason="answers without their question", example="cooking.stackexchange.com/77"
    )


def test_parts_of_a_site_hold_each_question_once(site):
    config = SourceConfig(name="se", uri=f"stackexchange:{site}")
    reader = StackExchangeReader(part_bytes=len(DUMP) // 3)
    parts = reader.plan(config)
    assert [(p.start, p.stop) for p in parts] == [(0, 4), (1, 4), (2, 4), (3, 4)]
    items = [item for part in parts for item in reader.read(part, config)]
    assert sorted(items, key=str) == sorted(read(site), key=str)


def test_a_truncated_dump(tmp_path):
    path = tmp_path / "Posts.xml.gz"
    path.write_bytes(gzip.compress(DUMP[:-200].encode()))
    *documents, drop = read(path, damaged="drop")
    assert [d.id.partition("/")[2] for d in documents] == ["1", "3"]
    assert documents[0].metadata["stackexchange.answers"] == 2
    assert drop.damaged
    assert drop.reason == "the XML is truncated"


def test_what_is_not_a_dump(tmp_path):
    (tmp_path / "Posts.xml").write_text("<users><row/></users>")
    with pytest.raises(InputError, match="expected the <posts> of Stack Exchange, found <users>"):
        read(tmp_path)
    (tmp_path / "a.7z").write_bytes(b"7z")
    with pytest.raises(InputError, match="unpack it first, as 7z x"):
        read(tmp_path / "a.7z")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("a <i>b</i>c<br/>d &lt;e&gt;", "a bc\nd <e>"),
        ("<p>x <code>y</code> , z</p>\n\n", "x y , z"),
        ("<script>no</script><style>no</style>yes<!-- no -->", "yes"),
        ("<ol><li>one</li><li>two</li></ol>after", "* one\n* two\n\nafter"),
        ("<pre>  a\n\n\n  b</pre>c", "  a\n\n\n  b\n\nc"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("unclosed <b>tag & more", "unclosed tag & more"),
        ("", ""),
    ],
)
def test_html_to_text(html, text):
    assert html_to_text(html) == text
