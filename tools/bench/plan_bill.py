"""What 10^12 tokens of XGen-7B cost on v4, by price and utilisation: the arithmetic of a claim.

    python tools/bench/plan_bill.py

Prices are dollars for a chip-hour of v4: on demand in 2022, with a year's commitment (37 % off),
with three years' (55 % off), and one that somebody may have negotiated.
"""

from __future__ import annotations

from xgen_model import PRESETS
from xgen_train.plan.bill import Bill, bill
from xgen_train.plan.chip import CHIPS
from xgen_train.plan.flops import count_flops
from xgen_train.recipes import xgen_7b

PRICES = (3.22, 2.03, 1.449, 1.20)
MFU = (30, 35, 40, 43.5, 45, 50, 55, 60)
CLAIM = 150_000
CHIP = CHIPS["v4"]
RECIPE = xgen_7b.base_1500b()


def cost(price: float, mfu: float, length: int = 2048) -> Bill:
    """The bill of XGen-7B's whole training, and of 10^12 tokens at one length."""
    phases = [(s.sequence_length, s.steps * RECIPE.batch_tokens) for s in RECIPE.stages]
    return bill(
        PRESETS["xgen-7b-8k"],
        CHIP,
        phases,
        sequence_length=length,
        chips=512,
        mfu_percent=mfu,
        price=price,
    )


def main() -> None:
    """Print three tables."""
    for length in (2048, 4096, 8192):
        flops = count_flops(PRESETS["xgen-7b-8k"], length)
        print(
            f"FLOPs a token at {length:,}: 6N + 12LDT {flops.palm / 1e9:.2f} G, "
            f"6N + 6LDT {flops.causal / 1e9:.2f} G, 6N {flops.six_n / 1e9:.2f} G"
        )
    print(f"\nthousands of dollars for 10^12 tokens at 2,048, by MFU\n{'$/h':>6}", end="")
    print("".join(f"{mfu:>7g}%" for mfu in MFU))
    for price in PRICES:
        row = (cost(price, mfu).dollars_per_trillion or 0 for mfu in MFU)
        print(f"{price:>6}" + "".join(f"{dollars / 1000:>8.0f}" for dollars in row))
    print(f"\nwhat ${CLAIM:,} for 10^12 tokens asks for")
    at_one = cost(1.0, 1.0)
    for price in PRICES:
        # dollars fall with utilisation, so one point tells it
        mfu = (at_one.dollars_per_trillion or 0) * price / CLAIM
        rate = cost(price, min(mfu, 100)).tokens_per_second_per_chip
        print(f"{price:>6}: {mfu:5.1f} % MFU, {rate:,.0f} tokens/s/chip, {CLAIM / price:,.0f} h")
    print("\nthe whole recipe, 1.5 * 10^12 tokens at three lengths, on 512 chips")
    for mfu in (43.5, 55):
        for price in PRICES[:3]:
            found = cost(price, mfu)
            print(
                f"{price:>6} at {mfu:g} %: {found.chip_hours:,.0f} chip-hours, "
                f"{found.days:.1f} days, ${found.dollars or 0:,.0f}"
            )


if __name__ == "__main__":
    main()
