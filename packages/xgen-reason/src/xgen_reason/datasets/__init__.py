"""Data sets of questions, read from the files that their authors publish."""

from xgen_reason.datasets.read import dataset_names, read_questions

__all__ = ["dataset_names", "read_questions"]
