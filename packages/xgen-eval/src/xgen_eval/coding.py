"""What benchmarks of programming share: samples of code, their verdicts, pass@k."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from xgen_core import GenerationRequest, InputError, Message, Model
from xgen_core.progress import Progress
from xgen_core.records import Scalar
from xgen_core.report import Text
from xgen_eval.answers import Answered, Ask, ask_all, prompt_text
from xgen_eval.datasets import DataSet, data_directory
from xgen_eval.execution.checker import Checker
from xgen_eval.execution.limits import Limits
from xgen_eval.execution.page import outcome_table
from xgen_eval.execution.problem import Problem
from xgen_eval.execution.truncation import truncate_codegen
from xgen_eval.execution.verdict import Verdict
from xgen_eval.grading import Graded, graded_result
from xgen_eval.inputs import Inputs
from xgen_eval.metrics.pass_at_k import pass_at_k
from xgen_eval.task import TaskResult

__all__ = ["CodingBenchmark"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodingBenchmark:
    """A benchmark whose items are programming problems; a subclass says how they are asked.

    Attributes:
        samples: programs of each problem.
        temperature: 0 is greedy, which takes one sample.
        top_p: of sampling.
        ks: for pass@k, as far as there are so many samples.
        max_tokens: longest completion.
        truncation: `"stop"` ends a completion at the benchmark's stop strings, `"codegen"` lets it
            run on and cuts it by CodeGen's rule.
        chat: send the prompt as a user's message.
        timeout: seconds for one program.
        workers: programs judged at once; 0 for two a processor.
        unsafe: judge even where no strong sandbox can be had.
    """

    samples: int = 1
    temperature: float = 0.0
    top_p: float = 0.95
    ks: tuple[int, ...] = (1, 10, 100)
    max_tokens: int = 1024
    truncation: Literal["stop", "codegen"] = "stop"
    chat: bool = False
    timeout: float = 10.0
    workers: int = 0
    unsafe: bool = False

    name: ClassVar[str]
    procedure: ClassVar[str]
    summary: ClassVar[str]
    title: ClassVar[str]
    caption: ClassVar[str]
    dataset: ClassVar[DataSet[Problem]]
    stop: ClassVar[tuple[str, ...]]
    needs: ClassVar[Literal["score", "generate"]] = "generate"

    def __post_init__(self) -> None:
        if self.samples > 1 and not self.temperature:
            raise ValueError(f"{self.samples} samples of greedy decoding are one: set temperature")
        if not self.ks or min(self.ks) < 1 or min(self.ks) > self.samples:
            raise ValueError(f"ks needs a k from 1 to {self.samples}, got {self.ks}")
        if not 0 < self.timeout < 1e5 or self.workers < 0:
            raise ValueError("timeout is in seconds and positive, workers 0 or more")
        self.request("check", 0)

    @property
    def variant(self) -> str:
        """Version, decoding, and how completions end."""
        decoding = "greedy"
        if self.temperature:
            decoding = f"sampled-t{self.temperature:g}-p{self.top_p:g}-n{self.samples}"
        cut = "" if self.truncation == "stop" else f"+{self.truncation}"
        return f"{self.procedure}+{decoding}{cut}{'+chat' if self.chat else ''}"

    def files(self, inputs: Inputs) -> tuple[Path, ...]:
        """The problems."""
        return (data_directory(inputs.data).file(self.dataset, self.dataset.splits[0]),)

    def select(self, problems: Sequence[Problem]) -> Sequence[Problem]:
        """Those of the data set that are asked."""
        return problems

    def prompt(self, problem: Problem, problems: Sequence[Problem]) -> str:
        """How a problem is asked; the whole data set is there for solved examples."""
        raise NotImplementedError

    def program(self, problem: Problem, completion: str) -> str:
        """The whole program that a completion makes."""
        return problem.program(completion)

    def request(self, prompt: str, seed: int) -> GenerationRequest:
        """What the model is asked."""
        return GenerationRequest(
            prompt=None if self.chat else prompt,
            messages=(Message(role="user", content=prompt),) if self.chat else (),
            max_tokens=self.max_tokens,
            temperature=self.temperature,
            top_p=self.top_p if self.temperature else 1.0,
            n=self.samples,
            seed=seed,
            stop=self.stop if self.truncation == "stop" else (),
        )

    async def run(self, model: Model, inputs: Inputs, progress: Progress) -> TaskResult:
        """Ask for every program and judge it; see `xgen_eval.task.Task`."""
        every = data_directory(inputs.data).read(self.dataset, self.dataset.splits[0])
        problems = self.select(every)[: inputs.limit]
        if not problems:
            raise InputError(f"{self.name} has no problems in this data")
        checker = Checker(problems, workers=self.workers or None, allow_weak=self.unsafe)
        async with checker:  # first, so that a machine without a sandbox asks for nothing
            asks = [
                Ask(id=p.id, request=self.request(self.prompt(p, every), inputs.seed))
                for p in problems
            ]
            answered = await ask_all(model, asks, inputs, progress)
            verdicts = await self._verdicts(checker, problems, answered)
        items = [self._graded(a, v) for a, v in zip(answered, verdicts, strict=True)]
        judged = [verdict for found in verdicts for verdict in found]
        return graded_result(
            self.name,
            self.variant,
            items,
            title=self.title,
            caption=self.caption,
            blocks=(outcome_table(judged), Text(text=f"Sandbox: {checker.level}.")),
        )

    async def _verdicts(
        self, checker: Checker, problems: Sequence[Problem], answered: Sequence[Answered]
    ) -> list[tuple[Verdict, ...]]:
        """The verdicts on all completions of every problem."""
        limits = Limits(wall_seconds=self.timeout, cpu_seconds=max(1, round(self.timeout)))
        total = sum(len(answer.completions) for answer in answered)
        with Progress(f"{self.name} verdicts", total, unit="programs") as progress:

            async def judge(problem: Problem, completion: str) -> Verdict:
                if self.truncation == "codegen":
                    completion = truncate_codegen(completion)
                program = self.program(problem, completion)
                verdict = await checker.check(problem, program, limits=limits)
                progress.advance()
                return verdict

            found = await asyncio.gather(
                *(
                    asyncio.gather(*(judge(problem, c.text) for c in answer.completions))
                    for problem, answer in zip(problems, answered, strict=True)
                )
            )
        return [tuple(verdicts) for verdicts in found]

    def _graded(self, answered: Answered, verdicts: tuple[Verdict, ...]) -> Graded:
        said = [verdict for verdict in verdicts if verdict.outcome != "harness_error"]
        passed = sum(verdict.passed for verdict in said)
        ks = [k for k in self.ks if k <= self.samples]
        scores = {f"pass@{k}": pass_at_k(len(said), passed, k) for k in ks if k <= len(said)}
        error = answered.error
        if error:
            scores = {f"pass@{k}": 0.0 for k in ks}
        elif not said:
            error = f"no verdict: {verdicts[0].detail}"
        details: dict[str, Scalar] = {"prompt": prompt_text(answered.ask.request)}
        for number, (completion, verdict) in enumerate(
            zip(answered.completions, verdicts, strict=True)
        ):
            tail = f"_{number}" if self.samples > 1 else ""
            details |= {f"answer{tail}": completion.text, f"outcome{tail}": verdict.outcome}
            if not verdict.passed:
                details[f"detail{tail}"] = verdict.detail
        if not all(verdict.strict for verdict in verdicts):
            details["strict"] = False
        return Graded(
            id=answered.ask.id,
            scores=scores,
            details=details,
            shown=_shown(answered, verdicts),
            error=error,
        )


def _shown(answered: Answered, verdicts: Sequence[Verdict]) -> Mapping[str, str]:
    """What the page's browser shows: the prompt, the outcomes, and one program of each."""
    counts = Counter(verdict.outcome for verdict in verdicts)
    first: dict[str, str] = {}
    for completion, verdict in zip(answered.completions, verdicts, strict=True):
        heading = f"{verdict.outcome} ({counts[verdict.outcome]} of {len(verdicts)})"
        said = f"\n\n{verdict.detail}" if verdict.detail else ""
        first.setdefault(heading, f"{completion.text}{said}")
    return {"prompt": prompt_text(answered.ask.request), **first}
