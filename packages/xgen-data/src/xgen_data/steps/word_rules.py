"""Where one stretch between white space falls into words: English, as spaCy's tokenizer has it.

Filters count words, and published thresholds were tuned on particular words: datatrove counts with
spaCy's blank English pipeline, RefinedWeb and FineWeb with that or with NLTK. These rules describe
the same cuts (punctuation at both ends, clitics, hyphens, a few abbreviations), so that the counts
and with them the verdicts agree; they are not meant to agree on every word.
"""

from __future__ import annotations

import re

__all__ = ["split_chunk"]

_QUOTES = "'\"”“`‘´’‚„»«「」『』（）〔〕【】《》〈〉⟦⟧"
_PUNCTUATION = "…,:;!?¿؟¡()[]{}<>_#*&。？！，、；：～·।،۔؛٪"
_CURRENCY = "$£€¥฿₽﷼₴₠₡₢₣₤₥₦₧₨₩₪₫₭₮₯₰₱₲₳₵₶₷₸₹₺₻₼₾₿"
_ICONS = "¦©®°←-⇿∀-⋿⌀-⏿─-⟯⤀-⥿⦀-⯿\U0001f000-\U0001faff"
_LOWER, _UPPER = "a-zß-öø-ÿа-яα-ω", "A-ZÀ-ÖØ-ÞА-ЯΑ-Ω"
_UNITS = (
    "km²|km³|km/h|kmh|km|m²|m³|m/s|mph|mbar|mg|mm²|mm³|mm|mb|m|dm²|dm³|dm|cm²|cm³|cm|ha|hPa|µm|µg|"
    "nm|yd|in|ft|kg|kb|KB|g|t|lb|oz|Pa|MB|gb|GB|tb|TB|T|G|M|K|%"
)


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _class(characters: str) -> str:
    return re.escape(characters).replace("'", "\\'")


_ICON = f"[{_ICONS}]"
_FIRST = frozenset("§%=—–" + _PUNCTUATION + _QUOTES + _CURRENCY)
_LAST = frozenset("—–" + _PUNCTUATION + _QUOTES)
_BEFORE_DOT = frozenset("%²-+" + _PUNCTUATION + _QUOTES)
_AFTER_DIGIT = frozenset("+" + _CURRENCY)
_IS_ICON = re.compile(_ICON)
_UNIT = re.compile(rf"(?<=[0-9])(?:{_UNITS})\Z")
_UNIT_ENDS = frozenset(unit[-1] for unit in _UNITS.split("|"))
_INFIX = re.compile(
    rf"\.\.+|…|[{_ICONS}]|(?<=[0-9])[+\-*^](?=[0-9-])"
    rf"|(?<=[{_LOWER}{_class(_QUOTES)}])\.(?=[{_UPPER}{_class(_QUOTES)}])"
    r"|(?<=[^\W\d_]),(?=[^\W\d_])"
    r"|(?<=[^\W_])(?:---?|——|[-–—~])(?=[^\W\d_])"
    r"|(?<=[^\W_])[:<>=/](?=[^\W\d_])"
)
_URL = re.compile(
    r"(?:(?i:https?|ftp|file)://\S+|(?:mailto:)?[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|(?:[A-Za-z0-9][A-Za-z0-9-]*\.)+[a-z]{2,}(?::\d+)?(?:[/?#]\S*)?)\Z"
)
_DIGIT_UNIT = re.compile(rf"[0-9.,]*[0-9](?:{_UNITS})\Z")
_CLOCK = re.compile(r"(1[0-2]|[1-9])(a\.?m\.?|p\.?m\.?)\Z")
_CLITIC = re.compile(r"(.+?)(n['’]t|['’](?:ll|ve|re|em|m|d|s|S))((?:['’]ve)?)\Z", re.IGNORECASE)
_STEMS = _listed(
    "i you he she it we they who what when where why how there that this everything "
    "ca could did does do had has have is are was were might must need ought sha should wo would "
    "ai dare may let y"
)
_JOINED = {
    "cannot": 3, "gonna": 3, "gotta": 3, "lets": 3, "dont": 2, "doesnt": 4, "didnt": 3, "cant": 2,
    "isnt": 2, "arent": 3, "wasnt": 3, "werent": 4, "wont": 2, "wouldnt": 5, "couldnt": 5,
    "shouldnt": 6, "hasnt": 3, "havent": 4, "hadnt": 3, "aint": 2, "im": 1, "ive": 1,
    "youre": 3, "youve": 3, "theyre": 4, "theyve": 4, "thats": 4, "whats": 4, "hes": 2, "shes": 3,
}  # fmt: skip
"""Words written as one that are counted as two, and where they are cut."""
_WHOLE = _listed(
    "a.m. p.m. Adm. Bros. co. Co. Corp. D.C. Dr. e.g. E.g. E.G. Gen. Gov. i.e. I.e. I.E. Inc. Jr. "
    "Ltd. Md. Messrs. Mo. Mont. Mr. Mrs. Ms. Ph.D. Prof. Rep. Rev. Sen. St. vs. v.s. "
    "Jan. Feb. Mar. Apr. Jun. Jul. Aug. Sep. Sept. Oct. Nov. Dec. "
    "Ala. Ariz. Ark. Calif. Colo. Conn. Del. Fla. Ga. Ia. Id. Ill. Ind. Kan. Kans. Ky. La. Mass. "
    "Mich. Minn. Miss. N.C. N.D. N.H. N.J. N.M. N.Y. Neb. Nebr. Nev. Okla. Ore. Pa. S.C. Tenn. "
    "Va. Wash. Wis. 'em 'Cause 'cause 'Cos 'cos 'Til 'til o'clock ma'am y'all "
    ":) :( ;) :-) :-( ;-) :D :P :/ :| <3 ^_^ -_- :-D :-P :-/ xD XD :o :O =) =( "
    "): '' 8) (= =( and/or --- :* ;P ;D =D =/ >:( (: (; o_o O_O v.v c/o w/o"
    + " ".join(f" {letter}." for letter in "abcdefghijklmnopqrstuvwxyz")
)


def split_chunk(chunk: str) -> list[str]:
    """The words of a non-empty text without white space, in order; nothing of it is lost."""
    if chunk.isalnum():
        return _plain(chunk)
    last, body = chunk[-1], chunk[:-1]
    if last in ",.;:!?)" and body.isalpha() and chunk not in _WHOLE:  # most of what is not plain
        if last != "." or len(body) > 1 or not body.isupper():
            return [*_plain(body), last]
        return [chunk]
    return _split(chunk)


def _plain(word: str) -> list[str]:
    cut = _JOINED.get(word.lower())
    if cut:
        return [word[:cut], word[cut:]]
    if word[0].isdecimal() and not word[-1].isdecimal():
        return _measure(word)
    return [word]


def _measure(word: str) -> list[str]:
    found = _CLOCK.match(word)
    if found:
        return [found[1], found[2]]
    if _DIGIT_UNIT.match(word):
        cut = max(i for i, c in enumerate(word) if c.isdecimal()) + 1
        return [word[:cut], word[cut:]]
    return [word]


def _special(word: str) -> list[str] | None:
    """Words that are kept as they are or cut by a list, not by a rule."""
    if word in _WHOLE or len(word) == 1:
        return [word]
    if word.isalpha():
        cut = _JOINED.get(word.lower())
        return [word[:cut], word[cut:]] if cut else None
    if "1" <= word[0] <= "9" and word[-1] in "m.":
        found = _CLOCK.match(word)
        return [found[1], found[2]] if found else None
    if "'" in word or "’" in word:
        found = _CLITIC.match(word)
        if found and found[1].lower() in _STEMS:
            return [part for part in found.groups() if part]
    return None


def _prefix(chunk: str) -> int:
    """How many characters at the beginning are a mark of their own."""
    first = chunk[0]
    if first in _FIRST:
        return 1
    if first == ".":
        dots = len(chunk) - len(chunk.lstrip("."))
        return dots if dots > 1 else 0
    if first == "+":
        return 0 if chunk[1:2].isdecimal() else 1
    return 1 if first > "\x7f" and _IS_ICON.match(first) else 0


def _suffix(chunk: str) -> int:
    """How many characters at the end are a mark or a unit of their own."""
    last, before = chunk[-1], chunk[-2:-1]
    length = 0
    if last in _LAST:
        length = 1
    elif last == ".":
        dots = len(chunk) - len(chunk.rstrip("."))
        if dots > 1:
            length = dots
        else:
            acronym = before.isupper() and chunk[-3:-2].isupper()
            plain = before.isdecimal() or before.islower() or before in _BEFORE_DOT
            length = 1 if acronym or plain else 0
    elif last in "sS" and before in ("'", "’"):
        length = 2
    elif last in _AFTER_DIGIT and before.isdecimal():
        length = 1
    elif last in _UNIT_ENDS and not chunk.isalpha():
        found = _UNIT.search(chunk[-6:])
        length = len(found[0]) if found else 0
    elif last > "\x7f" and _IS_ICON.match(last):
        length = 1
    return length


def _split(chunk: str) -> list[str]:
    before: list[str] = []
    after: list[str] = []
    while chunk:
        special = _special(chunk)
        if special is not None:
            return [*before, *special, *after[::-1]]
        prefix, suffix = _prefix(chunk), _suffix(chunk)
        if not prefix and not suffix:
            break
        end = len(chunk) - suffix
        if prefix:
            rest = _special(chunk[prefix:]) if len(chunk) > prefix else None
            if rest is not None:
                return [*before, chunk[:prefix], *rest, *after[::-1]]
        if suffix and end:
            rest = _special(chunk[:end])
            if rest is not None:
                return [*before, *rest, chunk[end:], *after[::-1]]
        if suffix and end >= prefix:
            after.append(chunk[end:])
            chunk = chunk[:end]
        if prefix:
            before.append(chunk[:prefix])
            chunk = chunk[prefix:]
    if chunk:
        before.extend(_inside(chunk))
    return [*before, *after[::-1]]


def _inside(chunk: str) -> list[str]:
    if chunk.isalnum() or (("." in chunk or ":" in chunk) and _URL.match(chunk)):
        return [chunk]
    parts: list[str] = []
    start = 0
    for found in _INFIX.finditer(chunk):
        if found.start() > start:
            parts.append(chunk[start : found.start()])
        if found.start():  # one at the very beginning stays with what follows it
            parts.append(found[0])
            start = found.end()
    if start < len(chunk):
        parts.append(chunk[start:])
    return parts
