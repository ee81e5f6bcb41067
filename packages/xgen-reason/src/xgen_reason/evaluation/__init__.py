"""Scores, what editing did, how sure a method was, and sheets for people who judge chains."""

from xgen_reason.evaluation.scored import Summary, score, summarise

__all__ = ["Summary", "score", "summarise"]
