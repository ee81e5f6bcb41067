"""What lm-evaluation-harness asks and computes, for xgen-eval's tests.

    python tools/build_eval_fixtures.py packages/xgen-eval/tests/fixtures/lm_eval.json

needs lm-eval (`make parity` has it) and no network. For each case the rows, which a seeded
generator makes, the requests of the harness in its order, each with a log-probability derived from
its text, and the metrics that the harness gets from these. `packages/xgen-eval/tests/parity` does
the same with more rows, and with real data.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import json
import logging
import os
import random
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = "1"

import lm_eval.tasks  # pyright: ignore[reportMissingImports]
from datasets import disable_progress_bars
from lm_eval.api.model import LM  # pyright: ignore[reportMissingImports]
from lm_eval.evaluator import evaluate  # pyright: ignore[reportMissingImports]

from xgen_core.files import write_json

TASKS = Path(lm_eval.tasks.__file__).parent
SEED = 1234
_WORDS = (
    "the", "Ice", "McDONALD", "a_b", "naïve", "Zürich", "北京", "e\u0301t\u00e9", "🙂", "don't",
    "\"quoted\"", "x  y", "[header]", "[title]", "[a] b", "{{brace}}", "{%", "50%", "1,000", "-",
    "\\n", "tab\there", "line\nbreak", "no\u00a0break", "=", "@-@", "'s", "Answer:", "A.", "°",
)  # fmt: skip

Row = Mapping[str, Any]
Splits = Mapping[str, Sequence[Row]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One task of the harness.

    Attributes:
        include: its file below the harness's tasks; empty where `extra` says all.
        splits: our split → rows in the hub's form.
        extra: further lines of the task's YAML.
    """

    splits: Splits
    include: str = ""
    extra: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A task of ours and the tasks of the harness that it equals.

    Attributes:
        name: of the case.
        task: ours, `module:class`.
        settings: of our task.
        parts: of the harness, by a name.
    """

    name: str
    task: str
    parts: Mapping[str, Part]
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class Derived(LM):
    """A model whose log-probabilities are derived from the text; it keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, str, float]] = []

    def loglikelihood(self, requests: Sequence[Any]) -> list[tuple[float, bool]]:
        """One number a request."""
        return [(self._of(*r.args), False) for r in requests]

    def loglikelihood_rolling(self, requests: Sequence[Any]) -> list[float]:
        """One number a text."""
        return [self._of("", *r.args) for r in requests]

    def generate_until(self, requests: Sequence[Any]) -> list[str]:
        """Not asked for."""
        raise NotImplementedError

    def _of(self, context: str, continuation: str) -> float:
        digest = hashlib.sha256(json.dumps([context, continuation]).encode()).digest()
        # by length and by chance, so that acc and acc_norm disagree often
        chance = int.from_bytes(digest[:6], "big") / 2**48
        value = -0.3 * len(continuation) * (0.5 + chance) - 2 * digest[6] / 256
        self.asked.append((context, continuation, value))
        return value


def ask(case: Case, directory: Path, shots: int) -> dict[str, Any]:
    """Run a case in the harness.

    Args:
        case: what.
        directory: for files, empty.
        shots: solved examples before each question.

    Returns:
        By part: `requests` as (context, continuation, log-probability) in the harness's order, and
        `metrics` by name.
    """
    found: dict[str, Any] = {}
    for name, part in case.parts.items():
        where = directory / name
        where.mkdir(parents=True)
        files = {split: str(_write(where, split, rows)) for split, rows in part.splits.items()}
        lines = {
            "include": str(TASKS / part.include) if part.include else None,
            "task": f"xgen_{name}",
            "dataset_path": "json",
            "dataset_name": None,
            "dataset_kwargs": {"data_files": files, "cache_dir": str(where / "cache")},
            **part.extra,
        }
        if not part.include:
            del lines["include"]
        # JSON is YAML
        (where / f"{name}.yaml").write_text(json.dumps(lines))
        manager = lm_eval.tasks.TaskManager(include_path=str(where), include_defaults=False)
        loaded = manager.load([f"xgen_{name}"])
        for task in loaded["tasks"].values():
            # as simple_evaluate does: a task that says 0 keeps it
            if task.get_config("num_fewshot") != 0:
                task.set_config(key="num_fewshot", value=shots)
            task.set_fewshot_seed(seed=SEED)
        model = Derived()
        results = evaluate(model, loaded, bootstrap_iters=0, log_samples=False)
        found[name] = {
            "requests": model.asked,
            "metrics": {
                key.partition(",")[0]: value
                for key, value in results["results"][f"xgen_{name}"].items()
                if isinstance(value, float)
            },
        }
    return found


def _write(directory: Path, split: str, rows: Sequence[Row]) -> Path:
    path = directory / f"{split}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


class Texts:
    """Text that breaks what is careless: marks, other alphabets, spaces within and at the ends."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)

    def text(self, most: int = 7) -> str:
        """Some words; sometimes with space around them or twice between them."""
        words = self.draw.choices(_WORDS, k=self.draw.randint(1, most))
        text = self.draw.choice([" ", " ", " ", "  "]).join(words)
        return self.draw.choice(["{}", "{}", "{}", " {}", "{} ", "{}.", "{} ."]).format(text)

    def plain(self) -> str:
        """A word that may stand in a sentence with a blank."""
        return self.draw.choice([w for w in _WORDS if "_" not in w])

    def choices(self, count: int) -> list[str]:
        """Choices; now and then two of them are the same."""
        found = [self.text(4) for _ in range(count)]
        if self.draw.random() < 0.1:
            found[-1] = found[0]
        return found

    def rows(self, count: int, make: Callable[[int], Row], start: int = 0) -> list[Row]:
        """Rows by number; the last repeats the first wherever it has no id of its own."""
        rows = [make(i) for i in range(start, start + count)]
        if not {"id", "ind", "idx"} & set(rows[0]):
            rows[-1] = rows[0]
        return rows

    def labelled(self, stem: str) -> Callable[[int], Row]:
        """ARC's and OpenBookQA's form."""

        def make(i: int) -> Row:
            labels = self.draw.choice(["ABCD", "1234", "ABC"])
            texts = self.choices(len(labels))
            key = self.draw.choice(labels)
            choices = {"text": texts, "label": list(labels)}
            return {"id": f"q{i}", stem: self.text(), "choices": choices, "answerKey": key}

        return make

    def hellaswag(self, i: int) -> Row:
        """HellaSwag's form; about half of the scenes have one part only."""
        return {
            "ind": i,
            "activity_label": self.text(2),
            "ctx_a": self.text(),
            "ctx_b": self.draw.choice(["", self.text(3)]),
            "split_type": self.draw.choice(["indomain", "zeroshot"]),
            "endings": self.choices(4),
            "source_id": f"wikihow~{i}",
            "label": f"{self.draw.randrange(4)}",
        }

    def piqa(self, i: int) -> Row:
        """PIQA's form."""
        first, second = self.choices(2)
        label = self.draw.randrange(2)
        return {"goal": self.text(), "sol1": first, "sol2": second, "label": label}

    def winogrande(self, i: int) -> Row:
        """Winogrande's form; the blank may come before a mark, and another _ after it."""
        before, after = (" ".join(self.plain() for _ in range(3)) for _ in range(2))
        end = self.draw.choice([f" {after}", f"  {after} ", ".", f", a_b {after}"])
        first, second = self.plain(), self.plain()
        answer = self.draw.choice("12")
        sentence = f"{before} _{end}"
        return {"sentence": sentence, "option1": first, "option2": second, "answer": answer}

    def boolq(self, i: int) -> Row:
        """SuperGLUE's form; passages repeat."""
        passage = f"Title {i // 2} -- {self.text()}"
        label = self.draw.randrange(2)
        return {"question": self.text(), "passage": passage, "idx": i, "label": label}

    def truthfulqa(self, i: int) -> Row:
        """The hub's form; mc2 has answers that mc1 has not, and not all of its."""
        answers = list(dict.fromkeys(self.text(4) for _ in range(9)))[:7]
        first, second = [answers[0], *answers[2:4]], answers[:2] + answers[3:]
        return {
            "question": self.text(),
            "mc1_targets": {"choices": first, "labels": [1, 0, 0]},
            "mc2_targets": {"choices": second, "labels": [1, 1] + [0] * (len(second) - 2)},
        }

    def mmlu(self, subject: str) -> Callable[[int], Row]:
        """The hub's form."""

        def make(i: int) -> Row:
            return {
                "question": f"{self.text()} {i}",
                "subject": subject,
                "choices": self.choices(4),
                "answer": self.draw.randrange(4),
            }

        return make

    def page(self, i: int) -> Row:
        """A document with lines, marks set apart by spaces, and headings."""
        marks = [" , ", " . ", "\n", " \n ", " @-@ ", " = = ", " ( ", " ) ", " 's ", " ; ", " N "]
        words = [self.text() + self.draw.choice(marks) for _ in range(8)]
        return {"page": f"Page {i} . " + "".join(words)}


_BENCHMARKS = "xgen_eval.tasks"
_ROLLING = {
    "output_type": "loglikelihood_rolling",
    "test_split": "test",
    "doc_to_text": "",
    "doc_to_target": "page",
    "metric_list": [{"metric": m} for m in ("word_perplexity", "byte_perplexity", "bits_per_byte")],
}


def cases(data: Mapping[str, Splits], subjects: Sequence[str] = ()) -> list[tuple[Case, int]]:
    """All comparisons that these rows allow, each with its number of shots.

    Args:
        data: rows in the hub's form, by the name of the benchmark and by split.
        subjects: of MMLU, in order; each has its rows in `data["mmlu/SUBJECT"]`.
    """
    plain: dict[str, tuple[str, str, tuple[int, ...]]] = {
        "arc_easy": ("arc:ArcEasy", "arc/arc_easy.yaml", (0, 2)),
        "arc_challenge": ("arc:ArcChallenge", "arc/arc_challenge.yaml", (0, 3)),
        "hellaswag": ("hellaswag:HellaSwag", "hellaswag/hellaswag.yaml", (0, 2)),
        "piqa": ("piqa:Piqa", "piqa/piqa.yaml", (0, 2)),
        "openbookqa": ("openbookqa:OpenBookQa", "openbookqa/openbookqa.yaml", (0, 1)),
        "winogrande": ("winogrande:Winogrande", "winogrande/default.yaml", (0, 2)),
        "boolq": ("boolq:BoolQ", "super_glue/boolq/default.yaml", (0, 2)),
    }
    found: list[tuple[Case, int]] = []
    for name, (task, include, counts) in plain.items():
        if name not in data:
            continue
        splits = data[name]
        own = {"training_split": "train", "validation_split": "validation", "test_split": "test"}
        extra = {key: split for key, split in own.items() if split not in splits}
        # a split that is not there must not be asked for; an evaluated one is never null
        part = Part(include=include, splits=splits, extra=dict.fromkeys(extra))
        asked = "test" if "test" in splits else "validation"
        for shots in counts:
            if shots and "train" not in splits:
                continue
            settings = {"shots": shots, "split": asked}
            case = Case(
                name=f"{name} {shots}-shot",
                task=f"{_BENCHMARKS}.{task}",
                settings=settings,
                parts={name: part},
            )
            found.append((case, shots))
        if len(splits[asked]) > 5 and asked == "validation":
            alone = {asked: splits[asked]}
            part = Part(include=include, splits=alone, extra={**part.extra, "training_split": None})
            case = Case(
                name=f"{name} 2-shot from the questions",
                task=f"{_BENCHMARKS}.{task}",
                settings={"shots": 2, "split": asked, "shots_from": asked},
                parts={name: part},
            )
            found.append((case, 2))
    if "truthfulqa" in data:
        parts = {
            name: Part(include=f"truthfulqa/truthfulqa_{name}.yaml", splits=data["truthfulqa"])
            for name in ("mc1", "mc2")
        }
        task = f"{_BENCHMARKS}.truthfulqa:TruthfulQa"
        found.append((Case(name="truthfulqa_mc", task=task, parts=parts), 0))
    if subjects:
        parts = {
            subject: Part(
                include=f"mmlu/default/mmlu_{subject}.yaml", splits=data[f"mmlu/{subject}"]
            )
            for subject in subjects
        }
        for shots in (0, 5):
            case = Case(
                name=f"mmlu {shots}-shot",
                task=f"{_BENCHMARKS}.mmlu:Mmlu",
                settings={"shots": shots},
                parts=parts,
            )
            found.append((case, shots))
    if "pages" in data:
        task = f"{_BENCHMARKS}.perplexity:Perplexity"
        wikitext = {"training_split": None, "validation_split": None}
        for text, include, extra in (
            ("plain", "", _ROLLING),
            ("wikitext", "wikitext/wikitext.yaml", wikitext),
        ):
            part = Part(include=include, splits=data["pages"], extra=extra)
            case = Case(
                name=f"perplexity {text}",
                task=task,
                settings={"text": text},
                parts={"pages": part},
            )
            found.append((case, 0))
    return found


def generated(seed: int, count: int) -> tuple[dict[str, Splits], list[str]]:
    """Rows of every benchmark, `count` questions each, and subjects of MMLU."""
    texts = Texts(seed)
    makers: dict[str, tuple[Callable[[int], Row], str]] = {
        "arc_easy": (texts.labelled("question"), "test"),
        "arc_challenge": (texts.labelled("question"), "test"),
        "hellaswag": (texts.hellaswag, "validation"),
        "piqa": (texts.piqa, "validation"),
        "openbookqa": (texts.labelled("question_stem"), "test"),
        "winogrande": (texts.winogrande, "validation"),
        "boolq": (texts.boolq, "validation"),
        "truthfulqa": (texts.truthfulqa, "validation"),
        "pages": (texts.page, "test"),
    }
    data: dict[str, Splits] = {}
    for name, (make, asked) in makers.items():
        splits = {asked: texts.rows(count, make)}
        if name not in ("truthfulqa", "pages"):
            # one of the examples is also a question: it must not stand before itself
            splits["train"] = [*texts.rows(6, make, 1000), splits[asked][1]]
        if asked == "test" and name != "pages":
            splits["validation"] = texts.rows(2, make)
        data[name] = splits
    subjects = ["anatomy", "college_physics", "us_foreign_policy", "virology"]
    for subject in subjects:
        make = texts.mmlu(subject)
        rows = max(2, count // len(subjects))
        data[f"mmlu/{subject}"] = {"test": texts.rows(rows, make), "dev": texts.rows(6, make)}
    return data, subjects


def main() -> None:
    """Write the fixtures."""
    logging.disable(logging.WARNING)
    disable_progress_bars()
    data, subjects = generated(0, 8)
    rows: dict[str, Any] = {}
    contexts: dict[str, int] = {}
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as directory:
        for number, (case, shots) in enumerate(cases(data, subjects)):
            answers = ask(case, Path(directory) / f"{number}", shots)
            for name, part in case.parts.items():
                rows.setdefault(name, {}).update(part.splits)
                # a context is written once: it stands before every choice
                answers[name]["requests"] = [
                    (contexts.setdefault(context, len(contexts)), *rest)
                    for context, *rest in answers[name]["requests"]
                ]
            names = {"name": case.name, "task": case.task, "settings": dict(case.settings)}
            found.append({**names, "harness": answers})
    version = importlib.metadata.version("lm-eval")
    fixtures = {"lm_eval": version, "rows": rows, "contexts": list(contexts), "cases": found}
    write_json(Path(sys.argv[1]), fixtures)
    print(f"{sys.argv[1]}: {len(found)} cases of lm-eval {version}")


if __name__ == "__main__":
    main()
