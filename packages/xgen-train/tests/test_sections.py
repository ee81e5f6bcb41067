import itertools

from xgen_core.report import Table, Text
from xgen_train.peak import peak_flops
from xgen_train.sections.curves import means
from xgen_train.sections.goodput import goodput


def test_goodput_is_the_share_of_steps_that_stand() -> None:
    events = [
        {"event": "start", "time": 100.0},
        {"event": "evaluate", "time": 130.0, "step": 5, "seconds": 6.0},
        {"event": "save", "time": 140.0, "step": 5, "waited": 1.0, "seconds": 9.0},
        {"event": "start", "time": 180.0},  # killed in between
        {"event": "restore", "time": 183.0, "step": 5, "seconds": 3.0},
        {"event": "lost", "time": 183.0, "step": 5, "steps": 2, "seconds": 20.0},
        {"event": "stop", "time": 300.0, "step": 12, "why": "end"},
    ]
    text, table = goodput(events, [{"step": n, "seconds": 10.0} for n in range(1, 13)])
    assert isinstance(text, Text)
    assert "Goodput 60.0 %: of 200 s" in text.text
    assert "Taken up again once" in text.text
    assert isinstance(table, Table)
    spent = {row[0]: row[1] for row in table.rows}
    assert spent["steps that stand"] == 120.0
    assert spent["steps done again after a stop"] == 20.0
    assert spent["starting, stopped, and everything else"] == 200 - 120 - 20 - 6 - 1 - 3
    assert sum(spent.values()) == 200.0


def test_a_run_without_events_has_no_goodput() -> None:
    assert goodput([], [{"step": 1, "seconds": 1.0}]) == ()


def test_peaks_are_found_by_kind_and_unknown_ones_are_not_guessed() -> None:
    assert peak_flops("TPU v4") == 275e12
    assert peak_flops("TPU v5 lite") == 197e12  # not v5p, whose name it begins with
    assert peak_flops("TPU v5") == 459e12
    assert peak_flops("NVIDIA H100 80GB HBM3") == 989e12
    assert peak_flops("cpu") is None


def test_means_keep_inside_stages_and_parts_alike() -> None:
    steps = [{"stage": int(n >= 125), "tokens": n + 1, "loss": float(n >= 125)} for n in range(250)]
    points = list(means(steps, lambda row: row["loss"]))
    assert {value for _, value in points} == {0.0, 1.0}
    ends = [tokens for tokens, _ in points]
    gaps = {b - a for a, b in itertools.pairwise(ends)}
    assert gaps <= {3, 4, 5}
