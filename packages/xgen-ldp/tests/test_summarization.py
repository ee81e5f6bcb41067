"""Summaries in a language in which nobody has any."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner

from xgen_core import Completion, GenerationRequest, InputError, ModelError, ModelInfo
from xgen_core.lm.always_open import AlwaysOpen
from xgen_core.lm.asker import Asker
from xgen_core.lm.scripted import truncate
from xgen_ldp import Checker, find_language
from xgen_ldp.cli import ldp
from xgen_ldp.summarization import (
    Article,
    Summary,
    SummaryMaterial,
    SummaryPreparation,
    load_summary_method,
    read_articles,
    rouge_unit,
)
from xgen_ldp.summarization.checking import SummaryChecker
from xgen_ldp.summarization.prompt import SummaryPrompt
from xgen_ldp.summarization.sentences import sentences

NEPALI = find_language("npi")
NOUNS = """
पानी water नदी river घाम sun घर house किताब book बाटो road आमा mother बुबा father बच्चा child
खाना food फूल flower रूख tree पहाड mountain आकाश sky हिउँ snow बिहान morning गाई cow दूध milk
चिया tea विद्यालय school शिक्षक teacher गाउँ village सहर city राति night
"""
ADJECTIVES = """
चिसो cold न्यानो warm राम्रो good ठूलो big सानो small नयाँ new पुरानो old लामो long छोटो short
मीठो sweet रातो red सेतो white कालो black हरियो green
"""
SMALL = "छ is मा in को of र and सबै everything"


def columns(text: str) -> tuple[list[str], list[str]]:
    words = text.split()
    return words[::2], words[1::2]


WORDS = dict(zip(*columns(NOUNS + ADJECTIVES + SMALL), strict=True))
BACK = {english: nepali for nepali, english in WORDS.items()}
FIRST = Article(
    id="one",
    text="नदी मा पानी चिसो छ। घाम न्यानो छ।\nसबै राम्रो छ।",
    summary="नदी मा चिसो पानी",
)


def sentence(number: int) -> str:
    """Others have hardly a word in common with it."""
    a, b, c = (columns(NOUNS)[0][(3 * number + i) % 24] for i in range(3))
    x, y = (columns(ADJECTIVES)[0][(2 * number + i) % 14] for i in range(2))
    return f"{a} को {b} {x} छ र {c} {y} छ।"


OTHERS = tuple(
    Article(id=f"other:{n}", text=" ".join(map(sentence, (n, n + 1, n + 2)))) for n in range(8)
)
NO_LDP = ["pivot.first=zero-shot", "pivot.second=zero-shot"]


class Replying(AlwaysOpen):
    """A model that is a function of its prompt; it keeps what it was asked."""

    def __init__(self, reply: Callable[[str], str]) -> None:
        self.prompts: list[str] = []
        self._reply = reply

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(identity="replying")

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        prompt = request.prompt or ""
        self.prompts.append(prompt)
        text, _ = truncate(self._reply(prompt), request.stop)
        return [Completion(text=text, finish_reason="stop")]


def understanding(prompt: str) -> str:
    """Translates word by word; a summary is the last five words of an article, backwards."""
    row, tag = prompt.splitlines()[-2:]
    text = row.partition(": ")[2]
    words = text.replace("।", " ").replace(".", " ").split()
    if tag.endswith("summary:"):
        return " " + " ".join(list(dict.fromkeys(reversed(words)))[:5])
    table = WORDS if tag == "English:" else BACK
    return " " + " ".join(table[word] for word in words) + ("." if tag == "English:" else "")


def summarized(
    name: str,
    model: Replying,
    article: Article = FIRST,
    settings: list[str] | None = None,
    material: SummaryMaterial | None = None,
) -> tuple[Summary, SummaryPreparation]:
    async def work() -> tuple[Summary, SummaryPreparation]:
        given = material or SummaryMaterial(language=NEPALI, unlabelled=OTHERS)
        method = load_summary_method(name, settings or [])
        ready = await method.prepare(Asker(model), given.testing([FIRST]))
        return await ready.summarize(Asker(model), article), ready.preparation

    return asyncio.run(work())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is 3.5 m. Is it? Yes!", ("It is 3.5 m.", "Is it?", "Yes!")),
        ('He said "No." Then he left.', ('He said "No."', "Then he left.")),
        ("पानी चिसो छ। घाम न्यानो छ ।", ("पानी चिसो छ।", "घाम न्यानो छ ।")),
        ("河水很冷。他说：“不！”太阳很暖。", ("河水很冷。", "他说：“不！”", "太阳很暖。")),
        ("کیا ہوا؟ پانی ٹھنڈا ہے۔", ("کیا ہوا؟", "پانی ٹھنڈا ہے۔")),
        ("ውሃው ቀዝቃዛ ነው። ፀሐይ", ("ውሃው ቀዝቃዛ ነው።", "ፀሐይ")),
        ("A heading\n\n  and   a line ", ("A heading", "and a line")),
    ],
)
def test_sentences_end_at_their_scripts_marks(text: str, expected: tuple[str, ...]) -> None:
    assert sentences(text) == expected


def test_a_text_without_such_marks_is_cut_at_spaces() -> None:
    found = sentences("น้ำเย็น " * 120)
    assert "".join(found).replace(" ", "") == "น้ำเย็น" * 120
    assert all(len(piece) <= 400 for piece in found)
    assert sentences("ก" * 900) == ("ก" * 400, "ก" * 400, "ก" * 100)


def test_zero_shot_is_an_instruction_in_english_that_names_the_language() -> None:
    model = Replying(understanding)
    made, preparation = summarized("zero-shot", model)
    assert model.prompts == [
        "Summarize the following article in one or two sentences in Nepali. Write only the "
        "summary, on one line.\n\n"
        "Nepali article: नदी मा पानी चिसो छ। घाम न्यानो छ। सबै राम्रो छ।\nNepali summary:"
    ]
    assert made.text == "छ राम्रो सबै न्यानो घाम"
    assert preparation == SummaryPreparation()


@pytest.mark.parametrize(
    "answer",
    ["पानी चिसो छ", "\n\n Nepali summary: पानी चिसो छ\nmore", '**nepali summary**: "पानी चिसो छ"'],
)
def test_an_answer_is_read_without_what_a_chat_puts_around_it(answer: str) -> None:
    assert SummaryPrompt(language=NEPALI).parse(answer) == "पानी चिसो छ"


def test_pivot_translates_summarises_and_translates_back() -> None:
    model = Replying(understanding)
    made, preparation = summarized("pivot", model)
    assert made.english_article == "river in water cold is. sun warm is. everything good is."
    assert made.english == "is good everything warm sun"
    assert made.text == "छ राम्रो सबै न्यानो घाम"
    assert [call.stage for call in made.calls] == ["zero-shot"] * 5
    assert [call.prompt for call in made.calls] == model.prompts
    assert list(preparation.steps) == ["npi_Deva-eng_Latn", "eng_Latn-npi_Deva"]


def test_pivot_leaves_rejected_sentences_out_and_says_so() -> None:
    def partly(prompt: str) -> str:
        return "" if prompt.endswith("घाम न्यानो छ।\nEnglish:") else understanding(prompt)

    made, _ = summarized("pivot", Replying(partly), settings=["sentences=2"])
    assert made.english_article == "river in water cold is."
    assert made.notes[:2] == (
        "the first 2 of 3 sentences were read",
        "1 of 2 sentences have no accepted translation",
    )
    made, _ = summarized("pivot", Replying(lambda prompt: ""))
    assert (made.text, [finding.reason for finding in made.findings]) == ("", ["empty"])
    assert "3 of 3 sentences have no accepted translation" in made.notes


def test_ldp_shows_articles_of_the_language_with_summaries_that_came_through_english() -> None:
    model = Replying(understanding)
    made, preparation = summarized("ldp", model, settings=[*NO_LDP, "considered=5"])
    assert len(preparation.candidates) == 5
    first, second = preparation.pairs
    articles = {article.id: article for article in OTHERS}
    assert first.article == articles[first.id].text
    assert first.summary == " ".join(
        list(dict.fromkeys(reversed(first.article.replace("।", "").split())))[:5]
    )
    assert model.prompts[-1] == (
        f"Nepali article: {first.article}\nNepali summary: {first.summary}\n\n"
        f"Nepali article: {second.article}\nNepali summary: {second.summary}\n\n"
        "Nepali article: नदी मा पानी चिसो छ। घाम न्यानो छ। सबै राम्रो छ।\nNepali summary:"
    )
    assert [call.stage for call in made.calls] == ["ldp"]
    assert sorted(call.prompt for call in preparation.calls) == sorted(model.prompts[:-1])
    again = summarized("ldp", Replying(understanding), settings=[*NO_LDP, "considered=5"])
    assert again == (made, preparation)


def test_ldps_translators_are_ldps_own_and_learn_from_the_same_articles() -> None:
    model = Replying(understanding)
    made, preparation = summarized("ldp", model, settings=['pivot.second_settings=["shots=3"]'])
    assert made.accepted
    into, out = preparation.steps.values()
    assert len({exemplar.other.script for exemplar in into.exemplars}) == 3
    assert len(out.exemplars) == 3
    assert {exemplar.output.text for exemplar in out.exemplars} <= set(map(sentence, range(10)))
    assert not [p for p in model.prompts[:-1] if FIRST.sentences[0] in p]


def test_an_article_on_which_the_model_fails_is_no_exemplar() -> None:
    def failing(prompt: str) -> str:
        if sentence(3) in prompt and prompt.endswith("English:"):
            raise ModelError("it would not")
        return understanding(prompt)

    _, preparation = summarized("ldp", Replying(failing), settings=NO_LDP)
    failed = [made for made in preparation.candidates if not made.accepted]
    assert {finding.reason for made in failed for finding in made.findings} == {"failed"}
    assert {made.id for made in failed} <= {"other:1", "other:2", "other:3"}
    assert failed
    assert len(preparation.pairs) == 2


def test_of_equal_synthetic_summaries_the_first_stays() -> None:
    def same(prompt: str) -> str:
        return " good old road" if prompt.endswith("summary:") else understanding(prompt)

    _, preparation = summarized("ldp", Replying(same), settings=NO_LDP)
    assert len(preparation.pairs) == 1
    found = [finding for made in preparation.candidates for finding in made.findings]
    assert {(finding.reason, finding.detail) for finding in found} == {
        ("duplicate", f"of {preparation.pairs[0].id}")
    }


def test_ldp_without_an_accepted_summary_says_why() -> None:
    with pytest.raises(InputError, match=r"none of 6 synthetic summaries is accepted \(6 empty\)"):
        summarized("ldp", Replying(lambda prompt: ""), settings=NO_LDP)


def test_what_is_tested_is_in_no_prompt() -> None:
    leaks = (
        FIRST,
        Article(id="copy", text=FIRST.text),
        Article(id="one", text="घाम छ। घाम छ।"),
        Article(id="quote", text=f"घाम छ। {FIRST.summary}।"),
    )
    material = SummaryMaterial(language=NEPALI, unlabelled=leaks).testing([FIRST])
    assert material.unlabelled == ()
    with pytest.raises(InputError, match=r"needs 1 articles .* --unlabelled FILE\.jsonl"):
        summarized("ldp", Replying(understanding), material=material, settings=NO_LDP)
    told = SummaryMaterial(
        language=NEPALI, unlabelled=(Article(id="x", text="घाम छ।", summary="घाम"),)
    )
    assert told.testing([FIRST]).unlabelled[0].summary is None


def test_enough_articles_show_what_a_language_that_nobody_knows_looks_like() -> None:
    unknown = find_language("qaa_Latn")
    random = Random(0)
    words = ["".join(random.choices(["zu", "ka", "mo", "li", "ta"], k=3)) for _ in range(60)]
    text = " ".join(" ".join(random.choices(words, k=6)) + "." for _ in range(250))
    material = SummaryMaterial(language=unknown, unlabelled=(Article(id="a", text=text),))
    checker = material.testing([]).summary_checker
    article = "zukamo litaka molizu kamota. zukali takamo molita zutaka molika. " * 2
    assert not checker.check(article, " ".join(words[:6]), unknown).findings
    other = checker.check(article, "prkwrch strbx vnchgr wqyrsp zxcvbh", unknown)
    assert [finding.reason for finding in other.findings] == ["wrong-language"]
    few = SummaryMaterial(language=unknown, unlabelled=(Article(id="a", text=text[:500]),))
    assert not few.testing([]).checker.profiles


@pytest.mark.parametrize(
    ("summary", "reason"),
    [
        ("", "empty"),
        ("पानी चिसो छ। घाम न्यानो छ।", "copy"),
        ("पानी", "too-short"),
        ("पानी र घाम र सबै " * 5, "too-long"),
    ],
)
def test_what_is_wrong_with_a_summary_is_named(summary: str, reason: str) -> None:
    article = "नदी मा पानी चिसो छ। घाम न्यानो छ। सबै राम्रो छ।"
    checked = SummaryChecker(checker=Checker()).check(article, summary.strip(), NEPALI)
    assert reason in [finding.reason for finding in checked.findings]
    assert (
        not SummaryChecker(checker=Checker())
        .check(article, "पानी चिसो, घाम न्यानो", NEPALI)
        .findings
    )


def test_articles_are_read_as_xl_sum_writes_them(tmp_path: Path) -> None:
    file = tmp_path / "npi.jsonl"
    rows = [{"id": "1", "url": "u", "title": "t", "summary": "स", "text": "क। ख।"}, {"text": "ग।"}]
    file.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    first, second = read_articles(file)
    assert (first.summary, first.sentences) == ("स", ("क।", "ख।"))
    assert (second.id, second.summary) == ("npi.jsonl:2", None)
    for row, message in (('{"text": " "}', "npi.jsonl:1: "), ("", "no articles"), ("{", ":1: ")):
        file.write_text(row, "utf-8")
        with pytest.raises(InputError, match=message):
            read_articles(file)
    file.write_text('{"id": "1", "text": "क"}\n' * 2, "utf-8")
    with pytest.raises(InputError, match="two articles are called '1'"):
        read_articles(file)


def test_rouge_counts_characters_where_words_have_no_spaces() -> None:
    assert rouge_unit(find_language("zho_Hans")) == rouge_unit(find_language("tha")) == "character"
    assert rouge_unit(NEPALI) == rouge_unit(find_language("yor")) == "word"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    rules = [
        {
            "pattern": r"one or two sentences in Nepali.*चिसो.*summary:$",
            "replies": ["चिसो पानी नदी मा"],
        },
        {"pattern": r"summary:$", "replies": ["सबै पानी राम्रो छ"]},
    ]
    articles = [FIRST.to_json(), {"id": "two", "text": "घाम न्यानो छ। सबै राम्रो छ। नदी मा पानी छ।"}]
    (tmp_path / "rules.jsonl").write_text("\n".join(map(json.dumps, rules)), "utf-8")
    (tmp_path / "articles.jsonl").write_text("\n".join(map(json.dumps, articles)), "utf-8")
    return tmp_path


def command(files: Path, *options: str) -> list[str]:
    model = f"scripted:{files / 'rules.jsonl'}"
    fixed = ["--language", "ne", "-m", model, "-o", str(files / "run")]
    return ["summarize", str(files / "articles.jsonl"), *fixed, *options]


def test_the_command_writes_a_run_and_resumes_it(files: Path) -> None:
    runner = CliRunner()
    planned = runner.invoke(ldp, command(files, "--method", "zero-shot", "--dry-run"))
    assert planned.output.startswith("generate: 2 calls"), planned.output
    done = runner.invoke(ldp, command(files, "--method", "zero-shot", "--json"))
    results = json.loads(done.output)
    assert (results["articles"], results["accepted"]) == (2, 2)
    assert results["unit"] == "word"
    assert results["metrics"]["rougeL"]["value"] == 0.5
    assert results["metrics"]["rouge1"]["value"] == 1
    before = {path: path.read_bytes() for path in (files / "run").rglob("*.json*")}
    again = runner.invoke(ldp, command(files, "--method", "zero-shot", "--json"))
    assert again.output == done.output
    assert {path: path.read_bytes() for path in before} == before
    planned = runner.invoke(ldp, command(files, "--method", "zero-shot", "--dry-run"))
    assert "nothing" in planned.output or "2 more are answered already" in planned.output
    other = runner.invoke(ldp, command(files, "--method", "zero-shot", "--seed", "1"))
    assert other.exit_code == 1
    assert "holds another run" in str(other.exception)


def test_the_command_refuses_english_on_the_way_to_english(files: Path) -> None:
    options = ["--language", "en", "--method", "pivot"]
    done = CliRunner().invoke(ldp, command(files, *options))
    assert "use --method zero-shot" in str(done.exception)
