import bz2
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xgen_core import Document, InputError, MissingExtraError
from xgen_data import Drop, SourceConfig
from xgen_data.sources import read_source
from xgen_data.sources.wikitext import wikitext_to_text

ARTICLE = """{{Infobox person|name=X|born={{date|1912}}}}
'''Alan Turing''' ({{IPA|x}}; 1912) was an [[England|''English'']] mathematician<ref name="a">{{cite
|x}}</ref>.<!-- hidden --> [[Datei:X.jpg|thumb|A [[caption]] here]]<ref name=b />
== Life ==
He lived in [[London]]. [http://x.y link text] [http://bare] &nbsp;&mdash; ok
* item one
{| class="wikitable"
|-
| a || {{b}} || {| nested |}
|}
=== Empty ===
{{x}} __NOTOC__
== Code ==
<syntaxhighlight lang="c">int a[2] = {{1}};</syntaxhighlight>
== External links ==
{{Commons}}
[[Kategorie:Computers]] [[Category:Computers]] [[fr:Alan Turing]]
"""
TEXT = """Alan Turing (1912) was an English mathematician.

Life

He lived in London. link text  \u00a0— ok
* item one

Code

int a[2] = {{1}};"""
HEAD = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" xml:lang="de">
<siteinfo><sitename>Wikipedia</sitename><dbname>dewiki</dbname>
<base>https://de.wikipedia.org/wiki/Wikipedia:Hauptseite</base>
<namespaces><namespace key="0"/><namespace key="6">Datei</namespace>
<namespace key="14">Kategorie</namespace></namespaces></siteinfo>
"""


@pytest.fixture(autouse=True, scope="module")
def extra():
    pytest.importorskip("mwparserfromhell")


def page(number, text, title="A title", ns=0, extra=""):
    text = text.replace("&", "&amp;").replace("<", "&lt;")
    return (
        f"<page><title>{title}</title><ns>{ns}</ns><id>{number}</id>{extra}<revision><id>9{number}"
        f"</id><timestamp>2023-03-20T00:00:00Z</timestamp><text>{text}</text></revision></page>\n"
    )


def read(path, **options):
    config = SourceConfig(name="wiki", uri=f"wikipedia:{path}")
    return list(read_source(config, **options))


def test_articles_become_text(tmp_path):
    dump = HEAD + page(1, ARTICLE, "Größe") + page(2, "talk", ns=1)
    dump += page(3, "#REDIRECT [[x]]") + page(4, "x", extra='<redirect title="y" />')
    dump += page(5, "{{only a template}}") + page(6, "Short.") + "</mediawiki>"
    path = tmp_path / "dewiki-pages-articles.xml.bz2"
    half = len(dump) // 2  # as "multistream" dumps are: many bz2 streams end to end
    content = [bz2.compress(part.encode()) for part in (dump[:half], dump[half:])]
    path.write_bytes(b"".join(content))
    items = read(path)
    assert items[0] == Document(
        id="dewiki/1",
        text=TEXT,
        source="wiki",
        metadata={
            "wikipedia.title": "Größe",
            "wikipedia.language": "de",
            "wikipedia.revision": "91",
            "wikipedia.timestamp": "2023-03-20T00:00:00Z",
            "wikipedia.url": "https://de.wikipedia.org/wiki/Gr%C3%B6%C3%9Fe",
        },
    )
    assert [(i.example, i.reason) for i in items[1:5]] == [
        ("2", "not an article"),
        ("3", "a redirect"),
        ("4", "a redirect"),
        ("5", "no text"),
    ]
    assert items[5].text == "Short."


def test_a_directory_of_numbered_pieces(tmp_path):
    for number, name in ((1, "articles1.xml-p1p9.bz2"), (2, "articles2.xml-p10p20.bz2")):
        content = HEAD + page(number, f"Article {number}.") + "</mediawiki>"
        (tmp_path / name).write_bytes(bz2.compress(content.encode()))
    (tmp_path / "md5sums.txt").write_text("x")
    assert [d.id for d in read(tmp_path)] == ["dewiki/1", "dewiki/2"]


def test_memory_does_not_grow_with_the_dump(tmp_path):
    import tracemalloc

    def peak(pages):
        path = tmp_path / "a.xml"
        path.write_text(HEAD + page(1, "#REDIRECT [[x]]" + "x" * 50_000) * pages + page(2, "Text."))
        tracemalloc.start()
        read(path, damaged="drop")
        value = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return value

    peak(1)
    assert peak(400) < peak(100) + 2**21


@pytest.mark.parametrize(
    ("tail", "reason"),
    [
        ("<page><title>cut", "the XML is truncated"),
        ("<page></wrong>", "broken XML"),
        ("<page>&undefined;</page>", "broken XML"),
        ("<page>\x01</page></mediawiki>", "broken XML"),
        ("<page><title>x</title></page></mediawiki>", "a page without id or revision"),
    ],
)
def test_broken_xml(tmp_path, tail, reason):
    path = tmp_path / "a.xml"
    path.write_text(HEAD + page(1, "Fine.") + tail)
    document, drop = read(path, damaged="drop")
    assert document.text == "Fine."
    assert drop.damaged
    assert drop.reason == reason
    with pytest.raises(InputError, match=reason):
        read(path)


def test_entities_that_multiply_are_refused(tmp_path):
    path = tmp_path / "a.xml"
    entities = '<!ENTITY a0 "lol lol lol lol lol">' + "".join(
        f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10)
    )
    path.write_text(f"<!DOCTYPE x [{entities}]><mediawiki><page>&a9;</page></mediawiki>")
    (drop,) = (i for i in read_drops(path))
    assert drop.damaged


def read_drops(path):
    from xgen_data.sources import plan_source, read_part

    config = SourceConfig(name="wiki", uri=f"wikipedia:{path}")
    items = [item for part in plan_source(config) for item in read_part(config, part)]
    assert all(isinstance(item, Drop) for item in items)
    return items


def test_not_a_dump(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text("<html><page/></html>")
    with pytest.raises(InputError, match=r"a.xml: expected a MediaWiki dump, found <html>"):
        read(path)


def test_without_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mwparserfromhell", None)
    path = tmp_path / "a.xml"
    path.write_text(HEAD + page(1, "Fine.") + "</mediawiki>")
    with pytest.raises(MissingExtraError, match=r"pip install 'xgen-data\[wikipedia\]'"):
        read(path)


PIECES = [
    "{{",
    "}}",
    "{{{",
    "}}}",
    "[[",
    "]]",
    "|",
    "{|",
    "|-",
    "|}",
    "''",
    "'''",
    "==",
    "\n",
    "*",
    "#",
    ":",
    "<ref>",
    "</ref>",
    "<br>",
    "<nowiki>",
    "</nowiki>",
    "<math>",
    "</math>",
    "<!--",
    "-->",
    "http://a",
    "[",
    "]",
    "&nbsp;",
    "&#0;",
    "File:",
    ":",
    "__TOC__",
    "(",
    ";",
    ")",
    "\x00",
    "é",
    "<pre>",
    "</pre>",
    "<",
    "~~~~",
]


@given(st.lists(st.sampled_from(PIECES)).map(" ".join))
def test_no_wikitext_is_too_broken_to_read(wikitext):
    assert len(wikitext_to_text(wikitext)) <= len(wikitext) + 1


@pytest.mark.parametrize(
    "markup", ["{{", "[[", "<ref>", "{|\n", "<b>", "[http://a ", "[[a|", "<!--"]
)
def test_broken_markup_takes_little_time(tmp_path, markup):
    path = tmp_path / "a.xml"
    path.write_text(HEAD + page(1, "x" + markup * 10_000) + page(2, "Text.") + "</mediawiki>")
    started = time.process_time()
    assert read(path)[-1].text == "Text."
    assert time.process_time() - started < 10  # quadratic time is minutes
