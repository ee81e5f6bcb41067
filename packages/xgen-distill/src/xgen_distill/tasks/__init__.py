"""Where tasks come from: readers of seeds and benchmarks, their tests, and what is refused."""

from xgen_distill.tasks.examples import find_examples
from xgen_distill.tasks.reading import FORMS, Form, Refused, TaskFile, read_tasks
from xgen_distill.tasks.splitting import split_tests

__all__ = ["FORMS", "Form", "Refused", "TaskFile", "find_examples", "read_tasks", "split_tests"]
