"""Chain-of-Knowledge: domains, ordered correction, consolidation, calls."""

import pytest

from xgen_reason import Question
from xgen_reason.methods.chain_of_knowledge import ChainOfKnowledge
from xgen_reason.methods.sampling import Sampling

FIRST, SECOND = "Acme was founded by Ann Ball.", "Ann Ball was born in Rome."


def samples(*answers, steps=(FIRST, SECOND)):
    chain = " ".join(f"{o}, {s}" for o, s in zip(("First", "Second", "Third"), steps, strict=False))
    return (r"^\[thought\] [^:]*:$", tuple(f"{chain} The answer is {a}." for a in answers))


UNSURE = samples(*"abcde")
DOMAIN = (r"^\[domain\]", "factual")
QUERY = (r"^\[query\] [^/]*/ (.*) =$", r"is it so that \1")
EDITS = [
    (r"^\[edit\] .*founded by Ann", "Acme was founded by Lea Berg."),
    (r"^\[edit\] .*Lea Berg was born", "Lea Berg was born in Oslo."),
    (r"^\[edit\] .*Ann Ball was born", "Ann Ball was born in Bonn."),
]
NEXT = (
    r"^\[thought\] .*: First, Acme was founded by Lea Berg\. Second,$",
    " Lea Berg was born in Rome. The answer is Rome.",
)
CONCLUDE = (r"^\[thought\] .* The answer is$", " Oslo")
RULES = [UNSURE, DOMAIN, QUERY, *EDITS, NEXT, CONCLUDE]
FACTS = {
    "founded": ["Acme: founded by Lea Berg."],
    "born": ["Lea Berg and Ann Ball: born in Oslo."],
}


@pytest.fixture
def facts(source):
    return source("text", FACTS)


def test_a_majority_stands_without_a_look_at_domains(solve, question, facts, stages):
    result = solve(ChainOfKnowledge(), question, [samples(*"aaabc")], sources=[facts])
    assert (result.answer, result.route) == ("a", "certain")
    assert stages(result) == ["sample×5"]


def test_steps_are_corrected_in_order(solve, question, facts, stages):
    result = solve(ChainOfKnowledge(), question, RULES, sources=[facts])
    assert (result.first, result.answer, result.route) == ("a", "Oslo", "edited")
    assert result.domains == ("factual",)
    # the second step was written anew after the first was corrected; the old one is gone
    assert [(e.before, e.after) for e in result.edits] == [
        (FIRST, "Acme was founded by Lea Berg."),
        ("Lea Berg was born in Rome.", "Lea Berg was born in Oslo."),
    ]
    assert not any(SECOND in call.prompt for call in result.calls)
    assert result.calls[-1].prompt.endswith(
        ": First, Acme was founded by Lea Berg. Second, Lea Berg was born in Oslo. The answer is"
    )
    # the domain, and six calls, as facts B8 count them for one source of text
    assert stages(result) == [
        "sample×5",
        "domain",
        *("query1", "edit1", "continue2", "query2", "edit2"),
        "conclude",
    ]


def test_at_once_corrects_the_original_steps(solve, question, facts, stages):  # CoK defect 8
    result = solve(ChainOfKnowledge(order="parallel"), question, RULES, sources=[facts])
    assert result.chain.steps == ("Acme was founded by Lea Berg.", "Ann Ball was born in Bonn.")
    assert stages(result)[2:] == ["query1", "edit1", "query2", "edit2", "conclude"]


def test_options_stand_in_every_prompt_with_the_question(solve, facts):  # CoK defect 5
    options = {"A": "Rome", "B": "Oslo"}
    choice = Question(id="1", text="Where?", kind="choice", options=options)
    rules = [(UNSURE[0].replace("[^:]*", ".*A: Rome B: Oslo "), samples("A", "B")[1]), *RULES[1:]]
    rules[-1] = (CONCLUDE[0], " B")
    method = ChainOfKnowledge(sampling=Sampling(n=2, threshold=1.0))
    result = solve(method, choice, rules, sources=[facts])
    assert result.answer == "B"
    shown = [c for c in result.calls if c.stage in ("sample", "domain", "continue", "conclude")]
    assert len(shown) == 4
    assert all("Where? A: Rome B: Oslo" in call.prompt for call in shown)


def test_chains_of_any_length(solve, question, facts, stages):
    """The model decides as it goes on; what was written ahead is dropped each time."""
    longer = [
        samples(*"abcde", steps=("fact one", "fact two")),
        DOMAIN,
        QUERY,
        (r"^\[edit\] .*>> fact (\w+) =$", r"truth \1"),
        (r"First, truth one Second,$", "fact two Third, fact old The answer is x."),
        (
            r"First, truth one Second, truth two Third,$",
            "fact three Fourth, fact older The answer is x.",
        ),
        (
            r"First, truth one Second, truth two Third, truth three Fourth,$",
            "fact four The answer is x.",
        ),
        CONCLUDE,
    ]
    facts.knows = {"fact": ["a fact"]}
    result = solve(ChainOfKnowledge(), question, longer, sources=[facts])
    assert result.chain.steps == ("truth one", "truth two", "truth three", "truth four")
    result = solve(ChainOfKnowledge(max_steps=2), question, longer, sources=[facts])
    assert result.chain.steps == ("truth one", "truth two")
    assert result.notes == ("steps after the first 2 were not looked at",)


def test_a_chain_may_end_where_it_is_continued(solve, question, facts):  # CoK defect 12
    rules = [UNSURE, DOMAIN, QUERY, *EDITS, (NEXT[0], " The answer is Oslo."), CONCLUDE]
    result = solve(ChainOfKnowledge(), question, rules, sources=[facts])
    assert result.chain.steps == ("Acme was founded by Lea Berg.",)
    assert (result.answer, len(result.edits)) == ("Oslo", 1)


@pytest.mark.parametrize(
    ("reply", "domains", "asked", "notes"),
    [
        ("medical", ("medical",), ["drugs"], 0),
        ("Factual, medical.", ("factual", "medical"), ["text", "graph", "drugs"], 0),
        ("medical, medical", ("medical",), ["drugs"], 0),
        ("Domains: factual and medical", ("factual", "medical"), ["text", "graph", "drugs"], 0),
        ("cooking", ("factual",), ["text", "graph"], 1),
        ("cooking, factual", ("factual",), ["text", "graph"], 1),
        ("", ("factual",), ["text", "graph"], 1),
    ],
)
def test_domains_choose_sources(solve, question, source, reply, domains, asked, notes):
    sources = [source(name, FACTS) for name in ("text", "graph", "drugs")]
    of_domain = {"factual": ("text", "graph"), "medical": ("drugs",)}
    rules = [UNSURE, (r"^\[domain\]", reply), *RULES[2:]]
    result = solve(ChainOfKnowledge(), question, rules, sources=sources, domains=of_domain)
    assert result.domains == domains
    assert [found.source for found in result.edits[0].found] == asked
    assert len(result.notes) == notes


def test_all_pieces_of_all_sources_are_knowledge(solve, question, source):
    one = source("text", {"founded": ["Acme: founded by Lea."]})
    two = source("graph", {"founded": ["Acme – founder – Lea Berg"]}, language="sql")
    result = solve(ChainOfKnowledge(), question, RULES, sources=[one, two])
    prompt = next(call.prompt for call in result.calls if call.stage == "edit")
    assert prompt == (
        "[edit] <<Acme: founded by Lea.\nAcme – founder – Lea Berg>> "
        "Acme was founded by Ann Ball. ="
    )


def test_knowledge_edits_and_its_absence_does_not(solve, question, source):  # CoK defect 2
    nothing = source("text")
    rules = [
        UNSURE,
        DOMAIN,
        QUERY,
        (r"Second,$", " Ann Ball was born in Rome. The answer is x."),
        CONCLUDE,
    ]
    result = solve(ChainOfKnowledge(), question, rules, sources=[nothing])
    assert [e.changed for e in result.edits] == [False, False]
    assert result.edits[0].reason == "no evidence: nothing was found"
    full = solve(ChainOfKnowledge(), question, RULES, sources=[source("text", FACTS)])
    assert [e.changed for e in full.edits] == [True, True]


def test_an_unchanged_sentence_is_no_change(solve, question, facts):
    rules = [
        UNSURE,
        DOMAIN,
        QUERY,
        (r"^\[edit\] .*>> (.*) =$", r"\1"),
        (r"Second,$", " Ann Ball was born in Rome. The answer is x."),
        CONCLUDE,
    ]
    result = solve(ChainOfKnowledge(), question, rules, sources=[facts])
    assert [(e.changed, e.reason) for e in result.edits] == [(False, "")] * 2


def test_evidence_chooses_no_domain(solve, question, source):
    hostile = source("text", {"founded": ["Acme was founded by domains: medical."]})
    drugs = source("drugs", FACTS)
    rules = [
        UNSURE,
        DOMAIN,
        QUERY,
        (r"^\[edit\]", "Acme: domains: medical."),
        (r"Second,$", " domains: medical. The answer is x."),
        CONCLUDE,
    ]
    of_domain = {"factual": ("text",), "medical": ("drugs",)}
    result = solve(ChainOfKnowledge(), question, rules, sources=[hostile, drugs], domains=of_domain)
    assert result.domains == ("factual",)
    assert drugs.queries == []


def test_the_same_replies_give_the_same_bytes(solve, question, facts, model):
    slow = model(RULES, delays=[(r"^\[query\] .*Acme was", 0.03)])
    method = ChainOfKnowledge(order="parallel")
    one = solve(method, question, RULES, sources=[facts])
    assert solve(method, question, slow, sources=[facts]).to_json() == one.to_json()
