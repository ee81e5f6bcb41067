"""What LDP is compared with: zero-shot, few-shot, XLT, pivot and the naive reverse."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from xgen_core import Completion, GenerationRequest, InputError, ModelInfo
from xgen_core.lm.always_open import AlwaysOpen
from xgen_core.lm.asker import Asker
from xgen_core.lm.scripted import truncate
from xgen_ldp import (
    ENGLISH,
    Direction,
    Exemplar,
    Line,
    Material,
    Method,
    Side,
    Translation,
    find_language,
    load_method,
)
from xgen_ldp.methods import Preparation
from xgen_ldp.methods import Tested as Untouched  # pytest takes Test… for tests
from xgen_ldp.prompts import Tags

NEPALI, FRENCH, IGBO = find_language("npi"), find_language("fra"), find_language("ibo")
INTO = Direction(source=NEPALI, target=ENGLISH)
OUT = Direction(source=ENGLISH, target=NEPALI)
BETWEEN = Direction(source=NEPALI, target=FRENCH)
LINE = Line(id="test:1", text="पानी चिसो छ")


class Replying(AlwaysOpen):
    """A model that is a function of its prompt; it keeps what it was asked."""

    def __init__(self, reply: Callable[[str], str], *, longest: int = 10_000) -> None:
        self.prompts: list[str] = []
        self._reply = reply
        self._longest = longest

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(identity="replying")

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        prompt = request.prompt or ""
        self.prompts.append(prompt)
        text, _ = truncate(self._reply(prompt), request.stop)
        cut = len(text) > self._longest
        return [Completion(text=text[: self._longest], finish_reason="length" if cut else "stop")]


DICTIONARY = {
    ("Nepali", "English"): {"पानी": "water", "चिसो": "cold", "छ": "is"},
    ("English", "French"): {"water": "l'eau", "cold": "froide", "is": "est"},
    ("English", "Nepali"): {"water": "पानी", "cold": "चिसो", "is": "छ"},
    ("Nepali", "French"): {"पानी": "l'eau", "चिसो": "froide", "छ": "est"},
}


def by_dictionary(prompt: str) -> str:
    """Word by word, between the languages that tag the last two lines."""
    row, tag = prompt.splitlines()[-2:]
    source, _, text = row.partition(": ")
    words = DICTIONARY[source, tag.removesuffix(":")]
    return " " + " ".join(words[word] for word in text.split()) + "\n\nAnother text: it goes on"


def pairs(direction: Direction, count: int) -> tuple[Exemplar, ...]:
    """Made-up pairs by people."""
    return tuple(
        Exemplar(
            id=f"dev:{number}",
            sides=(
                Side(language=direction.source, text=f"a sentence of number {number}"),
                Side(language=direction.target, text=f"its translation, number {number}"),
            ),
            origin="parallel",
        )
        for number in range(1, count + 1)
    )


def translated(
    method: Method, material: Material, model: Replying, line: Line = LINE
) -> tuple[Translation, Preparation]:
    """One line by a method."""

    async def work() -> tuple[Translation, Preparation]:
        translator = await method.prepare(Asker(model), material)
        return await translator.translate(Asker(model), line), translator.preparation

    return asyncio.run(work())


def reasons(translation: Translation) -> list[tuple[str, str]]:
    return [(finding.reason, finding.language) for finding in translation.last.findings]


ZERO_SHOT = (
    "Translate the following text from Nepali into English. Write only the translation, on one "
    "line.\n\n"
)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("name", "Nepali: पानी चिसो छ\nEnglish:"),
        ("generic", "Source: पानी चिसो छ\nEnglish:"),
        ("none", "पानी चिसो छ\n"),
    ],
)
def test_zero_shot_is_an_instruction_that_names_both_languages(tags: Tags, expected: str) -> None:
    model = Replying(lambda prompt: " water is cold")
    made, preparation = translated(
        load_method("zero-shot"), Material(direction=INTO, tags=tags), model
    )
    assert model.prompts == [ZERO_SHOT + expected]
    assert (made.text, made.accepted) == ("water is cold", True)
    assert preparation == Preparation()
    assert [call.stage for call in made.calls] == ["zero-shot"]


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("instruction=", ""),
        ("instruction=From {source} to {target}!", "From Nepali to English!\n\n"),
    ],
)
def test_zero_shot_asks_in_the_words_that_a_model_was_tuned_on(setting: str, expected: str) -> None:
    model = Replying(lambda prompt: " water is cold")
    translated(load_method("zero-shot", [setting]), Material(direction=INTO), model)
    assert model.prompts == [f"{expected}Nepali: पानी चिसो छ\nEnglish:"]


@pytest.mark.parametrize("direction", [INTO, BETWEEN], ids=lambda direction: direction.name)
def test_few_shot_shows_pairs_and_says_which(direction: Direction) -> None:
    model = Replying(by_dictionary)
    material = Material(direction=direction, parallel=pairs(direction, 20), seed=3)
    made, preparation = translated(load_method("few-shot", ["shots=2"]), material, model)
    first, second = (exemplar.id.removeprefix("dev:") for exemplar in preparation.exemplars)
    target = direction.target.name
    assert model.prompts == [
        f"Nepali: a sentence of number {first}\n{target}: its translation, number {first}\n\n"
        f"Nepali: a sentence of number {second}\n{target}: its translation, number {second}\n\n"
        f"Nepali: पानी चिसो छ\n{target}:"
    ]
    assert made.text == {"English": "water cold is", "French": "l'eau froide est"}[target]
    assert made.accepted


def test_few_shot_draws_by_seed_and_never_what_is_tested() -> None:
    parallel = pairs(INTO, 20)

    def drawn(seed: int, tested: Untouched, parallel: tuple[Exemplar, ...] = parallel) -> list[str]:
        material = Material(direction=INTO, parallel=parallel, tested=tested, seed=seed)
        _, preparation = translated(load_method("few-shot"), material, Replying(by_dictionary))
        return [exemplar.id for exemplar in preparation.exemplars]

    everything = drawn(0, Untouched())
    assert len(set(everything)) == 8
    assert drawn(0, Untouched(), parallel[::-1]) == everything
    assert drawn(1, Untouched()) != everything
    by_id = Untouched(ids=frozenset(everything[:4]))
    by_reference = Untouched(texts=frozenset({parallel[0].output.text, parallel[1].sides[0].text}))
    assert not by_id.ids & set(drawn(0, by_id))
    for seed in range(20):
        assert not {"dev:1", "dev:2"} & set(drawn(seed, by_reference))


def test_few_shot_takes_only_what_people_translated() -> None:
    model = Replying(by_dictionary)
    synthetic = tuple(
        Exemplar(id=pair.id, sides=pair.sides, origin="synthetic") for pair in pairs(INTO, 8)
    )
    material = Material(direction=INTO, parallel=(*synthetic, *pairs(OUT, 7)))
    with pytest.raises(InputError, match="shows 8 pairs of Nepali and English by people, and 7"):
        translated(load_method("few-shot"), material, model)
    made, preparation = translated(load_method("few-shot", ["shots=7"]), material, model)
    assert {exemplar.sides[0].language for exemplar in preparation.exemplars} == {NEPALI}
    assert made.accepted


XLT = """\
You are a professional translator and an expert in Nepali and French.
Nepali: पानी चिसो छ
First, restate this text in English, on a line that begins with "English:".
Your goal is to translate it into French.
Solve the task step by step.
Last, give the French translation and nothing else, on one line that begins with "Translation:"."""


def test_xlt_has_its_six_parts_in_order_and_keeps_the_english() -> None:
    model = Replying(
        lambda prompt: (
            "Let me see.\n**English:** The water is cold.\n\n1. 'पानी' is water.\n"
            "Translation: a first try\nThat is wrong.\n\n**Translation:** L'eau est froide."
        )
    )
    made, preparation = translated(load_method("xlt"), Material(direction=BETWEEN), model)
    assert model.prompts == [XLT]
    assert made.text == "L'eau est froide."
    assert made.last.english == "The water is cold."
    assert made.accepted
    assert "no English on the way" not in made.last.notes
    assert preparation == Preparation()


def test_xlt_without_its_last_line_is_unparsed() -> None:
    material = Material(direction=BETWEEN)
    made, _ = translated(load_method("xlt"), material, Replying(lambda p: "L'eau est froide."))
    assert (made.text, reasons(made)) == ("", [("unparsed", "fra_Latn")])
    assert "no English on the way" in made.last.notes
    cut = Replying(lambda p: "English: The water is cold. Translation: L'eau", longest=25)
    made, _ = translated(load_method("xlt"), material, cut)
    assert reasons(made) == [("truncated", "fra_Latn"), ("unparsed", "fra_Latn")]
    assert made.last.english == "The water is col"


def test_xlt_reads_a_translation_on_the_line_below_its_prefix() -> None:
    model = Replying(lambda p: "english: Water\n\n> Translation:\nL'eau est froide.")
    made, _ = translated(load_method("xlt"), Material(direction=BETWEEN), model)
    assert (made.text, made.last.english) == ("L'eau est froide.", "Water")


def test_xlt_takes_off_quotes_and_list_marks_that_are_the_models_own() -> None:
    model = Replying(lambda p: '1. English: "Water"\n2. Translation: "L\'eau est froide."')
    made, _ = translated(load_method("xlt"), Material(direction=BETWEEN), model)
    assert (made.text, made.last.english) == ("L'eau est froide.", "Water")
    line = Line(id="test:1", text='"पानी चिसो छ"')
    made, _ = translated(load_method("xlt"), Material(direction=BETWEEN), model, line)
    assert made.text == '"L\'eau est froide."'


def test_pivot_asks_twice_a_line_and_keeps_the_english() -> None:
    model = Replying(by_dictionary)
    made, preparation = translated(load_method("pivot"), Material(direction=BETWEEN), model)
    assert (made.text, made.last.english) == ("l'eau froide est", "water cold is")
    assert made.accepted
    assert [call.prompt for call in made.calls] == model.prompts
    assert model.prompts[1].endswith("English: water cold is\nFrench:")
    assert list(preparation.steps) == ["npi_Deva-eng_Latn", "eng_Latn-fra_Latn"]


def test_pivot_takes_any_methods_with_their_settings() -> None:
    method = load_method(
        "pivot", ["first=few-shot", 'first_settings=["shots=2"]', "second=naive-reverse"]
    )
    material = Material(direction=BETWEEN, parallel=pairs(INTO, 5))
    made, preparation = translated(method, material, Replying(by_dictionary))
    assert made.text == "l'eau froide est"
    assert len(preparation.steps["npi_Deva-eng_Latn"].exemplars) == 2
    assert FRENCH not in [e.output.language for e in preparation.steps[OUT_FR.name].exemplars]


OUT_FR = Direction(source=ENGLISH, target=FRENCH)


def test_pivots_steps_take_their_sides_of_triples() -> None:
    triples = tuple(
        Exemplar(
            id=f"dev:{n}",
            sides=(
                Side(language=NEPALI, text=f"x {n}"),
                Side(language=ENGLISH, text=f"en {n}"),
                Side(language=FRENCH, text=f"y {n}"),
            ),
            origin="parallel",
        )
        for n in range(9)
    )
    method = load_method("pivot", ["first=few-shot", "second=few-shot"])
    material = Material(direction=BETWEEN, parallel=triples)
    _, preparation = translated(method, material, Replying(by_dictionary))
    shown = [
        [(side.language, side.text[:2].strip()) for side in step.exemplars[0].sides]
        for step in preparation.steps.values()
    ]
    assert shown == [[(NEPALI, "x"), (ENGLISH, "en")], [(ENGLISH, "en"), (FRENCH, "y")]]
    first, second = preparation.steps.values()
    assert [e.id for e in first.exemplars] == [e.id for e in second.exemplars]


def test_pivot_goes_on_with_a_rejected_first_step_but_not_with_nothing() -> None:
    parrot = Replying(lambda p: p.splitlines()[-2].partition(": ")[2])
    made, _ = translated(load_method("pivot"), Material(direction=BETWEEN), parrot)
    assert ("copy", "eng_Latn") in reasons(made)
    assert ("copy", "fra_Latn") in reasons(made)
    assert made.text == made.last.english == LINE.text
    silent = Replying(lambda p: "")
    made, _ = translated(load_method("pivot"), Material(direction=BETWEEN), silent)
    assert reasons(made) == [("empty", "eng_Latn")]
    assert (len(made.calls), made.text) == (1, "")


def test_naive_reverse_shows_english_on_the_left_and_other_languages_on_the_right() -> None:
    model = Replying(lambda p: " पानी")
    material = Material(direction=OUT)
    line = Line(id="test:1", text="Water")
    made, preparation = translated(load_method("naive-reverse"), material, model, line)
    languages = [exemplar.output.language for exemplar in preparation.exemplars]
    assert {language.script for language in languages} == {"Arab", "Hans", "Latn"}
    assert len(set(languages)) == len({exemplar.id for exemplar in preparation.exemplars}) == 4
    blocks = "".join(
        f"English: {exemplar.text(ENGLISH)}\n{exemplar.other.name}: {exemplar.output.text}\n\n"
        for exemplar in preparation.exemplars
    )
    assert model.prompts == [f"{blocks}English: Water\nNepali:"]
    assert made.accepted


def test_naive_reverse_fails_visibly_where_a_model_goes_on_in_an_exemplars_language() -> None:
    model = Replying(lambda p: p.split("\n\n")[-2].splitlines()[1].partition(": ")[2])
    line = Line(id="test:1", text="The water in the river was cold.")
    made, preparation = translated(
        load_method("naive-reverse"), Material(direction=OUT), model, line
    )
    assert made.text == preparation.exemplars[-1].output.text
    assert ("exemplar", "npi_Deva") in reasons(made)


def test_naive_reverse_leaves_the_target_and_what_is_tested_out() -> None:
    bank = Material(direction=OUT_FR).bank
    tested = Untouched(ids=frozenset({bank.exemplars[0].id}))
    for seed in range(30):
        material = Material(direction=OUT_FR, tested=tested, seed=seed)
        _, preparation = translated(
            load_method("naive-reverse"),
            material,
            Replying(lambda p: "l'eau"),
            Line(id="test:1", text="water"),
        )
        assert FRENCH not in [exemplar.output.language for exemplar in preparation.exemplars]
        assert not tested.ids & {exemplar.id for exemplar in preparation.exemplars}


@pytest.mark.parametrize(
    ("name", "direction", "message"),
    [
        ("naive-reverse", INTO, "translates from English only"),
        ("naive-reverse", BETWEEN, "translates from English only"),
        ("xlt", OUT, "with English on one side use zero-shot"),
        ("pivot", INTO, "with English on one side use zero-shot"),
        ("few-shot", INTO, "--parallel"),
    ],
)
def test_a_direction_that_a_method_has_not_is_refused(
    name: str, direction: Direction, message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        translated(load_method(name), Material(direction=direction), Replying(by_dictionary))
    assert str(caught.value).startswith(direction.name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["zero-shot", "few-shot"])
def test_a_bad_answer_is_a_finding(name: str) -> None:
    material = Material(direction=INTO, parallel=pairs(INTO, 8))
    for reply, reason in (
        ("", "empty"),
        (LINE.text, "copy"),
        ("water " * 40, "too-long"),
    ):
        made, _ = translated(load_method(name), material, Replying(lambda p, r=reply: r))
        assert (reason, "eng_Latn") in reasons(made)
    made, _ = translated(
        load_method(name), material, Replying(lambda p: "water is cold", longest=7)
    )
    assert ("truncated", "eng_Latn") in reasons(made)
    assert made.text == "water i"
