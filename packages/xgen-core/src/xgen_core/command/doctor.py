"""`xgen doctor`: run every check that the installed packages contribute, and say what was seen."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import distributions

import click

from xgen_core.errors import PluginError
from xgen_core.plugins import available, load
from xgen_core.records import Check

__all__ = ["examine", "findings"]

_MARKS = {"ok": "ok  ", "warning": "WARN", "failure": "FAIL"}


def findings() -> Iterator[Check]:
    """All findings, the versions first; a check that itself breaks is a failure, not a crash."""
    yield Check(name="python", status="ok", detail=f"{platform.python_version()} {sys.platform}")
    ours = sorted(
        {(d.name, d.version) for d in distributions() if (d.name or "").startswith("xgen-")}
    )
    yield Check(name="packages", status="ok", detail=", ".join(f"{n} {v}" for n, v in ours))
    for name in sorted(available("xgen.checks")):
        try:
            yield from load("xgen.checks", name)()
        except PluginError as error:
            yield Check(name=name, status="failure", detail=str(error))
        except Exception as error:  # noqa: BLE001 - one broken check must not hide the others
            detail = f"the check itself failed: {type(error).__name__}: {error}"
            yield Check(name=name, status="failure", detail=detail)


def examine(as_json: bool) -> None:
    """Print the findings and exit with 1 if any is a failure."""
    seen: list[Check] = []
    for check in findings():
        seen.append(check)
        if not as_json:
            click.echo(f"{_MARKS[check.status]}  {check.name:<24}  {check.detail}")
    if as_json:
        click.echo(json.dumps([c.to_json() for c in seen], indent=2))
    if any(c.status == "failure" for c in seen):
        raise SystemExit(1)
