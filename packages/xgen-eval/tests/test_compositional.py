"""The tasks of "Faith and Fate": solvers are right, wrong answers are not, graphs are by hand."""

import itertools
import re

import pytest

from xgen_eval.seeded.computation import ComputationGraph
from xgen_eval.seeded.puzzles import CATEGORIES, make_puzzle, solutions
from xgen_eval.tasks.logic_grid import LogicGrid
from xgen_eval.tasks.multiplication import Multiplication, schoolbook
from xgen_eval.tasks.nonadjacent_sum import NonadjacentSum, choices


def values(record):
    return {name: metric.value for name, metric in record.metrics.items()}


def test_layers_of_a_computation():
    graph = ComputationGraph()
    a, b, c = graph.add(), graph.add(), graph.add()
    d, e = graph.add([a, b]), graph.add([b, c])
    graph.add([d, e])
    assert (graph.nodes, graph.depth) == (6, 2)
    assert graph.width == 3  # layers of 3, 2 and 1: of equally frequent sizes the largest
    f = graph.add([d])
    assert graph.width == 2  # 3, 2, 2
    graph.add([f])
    assert graph.depth == 3


def test_the_schoolbook_graph_grows_with_both_factors():
    one = schoolbook(7, 8)  # two digits, their product, its last digit and its carry
    assert (one.nodes, one.depth) == (5, 2)
    # 2 + 1 inputs; 7·2 and 7·4+carry, a digit and a carry of each
    two = schoolbook(42, 7)
    assert (two.nodes, two.depth) == (9, 4)
    depths = [schoolbook(int("9" * n), int("9" * n)).depth for n in (1, 2, 3, 4)]
    assert depths == sorted(set(depths))


def multiply(prompt):
    a, b = re.findall(r"(\d+) x (\d+) =$", prompt)[0]
    return f" {int(a) * int(b):,}"


def test_multiplication_is_graded_whole_and_by_digit(doubles, run_task, tmp_path):
    task = Multiplication(digits=(1, 3), count=4)
    record, rows = run_task(doubles.Writer(multiply), task, tmp_path / "right")
    assert values(record)["acc"] == values(record)["digits"] == 1
    assert {r["attr.size"] for r in rows} == {"1x1", "3x1", "3x3"}
    assert rows[0]["prompt"].startswith("7 x 8 = 56\n34 x 6 = 204\n52 x 81 = 4212\n")
    record, rows = run_task(
        doubles.Writer(lambda p: f" {int(multiply(p).replace(',', '')) + 1}"),
        task,
        tmp_path / "off",
    )
    assert values(record)["acc"] == 0
    for row in rows:
        n = int(row["reference"])
        if n % 10 != 9:
            size = len(row["reference"])
            assert row["digits"] == pytest.approx((size - 1) / size)
    record, _ = run_task(doubles.Writer(lambda p: "I do not know"), task, tmp_path / "none")
    assert values(record)["digits"] == 0


def brute(numbers):
    """The best allowed choice, by looking at all; of equal ones the lexicographically first."""
    allowed = [
        c
        for c in itertools.product((1, 2), repeat=len(numbers))
        if not any(a == b == 1 for a, b in itertools.pairwise(c))
    ]
    return min(
        allowed, key=lambda c: (-sum(n for n, x in zip(numbers, c, strict=True) if x == 1), c)
    )


def listed(prompt):
    return [int(n) for n in re.findall(r"List: \[(.+)\]\nChoices:$", prompt)[0].split(",")]


def test_the_dynamic_programme_finds_what_brute_force_finds():
    for length in (1, 2, 3, 5):
        for numbers in itertools.product((-2, 0, 1, 3), repeat=length):
            assert choices(numbers) == brute(numbers)


def test_choices_are_graded_exactly_by_worth_and_by_place(doubles, run_task, tmp_path):
    task = NonadjacentSum(lengths=(3, 6), count=8)
    solve = doubles.Writer(lambda prompt: f" {list(brute(listed(prompt)))}")
    record, rows = run_task(solve, task, tmp_path / "right")
    assert [values(record)[s] for s in ("acc", "optimal", "choices")] == [1, 1, 1]
    assert rows[0]["attr.depth"] < rows[1]["attr.depth"]
    none = doubles.Writer(lambda prompt: f"[{', '.join('2' for _ in listed(prompt))}]")
    record, rows = run_task(none, task, tmp_path / "none")
    assert values(record)["acc"] < values(record)["choices"] < 1
    everything = doubles.Writer(lambda prompt: f"[{', '.join('1' for _ in listed(prompt))}]")
    record, rows = run_task(everything, task, tmp_path / "all")
    assert values(record)["optimal"] == 0  # neighbours are not allowed
    record, _ = run_task(doubles.Writer(lambda prompt: "no"), task, tmp_path / "no")
    assert [values(record)[s] for s in ("acc", "optimal", "choices")] == [0, 0, 0]


@pytest.mark.parametrize(("houses", "categories"), [(2, 1), (3, 2), (3, 3), (4, 3)])
def test_a_puzzle_has_one_solution_and_no_clue_too_many(houses, categories):
    puzzle = make_puzzle(houses, categories, 0, "test")
    fits = [
        grid
        for grid in itertools.product(itertools.permutations(range(houses)), repeat=categories)
        if all(holds(clue, grid) for clue in puzzle.clues)
    ]
    assert [tuple(zip(*grid, strict=True)) for grid in fits] == [puzzle.solution]
    for i in range(len(puzzle.clues)):
        fewer = puzzle.clues[:i] + puzzle.clues[i + 1 :]
        assert solutions(houses, categories, fewer) == 2


def holds(clue, grid):
    """Is a clue true of a grid, `grid[category][house]` being an index of a value?"""
    i, j = (grid[category].index(value) for category, value in (clue.first, clue.second))
    return {
        "at": i == clue.house,
        "same": i == j,
        "left": i + 1 == j,
        "next": abs(i - j) == 1,
        "before": i < j,
    }[clue.kind]


def deduce(prompt):
    """Every grid is tried against the sentences of the last puzzle."""
    text = prompt.rpartition("There are ")[2]
    houses = int(text[0])
    names = [line.partition(": ")[2].split(", ") for line in re.findall(r"^- .*$", text, re.M)]
    people = [
        [(c, v, CATEGORIES[c][1].format(word)) for v, word in enumerate(words)]
        for c, words in enumerate(names)
    ]
    clues = re.findall(r"^\d+\. (.*)\.$", text, re.M)
    for grid in itertools.product(itertools.permutations(range(houses)), repeat=len(names)):
        where = {p.lower(): grid[c].index(v) for group in people for c, v, p in group}
        if all(true(clue.lower(), where) for clue in clues):
            rows = zip(*grid, strict=True)
            return "\n".join(
                f"House {h}: {', '.join(names[c][v] for c, v in enumerate(row))}"
                for h, row in enumerate(rows, 1)
            )
    raise AssertionError("no grid fits")


def true(clue, where):
    if match := re.fullmatch(r"(.+) lives in house (\d)", clue):
        return where[match[1]] == int(match[2]) - 1
    if match := re.fullmatch(r"(.+) lives directly to the left of (.+)", clue):
        return where[match[1]] + 1 == where[match[2]]
    if match := re.fullmatch(r"(.+) lives somewhere to the left of (.+)", clue):
        return where[match[1]] < where[match[2]]
    if match := re.fullmatch(r"(.+) and (.+) live next to each other", clue):
        return abs(where[match[1]] - where[match[2]]) == 1
    match = re.fullmatch(r"(.+) is (.+)", clue)
    return where[match[1]] == where[match[2]]


def test_puzzles_are_graded_whole_and_by_cell(doubles, run_task, tmp_path):
    task = LogicGrid(houses=(2, 3), categories=(2, 3), count=2)
    record, rows = run_task(doubles.Writer(deduce), task, tmp_path / "right")
    assert (values(record)["acc"], values(record)["cells"]) == (1, 1)
    assert len({r["prompt"] for r in rows}) == 8

    def swapped(prompt):
        return re.sub(r"House (\d)", lambda m: f"House {int(m[1]) % 2 + 1}", deduce(prompt))

    pairs = LogicGrid(houses=(2,), categories=(2,), count=2)
    record, _ = run_task(doubles.Writer(swapped), pairs, tmp_path / "swapped")
    assert (values(record)["acc"], values(record)["cells"]) == (0, 0)
    first = doubles.Writer(lambda p: deduce(p).split("\n")[0])
    record, _ = run_task(first, pairs, tmp_path / "half")
    assert (values(record)["acc"], values(record)["cells"]) == (0, 0.5)


def test_large_puzzles_are_made():
    puzzle = make_puzzle(5, 5, 0, 1)
    assert solutions(5, 5, puzzle.clues) == 1
    graph = puzzle.graph()
    assert graph.nodes == len(puzzle.clues) + 25
    assert graph.depth > make_puzzle(2, 2, 0, 1).graph().depth


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Multiplication(digits=()),
        lambda: Multiplication(shots=4),
        lambda: NonadjacentSum(lengths=(1,)),
        lambda: LogicGrid(houses=(7,)),
        lambda: LogicGrid(categories=(0,)),
    ],
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValueError):
        wrong()
