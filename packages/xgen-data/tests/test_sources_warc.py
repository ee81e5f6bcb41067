import gzip
import sys

import pytest

from xgen_core import MissingExtraError
from xgen_data import Drop, SourceConfig
from xgen_data.sources import plan_source, read_part, read_source

PROSE = (
    "A paragraph of prose with enough words in it to be the content of this page, says who. " * 3
)
HTML = (
    "<html><head><title>T</title>{head}<script>var x;</script></head><body><nav><a href=/>Home</a>"
    "</nav><main><h1>Heading</h1><p>{text}</p></main><footer>Imprint</footer></body></html>"
)


def record(kind, body, number=1, **headers):
    lines = [
        "WARC/1.0",
        f"WARC-Type: {kind}",
        f"WARC-Record-ID: <urn:uuid:{number}>",
        "WARC-Date: 2023-06-01T00:00:00Z",
        f"WARC-Target-URI: http://example.org/{number}",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body + b"\r\n\r\n"


def response(html, status="200 OK", content_type="text/html", **headers):
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + html


def page(text=PROSE, head=""):
    return HTML.format(text=text, head=head)


def write(path, *records):
    path.write_bytes(b"".join(gzip.compress(r) for r in records))
    return path


def read(path, **options):
    config = SourceConfig(name="cc", uri=f"warc:{path}")
    return list(read_source(config, **options))


def read_parts(path):
    config = SourceConfig(name="cc", uri=f"warc:{path}")
    return [item for part in plan_source(config) for item in read_part(config, part)]


def test_conversion_records_are_text(tmp_path):
    path = write(
        tmp_path / "a.warc.wet.gz",
        record("warcinfo", b"software: x"),
        record("conversion", "één tekst\n".encode(), 2, Content_Type="text/plain",
               WARC_Block_Digest="sha1:X", WARC_Identified_Content_Language="nld"),
        record("conversion", b" \n", 3),
    )  # fmt: skip
    document, drop = read(path)
    assert (document.id, document.text) == ("urn:uuid:2", "één tekst\n")
    assert document.metadata == {
        "warc.url": "http://example.org/2",
        "warc.date": "2023-06-01T00:00:00Z",
        "warc.content_type": "text/plain",
        "warc.digest": "sha1:X",
        "warc.encoding": "utf-8",
        "warc.language": "nld",
    }
    assert drop == Drop(reason="no text", example="urn:uuid:3")


def test_pages_are_reduced_to_their_content(tmp_path):
    pytest.importorskip("resiliparse")
    path = write(
        tmp_path / "a.warc.gz",
        record("request", b"GET / HTTP/1.1\r\n\r\n", 1),
        record("response", response(page().encode()), 2),
        record("response", response(page("café " * 40).encode("latin-1")), 3),
        record("response", response(page("文字" * 40, '<meta charset="gb2312">').encode("gbk")), 4),
        record("response", response(page("ярко " * 40).encode("cp1251"),
               content_type="text/html; charset=windows-1251"), 5),
    )  # fmt: skip
    first, latin, chinese, russian = read(path)
    assert "Heading" in first.text
    assert PROSE.strip() in first.text
    assert not [word for word in ("Home", "Imprint", "var x", "<") if word in first.text]
    assert (latin.text.count("café"), latin.metadata["warc.encoding"]) == (40, "cp1252")
    assert (chinese.text.count("文字"), chinese.metadata["warc.encoding"]) == (40, "gb18030")
    assert (russian.text.count("ярко"), russian.metadata["warc.encoding"]) == (40, "windows-1251")


def test_bodies_as_servers_send_them(tmp_path):
    pytest.importorskip("resiliparse")
    content = gzip.compress(page().encode())
    cut = len(content) // 2
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in (content[:cut], content[cut:]))
    headers = {"Transfer_Encoding": "chunked", "Content_Encoding": "gzip"}
    path = write(
        tmp_path / "a.warc.gz",
        record("response", response(chunks + b"0\r\n\r\n", **headers), 1),
        record("response", response(page().encode(), **headers), 2),  # as Common Crawl keeps them
        record("response", response(content[:50], Content_Encoding="gzip"), 3),
        record("response", response(b"\x1f\x8bnothing", Content_Encoding="gzip"), 4),
    )
    first, second, cut_off, broken = read(path)
    assert first.text == second.text
    assert cut_off.reason in ("no text", "an HTTP body that does not decode")
    assert broken.reason == "an HTTP body that does not decode"


def test_what_is_no_page(tmp_path):
    path = write(
        tmp_path / "a.warc.gz",
        record("response", response(b"x", status="404 Not Found"), 1),
        record("response", response(b"\x89PNG", content_type="image/png"), 2),
        record("response", b"garbage", 3),
        record("conversion", b"text", 4),
    )
    assert [item.reason for item in read(path)[:3]] == [
        "HTTP status other than 200",
        "not HTML",
        "not an HTTP response",
    ]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda content: content[:-30], "the compressed file is truncated"),
        (lambda content: content + b"rubbish", "the compressed file is damaged"),
        (lambda content: content + gzip.compress(b"rubbish\r\n"), "not a WARC record"),
        (
            lambda content: content + gzip.compress(b"WARC/1.0\r\nA: b\r\n\r\n"),
            "without its length",
        ),
        (
            lambda content: content + gzip.compress(record("conversion", b"x" * 500)[:-100]),
            "the WARC file is truncated",
        ),
        (lambda content: content + gzip.compress(b"WARC/1.0\r\nA: "), "the WARC file is truncated"),
    ],
)
def test_damage_ends_the_file_and_not_what_was_before(tmp_path, damage, reason):
    path = tmp_path / "a.warc.gz"
    write(path, record("conversion", b"one", 1), record("conversion", b"two" * 100, 2))
    path.write_bytes(damage(path.read_bytes()))
    items = read(path, damaged="drop")
    assert items[0].text == "one"
    assert items[-1].damaged
    assert reason in items[-1].reason
    assert items[-1].example.startswith(f"{path}:")


def test_huge_records_are_passed_over(tmp_path, monkeypatch):
    path = write(
        tmp_path / "a.wet.gz",
        record("conversion", b"x" * (2**26 + 1), 1),
        record("conversion", b"after", 2),
    )
    large, after = read(path)
    assert large == Drop(reason="larger than 64 MiB", example="urn:uuid:1")
    assert after.text == "after"


def test_an_empty_file(tmp_path):
    path = tmp_path / "a.warc.gz"
    path.write_bytes(b"")
    assert read_parts(path) == []


def test_without_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "resiliparse.extract.html2text", None)
    path = write(tmp_path / "a.warc.gz", record("response", response(page().encode())))
    with pytest.raises(MissingExtraError, match=r"pip install 'xgen-data\[web\]'"):
        read(path)
