"""Keys, tokens and passwords that were committed by mistake.

Most have a form given by who issues them; for the rest, an assignment to a name that says secret,
of a value that looks random, which is two things: entropy, and not being made of words. StarCoder
did this with detect-secrets and a gibberish filter; here it needs neither.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from xgen_core import Document
from xgen_data.steps.masking import Found, mask
from xgen_data.steps.step import DocumentStep, Drop

__all__ = ["Secrets", "entropy", "looks_random"]

_PLACEHOLDERS = {"key": "<KEY>", "password": "<PASSWORD>"}
"""StarCoder's names."""
_ISSUED = (
    ("AKIA", re.compile(r"\bAKIA[A-Z2-7]{16}\b")),  # Amazon
    ("ASIA", re.compile(r"\bASIA[A-Z2-7]{16}\b")),
    ("gh", re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36,251}\b")),  # GitHub
    ("github_pat_", re.compile(r"\bgithub_pat_[A-Za-z0-9_]{70,90}\b")),
    ("glpat-", re.compile(r"\bglpat-[A-Za-z0-9_-]{20,}\b")),  # GitLab
    ("xox", re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{10,250}\b")),  # Slack
    ("hooks.slack.com", re.compile(r"(?<=hooks\.slack\.com/services/)T\w{8,}/B\w{8,}/\w{20,}")),
    ("AIza", re.compile(r"\bAIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])")),  # Google
    ("_live_", re.compile(r"\b[sr]k_live_[A-Za-z0-9]{20,250}\b")),  # Stripe
    ("npm_", re.compile(r"\bnpm_[A-Za-z0-9]{36}\b")),
    ("pypi-", re.compile(r"\bpypi-AgEI[A-Za-z0-9_-]{50,}")),
    ("hf_", re.compile(r"\bhf_[A-Za-z]{34}\b")),  # Hugging Face
    ("sk-", re.compile(r"\bsk-(?:proj-|ant-[a-z0-9]+-)?[A-Za-z0-9_-]{32,}")),  # OpenAI, Anthropic
)
_BLOCK = re.compile(
    r"-----BEGIN (?P<of>(?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?)-----.*?(?:-----END (?P=of)-----|\Z)",
    re.DOTALL,
)
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}")
_URL = re.compile(
    r"(?<=://)(?P<user>[^\s:/@'\"<>]{1,64}):(?P<password>[^\s:/@'\"<>${}]{3,128})@(?=\w)"
)
_ASSIGNED = re.compile(
    r"(?P<name>secret|token|passw(?:or)?d|api_?-?key|access_?-?key|auth_?-?key|credential)"
    r"[\w.-]{0,64}['\"]?\s*(?::=|=>|[:=])\s*['\"](?P<value>[^\s'\"]{8,200})['\"]",
    re.IGNORECASE,
)
_VOWELS = frozenset("aeiouyAEIOUY")
_RUNS = re.compile(r"[A-Za-z]+")
_HOLLOW = re.compile(
    r"(?i)example|your|changeme|placeholder|dummy|sample|redacted|xxx|\*\*\*|<|\$\{|\{\{|%\("
)

_SHOWN = frozenset(("password", "passwd", "pass", "pwd", "secret", "token", "apikey", "api_key"))


def entropy(text: str) -> float:
    """Bits per character, of the characters' frequencies (Shannon)."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def looks_random(value: str) -> bool:
    """Whether a value of 16 and more characters is probably a key and not a name, path or phrase.

    It has letters and digits in turn, no spaces, at least 3 bits a character (hexadecimal digits
    reach 4, base 64 comes near 5 at that length), and its runs of letters are not word-like: long
    runs have vowels about as often as words do.
    """
    if len(value) < 16 or _HOLLOW.search(value) or not re.fullmatch(r"[\w+/=.~-]+", value):
        return False
    if not re.search(r"\d", value) or not re.search(r"[A-Za-z]", value) or entropy(value) < 3.0:
        return False
    runs = _RUNS.findall(value)
    wordy = sum(len(run) for run in runs if len(run) >= 3 and _is_wordy(run))
    return wordy < max(0.5 * sum(map(len, runs)), 0.25 * len(value))


def _is_wordy(run: str) -> bool:
    """One case (a capital may begin it), a quarter to two thirds of it vowels."""
    if not (run.islower() or run.isupper() or run.istitle()):
        humps = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", run)
        return all(len(hump) >= 3 for hump in humps) and all(map(_is_wordy, humps))
    vowels = sum(c in _VOWELS for c in run) / len(run)
    return 0.2 <= vowels <= 0.67


def _is_jwt(token: str) -> bool:
    head = token.partition(".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (binascii.Error, ValueError):  # it is not what it looks like
        return False
    return isinstance(header, dict) and "alg" in header


@dataclass(frozen=True, kw_only=True)
class Secrets(DocumentStep):
    """Mask secrets, or drop the files that hold some; writes `secrets.key`, `secrets.password`.

    Attributes:
        action: `"mask"` puts `<KEY>` and `<PASSWORD>` in their place.
        assignments: also look at assignments to names such as `api_key`, the only rule here that
            goes by looks.
    """

    kind: Literal["secrets"] = "secrets"
    action: Literal["mask", "drop"] = "mask"
    assignments: bool = True

    writes: ClassVar[tuple[str, ...]] = ("secrets.key", "secrets.password")

    def one(self, document: Document) -> Document | Drop:
        """The document, the same object where nothing was found."""
        found = list(self._find(document.text))
        if not found:
            return document
        if self.action == "drop":
            return Drop(reason="secret")
        text, counts = mask(document.text, found, _PLACEHOLDERS)
        tags = {f"secrets.{what}": count for what, count in counts.items()}
        return replace(document, text=text, metadata={**document.metadata, **tags})

    def _find(self, text: str) -> Iterator[Found]:
        for sign, pattern in _ISSUED:
            if sign in text:
                for match in pattern.finditer(text):
                    if "EXAMPLE" not in match[0]:  # as Amazon writes it in its manuals
                        yield Found(match.start(), match.end(), "key")
        if "PRIVATE KEY" in text:
            yield from (Found(m.start(), m.end(), "key") for m in _BLOCK.finditer(text))
        if "eyJ" in text:
            for match in _JWT.finditer(text):
                if _is_jwt(match[0]):
                    yield Found(match.start(), match.end(), "key")
        if "://" in text and "@" in text:
            for match in _URL.finditer(text):
                if _is_password(match["user"], match["password"]):
                    yield Found(*match.span("password"), "password")
        if self.assignments:
            yield from _assigned(text)


def _is_password(user: str, password: str) -> bool:
    """Whether it may be one, and not what manuals write in its place."""
    shown = _HOLLOW.search(password) or password.lower() in _SHOWN
    return not shown and password != user


def _assigned(text: str) -> Iterator[Found]:
    for match in _ASSIGNED.finditer(text):
        if looks_random(match["value"]):
            password = "passw" in match["name"].lower()
            yield Found(*match.span("value"), "password" if password else "key")
