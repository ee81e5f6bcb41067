import socket

import pytest

from xgen_core import Document, MissingExtraError
from xgen_data import Drop
from xgen_data.language import UNKNOWN, backends, identify
from xgen_data.steps import Language

TEXTS = {
    "en": "The river runs through the old town and under three bridges made of stone.",
    "de": "Der Fluss fließt durch die alte Stadt und unter drei Brücken aus Stein hindurch.",
    "fr": "La rivière traverse la vieille ville et passe sous trois ponts de pierre.",
    "ru": "Река протекает через старый город и под тремя каменными мостами.",
    "zh": "今天天气很好，我们一起去公园玩吧。北京是中国的首都，也是一个历史悠久的城市。",
    "ja": "川は古い町を流れ、三つの石橋の下を通ります。人々は毎日歩きます。",
}
INSTALLED = backends()
needs_backend = pytest.mark.skipif(not INSTALLED, reason="pip install 'xgen-data[filters]'")


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("tried to reach the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.parametrize("backend", INSTALLED)
def test_languages_without_network(backend, no_network, tmp_path, monkeypatch):
    monkeypatch.setenv("FTLANG_CACHE", str(tmp_path / "cache"))
    verdicts = identify(list(TEXTS.values()), backend=backend)
    assert [v.code for v in verdicts] == list(TEXTS)
    assert all(0.3 < v.probability <= 1 for v in verdicts)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("backend", INSTALLED)
def test_texts_that_are_in_no_language(backend):
    verdicts = identify(["", " \n ", "12 + 34 = 46", "— … !"], backend=backend)
    assert verdicts == [(UNKNOWN, 0.0)] * 4


@pytest.mark.skipif("fasttext" not in INSTALLED, reason="pip install 'xgen-data[filters]'")
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("河流穿过老城，从三座石桥下流过。人们每天都在河边散步。", "zh"),  # the model alone: mk
        ("河流穿过老城", "zh"),
        ("川は流れる", "ja"),
        ("강은 흐른다", "ko"),
        ("ποτάμι", "el"),
    ],
)
def test_the_script_has_a_say(text, code):
    assert identify([text], backend="fasttext")[0].code == code


@needs_backend
def test_capitals_and_line_breaks_change_nothing():
    codes = [v.code for v in identify([TEXTS["en"].upper(), TEXTS["de"].replace(" ", "\n")])]
    assert codes == ["en", "de"]


@needs_backend
def test_step_tags_and_keeps():
    documents = [Document(id=k, text=t, source="s", metadata={"a": 1}) for k, t in TEXTS.items()]
    documents.append(Document(id="none", text="0 1 2", source="s"))
    tagged = Language(threshold=0.3).apply(documents)
    assert [d.metadata["language.code"] for d in tagged] == [*TEXTS, UNKNOWN]
    assert tagged[0].metadata["a"] == 1
    kept = Language(threshold=0.3, keep=("en", UNKNOWN)).apply(documents)
    assert [isinstance(k, Drop) for k in kept] == [False, *[True] * 5, False]
    assert {k.reason for k in kept if isinstance(k, Drop)} == {"unwanted language"}
    unsure = Language(threshold=1.1, keep=("en",)).apply(documents[:1])
    assert unsure == [Drop(reason="unsure language")]


def test_a_missing_backend_names_the_extra(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for backend in ("auto", "fasttext", "langid"):
        with pytest.raises(MissingExtraError, match=r"xgen-data\[filters\]"):
            identify(["text"], backend=backend)
