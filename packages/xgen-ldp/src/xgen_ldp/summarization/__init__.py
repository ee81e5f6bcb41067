"""Summaries of articles in a language in which nobody has any: LDP's means for another task.

The exemplars are articles of the language itself, with summaries that came through English; an
article is then summarised without leaving its language. Baselines: through English every time, and
a bare instruction.
"""

from xgen_ldp.summarization.article import Article, read_articles
from xgen_ldp.summarization.planning import plan_summaries
from xgen_ldp.summarization.registry import load_summary_method
from xgen_ldp.summarization.results import SummaryResults, rouge_unit
from xgen_ldp.summarization.runs import Summarized, summarize
from xgen_ldp.summarization.summarizer import Summarizer, SummaryMaterial, SummaryMethod
from xgen_ldp.summarization.summary import Summary, SummaryPreparation

__all__ = [
    "Article",
    "Summarized",
    "Summarizer",
    "Summary",
    "SummaryMaterial",
    "SummaryMethod",
    "SummaryPreparation",
    "SummaryResults",
    "load_summary_method",
    "plan_summaries",
    "read_articles",
    "rouge_unit",
    "summarize",
]
