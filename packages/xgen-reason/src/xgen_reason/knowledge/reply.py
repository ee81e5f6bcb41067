"""What a source's answer to one query becomes: evidence, nothing, or a failure with its reason."""

from __future__ import annotations

from xgen_reason.evidence import Attempt, Evidence, Found, Query

__all__ = ["reply"]


def reply(
    source: str, query: Query, evidence: tuple[Evidence, ...] = (), *, failure: str = ""
) -> Found:
    """The record of one query that was tried once."""
    outcome = failure or ("found" if evidence else "empty")
    attempt = Attempt(text=query.text, outcome=outcome)
    return Found(
        source=source, query=query, evidence=evidence, attempts=(attempt,), failure=failure
    )
