"""What training data knows of a benchmark's tasks, with the evidence for every pair.

item           what is learnt from: a task's wording and its solutions
wording        shared n-grams and ROUGE-L of instructions
solutions      equal trees, and training solutions run by a benchmark's tests
evidence       one pair: what was found, and the verdict by a stated rule
contamination  all pairs of a training set and benchmarks, and which tasks are clean
search         finds them
"""

from xgen_distill.decontamination.contamination import Contamination
from xgen_distill.decontamination.evidence import Evidence, Kinship
from xgen_distill.decontamination.item import TrainingItem, training_items
from xgen_distill.decontamination.search import find_contamination

__all__ = [
    "Contamination",
    "Evidence",
    "Kinship",
    "TrainingItem",
    "find_contamination",
    "training_items",
]
