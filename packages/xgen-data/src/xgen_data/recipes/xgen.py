"""XGen-7B's published data mixtures.

    xgen data mix xgen_data.recipes.xgen:stage_1
    xgen data mix xgen_data.recipes.xgen:stage_2 --store runs/xgen --json

Stage 1 is the table that the authors show: 1,374.52 billion tokens of ten sources, with the number
of passes over each. Stage 2 is 110 billion: 55 of the stage-1 mixture and 55 of StarCoderData.

What the table leaves open, and what is chosen here:

- Stage 2 reads stage-1 sources once more, on top of the passes that the table counts. That makes
  55 / 1,374.52 = 4.0 % of each source's stage-1 tokens an extra, declared here as such.
- How many epochs 55 billion tokens are of StarCoderData is not said; its authors count about 250
  billion tokens with their own tokenizer, so 0.22.
- The published length phases (800 + 400 + 300 billion tokens at 2,048, 4,096 and 8,192) sum to
  1,500 billion, the data tables to 1,484.52. The tables stay as they are.
"""

from __future__ import annotations

from xgen_data.mixture import Component, Mixture

__all__ = ["STAGE_1_TOKENS", "STAGE_2_TOKENS", "stage_1", "stage_2"]

STAGE_1_TOKENS = 1_374_520_000_000
STAGE_2_TOKENS = 110_000_000_000

_STAGE_1 = (  # source, tokens in units of ten million, epochs
    ("redpajama-commoncrawl", 87_937, 1.0),
    ("redpajama-github", 6_244, 1.0),
    ("redpajama-books", 6_518, 2.5),
    ("redpajama-arxiv", 6_332, 2.0),
    ("redpajama-stackexchange", 2_138, 1.0),
    ("c4", 19_150, 0.2),  # from six Common Crawl dumps, 2019 to 2023
    ("wikipedia-en", 1_952, 4.0),
    ("wikipedia-21-languages", 6_204, 2.0),
    ("dm-mathematics", 768, 2.0),
    ("apex", 209, 1.0),  # Salesforce's programming language, from the same six dumps
)


def stage_1() -> Mixture:
    """The mixture of the first 1,374.52 billion tokens."""
    return Mixture(
        name="xgen-stage-1",
        components=tuple(
            Component(source=source, tokens=tens * 10_000_000, epochs=epochs)
            for source, tens, epochs in _STAGE_1
        ),
    )


def stage_2() -> Mixture:
    """The mixture of the last 110 billion tokens: half stage 1, half code."""
    half = STAGE_2_TOKENS // 2
    code = Mixture(
        name="code", components=(Component(source="starcoderdata", tokens=half, epochs=0.22),)
    )
    return stage_1().scaled(half).joined(code, name="xgen-stage-2")
