import gzip
import json
import random

import pytest

from xgen_core import Document, InputError
from xgen_core.codec import decode, encode
from xgen_core.files import read_json, read_jsonl
from xgen_data import Drop
from xgen_data.decontamination import (
    Benchmark,
    Decontaminate,
    Hit,
    Report,
    benchmark_named,
    decontaminate,
    write_report,
)
from xgen_data.steps import Step

RANDOM = random.Random(4)
WORDS = [f"{a}{b}{c}" for a in "bdfglmnprst" for b in "aeiou" for c in "bdfglmnprst"]
PROGRAM = '''def largest_gap(numbers: list[int], floor: int = 0) -> int:
    """The largest gap between neighbours."""
    best = floor
    ordered = sorted(numbers)
    for index in range(1, len(ordered)):
        gap = ordered[index] - ordered[index - 1]
        if gap > best:  # a new best
            best = gap
    return best
'''
RENAMED = """import os

class Tools:
    async_ = 1

    def widest(xs, low=0):
        # written by somebody else
        w = low
        s = sorted(xs)

        for i in range(1, len(s)):
            d: int = (s[i]
                      - s[i - 1])
            if d > w:
                w = d
        return w
"""


def sentence(count):
    return " ".join(RANDOM.choices(WORDS, k=count))


QUESTIONS = [sentence(30) for _ in range(20)]
SHORT = sentence(9)


@pytest.fixture
def benchmark(tmp_path):
    path = tmp_path / "quiz.jsonl"
    rows = [{"question": q, "answer": "yes", "n": i} for i, q in enumerate(QUESTIONS)]
    rows += [{"question": SHORT, "answer": "no", "n": 20}, {"question": "too short", "answer": "x"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Benchmark(name="quiz", path=str(path), fields=("question", "answer"))


@pytest.fixture
def programs(tmp_path):
    path = tmp_path / "programs.json"
    head, body = PROGRAM.split("    best = floor\n")
    row = {"task": "P/0", "prompt": head, "solution": "    best = floor\n" + body}
    path.write_text(json.dumps({"version": 1, "rows": [row]}))
    return Benchmark(
        name="programs", path=str(path), fields=("prompt",), code=("prompt", "solution"), id="task"
    )


def document(text, name="d", **metadata):
    return Document(id=name, text=text, source="web", metadata=metadata)


def find(step, *texts):
    return step.find([document(text, f"d{i}") for i, text in enumerate(texts)])


def test_a_whole_item_is_found_with_evidence(benchmark):
    step = Decontaminate(benchmarks=(benchmark,))
    assert isinstance(step, Step)
    changed = QUESTIONS[3].upper().replace(" ", ",  ", 5)
    (hits,) = find(step, f"Some words before. {changed}! And after.")
    assert hits == [
        Hit(
            document="d0",
            source="web",
            benchmark="quiz",
            item="4",
            kind="text",
            match=" ".join(QUESTIONS[3].split()[:13]),
            position=3,
            matches=18,
            share=1.0,
        )
    ]


def test_near_misses(benchmark):
    step = Decontaminate(benchmarks=(benchmark,))
    words = QUESTIONS[0].split()
    twelve = " ".join(words[:12])
    broken = " ".join(w if i % 12 != 11 else "other" for i, w in enumerate(words))
    short = SHORT.split()
    texts = (
        twelve,
        broken,
        " ".join(reversed(words)),
        " ".join([*short[:4], "other", *short[4:]]),
        "too short",
        "yes",
        "",
    )
    assert find(step, *texts) == [[]] * len(texts)
    # an n-gram does not go across the edge between two documents
    halves = [" ".join(words[:10]), " ".join(words[10:20])]
    assert find(step, *halves) == [[], []]
    (one,) = find(step, " ".join(words[:13]))
    assert (one[0].matches, one[0].share) == (1, 1 / 18)


def test_short_items_are_looked_for_whole(benchmark):
    (hits,) = find(Decontaminate(benchmarks=(benchmark,)), f"Well: {SHORT}.")
    assert [(h.item, h.match, h.share) for h in hits] == [("21", SHORT, 1.0)]


def test_numbers_tell_questions_apart(tmp_path):
    path = tmp_path / "sums.csv"
    text = "If {} birds sit on a wire and {} fly away then how many birds are left on it"
    path.write_text("question\n" + text.format(17, 5) + "\n")
    step = Decontaminate(benchmarks=(Benchmark(name="sums", path=str(path)),))
    same, other = find(step, text.format(17, 5), text.format(12, 9))
    assert same[0].share == 1.0
    assert not any(hit.share >= 0.5 for hit in other)


def test_what_many_items_share_identifies_none(tmp_path):
    path = tmp_path / "template.jsonl"
    template = sentence(20)
    own = [sentence(20) for _ in range(12)]
    path.write_text("".join(json.dumps({"q": f"{template} {o}"}) + "\n" for o in own))
    step = Decontaminate(benchmarks=(Benchmark(name="t", path=str(path)),))
    nothing, something = find(step, template, own[5])
    assert nothing == []
    assert [hit.item for hit in something] == ["6"]


def test_threshold_and_action(benchmark):
    words = QUESTIONS[0].split()
    third = document(" ".join(words[:18]))  # 6 of 18 n-grams
    whole = document(QUESTIONS[1] + " . " + QUESTIONS[2], "w")
    clean = document("nothing of this kind", "c", seen=1)
    batch = [third, whole, clean]
    step = Decontaminate(benchmarks=(benchmark,))
    assert step.apply(batch) == [third, Drop(reason="contains an item of quiz"), clean]
    strict = Decontaminate(benchmarks=(benchmark,), threshold=0)
    assert [isinstance(r, Drop) for r in strict.apply(batch)] == [True, True, False]
    tagged = Decontaminate(benchmarks=(benchmark,), action="tag").apply(batch)
    assert tagged[0] is third
    assert tagged[2] is clean
    assert tagged[1].metadata == {
        "decontamination.benchmarks": "quiz",
        "decontamination.share": 1.0,
    }
    assert set(tagged[1].metadata) == set(step.writes)


def test_batches_do_not_matter(benchmark):
    step = Decontaminate(benchmarks=(benchmark,))
    texts = [f"{sentence(5)} {q[: 60 + 9 * i]}" for i, q in enumerate(QUESTIONS)] + ["", "?"]
    documents = [document(text, str(i)) for i, text in enumerate(texts)]
    together = step.find(documents)
    assert sum(map(len, together)) > 5
    assert [step.find([d])[0] for d in documents] == together
    assert list(decontaminate(documents, step)) == [hit for hits in together for hit in hits]


@pytest.mark.parametrize(
    ("text", "position"),
    [
        (PROGRAM, 1),
        (RENAMED, 6),
        (f"Try this:\n\n{PROGRAM}\nIt works.", 3),
        ("x = 1\n" + PROGRAM.replace("return best", "print best\n    return best"), None),
        (RENAMED + "\nprint 'the file is of Python 2'\n", 6),
        (PROGRAM.replace("ordered[index - 1]", "ordered[index - 2]"), None),
        (PROGRAM.replace("sorted", "reversed"), None),
        (PROGRAM.replace("gap > best", "gap >= best"), None),
        ("def largest_gap(:\n" + PROGRAM.partition("\n")[2], None),
    ],
)
def test_functions(programs, text, position):
    step = Decontaminate(benchmarks=(programs,))
    hits = [hit for hit in find(step, text)[0] if hit.kind == "function"]
    assert [(h.item, h.position, h.share) for h in hits] == (
        [("P/0", position, 1.0)] if position else []
    )


def test_functions_that_do_not_parse(tmp_path):
    old = PROGRAM.replace("    return best", "    print best\n    return best").replace(
        "    ", "\t"
    )
    old = old.replace(": list[int]", "").replace(": int", "").replace(" -> int", "")
    path = tmp_path / "old.jsonl"
    path.write_text(json.dumps({"code": old}) + "\n")
    step = Decontaminate(benchmarks=(Benchmark(name="old", path=str(path), code=("code",)),))
    renamed = old.replace("best", "b").replace("# a new b", "").replace('"""The', '"""A')
    (hits,) = find(step, renamed)
    assert [h.kind for h in hits if h.kind == "function"] == ["function"]
    assert [h.match for h in hits if h.kind == "function"] == ["largest_gap"]


def test_functions_are_looked_for_in_python_only(programs):
    step = Decontaminate(benchmarks=(programs,))
    language = {"code.language": "ruby"}
    assert step.find([Document(id="r", text=RENAMED, source="s", metadata=language)]) == [[]]
    assert find(Decontaminate(benchmarks=(programs,), functions=False), RENAMED) == [[]]
    assert find(step, "def f(" * 3000 + "\n" + "x = (" * 5000) == [[]]


def test_small_functions_are_everybodys(tmp_path):
    path = tmp_path / "small.jsonl"
    path.write_text(json.dumps({"code": "def add(a, b):\n    return a + b\n"}) + "\n")
    step = Decontaminate(benchmarks=(Benchmark(name="small", path=str(path), code=("code",)),))
    assert find(step, "def plus(x, y):\n    return x + y\n") == [[]]


def test_report(benchmark, programs, tmp_path):
    step = Decontaminate(benchmarks=(benchmark, programs))
    words = QUESTIONS[0].split()
    documents = [
        document(" ".join(words[:14]), "a"),
        document(QUESTIONS[1], "b"),
        document(f"{QUESTIONS[1]} {QUESTIONS[0]}", "c"),
        document(RENAMED, "d"),
        document("clean", "e"),
    ]
    report = write_report(tmp_path / "report", decontaminate(documents, step), step)
    hits = list(read_jsonl(tmp_path / "report" / "hits.jsonl", Hit.from_json))
    assert [hit.document for hit in hits] == ["a", "b", "c", "c", "d"]
    assert Report.from_json(read_json(tmp_path / "report" / "summary.json")) == report
    quiz, code = report.benchmarks
    assert (quiz.items, quiz.searchable, quiz.touched, quiz.contaminated) == (22, 21, 2, 2)
    assert (quiz.touched_documents, quiz.contaminated_documents) == (3, 2)
    assert (code.items, code.searchable, code.contaminated_documents) == (1, 1, 1)
    assert quiz.sha256 == benchmark.digest()


def test_layouts_of_files(tmp_path):
    directory = tmp_path / "many"
    (directory / "sub").mkdir(parents=True)
    (directory / "a.csv").write_text(f'question,choice\n"{QUESTIONS[0]}",b\n')
    (directory / "sub" / "b.tsv").write_text(f"question\tchoice\n{QUESTIONS[1]}\tb\n")
    (directory / "c.jsonl.gz").write_bytes(
        gzip.compress(json.dumps({"q": {"deep": [QUESTIONS[2]]}}).encode() + b"\n")
    )
    (directory / "README.md").write_text("not read")
    step = Decontaminate(benchmarks=(benchmark_named(f"many={directory}"),))
    items = [[hit.item for hit in hits] for hits in find(step, *QUESTIONS[:4])]
    assert items == [["a.csv:1"], ["b.tsv:1"], ["c.jsonl.gz:1"], []]
    path = str(directory / "c.jsonl.gz")
    deep = Decontaminate(benchmarks=(Benchmark(name="deep", path=path, fields=("q.deep",)),))
    assert find(deep, QUESTIONS[2])[0][0].item == "1"


def test_a_changed_file_is_read_again(tmp_path):
    path = tmp_path / "b.jsonl"
    path.write_text(json.dumps({"q": QUESTIONS[0]}) + "\n")
    step = Decontaminate(benchmarks=(Benchmark(name="b", path=str(path)),))
    assert [len(h) for h in find(step, QUESTIONS[0], QUESTIONS[1])] == [1, 0]
    path.write_text(json.dumps({"q": QUESTIONS[1]}) + "\n\n")
    assert [len(h) for h in find(step, QUESTIONS[0], QUESTIONS[1])] == [0, 1]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.jsonl", None, "no such file"),
        ("x.parquet", "PAR1", "expected .jsonl"),
        ("empty.jsonl", "", "no items"),
        ("bad.jsonl", "{", "bad.jsonl:1"),
        ("row.jsonl", "[1]\n", "row 1: expected an object"),
        ("a.json", '{"a": 1}', "a list of rows"),
        ("ragged.csv", "a\n1,2,3\n", "more cells"),
        ("b.jsonl", '{"questoin": "x"}\n', "did you mean 'questoin'"),
    ],
)
def test_bad_files(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    fields = ("question",) if name == "b.jsonl" else ()
    step = Decontaminate(benchmarks=(Benchmark(name="b", path=str(path), fields=fields),))
    with pytest.raises(InputError) as caught:
        step.find([document("text")])
    assert message in str(caught.value)
    assert name in str(caught.value)


def test_another_version_is_refused(benchmark):
    wrong = Benchmark(name="quiz", path=benchmark.path, sha256="0" * 64)
    with pytest.raises(InputError, match="another version"):
        Decontaminate(benchmarks=(wrong,)).find([document("x")])
    right = Benchmark(name="quiz", path=benchmark.path, sha256=benchmark.digest())
    assert find(Decontaminate(benchmarks=(right,)), "x") == [[]]


def test_settings(benchmark):
    step = Decontaminate(benchmarks=(benchmark,), ngram=10, action="tag")
    assert decode(Decontaminate, encode(step)) == step
    for wrong in (
        {"benchmarks": ()},
        {"benchmarks": (benchmark, benchmark)},
        {"benchmarks": (benchmark,), "minimum": 14},
        {"benchmarks": (benchmark,), "threshold": 2},
    ):
        with pytest.raises(ValueError):
            Decontaminate(**wrong)
    assert benchmark_named("humaneval=a.jsonl").code == ("prompt", "canonical_solution")
    with pytest.raises(InputError, match="NAME=PATH"):
        benchmark_named("humaneval")
