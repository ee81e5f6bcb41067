r"""LaTeX sources to the text that a language model reads: RedPajama-1T's rules for arXiv.

1. Comments go, from a `%` without a backslash to the end of the line.
2. What comes before the first `\chapter`, `\part`, `\section`, … or `\paragraph` goes: preamble,
   title, authors and, as RedPajama has it, the abstract. A paper without a heading has no text.
3. What comes after `\appendix`, `\bibliography{…}` or the start of a list of references goes.
4. Macros without arguments that the author defined (`\newcommand{\R}{\mathbb{R}}`, `\def\R{…}`) are
   replaced by what they stand for, so that all papers speak one language; those with arguments
   stay.

RedPajama appends all `.tex` files to each other; here `\input` and `\include` are followed from the
main file, so the text is in the order in which people read it, and files not used are left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["clean_latex", "join_files", "main_file", "strip_comments"]

_COMMENT_LINE = re.compile(r"(?m)^[ \t]*%.*\n?")
_COMMENT = re.compile(r"(?m)(?<!\\)((?:\\\\)*)%.*$")
_HEADING = re.compile(
    r"\\(?:chapter|part|section|subsection|subsubsection|paragraph|subparagraph)\*?\s*(?:\[[^\]]*\])?\s*\{"
)
_END = re.compile(
    r"\\appendix(?![A-Za-z])|\\begin\{(?:references|REFERENCES|thebibliography|appendix|appendices)\}"
    r"|\\bibliography\s*\{|\\printbibliography(?![A-Za-z])|\\end\{document\}"
)
_DEFINITION = re.compile(
    r"\\(?:(?:re)?newcommand|providecommand|DeclareRobustCommand)\*?\s*\{?\s*\\([A-Za-z]+)\s*\}?\s*(?=[\[{])"
    r"|\\def\s*\\([A-Za-z]+)\s*(?=[#{])"
)
_INPUT = re.compile(r"\\(?:input|include|subfile)\s*\{\s*([^{}]+?)\s*\}|\\input\s+([^\s\\{}%]+)")
_DOCUMENT = re.compile(r"\\document(?:class|style)(?![A-Za-z])")
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_MAX_DEPTH = 16
_MAX_GROWTH = 8
_MAX_VALUE = 2000


def strip_comments(text: str) -> str:
    r"""Drop comments; `\%` is a percent sign, and `\\%` a line end with a comment."""
    return _COMMENT.sub(r"\1", _COMMENT_LINE.sub("", text))


def main_file(files: Mapping[str, str]) -> str | None:
    r"""The name of the file that LaTeX is called with, of files by name; None if there are none.

    It has a `\documentclass` (or `\documentstyle`), and of several such rather `\begin{document}`,
    then a usual name, then most text. Where none has, it is the longest.
    """

    def rank(name: str) -> tuple[bool, bool, bool, int, str]:
        text = strip_comments(files[name])
        stem = name.rpartition("/")[2].lower().removesuffix(".tex")
        usual = stem in ("main", "ms", "paper", "article", "root")
        document = r"\begin{document}" in text
        return (_DOCUMENT.search(text) is not None, document, usual, len(text), name)

    return max(files, key=rank, default=None)


def join_files(files: Mapping[str, str], main: str) -> str:
    r"""The main file's text without comments, with what it and others `\input` in its place.

    A file that is not there leaves nothing, and one that is being read already is not read again.
    Files that include others over and over are cut off at eight times their size.
    """
    left = _MAX_GROWTH * sum(map(len, files.values()))

    def join(name: str, chain: tuple[str, ...]) -> str:
        nonlocal left
        left -= len(files[name])
        return _INPUT.sub(lambda match: resolve(match, name, chain), strip_comments(files[name]))

    def resolve(match: re.Match[str], name: str, chain: tuple[str, ...]) -> str:
        wanted = (match[1] or match[2]).strip().strip('"').removeprefix("./")
        for candidate in (wanted, f"{wanted}.tex"):
            for base in (main, name):  # LaTeX looks from the main file, `subfiles` from the other
                directory, slash, _ = base.rpartition("/")
                found = directory + slash + candidate
                if found in files and found not in chain and left > 0:
                    return join(found, (*chain, found))
        return ""

    return join(main, (main,))


def clean_latex(text: str) -> str:
    """Apply rules 2 to 4 to a text without comments; empty if it has no heading."""
    macros = _macros(text)
    first = _HEADING.search(text)
    if first is None:
        return ""
    text = text[first.start() :]
    end = _END.search(text)
    if end is not None:
        text = text[: end.start()]
    return _expand(text, macros).strip()


def _macros(text: str) -> dict[str, str]:
    """Definitions without arguments, by name; the last one of a name counts."""
    macros: dict[str, str] = {}
    for match in _DEFINITION.finditer(text):
        name = match[1] or match[2]
        value = _group(text, match.end())
        if value is None or "#" in value or re.search(rf"\\{name}(?![A-Za-z])", value):
            macros.pop(name, None)  # defined anew with arguments, or by itself
        else:
            macros[name] = value.strip()
    return macros


def _group(text: str, at: int, limit: int = _MAX_VALUE) -> str | None:
    """What stands between the brace at `at` and its partner; None if there are none."""
    if not text.startswith("{", at):
        return None
    depth = 0
    skip = False
    for index in range(at, min(at + limit, len(text))):
        character = text[index]
        if skip:
            skip = False
        elif character == "\\":
            skip = True
        elif character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
            if not depth:
                return text[at + 1 : index]
    return None


def _expand(text: str, macros: Mapping[str, str]) -> str:
    """Replace macros by what they stand for; a text that explodes stays as it was."""
    pieces: list[str] = []
    at = 0
    for match in _DEFINITION.finditer(text):  # in a definition the name stays
        value = _group(text, match.end())
        if value is not None and match.start() >= at:
            pieces.append(text[at : match.start()])
            at = match.end() + len(value) + 2
    text = "".join([*pieces, text[at:]])
    values = _resolve(macros)
    if not values:
        return text
    names = "|".join(sorted(values, key=len, reverse=True))
    used = re.compile(rf"\\({names})(?![A-Za-z])(?:\{{\}})?")
    growth = sum(len(values[match[1]]) for match in used.finditer(text))
    if growth > _MAX_GROWTH * len(text):
        return text
    return used.sub(lambda match: values[match[1]], text)


def _resolve(macros: Mapping[str, str]) -> dict[str, str]:
    """Macros with the macros in them replaced, but for those that lead to themselves or explode."""
    done: dict[str, str | None] = {}

    def value(name: str, chain: tuple[str, ...]) -> str | None:
        if name in done:
            return done[name]
        if name in chain or len(chain) > _MAX_DEPTH:
            return None
        text: str | None = macros[name]
        inner = {found for found in _COMMAND.findall(macros[name]) if found in macros}
        for found in sorted(inner):
            replacement = value(found, (*chain, name))
            if replacement is None or text is None or len(text) > _MAX_VALUE:
                text = None
                break
            text = re.sub(rf"\\{found}(?![A-Za-z])", lambda _, r=replacement: r, text)
        done[name] = text if text is None or len(text) <= _MAX_VALUE else None
        return done[name]

    resolved = {name: value(name, ()) for name in macros}
    return {name: text for name, text in resolved.items() if text is not None}
