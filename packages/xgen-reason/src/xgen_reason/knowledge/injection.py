"""Text from outside that reads like orders to a model rather than like knowledge.

A guard by rules: cheap, explainable, and no proof. It marks; the methods leave marked pieces out of
prompts and keep them in the trace. What it must not do is mark an encyclopedia: imperatives alone,
recipes, code and quotations are no orders to whoever reads evidence.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata

__all__ = ["suspicion"]

_ALL = r"(?:(?:all|any|every|the|these|those|your|of|my|our) )*"
_EARLIER = r"(?:previous|prior|preceding|above|earlier|foregoing|existing|system|original|initial)"
_ORDERS = r"(?:instructions?|prompts?|rules?|directions?|guidelines?|messages?|orders?|commands?)"
# of a line or a sentence, of a cell that is read aloud, of a value in a list
_START = r"(?:^|[\n.!?\]>*#=–,;:|-])\s{0,9}"
_MODEL = r"(?:AIs?|LLMs?|(?:large )?language models?|chatbots?|(?:AI |virtual )?assistants?)"
_SOURCE = r"(?:sources?|databases?|endpoints?|domains?|search engines?|knowledge bases?|plugins?)"

_PATTERNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "tells the reader to ignore instructions",
        (
            r"\b(?:ignore|disregard|forget|override|bypass|do not follow|don't follow)\s+"
            rf"{_ALL}{_EARLIER}\s+(?:\w+\s+)?{_ORDERS}\b",
            rf"\b(?:ignore|disregard|forget|override)\s+{_ALL}{_ORDERS}\s+(?:above|before|so far"
            r"|you (?:were|have been|are) given)\b",
            r"\b(?:ignore|disregard|forget)\s+(?:everything|anything|all|whatever|what)\b.{0,30}"
            r"\b(?:above|before this|so far|you were told|instructed)\b",
        ),
    ),
    (
        "announces new instructions",
        (
            r"\b(?:new|updated|revised|real|actual|important|urgent)\s+(?:instructions?|prompts?)"
            rf"(?:\s+(?:for|to)\s+(?:the\s+|all\s+|you,?\s+)?{_MODEL})?\s*:",
        ),
    ),
    (
        "speaks in a role of a conversation",
        (
            rf"{_START}(?:system|assistant|developer)(?:\s+(?:prompt|message|note|override))?"
            r"\s*:\s",
            r"(?:^|\n)\s{0,9}(?:###?\s{0,9})?(?:user|human|ai|tool)\s*:\s",
            r"<\|[\w ]{2,30}\|>|\[/?(?:INST|SYS|AVAILABLE_TOOLS|TOOL_CALLS)\]|<</?SYS>>"
            r"|<(?:start|end)_of_turn>|</?(?:system|assistant|user|function_calls?|tool_calls?"
            r"|invoke|think)>",
        ),
    ),
    (
        "holds the syntax of a tool's call",
        (
            r"(?-i:\b(?:Search|Lookup|Finish)\[[^\]\n]{0,200}\])",
            r"(?-i:\b(?:Action|Thought|Observation)\s*\d+\s*:)",
            r"\"(?:tool|function|name)\"\s*:\s*\"\w+\"\s*,\s*\"(?:arguments|parameters|input)\"\s*:",
        ),
    ),
    (
        "chooses sources or tools",
        (
            r"\b(?:use|query|ask|consult|search|trust|choose|select) the following "
            r"(?:source|database|domain|url|link)s?\b",
            r"\b(?:use|query|ask|consult|switch to|choose|select) (?:only )?(?:the )?source "
            r"(?!code|materials?|data|texts?|languages?|documents?|files?|of\b|for\b|to\b)[\w\"'“]",
            r"\b(?:use|query|ask|consult|search|switch to|trust|rely on|choose|select) (?:only )?"
            rf"(?:the |this |another |an? )?(?:other |different |new )?(?:{_SOURCE}|tools?)"
            r"\s*(?:[\"“'`]?[\w:./-]+[\"”'`]? )?(?:instead\b|[\"“`]\w|https?:)",
        ),
    ),
    (
        "imitates the layout of our prompts",
        (
            r"(?-i:(?:^|\n|[.!?]\s+)(?:Edited sentence|Verifying question|Rationale|Knowledge)"
            r"\s*:\s+\S)",
            r"(?-i:\b(?:A|Answer)\s*:\s*First,)",
        ),
    ),
    (
        "imitates the marks around evidence",
        (
            r"</?\s*(?:evidence|knowledge|context|passage|untrusted|instructions?)\b[^>\n]{0,60}>"
            r"|</(?:data|document|source)>",
            r"(?:\[|<<|\{\{|---|===|###)\s*/?\s*(?:end|begin|start)[ _](?:of[ _])?(?:the[ _])?"
            r"(?:evidence|knowledge|data|documents?|context|sources?|prompt|input)\b",
        ),
    ),
    (
        "speaks to a model",
        (
            rf"{_START}(?:dear|attention|hey|hello|(?:note|message|instructions?) (?:to|for)"
            rf"|to)[,:]? (?:the |any |all )?{_MODEL}\b"
            r".{0,60}(?:[,:!]|\b(?:must|should|please)\b)",
            rf"\b(?:if you are|as) (?:an? )?{_MODEL}\b[^.]{{0,40}},\s*(?:you|please|ignore|answer"
            r"|reply|respond|say|always|never|do not|stop)\b",
            r"\byou are (?:now|no longer) (?:an? |in )?(?:\w+ ){0,3}(?:AI|assistant|model|chatbot"
            r"|bot|agent|DAN|mode|bound|restricted)\b",
        ),
    ),
    (
        "dictates the answer",
        (
            r"\b(?:answer|reply|respond|output|print) (?:only |just |exactly |always )*with\b"
            r"(?: only| exactly| just)? (?:the (?:word|text|label)s? )?[\"“'‘`]",
            r"\b(?:you must|you should|please|always) (?:always |now |only )?"
            r"(?:answer|reply|respond|output|conclude) (?:with|that|by|only)\b",
            r"\bthe (?:correct |right |true |final |only )?answer to (?:this|the|your|every|any)"
            r" (?:user's |above )?questions? is\b|\bsay that the answer is\b",
            r"\bregardless of (?:what )?(?:the )?(?:question|you (?:were|are) asked)\b",
        ),
    ),
    (
        "asks for what it must not see",
        (
            r"\b(?:reveal|repeat|print|show|leak|output|send|disclose)\s+(?:me\s+)?(?:all\s+)?"
            r"(?:your|the)\s+(?:\w+\s+)?(?:system prompt|(?:hidden |initial |system )instructions"
            r"|api keys?)\b",
        ),
    ),
)
_RULES = tuple(
    (re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE), reason)
    for reason, patterns in _PATTERNS
)

_HIDDEN = re.compile(
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\U000e0000-\U000e007f]"
)
_TAGS = re.compile("(?<!\U0001f3f4)(?<![\U000e0020-\U000e007e])[\U000e0020-\U000e007e]{2,}")
_ENCODED = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_-]{24,}={0,2}(?![\w+/=])")
_WORD = re.compile(r"\w+")
_LOOKALIKES = str.maketrans("аеорсухіјѕԁɡ", "aeopcyxijsdg")
"""Cyrillic and other letters that pass for Latin ones."""


def suspicion(text: str) -> str:
    """Why a text reads like an order to the model; empty where it does not.

    It is also read without invisible characters, with letters that only look Latin replaced, and
    with what stands in it in base64 decoded.
    """
    if _TAGS.search(text):  # spell ASCII that nobody sees; behind a black flag they make the flag
        return "hides text in invisible characters"
    reason = _reason(text)
    if reason:
        return reason
    seen = unicodedata.normalize("NFKC", _HIDDEN.sub("", text))
    reason = _reason(seen) or _reason(_WORD.sub(_in_latin, seen))
    if reason:
        return f"{reason}, behind characters that hide it"
    for encoded in _ENCODED.findall(seen):
        reason = _reason(_decoded(encoded))
        if reason:
            return f"{reason}, in base64"
    return ""


def _reason(text: str) -> str:
    return next((reason for rule, reason in _RULES if rule.search(text)), "")


def _in_latin(word: re.Match[str]) -> str:
    """A word that mixes Latin letters with others that look like them, in Latin letters alone."""
    mixed = re.search("[A-Za-z]", word[0]) is not None
    return word[0].lower().translate(_LOOKALIKES) if mixed else word[0]


def _decoded(encoded: str) -> str:
    body = encoded.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return ""
