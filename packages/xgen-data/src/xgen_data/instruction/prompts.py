"""Ready templates for common kinds of task, several wordings each, one of them in T5's manner.

    sentiment    {text}                              label: negative, positive
    nli          {premise} {hypothesis}              label: entailment, neutral, contradiction
    claim        {evidence} {claim}                  label: SUPPORTS, REFUTES, NOT ENOUGH INFO
    yes_no       {passage} {question}                label: true, false
    paraphrase   {first} {second}                    label: 0, 1
    choice       {question} {choices}                label: answer, as it stands
    closed_qa    {passage} {question}                label: answer
    summary      {document}                          label: summary
    translation  {source_language} {target_language} {source}   label: target

Rename your columns to these, or take a template and `dataclasses.replace` its text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xgen_data.instruction.templates import PromptTemplate

__all__ = ["PROMPTS"]

_SENTIMENT = {"negative": "negative", "positive": "positive"}
_NLI = {"entailment": "yes", "neutral": "it is not possible to tell", "contradiction": "no"}
_CLAIM = {
    "SUPPORTS": "supported",
    "REFUTES": "refuted",
    "NOT ENOUGH INFO": "not enough information",
}
_YES_NO = {"True": "yes", "False": "no"}
_SAME = {"0": "no", "1": "yes"}


def _templates(
    task: str,
    type_: str,
    label: str,
    words: Mapping[str, str],
    asked: Sequence[str],
    prefix: str,
) -> tuple[PromptTemplate, ...]:
    instructions = tuple(
        PromptTemplate(
            name=f"ask-{number}", task=task, type=type_, label=label, verbaliser=words, text=text
        )
        for number, text in enumerate(asked, 1)
    )
    named = PromptTemplate(
        name="prefix",
        task=task,
        type=type_,
        label=label,
        verbaliser=words,
        text=prefix,
        mode="prefix",
        separator="\n",
    )
    return (*instructions, named)


PROMPTS: Mapping[str, tuple[PromptTemplate, ...]] = {
    "sentiment": _templates(
        "sentiment",
        "classification",
        "label",
        _SENTIMENT,
        (
            "Is the mood of this text {options}?\n\n{text}",
            "{text}\n\nHow does the writer feel about it? Answer with one of: {options}.",
            "Read the review and name its sentiment ({options}).\n\nReview: {text}\nSentiment:",
        ),
        "sentiment: {text} answer:",
    ),
    "nli": _templates(
        "nli",
        "inference",
        "label",
        _NLI,
        (
            "{premise}\n\nDoes it follow that “{hypothesis}”? Options: {options}.",
            "Suppose this is true: {premise}\nMust this then be true as well: {hypothesis}\n"
            "Choose from: {options}.",
            "Premise: {premise}\nHypothesis: {hypothesis}\n"
            "Can the hypothesis be concluded from the premise? ({options})",
        ),
        "nli premise: {premise} hypothesis: {hypothesis} answer:",
    ),
    "claim": _templates(
        "claim",
        "verification",
        "label",
        _CLAIM,
        (
            "Evidence: {evidence}\n\nClaim: {claim}\n\nIs the claim {options}?",
            "Check this claim against the text below it: {claim}\n\nText: {evidence}\n\n"
            "Verdict ({options}):",
        ),
        "verify claim: {claim} evidence: {evidence} verdict:",
    ),
    "yes_no": _templates(
        "yes_no",
        "closed_qa",
        "label",
        _YES_NO,
        (
            "{passage}\n\nGoing by the passage, {question}? Answer yes or no.",
            "Question: {question}?\nUse this text: {passage}\nYes or no?",
        ),
        "boolean question: {question} passage: {passage} answer:",
    ),
    "paraphrase": _templates(
        "paraphrase",
        "inference",
        "label",
        _SAME,
        (
            "Do these two sentences mean the same?\n1. {first}\n2. {second}",
            "“{first}”\n“{second}”\nCould one stand for the other? Answer {options}.",
        ),
        "paraphrase first: {first} second: {second} same:",
    ),
    "choice": _templates(
        "choice",
        "multiple_choice",
        "answer",
        {},
        (
            "{question}\n\nPick the right one:\n{choices}",
            "Which of these answers the question best?\n{choices}\n\nQuestion: {question}",
        ),
        "choose question: {question} choices: {choices} answer:",
    ),
    "closed_qa": _templates(
        "closed_qa",
        "closed_qa",
        "answer",
        {},
        (
            "{passage}\n\nAnswer from the text above: {question}",
            "Here is a question: {question}\nThe answer is somewhere in this text:\n{passage}",
        ),
        "question: {question} context: {passage} answer:",
    ),
    "summary": _templates(
        "summary",
        "summarization",
        "summary",
        {},
        (
            "{document}\n\nSum up the text above in a few words.",
            "What are the main points of the following?\n\n{document}",
        ),
        "summarize: {document} summary:",
    ),
    "translation": _templates(
        "translation",
        "translation",
        "target",
        {},
        (
            "Put this {source_language} text into {target_language}:\n{source}",
            "{source}\n\nHow would one say this in {target_language}?",
        ),
        "translate {source_language} to {target_language}: {source} translation:",
    ),
}
"""By task."""
