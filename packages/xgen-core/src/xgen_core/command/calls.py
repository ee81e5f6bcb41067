"""Options that every command shares which sends many requests: a budget, and a dry run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from xgen_core.lm.budget import Budget, Prices
    from xgen_core.lm.planned_model import PlannedModel

__all__ = ["budget_of", "call_options", "plan_text", "prices_of"]

F = TypeVar("F", bound=Callable[..., Any])
_LIMITS = ("calls", "tokens", "money")


def call_options(command: F) -> F:
    """Add `--budget`, `--prices` and `--dry-run`, as `limits`, `prices` and `dry_run`."""
    for option in (
        click.option("--dry-run", is_flag=True, help="Ask nothing; say what would be asked."),
        click.option(
            "--prices",
            metavar="PROMPT,COMPLETION",
            help="Money for a million tokens read and written, such as 0.15,0.6.",
        ),
        click.option(
            "--budget",
            "limits",
            multiple=True,
            metavar="LIMIT=AMOUNT",
            help="Stop before calls, tokens or money (with --prices) exceed this; repeatable. What "
            "was answered is kept, and an answer that is known costs nothing.",
        ),
    ):
        command = option(command)
    return command


def budget_of(
    limits: Sequence[str], prices: str | None, max_cost: float | None = None
) -> Budget | None:
    """The budget that the options ask for; None where they ask for none.

    Args:
        limits: of `--budget`.
        prices: of `--prices`.
        max_cost: of `--max-cost`, which is short for `--budget money=…`.

    Raises:
        click.UsageError: not a limit or not prices.
    """
    from xgen_core.lm.budget import Budget

    if max_cost is not None:
        limits = (*limits, f"money={max_cost!r}")
    if not limits:
        return None
    amounts: dict[str, float] = {}
    for limit in limits:
        name, _, text = limit.partition("=")
        amount = _number(text)
        if name not in _LIMITS or amount is None:
            raise click.UsageError(
                f"--budget takes calls=N, tokens=N or money=AMOUNT, got {limit!r}"
            )
        amounts[name] = amount
    if "money" in amounts and prices is None:
        raise click.UsageError("--budget money=… needs --prices PROMPT,COMPLETION")
    return Budget(
        calls=_whole(amounts.get("calls")),
        tokens=_whole(amounts.get("tokens")),
        money=amounts.get("money"),
        prices=prices_of(prices),
    )


def plan_text(model: PlannedModel, prices: str | None) -> str:
    """What a dry run found, for people.

    Raises:
        click.UsageError: not prices.
    """
    price = prices_of(prices)
    lines: list[str] = []
    for kind, plan in (("generate", model.generate_plan), ("score", model.score_plan)):
        worst = plan.worst
        if not worst.calls and not plan.known:
            continue
        line = (
            f"{kind}: {worst.calls:,} calls, {plan.prompt_bytes:,} bytes to read, at most "
            f"{worst.completion_tokens:,} tokens to write"
        )
        line += f"; {plan.known:,} more are answered already" if plan.known else ""
        line += f"; at most {price.cost(worst):,.4f}, a token a byte" if price else ""
        lines.append(line)
    return "\n".join(lines) or "nothing would be asked"


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None


def _whole(amount: float | None) -> int | None:
    return None if amount is None else int(amount)


def prices_of(text: str | None) -> Prices | None:
    """The prices that `--prices` names; None where it is not given.

    Raises:
        click.UsageError: not prices.
    """
    from xgen_core.lm.budget import Prices

    if text is None:
        return None
    prompt, _, completion = text.partition(",")
    pair = _number(prompt), _number(completion)
    if pair[0] is None or pair[1] is None:
        raise click.UsageError(f"--prices takes PROMPT,COMPLETION, got {text!r}")
    return Prices(prompt=pair[0], completion=pair[1])
