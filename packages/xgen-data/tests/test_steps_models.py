import random
import string

import numpy as np
import pytest

from xgen_core import Document, FormatError, InputError
from xgen_data import Drop
from xgen_data.steps import Classifier, Perplexity
from xgen_data.steps.classifier import (
    accuracy,
    load_classifier,
    quantile_threshold,
    train_classifier,
)
from xgen_data.steps.perplexity import load_byte_model, train_byte_model

GOOD = ("theorem", "history", "river", "century", "species", "empire", "science", "language")
BAD = ("cheap", "buy", "click", "casino", "offer", "free", "winner", "discount")
COMMON = ("the", "of", "and", "to", "in", "is", "that", "it")


def texts(words, count, seed, length=40):
    source = random.Random(seed)
    return [" ".join(source.choices(words + COMMON * 2, k=length)) for _ in range(count)]


def documents(values):
    return [Document(id=str(i), text=t, source="s") for i, t in enumerate(values)]


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "quality.npz"
    pool = texts(GOOD, 40, 5) + texts(BAD, 160, 6)
    return train_classifier(
        texts(GOOD, 100, 1), texts(BAD, 150, 2), path, calibration=pool, bits=14
    )


def test_classifier_tells_held_out_texts_apart(classifier):
    assert accuracy(classifier, texts(GOOD, 50, 3), texts(BAD, 50, 4)) > 0.98
    mixed = texts(GOOD + BAD, 50, 7)
    assert 0.3 < accuracy(classifier, mixed, mixed) < 0.7  # equal texts cannot be told apart


def test_equal_training_gives_an_equal_file(tmp_path):
    first, second, third = (
        train_classifier(
            texts(GOOD, 20, 1), texts(BAD, 9, 2), tmp_path / f"{i}.npz", bits=10, seed=s
        )
        for i, s in enumerate((0, 0, 1))
    )
    assert first.read_bytes() == second.read_bytes() != third.read_bytes()


def test_the_best_fifth_is_kept(classifier):
    fresh = documents(texts(GOOD, 40, 8) + texts(BAD, 160, 9))
    results = Classifier(model=classifier, keep_top=0.2).apply(fresh)
    kept = [r for r in results if not isinstance(r, Drop)]
    assert 30 <= len(kept) <= 50
    assert all(int(d.id) < 40 for d in kept)
    assert all(0 <= d.metadata["classifier.score"] <= 1 for d in kept)
    assert {r.reason for r in results if isinstance(r, Drop)} == {"low score"}
    threshold = quantile_threshold([d.text for d in fresh], classifier, 0.2)
    results = Classifier(model=classifier, threshold=threshold).apply(fresh)
    assert sum(not isinstance(r, Drop) for r in results) == 40


def test_batches_do_not_change_scores(classifier):
    values = texts(GOOD + BAD, 10, 11)
    model = load_classifier(classifier)
    alone = [model.scores([v])[0] for v in values]
    assert model.scores(values).tolist() == alone


def test_a_model_without_calibration_or_of_another_kind_is_refused(tmp_path, classifier):
    path = train_classifier(texts(GOOD, 5, 1), texts(BAD, 5, 2), tmp_path / "m.npz", bits=8)
    with pytest.raises(InputError, match="without calibration"):
        Classifier(model=path, keep_top=0.2).apply(documents(["x"]))
    assert len(Classifier(model=path).apply(documents(["x"]))) == 1
    with pytest.raises(InputError, match=r"none\.npz: no such file"):
        load_classifier(tmp_path / "none.npz")
    with pytest.raises(FormatError, match="xgen-byte-model"):
        load_byte_model(classifier)
    (tmp_path / "bad.npz").write_bytes(path.read_bytes()[:300])
    with pytest.raises(FormatError, match=r"bad\.npz: not a xgen-text-classifier file"):
        load_classifier(tmp_path / "bad.npz")
    with pytest.raises(InputError, match="no positive example"):
        train_classifier([], ["x"], tmp_path / "n.npz")
    with pytest.raises(ValueError, match="not both"):
        Classifier(model=path, threshold=0.5, keep_top=0.1)


@pytest.fixture(scope="module")
def byte_model(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "bytes.npz"
    pool = texts(GOOD, 30, 5) + texts(GOOD + BAD, 30, 6) + texts(BAD, 40, 7)
    return train_byte_model(texts(GOOD, 200, 1), path, calibration=pool)


def test_probabilities_are_a_distribution(byte_model):
    model = load_byte_model(byte_model)
    for context in ("", "the ri", "zzz", "theor"):
        total = 0.0
        for value in range(1, 128):  # what the model has seen, and some of what it has not
            total += model.probabilities(context + chr(value))[-1]
        unseen = model.probabilities(context + "\x7f")[-1]
        assert 0 < total + 129 * unseen == pytest.approx(1, abs=1e-5)


def test_familiar_text_has_a_low_perplexity(byte_model):
    model = load_byte_model(byte_model)
    familiar, mixed, foreign = (
        np.mean([model.perplexity(t) for t in texts(words, 20, 9)])
        for words in (GOOD, GOOD + BAD, BAD)
    )
    noise = "".join(random.Random(1).choices(string.ascii_lowercase, k=200))
    assert 1 < familiar < mixed < foreign < model.perplexity(noise)


def test_more_than_the_order_of_ngrams_helps(tmp_path):
    train, held_out = texts(GOOD, 200, 1), texts(GOOD, 10, 3)
    values = [
        np.mean([load_byte_model(path).perplexity(t) for t in held_out])
        for order in (2, 3, 5)
        for path in [train_byte_model(train, tmp_path / f"{order}.npz", order=order)]
    ]
    assert values == sorted(values, reverse=True)
    pruned = train_byte_model(train, tmp_path / "p.npz", order=5, min_count=3)
    assert pruned.stat().st_size < (tmp_path / "5.npz").stat().st_size
    assert load_byte_model(pruned).perplexity(held_out[0]) < values[1]


def test_the_order_of_texts_does_not_matter(tmp_path, monkeypatch):
    values = texts(GOOD, 30, 1)
    one = train_byte_model(values, tmp_path / "a.npz")
    monkeypatch.setattr("xgen_data.steps.perplexity._CHUNK", 1000)  # several merges
    two = train_byte_model(values[::-1], tmp_path / "b.npz")
    assert one.read_bytes() == two.read_bytes()


def test_buckets(byte_model):
    fresh = documents(texts(GOOD, 30, 15) + texts(GOOD + BAD, 30, 16) + texts(BAD, 40, 17))
    tagged = Perplexity(model=byte_model).apply(fresh)
    buckets = [d.metadata["perplexity.bucket"] for d in tagged]
    assert buckets[:30].count("head") >= 25
    assert buckets[30:60].count("middle") >= 18
    assert buckets[60:].count("tail") >= 35
    kept = Perplexity(model=byte_model, keep=("head",)).apply(fresh)
    assert [isinstance(k, Drop) for k in kept] == [b != "head" for b in buckets]
    assert Perplexity(model=byte_model).apply(documents([""])) == [Drop(reason="no text")]


def test_without_calibration_there_are_values_and_no_buckets(tmp_path):
    path = train_byte_model(["some text"], tmp_path / "m.npz")
    (result,) = Perplexity(model=path).apply(documents(["some text"]))
    assert set(result.metadata) == {"perplexity.value"}
    with pytest.raises(InputError, match="without calibration"):
        Perplexity(model=path, keep=("head",)).apply(documents(["x"]))
    with pytest.raises(InputError, match="no text"):
        train_byte_model([""], tmp_path / "n.npz")
