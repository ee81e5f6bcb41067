"""What is computed from a model's scores and texts, apart from how sure one may be of it.

`xgen_eval.metrics.translation` (BLEU, chrF++) is not imported here: it loads sacrebleu.
"""

from xgen_eval.metrics.answers import (
    best_subspan_em,
    exact_match,
    hotpot_f1,
    normalize_answer,
    string_match_all,
    string_match_part,
    token_f1,
)
from xgen_eval.metrics.compression import gzip_bytes, xz_bytes
from xgen_eval.metrics.likelihood import argmax, bits
from xgen_eval.metrics.pass_at_k import Tally, pass_at_k, pass_scores
from xgen_eval.metrics.rouge import RougeUnit, rouge

__all__ = [
    "RougeUnit",
    "Tally",
    "argmax",
    "best_subspan_em",
    "bits",
    "exact_match",
    "gzip_bytes",
    "hotpot_f1",
    "normalize_answer",
    "pass_at_k",
    "pass_scores",
    "rouge",
    "string_match_all",
    "string_match_part",
    "token_f1",
    "xz_bytes",
]
