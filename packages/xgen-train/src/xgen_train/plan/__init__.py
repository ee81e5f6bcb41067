"""What a training run takes, before it is paid for: memory, arithmetic, collectives, the bill.

`Planner(recipe, topology).plan(request)` compiles the real step ahead of time.
"""
