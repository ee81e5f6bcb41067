"""Zero-shot: an instruction that names the language, then the article."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xgen_core.lm.asker import Asker
from xgen_ldp.summarization.prompt import SummaryPrompt, instruction
from xgen_ldp.summarization.prompted import PromptedSummarizer
from xgen_ldp.summarization.summarizer import SummaryMaterial
from xgen_ldp.summarization.summary import SummaryPreparation

__all__ = ["ZeroShotSummaries"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroShotSummaries:
    """An instruction, then the article.

    Attributes:
        longest: characters of an article in a prompt: its first sentences.
        max_tokens: of a summary.
    """

    name: ClassVar[str] = "zero-shot"

    longest: int = 4000
    max_tokens: int = 512

    async def prepare(self, asker: Asker, material: SummaryMaterial) -> PromptedSummarizer:
        """Nothing is needed, and nothing asked."""
        language = material.language
        return PromptedSummarizer(
            stage=self.name,
            prompt=SummaryPrompt(
                language=language, tags=material.tags, instruction=instruction(language)
            ),
            checker=material.summary_checker,
            longest=self.longest,
            max_tokens=self.max_tokens,
            preparation=SummaryPreparation(),
        )
