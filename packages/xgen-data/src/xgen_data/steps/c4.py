"""The rules by which C4 was made from Common Crawl.

Raffel et al. 2020, *Exploring the Limits of Transfer Learning*, section 2.2, and the released
pipeline (`c4_utils.py` of TensorFlow Datasets), which has three rules more than the paper: lines
about cookies and policies go, lines with a word of over 1,000 characters go, and citation marks of
Wikipedia are cut out. `C4Quality` follows the pipeline.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from heapq import nlargest
from pathlib import Path
from typing import Literal

from xgen_core import Document, InputError
from xgen_data.steps.step import DocumentStep, Drop
from xgen_data.steps.words import count_sentences

__all__ = ["C4BadWords", "C4Paragraphs", "C4Quality"]

_CITATION = re.compile(r"\[(?:\d*|edit|citation needed)\]")
_ENDS = (".", "?", "!", '"', "'")
_POLICY = re.compile("terms of use|privacy policy|cookie policy|use(?:s|) cookies|use of cookies")


@dataclass(frozen=True, kw_only=True)
class C4Quality(DocumentStep):
    """Keep the lines that are sentences; drop pages with few of them.

    Attributes:
        min_sentences: in what is left. The paper's list says 5 (its text 3, in its first version).
        min_words: in a line.
        max_word: characters of the longest word of a line.
        terminal_punctuation: lines must end with `. ? ! " '`, and not with an ellipsis.
        citations: cut out `[1]`, `[edit]` and `[citation needed]`.
        javascript: lines that name it go.
        policy: lines about cookies, terms of use and privacy go.
        lorem_ipsum, curly_bracket: pages with a line that has it go.
    """

    kind: Literal["c4_quality"] = "c4_quality"
    min_sentences: int = 5
    min_words: int = 3
    max_word: int = 1000
    terminal_punctuation: bool = True
    citations: bool = True
    javascript: bool = True
    policy: bool = True
    lorem_ipsum: bool = True
    curly_bracket: bool = True

    def one(self, document: Document) -> Document | Drop:
        """The document with its good lines, or why it has too few."""
        text = document.text
        lower = text.lower()
        look_lorem = self.lorem_ipsum and "lorem ipsum" in lower
        look_script = self.javascript and "javascript" in lower
        look_policy = self.policy and _POLICY.search(lower) is not None
        look_curly = self.curly_bracket and "{" in text
        look_citation = self.citations and "[" in text
        kept: list[str] = []
        for raw in text.splitlines():
            line = raw.strip()
            whole = line
            if look_citation:
                line = _CITATION.sub("", line)
            if self.terminal_punctuation and (not line.endswith(_ENDS) or line.endswith("...")):
                continue
            if len(whole.split(None, self.min_words - 1)) < self.min_words:
                continue
            if len(whole) > self.max_word and max(map(len, whole.split())) > self.max_word:
                continue
            if look_lorem and "lorem ipsum" in line.lower():
                return Drop(reason="lorem ipsum")
            if look_script and "javascript" in line.lower():
                continue
            if look_curly and "{" in line:
                return Drop(reason="curly bracket")
            if look_policy and _POLICY.search(line.lower()):
                continue
            kept.append(line)
        if not self._enough(kept):
            return Drop(reason="too few sentences")
        result = "\n".join(kept).strip()
        return document if result == text else replace(document, text=result)

    def _enough(self, lines: list[str]) -> bool:
        if len(lines) >= self.min_sentences:  # a line has at least one
            return True
        missing = self.min_sentences
        for line in lines:
            missing -= count_sentences(line)
            if missing <= 0:
                return True
        return False


@dataclass(frozen=True, kw_only=True)
class C4Paragraphs(DocumentStep):
    """The multilingual C4 rule: at least three lines of 200 characters (Xue et al. 2021)."""

    kind: Literal["c4_paragraphs"] = "c4_paragraphs"
    min_paragraphs: int = 3
    min_characters: int = 200

    def one(self, document: Document) -> Document | Drop:
        """The document, or that its lines are too short."""
        longest = nlargest(self.min_paragraphs, map(len, document.text.split("\n")))
        if len(longest) < self.min_paragraphs or longest[-1] < self.min_characters:
            return Drop(reason="too few long lines")
        return document


@dataclass(frozen=True, kw_only=True)
class C4BadWords(DocumentStep):
    """Drop pages with any word or phrase of a list; C4 used one of 403 entries, not shipped.

    The rule is known to remove text by and about minorities more often than other text (Dodge et
    al. 2021, *Documenting Large Webtext Corpora*); `Toxicity` counts and removes nothing.

    Attributes:
        words: a UTF-8 file, one word or phrase a line; `#` begins a comment.
        separated: words stand between other characters than letters, digits and underscores; turn
            it off for Chinese, Japanese and Thai.
    """

    words: Path
    kind: Literal["c4_bad_words"] = "c4_bad_words"
    separated: bool = True

    def one(self, document: Document) -> Document | Drop:
        """The document, or that a listed word is in it."""
        pattern = word_list_pattern(str(self.words), self.separated)
        return Drop(reason="listed word") if pattern.search(document.text.lower()) else document


@lru_cache(maxsize=16)
def word_list(path: str) -> tuple[str, ...]:
    """Lower-case entries of a word list.

    Raises:
        InputError: no such file, not UTF-8, or nothing in it.
    """
    try:
        lines = Path(path).read_text("utf-8").splitlines()
    except FileNotFoundError:
        raise InputError(f"{path}: no such word list") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: a word list must be UTF-8: {error}") from error
    entries = (line.partition("#")[0].strip().lower() for line in lines)
    words = tuple(dict.fromkeys(entry for entry in entries if entry))
    if not words:
        raise InputError(f"{path}: the word list is empty; write one word or phrase a line")
    return words


@lru_cache(maxsize=16)
def word_list_pattern(path: str, separated: bool) -> re.Pattern[str]:
    """One pattern for a whole list, longest entries first."""
    choice = "|".join(map(re.escape, sorted(word_list(path), key=len, reverse=True)))
    return re.compile(rf"(?<!\w)(?:{choice})(?!\w)" if separated else choice)
