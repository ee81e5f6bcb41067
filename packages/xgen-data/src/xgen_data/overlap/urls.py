"""The same page fetched again: URLs that lead to one page, of which the newest copy stays.

XGen's C4 took six crawls and removed repetitions across them by URL, keeping the newest (Nijkamp et
al. 2023). A page fetched twice is rarely equal byte for byte, so digests do not find it.
"""

from __future__ import annotations

import hashlib
import re
from urllib.parse import SplitResult, urlsplit

import numpy as np
from numpy.typing import NDArray

from xgen_data.overlap.grouping import in_part, parts_needed

__all__ = ["NO_URL", "find_older", "hash_url", "normalise_url"]

NO_URL = 0
"""Hash of a document without URL; such documents are not compared."""
_SCHEMES = frozenset({"", "http", "https"})
_PORTS = frozenset({80, 443})
_HOST_PREFIX = re.compile(r"^(?:www\d{0,2}|m|mobile|amp)\.(?=[^.]+\.)")
_INDEX = re.compile(r"/(?:index|default)\.(?:html?|php|aspx?|jsp)$", re.IGNORECASE)
_PARAMETER = re.compile(
    r"(?:utm_.*|mc_[ce]id|_?gclid|dclid|gbraid|wbraid|fbclid|msclkid|yclid|igshid|_hs(?:enc|mi)|"
    r"phpsessid|jsessionid|aspsessionid.*|cfid|cftoken|sessionid|session_id)",
    re.IGNORECASE,
)
_PATH_SESSION = re.compile(r";jsessionid=[^/?#]*", re.IGNORECASE)
_ESCAPE = re.compile(r"%[0-9a-fA-F]{2}")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def normalise_url(url: str) -> str:
    """One spelling for the URLs of a page; empty if `url` is not one of the web.

    Gone or made equal are, in this order:

    - `http` and `https`, user and password, ports 80 and 443, the host's case and final dot;
    - a first label `www`, `www1`, `m`, `mobile` or `amp`, where two more follow;
    - the fragment, unless it begins with `!` (an address of its own in older applications);
    - `;jsessionid=…` in the path, `index.html` and its like at its end, slashes at its end, and
      slashes that follow slashes;
    - escapes: letters, digits and `-._~` are decoded, others get capitals (RFC 3986, 6.2.2);
    - parameters of campaigns and sessions (`utm_*`, `gclid`, `fbclid`, `PHPSESSID`, …); the others
      are sorted, as their order rarely means anything.

    The path's case stays: servers tell `/A` from `/a`.
    """
    text = url.strip()
    try:
        split = urlsplit(text if "://" in text else f"//{text.removeprefix('//')}")
        port = split.port
    except ValueError:  # a port that is no number, brackets that do not close
        return ""
    host = (split.hostname or "").rstrip(".")
    if split.scheme.lower() not in _SCHEMES or "." not in host:
        return ""
    host = _HOST_PREFIX.sub("", host)
    if port is not None and port not in _PORTS:
        host = f"{host}:{port}"
    return host + _path(split) + _query(split) + _fragment(split)


def _path(split: SplitResult) -> str:
    path = _INDEX.sub("/", _PATH_SESSION.sub("", split.path))
    return _unescape(re.sub("/{2,}", "/", path).rstrip("/"))


def _query(split: SplitResult) -> str:
    kept = [
        _unescape(pair)
        for pair in split.query.replace("&amp;", "&").split("&")
        if pair and not _PARAMETER.fullmatch(pair.partition("=")[0])
    ]
    return "?" + "&".join(sorted(kept)) if kept else ""


def _fragment(split: SplitResult) -> str:
    return "#" + split.fragment if split.fragment.startswith("!") else ""


def _unescape(text: str) -> str:
    def plain(match: re.Match[str]) -> str:
        character = chr(int(match.group()[1:], 16))
        return character if character in _UNRESERVED else match.group().upper()

    return _ESCAPE.sub(plain, text) if "%" in text else text


def hash_url(url: str) -> int:
    """64 bits of BLAKE2b of the normalised URL; `NO_URL` if that is empty.

    Among 10⁹ pages the chance that any two share a hash is 3 %.
    """
    normal = normalise_url(url)
    if not normal:
        return NO_URL
    digest = hashlib.blake2b(normal.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "little") or 1


def find_older(
    urls: NDArray[np.uint64],
    dates: NDArray[np.int64],
    *,
    precedence: NDArray[np.int64] | None = None,
    memory: int = 2**30,
) -> NDArray[np.bool_]:
    """Mark documents of whose URL there is a newer copy.

    Args:
        urls: `[documents]`, from `hash_url`.
        dates: `[documents]`, larger is newer; any unit, one for all.
        precedence: `[documents]`, decides among equal dates, lower stays, then the lower row; the
            row by default.
        memory: bytes for sorting; more documents than that are taken in parts, by leading bits.

    Returns:
        bool `[documents]`, true for what goes.
    """
    count = len(urls)
    if len(dates) != count or (precedence is not None and len(precedence) != count):
        raise ValueError("urls, dates and precedence must have one value a document each")
    removed = np.zeros(count, np.bool_)
    parts = parts_needed(count, 64, memory)  # bytes a row: keys, order and copies of both
    for part in range(parts):
        rows = np.flatnonzero(in_part(urls, part, parts) & (urls != NO_URL))
        ranks = rows if precedence is None else precedence[rows]
        newest_first = ~dates[rows]  # -1 - date: the lowest date has no negative of its own
        order = np.lexsort((rows, ranks, newest_first, urls[rows]))
        rows = rows[order]
        hashes = urls[rows]
        removed[rows[1:]] = hashes[1:] == hashes[:-1]
    return removed
