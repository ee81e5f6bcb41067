"""What a corpus gives to prompts."""

from __future__ import annotations

from pathlib import Path

from xgen_ldp import ENGLISH, Direction, find_language
from xgen_ldp.corpora import open_corpus
from xgen_ldp.corpus_jobs import CorpusJobs
from xgen_ldp.sample import draw_sample

NEPALI, FRENCH = find_language("npi"), find_language("fra")


def test_pairs_of_two_languages_have_their_english_between(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    for language in (NEPALI, FRENCH, ENGLISH):
        text = "".join(f"{language.code} {number}\n" for number in range(1, 11))
        (tmp_path / "dev" / f"{language.code}.dev").write_text(text, "utf-8")
    corpus = open_corpus(tmp_path, "dev")
    jobs = CorpusJobs(
        corpus=corpus,
        sample=draw_sample(corpus.ids, 4, seed=0),
        learning=corpus,
        directions=(
            Direction(source=NEPALI, target=FRENCH),
            Direction(source=NEPALI, target=ENGLISH),
        ),
    ).jobs
    sides = [[side.language for side in job.parallel[0].sides] for job in jobs]
    assert sides == [[NEPALI, ENGLISH, FRENCH], [NEPALI, ENGLISH]]
    for job in jobs:
        assert len(job.parallel) == 6
        assert not {pair.id for pair in job.parallel} & {line.id for line in job.lines}
        for pair in job.parallel:
            assert len({side.text.split()[1] for side in pair.sides}) == 1
