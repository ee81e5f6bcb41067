"""XGen-7B's vocabulary: GPT-2's, 38 runs of whitespace, and 18 control tokens; 50,313 ids.

    0 … 50255       GPT-2's bytes and merges
    50256           <|endoftext|>
    50257 … 50286   31 down to 2 spaces
    50287 … 50294   9 down to 2 tabs
    50295 … 50312   fill-in-the-middle and StarCoder's control tokens

The runs are ordinary mergeable tokens, and the longest has the lowest rank. A model with these ids
may have more embedding rows (XGen-7B has 51,200); the rows from 50,313 on are never used.
Source: the tokenizer file published with Salesforce/xgen-7b-8k-base.
"""

from __future__ import annotations

from xgen_tokenizer.gpt2 import gpt2_ranks
from xgen_tokenizer.vocabulary import END_OF_TEXT, Vocabulary

__all__ = ["XGEN_CONTROL_TOKENS", "xgen_vocabulary"]

XGEN_CONTROL_TOKENS = (
    *("<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<fim_pad>"),
    *("<filename>", "<gh_stars>", "<issue_start>", "<issue_comment>", "<issue_closed>"),
    *("<jupyter_start>", "<jupyter_text>", "<jupyter_code>", "<jupyter_output>", "<empty_output>"),
    *("<commit_before>", "<commit_msg>", "<commit_after>", "<reponame>"),
)
"""In the order of their ids; note that middle comes before suffix."""


def xgen_vocabulary() -> Vocabulary:
    """Build the vocabulary; like the original it has no BOS.

    Raises:
        FormatError: the installed GPT-2 table is damaged.
    """
    ranks = gpt2_ranks()
    end_of_text = len(ranks)
    runs = [b" " * n for n in range(31, 1, -1)] + [b"\t" * n for n in range(9, 1, -1)]
    ranks.update((run, index) for index, run in enumerate(runs, end_of_text + 1))
    control = end_of_text + 1 + len(runs)
    specials = {END_OF_TEXT: end_of_text}
    specials.update((name, index) for index, name in enumerate(XGEN_CONTROL_TOKENS, control))
    return Vocabulary(ranks=ranks, specials=specials, eos=END_OF_TEXT, bos=None)
