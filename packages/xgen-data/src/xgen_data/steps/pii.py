"""Personal data that has a form: mail and machine addresses, phone, card and account numbers.

Every pattern has a check behind it (a checksum, a table, a parser), so that what is masked is what
it looks like. Names and street addresses have no form; they need a model, and stay.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from xgen_core import Document, MissingExtraError
from xgen_data.steps.masking import Found, mask
from xgen_data.steps.step import DocumentStep

__all__ = ["PLACEHOLDERS", "PersonalData", "PersonalDataKind", "is_card", "is_iban"]

PersonalDataKind = Literal["email", "ip", "phone", "card", "iban"]
PLACEHOLDERS = {
    "email": "<EMAIL>",
    "ip": "<IP_ADDRESS>",
    "phone": "<PHONE>",
    "card": "<CARD>",
    "iban": "<IBAN>",
}
"""StarCoder's names where it has one, so that models trained on either see the same. They are
fixed, as an invented but valid-looking address would be somebody's."""

_NAME = re.compile(r"(?<![\w.+%/-])[A-Za-z0-9_][\w.+%-]{0,63}\Z")
_DOMAIN = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}(?![\w@-])"
)
_RESERVED = re.compile(r"@(?:[\w.-]+\.)?(?:example(?:\.(?:com|net|org))?|test|invalid|localhost)\Z")
_FILES = frozenset(("png", "jpg", "jpeg", "gif", "svg", "webp", "js", "css"))
_IPV4 = re.compile(r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f:]{7,39}(?![\w:])")
_PORT = re.compile(r":\d{2,5}\b|/\d{1,2}\b")
_RESOLVERS = frozenset(
    ("8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "208.67.222.222", "208.67.220.220")
)
_CARD = re.compile(
    r"(?<![\d.,/-])(?:\d{13,19}|\d{4}(?:[ -]\d{4}){3}|3\d{3}[ -]\d{6}[ -]\d{5})(?![\d-])"
)
_IBAN = re.compile(
    r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?![A-Za-z0-9])"
)
_PHONE = re.compile(r"(?<![\w.,+=/-])(?:\+|\()?\d[\d ().\u2011/-]{5,20}\d(?![\w=/-]|[.,]\d)")
_DIGIT = re.compile(r"\d")
_NOT_DIGIT = re.compile(r"\D")

_IBAN_LENGTH = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22,
    "BR": 29, "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28,
    "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23,
    "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26,
    "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LI": 21, "LT": 20, "LU": 20, "LV": 21,
    "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15,
    "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SC": 31,
    "SE": 24, "SI": 19, "SK": 24, "SM": 27, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26,
    "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip
"""Length by country, from the IBAN registry of ISO 13616."""
_ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"
    r"|3[47]\d{13}|6(?:011|5\d\d|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|3(?:0[0-5]|[68]\d)\d{11}"
)
"""Visa, Mastercard (two ranges), American Express, Discover, JCB, Diners Club."""


def is_card(number: str) -> bool:
    """Whether it is a payment card's number: an issuer's prefix and length, and Luhn's checksum."""
    digits = _NOT_DIGIT.sub("", number)
    if not _ISSUERS.fullmatch(digits) or len(set(digits)) == 1:
        return False
    total = 0
    for i, digit in enumerate(map(int, reversed(digits))):
        doubled = digit * 2 if i % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def is_iban(number: str) -> bool:
    """Whether it is an account number: its country's length, and remainder 1 modulo 97."""
    compact = number.replace(" ", "")
    if _IBAN_LENGTH.get(compact[:2]) != len(compact) or not compact.isalnum():
        return False
    return int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1


@dataclass(frozen=True, kw_only=True)
class PersonalData(DocumentStep):
    """Replace personal data by placeholders; writes `pii.email` and so on, where there are any.

    Attributes:
        find: kinds to look for. `"phone"` needs `xgen-data[filters]`.
        regions: countries (`"US"`) whose numbers are looked for without a `+`; with it, all are.
        replace: off: only count.
        reserved: whether to mask addresses at example.com and its like too.
    """

    kind: Literal["personal_data"] = "personal_data"
    find: tuple[PersonalDataKind, ...] = ("email", "ip", "card", "iban")
    regions: tuple[str, ...] = ()
    replace: bool = True
    reserved: bool = False

    writes: ClassVar[tuple[str, ...]] = tuple(f"pii.{kind}" for kind in PLACEHOLDERS)

    def one(self, document: Document) -> Document:
        """The document, the same object where nothing was found."""
        text = document.text
        found = [item for kind in self.find for item in self._finders()[kind](text)]
        if not found:
            return document
        masked, counts = mask(text, found, PLACEHOLDERS)
        tags = {f"pii.{kind}": counts[kind] for kind in self.find if counts[kind]}
        return replace(
            document,
            text=masked if self.replace else text,
            metadata={**document.metadata, **tags},
        )

    def _finders(self) -> dict[str, Callable[[str], Iterator[Found]]]:
        return {
            "email": self._emails,
            "ip": _addresses,
            "phone": self._phones,
            "card": _cards,
            "iban": _ibans,
        }

    def _emails(self, text: str) -> Iterator[Found]:
        at = text.find("@")
        while at >= 0:
            name = _NAME.search(text[max(at - 66, 0) : at])
            domain = _DOMAIN.match(text, at + 1) if name else None
            if name and domain and self._is_address(name[0].lower(), domain[0].lower()):
                yield Found(at - len(name[0]), domain.end(), "email")
            at = text.find("@", at + 1)

    def _is_address(self, name: str, domain: str) -> bool:
        if name == "git" or domain.rpartition(".")[2] in _FILES:  # a remote; an image@2x.png
            return False
        return self.reserved or not _RESERVED.search(f"@{domain}")

    def _phones(self, text: str) -> Iterator[Found]:
        if "+" not in text and not self.regions:
            return
        try:
            import phonenumbers
        except ImportError:
            raise MissingExtraError("finding phone numbers", "xgen-data[filters]") from None
        for match in _PHONE.finditer(text):
            candidate = match[0]
            digits = len(_DIGIT.findall(candidate))
            if not 7 <= digits <= 15:
                continue
            regions = (None,) if candidate[0] == "+" else self.regions
            if (
                candidate[0] != "+" and candidate.isdecimal()
            ):  # bare digits are mostly something else
                continue
            for region in regions:
                try:
                    number = phonenumbers.parse(candidate, region)
                except phonenumbers.NumberParseException:
                    continue
                if phonenumbers.is_valid_number(number):
                    yield Found(match.start(), match.end(), "phone")
                    break


def _addresses(text: str) -> Iterator[Found]:
    if text.count(".") >= 3:
        for match in _IPV4.finditer(text):
            # Four numbers below 100 are a version or a section far more often than an address: one
            # address in forty looks so. A port or a mask tells them apart.
            small = all(len(part) < 3 for part in match[0].split("."))
            if small and not _PORT.match(text, match.end()):
                continue
            if _is_global(match[0]):
                yield Found(match.start(), match.end(), "ip")
    if text.count(":") >= 2:
        for match in _IPV6.finditer(text):
            if match[0].count(":") >= 2 and _is_global(match[0]):
                yield Found(match.start(), match.end(), "ip")


def _is_global(address: str) -> bool:
    """Whether it is an address of some machine out there, and not a well-known public service."""
    try:
        return ipaddress.ip_address(address).is_global and address not in _RESOLVERS
    except ValueError:  # 999.1.1.1, a time, a C++ name: not an address
        return False


def _cards(text: str) -> Iterator[Found]:
    for match in _CARD.finditer(text):
        if is_card(match[0]):
            yield Found(match.start(), match.end(), "card")


def _ibans(text: str) -> Iterator[Found]:
    for match in _IBAN.finditer(text):
        if is_iban(match[0]):
            yield Found(match.start(), match.end(), "iban")
            continue
        trimmed = match[0].replace(" ", "")[: _IBAN_LENGTH.get(match[0][:2], 0)]
        if trimmed and " " in match[0] and is_iban(trimmed):  # a capital word followed it
            end = match.start()
            for _ in trimmed:
                end += 1 + (text[end] == " ")
            yield Found(match.start(), end, "iban")
