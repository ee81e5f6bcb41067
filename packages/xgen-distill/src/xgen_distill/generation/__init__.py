"""New tasks by a teacher: Self-Instruct, Evol-Instruct, and unit tests by running its solutions."""

from xgen_distill.generation.candidate import Candidate
from xgen_distill.generation.novelty import Novelty
from xgen_distill.generation.results import GenerationResults
from xgen_distill.generation.runs import Generated, generate_tasks
from xgen_distill.generation.settings import Generation

__all__ = [
    "Candidate",
    "Generated",
    "Generation",
    "GenerationResults",
    "Novelty",
    "generate_tasks",
]
