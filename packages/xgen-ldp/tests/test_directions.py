"""LDP's three directions, with a model that really translates two made-up languages.

They are English in other letters: every letter has one of the Georgian or of the Armenian alphabet.
The model reads its task off the exemplars: it writes what stands on their right.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import string
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from xgen_core import (
    CapabilityError,
    Completion,
    GenerationRequest,
    InputError,
    ModelError,
    ModelInfo,
)
from xgen_core.lm.always_open import AlwaysOpen
from xgen_core.lm.asker import Asker
from xgen_core.lm.scripted import prompt_text, truncate
from xgen_core.records import TokenLogprob
from xgen_ldp import (
    ENGLISH,
    Direction,
    Language,
    Line,
    Material,
    Translation,
    find_language,
)
from xgen_ldp.methods import Preparation
from xgen_ldp.methods import material as materials
from xgen_ldp.methods.ldp import Ldp
from xgen_ldp.prompts import Tags

X, Y = find_language("qaa_Geor"), find_language("qab_Armn")
FIRST = {X.code: 0x10D0, Y.code: 0x0561}
SENTENCES = """\
The old bridge was closed after the flood.
My sister sells bread at the market.
Nobody knew where the map had been hidden.
Cold winds come down from the hills in autumn.
He repaired the radio with a small knife.
Two children carried water to the goats.
This road leads to a village without a name.
We listened to music until midnight.
Her letter arrived three weeks too late.
Fishermen mend their nets before sunrise.
A doctor visits the island once every month.
They planted beans between the rows of maize.
Please leave your shoes outside the door.
The moon looked yellow through the smoke.
Our teacher speaks five languages.
Rice is cheaper here than in town.
His grandfather built boats of cedar wood.
Snow covered both cars during the night.
You can borrow books for fourteen days.
The lamp needs oil and a new wick.
Someone left an umbrella on the bus.
Bees make less honey when summers are dry.
That tall tower was once a prison.
I forgot to water the tomatoes again.
She draws birds on the back of envelopes.
Heavy trucks must not use this street.
Their cat sleeps on top of the oven.
Many voters waited in line for hours.
The baker starts work at four.
Gold was found near a dry river bed.
""".splitlines()
TESTED = [
    "Seven horses crossed the shallow lake.",
    "Grandmother keeps coins inside a teapot.",
    "Lightning struck an empty barn.",
]


def spell(text: str, language: Language) -> str:
    first = FIRST[language.code]
    letters = {letter: chr(first + n) for n, letter in enumerate(string.ascii_lowercase)}
    return text.lower().translate(str.maketrans(letters))


def read(text: str) -> str:
    """English of a text in any of the letters; English as it is."""
    letters = {
        chr(first + n): letter
        for first in FIRST.values()
        for n, letter in enumerate(string.ascii_lowercase)
    }
    return text.translate(str.maketrans(letters))


def written(text: str) -> Language | None:
    """The made-up language that a text is in."""
    for language in (X, Y):
        if any(FIRST[language.code] <= ord(letter) < FIRST[language.code] + 26 for letter in text):
            return language
    return None


@dataclass
class Translating(AlwaysOpen):
    """Translates the last block as the blocks before it do, and keeps all requests.

    Attributes:
        instead: answers by a part of the line that is asked, in the place of right ones.
        failing: parts of lines on which it fails.
        slow: whether answers come in another order than they were asked for.
    """

    instead: dict[str, str] = field(default_factory=dict[str, str])
    failing: tuple[str, ...] = ()
    slow: bool = False
    requests: list[GenerationRequest] = field(default_factory=list[GenerationRequest])

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(identity="translating")

    @property
    def prompts(self) -> list[str]:
        return [prompt_text(request) for request in self.requests]

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        self.requests.append(request)
        *blocks, last = [block.split("\n") for block in prompt_text(request).split("\n\n")]
        if self.slow:
            for _ in range(zlib.crc32(prompt_text(request).encode()) % 7):
                await asyncio.sleep(0)
        asked = _text(last[0])
        if any(part in read(asked) for part in self.failing):
            raise ModelError("refused: too sad")
        answer = next((a for part, a in self.instead.items() if part in read(asked)), None)
        if answer is None:
            answer = "\n".join(self._lines(blocks[-1], asked))
        text, _ = truncate(f" {answer}\n\nGeorgian: …", request.stop)
        logprob = -len(text) / 100
        return [
            Completion(
                text=text,
                finish_reason="stop",
                completion_tokens=2,
                logprobs=()
                if request.logprobs is None
                else tuple(TokenLogprob(id=0, text=t, logprob=logprob) for t in "ab"),
            )
        ]

    def _lines(self, example: Sequence[str], asked: str) -> list[str]:
        lines: list[str] = []
        for row in example[1:]:
            language = written(_text(row))
            text = spell(read(asked), language) if language else read(asked).capitalize()
            lines.append((_tag(row) if lines else "") + text)
        return lines


def _tag(row: str) -> str:
    head, colon, _ = row.partition(": ")
    return head + colon if colon and head.replace("_", "").isalpha() else ""


def _text(row: str) -> str:
    return row.removeprefix(_tag(row)).rstrip(":")


def lines(language: Language, sentences: Sequence[str], name: str) -> tuple[Line, ...]:
    return tuple(
        Line(id=f"{name}:{n}", text=spell(s, language) if language.code in FIRST else s)
        for n, s in enumerate(sentences, 1)
    )


UNLABELLED = {
    X.code: lines(X, SENTENCES[:16], "x.txt"),
    Y.code: lines(Y, SENTENCES[14:], "y.txt"),
}
TESTS = {language.code: lines(language, TESTED, "test") for language in (X, Y, ENGLISH)}
WAYS = [Direction(source=a, target=b) for a in (X, Y, ENGLISH) for b in (X, Y, ENGLISH) if a != b]
SMALL = Ldp(shots=4, considered=12)


def material(direction: Direction, *, tags: Tags = "name", seed: int = 0) -> Material:
    return Material(
        direction=direction,
        unlabelled=UNLABELLED,
        tested=materials.Tested(
            ids=frozenset(f"test:{n}" for n in (1, 2, 3)),
            texts=frozenset(line.text for given in TESTS.values() for line in given),
        ),
        tags=tags,
        seed=seed,
    )


def run(
    model: Translating, given: Material, method: Ldp = SMALL, *, chat: bool = False
) -> tuple[Preparation, list[Translation]]:
    async def work() -> tuple[Preparation, list[Translation]]:
        ready = await method.prepare(Asker(model, chat=chat), given)
        found = [
            await ready.translate(Asker(model, chat=chat), line)
            for line in TESTS[given.direction.source.code]
        ]
        return ready.preparation, found

    return asyncio.run(work())


@pytest.mark.parametrize("tags", ["name", "generic", "none"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_model_that_knows_both_languages_translates(way: Direction, tags: Tags) -> None:
    preparation, found = run(Translating(), material(way, tags=tags))
    right = [line.text for line in TESTS[way.target.code]]
    assert [t.text.lower() for t in found] == [text.lower() for text in right]
    assert all(t.accepted for t in found)
    if way.kind == "between":
        assert [t.last.english.lower() for t in found] == [text.lower() for text in TESTED]
    assert len(preparation.exemplars) == 4
    assert preparation.notes == ()


@pytest.mark.parametrize("tags", ["name", "generic", "none"])
def test_no_tested_line_stands_in_any_prompt_but_its_own_at_the_end(tags: Tags) -> None:
    model = Translating()
    for way in WAYS:
        run(model, material(way, tags=tags))
    texts = [line.text for given in TESTS.values() for line in given]
    seen = 0
    for prompt in model.prompts:
        head, _, block = prompt.rpartition("\n\n")
        assert not any(text in head for text in texts)
        asked = [text for text in texts if text in block]
        assert len(asked) <= 1
        seen += len(asked)
        assert block.count("\n") == 1
        assert not block.split("\n")[1].strip() or block.endswith(":")
        given, _, _ = block.partition("\n")
        assert prompt.count(given) == 1
    assert seen == 3 * len(WAYS)
    assert all(r.temperature == 0 for r in model.requests)


def test_exemplars_have_english_on_the_right_and_languages_of_their_own() -> None:
    model = Translating()
    run(model, material(Direction(source=X, target=Y)))
    into = [p for p in model.prompts if "Arabic:" in p]
    assert into
    for prompt in into:
        blocks = [block.split("\n") for block in prompt.split("\n\n")]
        heads = [rows[0].partition(":")[0] for rows in blocks]
        assert sorted(heads[:-1]) == ["Arabic", "Chinese", "French", "Vietnamese"]
        assert all(rows[1].startswith("English: ") for rows in blocks[:-1])
        assert blocks[-1][1] == "English:"
    assert len({prompt.rpartition("\n\n")[0] for prompt in into}) == 1


def test_directions_that_need_the_same_lines_send_the_same_requests() -> None:
    from_english, between = Translating(), Translating()
    run(from_english, material(Direction(source=ENGLISH, target=Y)))
    run(between, material(Direction(source=X, target=Y)))
    test_lines = [spell(text, Y) for text in TESTED] + TESTED
    shared = [r for r in from_english.requests if not any(t in prompt_text(r) for t in test_lines)]
    assert len(shared) == 12
    assert all(request in between.requests for request in shared)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_answers_in_another_order_change_nothing(way: Direction) -> None:
    def outcome(model: Translating) -> str:
        preparation, found = run(model, material(way))
        return json.dumps([preparation.to_json(), [t.to_json() for t in found]])

    assert outcome(Translating(slow=True)) == outcome(Translating())


GOLDEN = {
    "qaa_Geor": "9dcf97c7f0f34034",
    "between": "eaf496d4ce5c6cf1",
}


def test_prompts_of_the_other_directions_stay_the_same_bytes() -> None:
    for name, way in (
        ("qaa_Geor", Direction(source=ENGLISH, target=X)),
        ("between", Direction(source=X, target=Y)),
    ):
        model = Translating()
        run(model, material(way, seed=7))
        assert digest(model.prompts) == GOLDEN[name]


def digest(prompts: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(sorted(prompts)).encode()).hexdigest()[:16]


def test_rejected_candidates_are_counted_and_never_shown() -> None:
    copies = spell("the moon looked yellow through the smoke.", X)
    model = Translating(
        instead={
            "moon": copies,
            "radio": "",
            "bread": "My sister sells bread at this market.",
            "island": "My sister sells bread at the market.",
        },
        failing=("midnight",),
    )
    method = replace(SMALL, considered=16)
    preparation, found = run(model, material(Direction(source=ENGLISH, target=X)), method)
    assert preparation.rejected == {"copy": 1, "empty": 1, "duplicate": 1, "failed": 1}
    assert len(preparation.candidates) == 16
    chosen = {c.id for c in preparation.candidates if c.chosen}
    assert chosen == {e.id for e in preparation.exemplars}
    assert not chosen & {c.id for c in preparation.candidates if c.findings}
    assert all(e.origin == "synthetic" for e in preparation.exemplars)
    assert all(e.maker == "translating" for e in preparation.exemplars)
    assert len(preparation.calls) == 15
    assert all(t.accepted for t in found)


def test_what_the_model_writes_by_itself_may_be_a_tested_line() -> None:
    model = Translating(instead={"moon": TESTED[0]})
    method = replace(SMALL, considered=16)
    preparation, _ = run(model, material(Direction(source=X, target=Y)), method)
    assert preparation.rejected["tested"] == 1
    assert sum(TESTED[0] in prompt for prompt in model.prompts) == 0


def test_texts_that_are_translations_of_each_other_make_no_triplet_of_the_same_line() -> None:
    model = Translating()
    aligned = {c.code: lines(c, SENTENCES, "corpus") for c in (X, Y)}
    given = replace(material(Direction(source=X, target=Y)), unlabelled=aligned)
    preparation, found = run(model, given, replace(SMALL, considered=20))
    onward = preparation.steps["eng_Latn-qab_Armn"]
    shown = {c.id for c in onward.candidates if not c.findings}
    triplets = {e.id for e in preparation.exemplars}
    assert not triplets & {e.id for e in onward.exemplars}
    refused = [c for c in preparation.candidates if c.findings]
    assert 0 < len(refused) <= 8
    assert {c.id for c in refused} <= shown
    assert all(c.findings[0].detail.endswith("in the prompt itself") for c in refused)
    assert all(t.accepted for t in found)


def test_with_fewer_accepted_than_wanted_it_goes_on_and_says_so() -> None:
    bad = {s.split()[-1].lower()[:-1]: "" for s in SENTENCES[:16]}
    del bad["name"], bad["town"]
    method = replace(SMALL, considered=16)
    preparation, found = run(
        Translating(instead=bad), material(Direction(source=ENGLISH, target=X)), method
    )
    assert len(preparation.exemplars) == 2
    assert preparation.notes == (
        "2 synthetic exemplars in the place of 4: of 16 lines no more were accepted",
    )
    assert [t.accepted for t in found] == [True] * 3


def test_with_none_accepted_the_reasons_are_told() -> None:
    model = Translating(instead={"": ""})
    with pytest.raises(
        InputError, match=r"of 12 unlabelled lines of qaa_Geor none .* \(12 empty\)"
    ):
        run(model, material(Direction(source=ENGLISH, target=X)))


@pytest.mark.parametrize("way", [w for w in WAYS if w.target != ENGLISH], ids=lambda way: way.name)
def test_a_rejected_output_is_asked_for_again_with_other_exemplars(way: Direction) -> None:
    model = Translating(instead={"teapot": ""})
    _, found = run(model, material(way))
    assert [len(t.attempts) for t in found] == [1, 2, 1]
    assert not found[1].accepted
    assert {f.reason for a in found[1].attempts for f in a.findings} <= {"empty", "unparsed"}
    first, second = [call.prompt.rpartition("\n\n")[0].split("\n\n") for call in found[1].calls]
    assert len(first) == len(second) == 4
    assert not set(first) & set(second)
    assert [call.step for call in found[1].calls] == [1, 2]
    _, once = run(Translating(instead={"teapot": ""}), material(way), replace(SMALL, retries=0))
    assert [len(t.attempts) for t in once] == [1, 1, 1]


def test_other_exemplars_that_are_too_few_are_joined_by_the_best() -> None:
    model = Translating(instead={"teapot": ""})
    method = replace(SMALL, considered=16, shots=10)
    _, found = run(model, material(Direction(source=ENGLISH, target=X)), method)
    first, second = [call.prompt.rpartition("\n\n")[0].split("\n\n") for call in found[1].calls]
    assert len(first) == len(second) == 10
    assert len(set(second) - set(first)) == 6
    everything = replace(SMALL, considered=16, shots=16)
    _, found = run(model, material(Direction(source=ENGLISH, target=X)), everything)
    assert [len(t.attempts) for t in found] == [1, 1, 1]


def test_an_answer_without_its_second_line_is_unparsed_and_keeps_the_first() -> None:
    model = Translating(instead={"barn": "Lightning struck a barn."})
    _, found = run(model, material(Direction(source=X, target=Y)), replace(SMALL, retries=0))
    assert found[2].text == ""
    assert found[2].last.english == "Lightning struck a barn."
    assert [f.reason for f in found[2].last.findings] == ["unparsed"]
    assert [t.accepted for t in found] == [True, True, False]


def test_english_twice_is_a_copy() -> None:
    text = "Lightning struck an empty barn."
    model = Translating(instead={"barn": f"{text}\n{Y.name}: {text}"})
    _, found = run(model, material(Direction(source=X, target=Y)))
    assert "copy" in {f.reason for f in found[2].last.findings}


def test_an_answer_that_is_cut_off_says_so() -> None:
    class Cut(Translating):
        async def generate(self, request: GenerationRequest) -> list[Completion]:
            [made] = await super().generate(request)
            cut = "barn" in read(prompt_text(request).rpartition("\n\n")[2])
            return [replace(made, text=made.text[:12], finish_reason="length") if cut else made]

    for way in WAYS:
        _, found = run(Cut(), material(way))
        assert "truncated" in {f.reason for f in found[2].last.findings}
        assert [t.accepted for t in found] == [True, True, False]


def test_a_server_that_knows_no_stop_strings_is_not_cut_off() -> None:
    class Going(Translating):
        async def generate(self, request: GenerationRequest) -> list[Completion]:
            made = await super().generate(replace(request, stop=("Georgian",)))
            return [replace(one, finish_reason="length") for one in made]

    for way in WAYS:
        _, found = run(Going(), material(way))
        assert all(t.accepted for t in found)


def test_chat_models_get_the_prompt_as_a_message() -> None:
    model = Translating()
    _, found = run(
        model,
        material(Direction(source=X, target=ENGLISH)),
        replace(SMALL, instruction="Translate the last line as the others are."),
        chat=True,
    )
    assert [t.text for t in found] == TESTED
    [message] = model.requests[0].messages
    assert message.role == "user"
    assert message.content.startswith("Translate the last line as the others are.\n\n")


def test_ranking_by_log_probability_takes_the_likeliest() -> None:
    method = replace(SMALL, considered=16, ranking="logprob")
    preparation, _ = run(Translating(), material(Direction(source=ENGLISH, target=X)), method)
    lengths = sorted(len(s) for s in SENTENCES[:16])
    assert sorted(len(e.sides[0].text) for e in preparation.exemplars) == lengths[:4]
    assert all(c.score is not None and c.score < 0 for c in preparation.candidates)


def test_ranking_by_length_leaves_out_what_lost_its_half() -> None:
    model = Translating(instead={"bridge": "The old bridge.", "road": "This road leads."})
    method = replace(SMALL, considered=16, shots=10)
    preparation, _ = run(model, material(Direction(source=ENGLISH, target=X)), method)
    assert not {"The old bridge.", "This road leads."} & {
        e.sides[0].text for e in preparation.exemplars
    }


def test_a_model_without_log_probabilities_is_told_the_other_way() -> None:
    class Silent(Translating):
        async def generate(self, request: GenerationRequest) -> list[Completion]:
            if request.logprobs is not None:
                raise CapabilityError("this endpoint gives no log-probabilities")
            return await super().generate(request)

    way = material(Direction(source=ENGLISH, target=X))
    with pytest.raises(CapabilityError, match="or --set ranking=length"):
        run(Silent(), way, replace(SMALL, ranking="logprob"))


def test_too_little_text_is_told_before_anything_is_asked() -> None:
    model = Translating()
    for way in (Direction(source=X, target=Y), Direction(source=ENGLISH, target=Y)):
        given = replace(material(way), unlabelled={X.code: UNLABELLED[X.code]})
        with pytest.raises(InputError, match="4 unlabelled lines of qab_Armn, none given"):
            run(model, given)
    assert not model.requests
