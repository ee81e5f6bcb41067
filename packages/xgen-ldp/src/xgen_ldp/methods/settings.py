"""The settings of LDP, the same for its three directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from xgen_core.records import Record
from xgen_ldp.exemplars import Choice, Policy

__all__ = ["LdpSettings", "Ranking"]

Ranking = Literal["length", "logprob", "none"]
"""What makes one synthetic exemplar better than another, when all have passed the checks.

`length`: how near the ratio of its sides' lengths is to the median ratio of all, in logarithms; a
translation that left something out, or added, stands far from it. `logprob`: the mean
log-probability of the English tokens; models behind an endpoint give it in conversations only.
`none`: the order that the seed decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LdpSettings(Record):
    """What can be set. The papers and the talk state none of these numbers.

    Attributes:
        exemplars: (Z, English) in prompts into English, each of another language.
        choice: how those are chosen; see `xgen_ldp.exemplars.Policy`.
        languages: that come first among them, codes or names; none: Arabic, Chinese, Vietnamese
            and French.
        exemplar_seed: decides those, as `search_exemplars` found it; the run's seed where None.
        shots: synthetic exemplars in prompts out of English, and between two languages.
        considered: unlabelled lines that are read to make them; four times `shots` where None.
        ranking: which of those that passed the checks come first.
        alike: of two whose English shares this part of its words, or more, the better one stays;
            at 1, those with the very same words.
        retries: how often a rejected output is asked for again, with other synthetic exemplars.
        max_tokens: of each line that is asked for.
        instruction: a paragraph before the exemplars of every prompt, for models that chat.
    """

    exemplars: int = 4
    choice: Policy = "languages"
    languages: tuple[str, ...] = ()
    exemplar_seed: int | None = None
    shots: int = 8
    considered: int | None = None
    ranking: Ranking = "length"
    alike: float = 0.5
    retries: int = 1
    max_tokens: int = 512
    instruction: str = ""

    def __post_init__(self) -> None:
        least = {"exemplars": 1, "shots": 1, "considered": 1, "retries": 0, "max_tokens": 1}
        for name, fewest in least.items():
            value: int | None = getattr(self, name)
            if value is not None and value < fewest:
                raise ValueError(f"{name} must be at least {fewest}, got {value}")
        if not 0 < self.alike <= 1:
            raise ValueError(f"alike lies in (0, 1], got {self.alike}")

    @property
    def pool(self) -> int:
        """How many unlabelled lines are read."""
        return 4 * self.shots if self.considered is None else self.considered

    @property
    def into_english(self) -> Choice:
        """The choice of exemplars (Z, English)."""
        return Choice(count=self.exemplars, policy=self.choice, languages=self.languages)
