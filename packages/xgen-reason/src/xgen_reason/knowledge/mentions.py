"""What a sentence mentions by name: runs of capitalised words, and what stands in quotes."""

from __future__ import annotations

import re

from xgen_reason.knowledge.words import STOP_WORDS

__all__ = ["mentions"]

_TOKEN = re.compile(r"[^\W_][\w.&'’-]*")
_QUOTED = re.compile(r"[\"“«]([^\"“”«»]{2,80})[\"”»]")
_BETWEEN = frozenset(("of", "the", "de", "du", "la", "le", "del", "von", "van", "der", "den", "da"))
"""Lower-case words inside a name: University of Oxford, Ludwig van Beethoven."""


def mentions(text: str) -> tuple[str, ...]:
    """Names in the order in which they begin, each once.

    A capitalised word that merely begins the text and is a stop word (`Where`, `The`) is none.
    """
    found: dict[str, int] = {}
    for quoted in _QUOTED.finditer(text):
        found.setdefault(quoted[1].strip(" .,?!"), quoted.start(1))
    run: list[re.Match[str]] = []
    for token in _TOKEN.finditer(text):
        joined = not run or not text[run[-1].end() : token.start()].strip()
        if run and not joined:
            _keep(run, text, found)
            run = []
        if _names(token[0]) or (run and token[0] in _BETWEEN):
            run.append(token)
        if run and (run[-1] is not token or _ends(token[0])):
            _keep(run, text, found)
            run = []
    _keep(run, text, found)
    return tuple(sorted(found, key=lambda name: (found[name], -len(name))))


def _names(word: str) -> bool:
    return word[0].isupper() or (word[:1].islower() and word[1:2].isupper())


def _ends(word: str) -> bool:
    """Whether a name ends with a word: a possessive, or a full stop that is not an initial's."""
    bare = word.rstrip(".")
    return word.endswith(("'s", "’s")) or (bare != word and "." not in bare and len(bare) > 2)


def _keep(run: list[re.Match[str]], text: str, found: dict[str, int]) -> None:
    """Add a run of words as a name, without what begins or ends no name."""
    while run and run[0][0].lower() in STOP_WORDS:
        run = run[1:]
    while run and run[-1][0] in _BETWEEN:
        run = run[:-1]
    if run:
        name = re.sub(r"['’]s$", "", text[run[0].start() : run[-1].end()]).rstrip(".,'’-")
        if len(name) > 1:
            found.setdefault(name, run[0].start())
