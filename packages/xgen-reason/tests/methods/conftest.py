"""Doubles for methods: prompts of one line, a model that answers by rule, sources that know little.

A rule's pattern is matched against the whole prompt; stages are told apart by the tag that their
prompts begin with.
"""

import asyncio
import re
from dataclasses import dataclass, field

import pytest

from xgen_core.lm.asker import Asker
from xgen_core.lm.scripted import Rule, ScriptedModel
from xgen_core.records import TokenLogprob
from xgen_reason import Evidence, Found, Prompt, PromptSet, Question, Tools
from xgen_reason.evidence import Attempt, Query

PROMPTS = PromptSet(
    name="tiny",
    shots=0,
    prompts={
        "standard": Prompt(layout="[standard] {question} = {answer}"),
        "thought": Prompt(layout="[thought] {question} : {rationale} The answer is {answer}."),
        "thought_json": Prompt(layout="[json] {question} : {reply}"),
        "verify": Prompt(layout="[verify] {question} / {sentence} = {query}"),
        "answer": Prompt(layout="[answer] <<{evidence}>> {query} = {reply}"),
        "edit": Prompt(layout="[edit] <<{knowledge}>> {sentence} = {edited}"),
        "domain": Prompt(layout="[domain] {question} = {domains}"),
        "query": Prompt(layout="[query] {question} / {sentence} = {query}"),
        "react": Prompt(layout="[react] {question}\n{trace}"),
    },
)


class Model(ScriptedModel):
    """Answers by rule; may take its time, and say how likely its words were."""

    def __init__(self, rules, *, logprobs=(), delays=()):
        super().__init__(
            [Rule(pattern=p, replies=(r,) if isinstance(r, str) else r) for p, r in rules]
        )
        self.logprobs, self.delays = logprobs, delays
        self.requests = []

    async def generate(self, request):
        self.requests.append(request)
        for pattern, seconds in self.delays:
            if re.search(pattern, request.prompt, re.DOTALL):
                await asyncio.sleep(seconds)
        made = await super().generate(request)
        if request.logprobs is None or not self.logprobs:
            return made
        return [self._with_logprobs(c, request.seed + i) for i, c in enumerate(made)]

    def _with_logprobs(self, completion, index):
        value = self.logprobs[index % len(self.logprobs)]
        words = re.findall(r"\s*\S+", completion.text)
        tokens = tuple(TokenLogprob(id=-1, text=word, logprob=value) for word in words)
        return type(completion)(text=completion.text, finish_reason="stop", logprobs=tokens)


@dataclass
class Source:
    """Knows texts by a word that the query must have."""

    name: str
    knows: dict = field(default_factory=dict)
    language: str = "text"
    failure: str = ""
    suspicious: str = ""
    queries: list = field(default_factory=list)
    summary: str = "a double"
    fingerprint: str = "0"

    async def search(self, query, question, *, limit):
        self.queries.append((query, limit))
        if self.failure:
            return Found(source=self.name, query=query, failure=self.failure)
        texts = [t for key, texts in self.knows.items() if key in query.text for t in texts]
        evidence = tuple(
            Evidence(
                text=text,
                source=self.name,
                locator=f"{i}",
                suspicious="orders" if self.suspicious and self.suspicious in text else "",
            )
            for i, text in enumerate(texts[:limit])
        )
        attempt = Attempt(text=query.text, outcome="found" if evidence else "empty")
        return Found(source=self.name, query=query, evidence=evidence, attempts=(attempt,))


@dataclass
class Writer:
    """Has the model write each query."""

    language: str = "text"

    async def inquire(self, asker, prompts, source, question, sentence, *, step, limit):
        prompt = prompts.render("query", {"question": question.full, "sentence": sentence})
        made = await asker.ask("query", prompt, max_tokens=70, step=step)
        query = Query(text=made[0].text.strip(), language=self.language)
        return await source.search(query, question, limit=limit)


@pytest.fixture
def question():
    return Question(id="q1", text="Where was the founder of Acme born?")


@pytest.fixture
def source():
    """Makes a source."""
    return Source


@pytest.fixture
def model():
    """Makes a model."""
    return Model


@pytest.fixture
def solve():
    """Answers a question by a method, with rules for the model."""

    def run(method, question, rules, *, sources=(), domains=None, seed=0, **of_model):
        model = Model(rules, **of_model) if isinstance(rules, list) else rules
        tools = Tools(
            asker=Asker(model, seed=seed),
            prompts=PROMPTS,
            sources={source.name: source for source in sources},
            domains=domains or {},
            writers={"text": Writer(), "sql": Writer(language="sql")},
        )
        return asyncio.run(method.solve(question, tools))

    return run


@pytest.fixture
def stages():
    """The stages and steps of a result's calls, in order."""
    return lambda result: [
        f"{call.stage}{call.step or ''}" + (f"×{len(call.texts)}" if len(call.texts) > 1 else "")
        for call in result.calls
    ]
