"""Attention: one function, several implementations that agree with each other.

`attention` is the door; `reference` is its definition, `chunked` computes the same without the
matrix of all scores, `splash` and `cudnn` are the kernels of TPUs and NVIDIA GPUs.
"""

from __future__ import annotations

from xgen_model.attention.door import IMPLEMENTATIONS, attention
from xgen_model.attention.marks import Implementation, Marks, Shard

__all__ = ["IMPLEMENTATIONS", "Implementation", "Marks", "Shard", "attention"]
