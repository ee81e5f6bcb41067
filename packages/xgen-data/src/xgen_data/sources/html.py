"""HTML to text and to code blocks, in one pass and in linear time.

`html_to_text` is for fragments that are all content, such as a post on Stack Exchange. To find the
content of a whole web page, with menus and adverts around it, is another matter: see `warc`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape

__all__ = ["CodeBlock", "code_blocks", "decode_html", "html_to_text"]

_PARAGRAPHS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "html",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "ul",
    ]
)
_LINES = frozenset({"br", "li", "tr", "summary", "option"})
_HIDDEN = frozenset({"head", "script", "style", "template", "noscript", "svg", "iframe", "object"})
_SPACES = re.compile(r"[ \t\n\r\f]+")
_TAG = re.compile(
    r"<(/?)([a-zA-Z][^\s/>]*+)((?:[^>=]++|=\s*+(?:\"[^\"]*+\"|'[^']*+'|(?![\"'])))*+)>"
)
_ATTRIBUTE = re.compile(r"([^\s=/>\"']+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"']+))")


def html_to_text(html: str) -> str:
    """The text of a fragment: a blank line between paragraphs, a `*` before list items.

    White space is kept as it is inside `<pre>` and becomes one space elsewhere. Scripts, styles and
    other things that no reader sees are left out.
    """
    parser = _Text()
    parser.feed(html)
    return parser.result()


class _Parser:
    """Goes through a page once, calling what the subclass defines.

    The standard library's parser takes quadratic time for unclosed tags and comments (a page of
    200 KB can keep it busy for minutes) and refuses some that browsers read. This one takes the
    rules of HTML's tokeniser that matter for text: a comment, tag or script without an end goes on
    to the end of the page.
    """

    def start(self, tag: str, attributes: str) -> None:
        raise NotImplementedError

    def end(self, tag: str) -> None:
        raise NotImplementedError

    def data(self, text: str) -> None:
        raise NotImplementedError

    def feed(self, html: str) -> None:
        at = 0
        while (begin := html.find("<", at)) >= 0:
            if begin > at:
                self._unescaped(html[at:begin])
            following = html[begin + 1 : begin + 2]
            if html.startswith("<!--", begin):
                end = html.find("-->", begin + 4)
                at = end + 3 if end >= 0 else -1
            elif following and following in "!?":
                at = html.find(">", begin) + 1
            elif following == "/" or (following.isascii() and following.isalpha()):
                at = self._read_tag(html, begin)
            else:
                self.data("<")
                at = begin + 1
            if at <= begin:  # it has no end
                return
        self._unescaped(html[at:])

    def _unescaped(self, text: str) -> None:
        if text:
            self.data(unescape(text) if "&" in text else text)

    def _read_tag(self, html: str, begin: int) -> int:
        """Where it ends, or -1."""
        match = _TAG.match(html, begin)
        if match is None:
            if html.startswith("</", begin):  # `</>` and the like are comments
                return html.find(">", begin) + 1
            return -1
        name = match[2].lower()
        if match[1]:
            self.end(name)
            return match.end()
        self.start(name, match[3])
        if name not in ("script", "style"):
            return match.end()
        closing = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(html, match.end())
        return closing.start() if closing else -1


class _Text(_Parser):
    def __init__(self) -> None:
        self._out: list[str] = []
        self._breaks = 2  # line ends at the end of the output; as good as two at its beginning
        self._space = False
        self._pre = 0
        self._hidden = 0

    def start(self, tag: str, attributes: str) -> None:
        if tag in _HIDDEN:
            self._hidden += 1
        if tag in _PARAGRAPHS:
            self._break(2)
        elif tag in _LINES:
            if tag == "br":
                self._breaks = min(self._breaks, 1)  # two of them are a blank line
                self._out.append("\n")
                self._breaks += 1
            else:
                self._break(1)
            if tag == "li":
                self._out.append("* ")
                self._space = False
        elif tag in ("td", "th"):
            self._space = True
        if tag == "pre":
            self._pre += 1

    def end(self, tag: str) -> None:
        if tag in _HIDDEN:
            self._hidden = max(self._hidden - 1, 0)
        if tag == "pre":
            self._pre = max(self._pre - 1, 0)
        if tag in _PARAGRAPHS:
            self._break(2)

    def data(self, text: str) -> None:
        if self._hidden:
            return
        if self._pre:
            self._out.append(text)
            stripped = text.rstrip("\n")
            self._breaks = len(text) - len(stripped) + (0 if stripped else self._breaks)
            self._space = False
            return
        words = _SPACES.sub(" ", text)
        if words.startswith(" ") or self._space:
            words = words.removeprefix(" ")
            if words and not self._breaks:
                self._out.append(" ")
        self._space = text[-1].isspace() if words else True
        words = words.removesuffix(" ")
        if words:
            self._out.append(words)
            self._breaks = 0

    def _break(self, wanted: int) -> None:
        self._space = False
        if self._breaks < wanted:
            self._out.append("\n" * (wanted - self._breaks))
            self._breaks = wanted

    def result(self) -> str:
        return "".join(self._out).strip("\n").rstrip()


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """Code as a page shows it; `language` is what the page calls it, lower case, or ""."""

    code: str
    language: str


_LANGUAGE = re.compile(
    r"(?:^|\s)(?:language-|lang-|highlight-source-|highlight-text-|sourcecode-|code-|brush:\s*)"
    r"([a-z0-9+#_.-]+)"
)
_SHORT = re.compile(
    r"(?:^|\s)(?:hljs|prettyprint|highlight|sourcecode|codehilite)\s+([a-z][a-z0-9+#]*)"
)
_NOT_A_LANGUAGE = frozenset({"linenums", "none", "plain", "text", "block", "box", "snippet"})


def code_blocks(html: str) -> list[CodeBlock]:
    """The `<pre>` elements of a page, and `<code>` elements of several lines outside them.

    The language is read from the classes of the element, of the `<code>` in it, or of the elements
    around it, in the spellings of highlight.js and Prism (`language-x`, `hljs x`), prettify
    (`lang-x`), GitHub (`highlight-source-x`) and SyntaxHighlighter (`brush: x`), and from
    `data-lang`.
    """
    if "<pre" not in html.lower() and "<code" not in html.lower():
        return []
    parser = _Code()
    parser.feed(html)
    parser.finish()
    return parser.blocks


class _Code(_Parser):
    def __init__(self) -> None:
        self.blocks: list[CodeBlock] = []
        self._around: list[tuple[str, str]] = []
        self._tag = ""
        self._depth = 0
        self._language = ""
        self._text: list[str] = []

    def start(self, tag: str, attributes: str) -> None:
        language = _language(attributes)
        if self._tag:
            if tag == self._tag:
                self._depth += 1
            elif tag in ("br", "li", "tr", "div"):
                self._text.append("\n")
            self._language = self._language or language
        elif tag in ("pre", "code"):
            self._tag, self._depth, self._text = tag, 1, []
            around = next((name for _, name in reversed(self._around[-3:]) if name), "")
            self._language = language or around
        elif tag in ("div", "figure", "section", "td", "span"):
            self._around.append((tag, language))

    def end(self, tag: str) -> None:
        if self._tag:
            if tag == self._tag:
                self._depth -= 1
                if not self._depth:
                    self._finish()
        elif self._around and tag == self._around[-1][0]:
            self._around.pop()

    def data(self, text: str) -> None:
        if self._tag:
            self._text.append(text)

    def finish(self) -> None:
        """Keep what the page broke off in."""
        if self._tag:
            self._finish()

    def _finish(self) -> None:
        lines = "".join(self._text).replace("\r\n", "\n").replace("\xa0", " ").split("\n")
        code = "\n".join(line.rstrip() for line in lines).strip("\n")
        if code and (self._tag == "pre" or "\n" in code):
            self.blocks.append(CodeBlock(code + "\n", self._language))
        self._tag = ""


def _language(attributes: str) -> str:
    if "class" not in attributes.lower() and "data-lang" not in attributes.lower():
        return ""
    values = {
        found[1].lower(): unescape(found[2] or found[3] or found[4] or "").lower()
        for found in _ATTRIBUTE.finditer(attributes)
    }
    for name in ("data-lang", "data-language"):
        if values.get(name):
            return values[name]
    classes = values.get("class", "")
    for pattern in (_LANGUAGE, _SHORT):
        found = pattern.search(classes)
        if found and found[1] not in _NOT_A_LANGUAGE:
            return found[1]
    return ""


_META = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([a-zA-Z0-9_:.-]+)", re.IGNORECASE)
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_AS_BROWSERS_DO = {
    "ascii": "cp1252",
    "us-ascii": "cp1252",
    "iso-8859-1": "cp1252",
    "latin-1": "cp1252",
    "latin1": "cp1252",
    "iso-8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "x-sjis": "cp932",
    "x-x-big5": "big5hkscs",
    "big5": "big5hkscs",
}
"""Labels of encodings that browsers take for a larger one (WHATWG Encoding Standard)."""


_NOT_FOR_PAGES = frozenset(
    [
        "idna",
        "punycode",
        "unicode_escape",
        "unicode-escape",
        "raw_unicode_escape",
        "raw-unicode-escape",
        "utf-7",
        "utf_7",
        "utf7",
        "undefined",
    ]
)
"""Python decodes these, no browser does; some take time quadratic in the length."""


def decode_html(content: bytes, declared: str = "") -> tuple[str, str]:
    """A page's text and the encoding that it was decoded with.

    The order is that of browsers: a byte-order mark, what the HTTP header declared, a `<meta>` in
    the first 4 KiB, and where neither says, or what they say does not fit, UTF-8 if it fits and
    else Windows-1252. Bytes that do not fit become U+FFFD.
    """
    for mark, name in _BOMS:
        if content.startswith(mark):
            return content[len(mark) :].decode(name, "replace"), name
    meta = _META.search(content, 0, 4096)
    candidates = [declared, meta[1].decode("ascii") if meta else "", "utf-8"]
    for candidate in candidates:
        label = candidate.strip(" \"'").lower()
        name: str = _AS_BROWSERS_DO.get(label) or label
        if name in _NOT_FOR_PAGES:
            continue
        try:
            return content.decode(name), name
        except (LookupError, UnicodeError, ValueError):
            continue
    return content.decode("cp1252", "replace"), "cp1252"
