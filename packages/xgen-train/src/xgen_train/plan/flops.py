"""Arithmetic of one token, by the conventions that utilisation is stated in.

    palm     6N + 12·L·D·T     causality not counted (PaLM, appendix B)
    causal   6N + 6·L·D·T      half of the scores are never needed
    six_n    6N                no attention

N is all parameters, the input embedding included, as the published figures take it. What the
hardware does besides, under rematerialisation, is not part of utilisation; it bounds it.
"""

from __future__ import annotations

from dataclasses import dataclass

from xgen_model import ModelConfig, parameter_count

__all__ = ["Flops", "count_flops"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flops:
    """FLOPs of one token, forward and backward.

    Attributes:
        palm: 6N + 12·L·D·T.
        causal: 6N + 6·L·D·T.
        six_n: 6N.
        hardware: what the chips carry out: the matrices without the embedding, the causal kernels
            of attention, and what is computed again.
    """

    palm: int
    causal: int
    six_n: int
    hardware: int


def count_flops(config: ModelConfig, length: int) -> Flops:
    """Count for sequences of `length` tokens."""
    total = parameter_count(config)
    width = config.n_heads * config.head_dim
    scores = config.n_layers * width * length
    embedding = config.vocab_size * config.d_model
    head = embedding
    layers = total - embedding - (0 if config.tie_embeddings else head)
    # causal: two products forward, and seven in the two kernels of the backward pass
    attention_forward, attention_backward = 2 * scores, 7 * scores
    again = {
        "none": 0,
        "full": 2 * layers + attention_forward,
        "attention": 2 * layers,
        "dots": attention_forward,
        "offload": attention_forward,
    }[config.remat]
    once = 6 * layers + attention_forward + attention_backward
    # the logits are multiplied again in the backward pass
    return Flops(
        palm=6 * total + 12 * scores,
        causal=6 * total + 6 * scores,
        six_n=6 * total,
        hardware=once + again + 8 * head,
    )
