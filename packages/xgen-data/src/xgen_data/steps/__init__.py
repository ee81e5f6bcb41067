"""What happens to documents between a source and the token store: one step, one file.

A step is a frozen dataclass whose fields are its settings. It takes documents by the batch and
gives each back, changed or not, or says why it drops it; so a step with a model behind it can look
at many texts at once, and one without loops. Whatever is dropped is counted by step and reason.
"""

from xgen_data.steps.step import DocumentStep, Drop, Funnel, Item, Step, run_steps

__all__ = ["DocumentStep", "Drop", "Funnel", "Item", "Step", "run_steps"]
