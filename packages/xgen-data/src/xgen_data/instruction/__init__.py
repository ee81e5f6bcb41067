"""Instruction data: from the layouts in which they are published to what a model is tuned on.

    read_examples(file)                     any published form → `Example`, or why not
    find_conflicts, find_label_noise        answers and labels that contradict each other
    split_examples                          hold out instances, tasks, or types of tasks
    PromptTemplate, render_rows             labelled data → tasks, with exemplars
    Mixture                                 how many of each task, and in which order
    encode_example                          example → ids and loss mask
    prepare(files, directory)               the usual way through all of it

Needs numpy and nothing else.
"""

from xgen_data.instruction.checks import Checks, is_refusal
from xgen_data.instruction.conflicts import Conflict, answer_similarity, find_conflicts
from xgen_data.instruction.encoding import (
    EncodedExample,
    EncodingCounts,
    encode_example,
    encode_examples,
    example_segments,
)
from xgen_data.instruction.formats import FORMS, Form, detect_form, read_examples, write_examples
from xgen_data.instruction.mixing import Draws, Mixture, MixtureCount, mix_examples
from xgen_data.instruction.near import Blocking, NearPair, near_pairs
from xgen_data.instruction.noise import LabelIssue, LabelNoise, example_labels, find_label_noise
from xgen_data.instruction.prepare import Preparation, prepare
from xgen_data.instruction.prompts import PROMPTS
from xgen_data.instruction.report import Summary, instruction_section, mixture_table
from xgen_data.instruction.resolve import suspects
from xgen_data.instruction.splits import Split, SplitCount, check_split, split_examples
from xgen_data.instruction.store import build_examples
from xgen_data.instruction.templates import Pool, PromptTemplate, render_rows

__all__ = [
    "FORMS",
    "PROMPTS",
    "Blocking",
    "Checks",
    "Conflict",
    "Draws",
    "EncodedExample",
    "EncodingCounts",
    "Form",
    "LabelIssue",
    "LabelNoise",
    "Mixture",
    "MixtureCount",
    "NearPair",
    "Pool",
    "Preparation",
    "PromptTemplate",
    "Split",
    "SplitCount",
    "Summary",
    "answer_similarity",
    "build_examples",
    "check_split",
    "detect_form",
    "encode_example",
    "encode_examples",
    "example_labels",
    "example_segments",
    "find_conflicts",
    "find_label_noise",
    "instruction_section",
    "is_refusal",
    "mix_examples",
    "mixture_table",
    "near_pairs",
    "prepare",
    "read_examples",
    "render_rows",
    "split_examples",
    "suspects",
    "write_examples",
]
