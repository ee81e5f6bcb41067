"""HumanEval (Chen et al. 2021): functions to complete from signature and docstring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from xgen_eval.coding import CodingBenchmark
from xgen_eval.datasets import DataSet, Hub
from xgen_eval.execution.formats.humaneval import humaneval_problem
from xgen_eval.execution.problem import Problem

__all__ = ["HumanEval"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanEval(CodingBenchmark):
    """The 164 problems, asked by their prompts as they are, white space at the end included."""

    name: ClassVar[str] = "humaneval"
    procedure: ClassVar[str] = "completion-v1"
    summary: ClassVar[str] = "functions to complete, judged by hidden tests (pass@k)"
    title: ClassVar[str] = "HumanEval"
    caption: ClassVar[str] = (
        "The prompt as it is, and what the model goes on with, up to the next statement outside "
        "the function. pass@k is the unbiased estimator; its units are problems."
    )
    stop: ClassVar[tuple[str, ...]] = ("\nclass", "\ndef", "\n#", "\nif", "\nprint")
    dataset: ClassVar[DataSet[Problem]] = DataSet(
        name="humaneval",
        row=Problem,
        parse=lambda raw: humaneval_problem(raw.fields),
        hub=Hub(path="openai/openai_humaneval", splits={"test": "test"}),
        about="openai/human-eval, MIT",
    )

    def prompt(self, problem: Problem, problems: Sequence[Problem]) -> str:
        """The problem's own, not stripped: tokens of white space decide the first indentation."""
        return problem.prompt
