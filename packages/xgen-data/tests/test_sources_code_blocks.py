import gzip
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xgen_data import Drop, SourceConfig
from xgen_data.sources import read_source
from xgen_data.sources.code_blocks import looks_like_apex
from xgen_data.sources.html import code_blocks, decode_html, html_to_text

TRIGGER = "trigger T on Account (before insert) {\n  for (Account a : Trigger.new) {}\n}"
JAVA = "public class A {\n  public static void main(String[] args) {}\n}"
PAGE = f"""<html><body><p>Use <code>System.debug</code> as in</p>
<pre class="brush: java">{TRIGGER}</pre>
<div class="highlight-source-java"><pre>{JAVA}</pre></div>
<pre><code class="language-apex">insert x;
</code></pre><p><code>one
two</code></p></body></html>"""


def read(uri, **options):
    return list(read_source(SourceConfig(name="s", uri=uri), **options))


def test_all_blocks_of_a_page(tmp_path):
    (tmp_path / "page.html").write_text(PAGE)
    items = read(f"code-blocks:{tmp_path}")
    assert [(d.id, d.text, d.metadata["code.language"]) for d in items] == [
        ("page.html#1", TRIGGER + "\n", "java"),
        ("page.html#2", JAVA + "\n", "java"),
        ("page.html#3", "insert x;\n", "apex"),
        ("page.html#4", "one\ntwo\n", ""),
    ]
    assert {d.metadata["split.group"] for d in items} == {"page.html"}


def test_one_language_by_name_or_by_looks(tmp_path):
    (tmp_path / "page.html").write_text(PAGE)
    (tmp_path / "none.html").write_text("<pre>x = 1</pre>")
    drop, trigger, named = read(f"code-blocks:{tmp_path}#apex")
    assert drop == Drop(reason="no code in apex", example="none.html")
    assert (trigger.id, trigger.metadata["code.language"]) == ("page.html#1", "apex")
    assert [d.metadata["code_blocks.named"] for d in (trigger, named)] == [False, True]


def test_pages_in_jsonl_and_warc(tmp_path):
    (tmp_path / "rows.jsonl").write_text(
        json.dumps({"text": PAGE, "id": "p", "meta": {"url": "http://a.b"}}) + "\n"
    )
    body = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + PAGE.encode()
    head = (
        "WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:1>\r\n"
        f"WARC-Target-URI: http://c.d\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    (tmp_path / "a.warc.gz").write_bytes(gzip.compress(head.encode() + body + b"\r\n\r\n"))
    items = read(f"code-blocks:{tmp_path}#apex")
    assert [d.id for d in items] == ["urn:1#1", "urn:1#3", "p#1", "p#3"]
    assert [d.metadata["split.group"] for d in items[::2]] == ["http://c.d", "http://a.b"]
    (tmp_path / "rows.jsonl").write_text("{\n")
    assert read(f"code-blocks:{tmp_path}", damaged="drop")[-1] == Drop(
        reason="this line is not JSON", example=f"{tmp_path}/rows.jsonl:0", damaged=True
    )


@pytest.mark.parametrize(
    ("code", "apex"),
    [
        (TRIGGER, True),
        ("public with sharing class C {}", True),
        ("List<Account> a = [SELECT Id FROM Account];\nupdate a;", True),
        ("Invoice__c i = new Invoice__c();\nSystem.debug(i);", True),
        ("@AuraEnabled\npublic static void f() {}", True),
        (JAVA, False),
        ("System.debug('one sign alone');", False),
        ("SELECT Id FROM t WHERE x = 1", False),
        ("def __init__(self):\n    pass", False),
        ("var x = list[selectFrom(y)];", False),
    ],
)
def test_looks_like_apex(code, apex):
    assert looks_like_apex(code) is apex


def test_markup_inside_code():
    html = '<pre class="prettyprint lang-cs"><span>if</span> (a &lt; b)<br>\u00a0 c;</pre><pre>'
    (block,) = code_blocks(html)
    assert (block.code, block.language) == ("if (a < b)\n  c;\n", "cs")


def test_encodings_as_browsers_see_them():
    assert decode_html(b"\xef\xbb\xbfx", "latin-1") == ("x", "utf-8")
    assert decode_html("é".encode(), "no-such-encoding") == ("é", "utf-8")
    assert decode_html(b"\x93x\x94", "iso-8859-1") == ("“x”", "cp1252")
    assert decode_html(b'<meta charset="punycode">x-') == ('<meta charset="punycode">x-', "utf-8")
    assert decode_html(b"\x81\xff") == ("\ufffdÿ", "cp1252")


@given(
    st.lists(
        st.sampled_from(
            [
                "<pre",
                "<code",
                ">",
                "</pre>",
                "</code>",
                "<![",
                "<![if",
                "x]>",
                "<![CDATA[",
                "]]>",
                "<!--",
                "-->",
                "<!x",
                "<?",
                "</",
                "&",
                "&#",
                "&amp;",
                "a",
                "\n",
                "<",
                "class=",
                '"',
                "'",
                "language-c",
                "<script>",
                "</script>",
                "<li>",
                "<br/>",
                "\x00",
                "é",
            ]
        )
    ).map("".join)
)
def test_no_html_is_too_broken_to_read(html):
    assert len(html_to_text(html)) <= 3 * len(html) + 2
    for block in code_blocks(html):
        assert block.code.strip("\n")


@pytest.mark.parametrize(
    "rubbish",
    ["<!--", "<code", "<a '", '<a b="', "<", "<pre>", "</", "<script>", "&#", "<![", "<pre><code>"],
)
def test_a_page_of_rubbish_takes_little_time(rubbish):
    started = time.process_time()
    page = "<pre>" + rubbish * 50_000
    code_blocks(page)
    html_to_text(page)
    assert time.process_time() - started < 10  # quadratic time is minutes
