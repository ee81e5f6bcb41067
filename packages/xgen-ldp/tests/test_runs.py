"""Runs from Python: what is taken up, what is refused, and what prompts may be made of."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from xgen_core import InputError, Run
from xgen_core.concurrency import Failure
from xgen_ldp import (
    Configuration,
    Job,
    Line,
    Texts,
    draw_sample,
    find_direction,
    find_language,
    open_corpus,
    synthesize,
    translate_jobs,
)
from xgen_ldp.configuration import load_methods
from xgen_ldp.corpus_jobs import CorpusJobs
from xgen_ldp.runs import Finished

GREEK = ("Το ποτάμι είναι βαθύ.", "Η θάλασσα είναι ήρεμη σήμερα.", "Ο δρόμος είναι μακρύς.")
ENGLISH = ("The river is deep.", "The sea is calm today.", "The road is long.")


@pytest.fixture
def model(tmp_path: Path) -> str:
    rules = [
        {"pattern": f"{greek}\nEnglish:$", "replies": [f" {english}"]}
        for greek, english in zip(GREEK, ENGLISH, strict=True)
    ]
    text = "".join(f"{json.dumps(rule)}\n" for rule in rules)
    (tmp_path / "rules.jsonl").write_text(text)
    return f"scripted:{tmp_path / 'rules.jsonl'}"


def job(pair: str, *texts: str, reference: str | None = None) -> Job:
    lines = tuple(
        Line(id=f"g:{number}", text=text, reference=reference)
        for number, text in enumerate(texts, 1)
    )
    return Job(direction=find_direction(pair), lines=lines)


def run(model: str, output: Path, *jobs: Job, methods: tuple[str, ...] = ("ldp",)) -> Finished:
    configuration = Configuration(model=model, methods=methods)
    return asyncio.run(translate_jobs(configuration, jobs, output=output))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("npi-eng", "npi_Deva-eng_Latn"),
        ("eng_Latn-npi_Deva", "eng_Latn-npi_Deva"),
        ("Greek-ne", "ell_Grek-npi_Deva"),
        ("xyz-Cyrl-eng", "xyz_Cyrl-eng_Latn"),
    ],
)
def test_a_direction_is_two_codes_or_names(text: str, name: str) -> None:
    assert find_direction(text).name == name


def test_an_arm_that_cannot_begin_fails_alone(model: str, tmp_path: Path) -> None:
    done = run(model, tmp_path / "run", job("ell-eng", *GREEK), job("eng-ell", *ENGLISH))
    into, out_of = done.outcomes
    assert [made.text for made in into.translations] == list(ENGLISH)
    assert isinstance(out_of.preparation, Failure)
    assert all(isinstance(made, Failure) for _, made in out_of.rows)
    assert "--unlabelled ell_Grek=FILE" in done.results.arms[1].unprepared
    shown = [section["title"] for section in Run.open(tmp_path / "run").sections()]
    assert "English → Greek: line by line" in shown


def test_lines_of_another_preparation_are_translated_anew(model: str, tmp_path: Path) -> None:
    run(model, tmp_path / "run", job("ell-eng", *GREEK))
    items = tmp_path / "run/items/ell_Grek-eng_Latn--ldp.jsonl"
    whole = items.read_bytes()
    items.write_bytes(whole.replace(b"river", b"RIVER"))
    run(model, tmp_path / "run", job("ell-eng", *GREEK))
    assert b"RIVER" in items.read_bytes(), "what is there is taken up"
    prepared = tmp_path / "run/preparations/ell_Grek-eng_Latn--ldp.json"
    prepared.write_text(prepared.read_text().replace("bank:", "other:"))
    run(model, tmp_path / "run", job("ell-eng", *GREEK))
    assert items.read_bytes() == whole


def test_one_method_stands_there_twice_under_two_names() -> None:
    configuration = Configuration(
        model="scripted:x",
        methods=("few=ldp", "many=ldp", "zero-shot"),
        settings=("few:shots=2", "max_tokens=9"),
        languages=("deu", "rus"),
    )
    few, many, zero = load_methods(configuration).values()
    assert [getattr(one, "shots", None) for one in (few, many, zero)] == [2, 8, None]
    assert [getattr(one, "max_tokens", None) for one in (few, many, zero)] == [9, 9, 9]
    assert [getattr(one, "languages", None) for one in (few, zero)] == [("deu", "rus"), None]


@pytest.mark.parametrize(
    ("jobs", "message"),
    [
        ([], "there is nothing to translate"),
        ([job("ell-eng")], "ell_Grek-eng_Latn: there are no lines to translate"),
        ([job("ell-eng", "α β"), job("ell-eng", "γ δ")], "this direction is asked for twice"),
    ],
)
def test_nothing_to_do_is_said(model: str, tmp_path: Path, jobs: list[Job], message: str) -> None:
    with pytest.raises(InputError, match=message):
        run(model, tmp_path / "run", *jobs)
    assert not (tmp_path / "run").exists()


def test_one_file_of_hypotheses_is_one_direction(model: str, tmp_path: Path) -> None:
    file = tmp_path / "nllb.txt"
    file.write_text("\n".join(ENGLISH))
    jobs = [job("ell-eng", *GREEK, reference="The river is deep.")]
    configuration = Configuration(model=model)
    done = asyncio.run(
        translate_jobs(configuration, jobs, output=tmp_path / "one", hypotheses={"nllb": file})
    )
    assert [outcome.system for outcome in done.outcomes] == ["ldp", "nllb"]
    assert done.results.arms[1].file is not None
    jobs.append(job("ell-deu", *GREEK))
    with pytest.raises(InputError, match="one file for 2 directions"):
        asyncio.run(
            translate_jobs(configuration, jobs, output=tmp_path / "two", hypotheses={"nllb": file})
        )


def test_of_lines_with_the_same_english_the_first_makes_a_pair(model: str, tmp_path: Path) -> None:
    done = run(model, tmp_path / "run", job("ell-eng", GREEK[0], GREEK[1], f"Ναι. {GREEK[0]}"))
    made = synthesize(done.outcomes[0], model="m")
    assert [pair.id for pair in made.pairs] == ["g:1", "g:2"]
    [(line, found)] = made.rejected.items()
    assert line == "g:3"
    assert not isinstance(found, Failure)
    assert (found[0].reason, found[0].detail) == ("duplicate", "as of g:1")
    assert made.counts == {"lines": 3, "rejected: duplicate": 1, "pairs": 2}


def test_two_languages_of_a_corpus_learn_from_different_lines(tmp_path: Path) -> None:
    for code in ("ell_Grek", "rus_Cyrl", "eng_Latn"):
        text = "".join(f"{code} {number}\n" for number in range(1, 21))
        (tmp_path / f"{code}.txt").write_text(text)
    corpus = open_corpus(tmp_path)
    chosen = CorpusJobs(
        corpus=corpus,
        sample=draw_sample(corpus.ids, 6),
        learning=corpus,
        directions=(find_direction("ell-rus"), find_direction("ell-eng")),
    )
    between, into = chosen.jobs
    ids = {code: {line.id for line in lines} for code, lines in between.unlabelled.items()}
    assert set(ids) == {"ell_Grek", "rus_Cyrl"}
    assert not ids["ell_Grek"] & ids["rus_Cyrl"]
    tested = set(chosen.sample.ids)
    assert not tested & (ids["ell_Grek"] | ids["rus_Cyrl"])
    assert {line.id for line in into.unlabelled["ell_Grek"]} == set(corpus.ids) - tested
    assert not any(line.reference for line in into.unlabelled["ell_Grek"])
    known = Texts().knowing([between, into]).checker.profiles
    assert find_language("ell").code not in known, "too little text for a profile"
