import random
from itertools import pairwise

import pytest

from xgen_core import Document, InputError
from xgen_data import Drop
from xgen_data.steps import (
    C4BadWords,
    C4Paragraphs,
    C4Quality,
    FineWebQuality,
    GopherQuality,
    GopherRepetition,
)

SENTENCE = "The people of the town have to be with that river and walk along it every day."


def document(text, name="d"):
    return Document(id=name, text=text, source="s")


def verdict(step, text):
    (result,) = step.apply([document(text)])
    return result.reason if isinstance(result, Drop) else None


def prose(count, seed=0):
    """Words that repeat little, some of them stop words."""
    source = random.Random(seed)
    letters = "abcdefghijklmnopqrstuvwxyz"
    made = ["".join(source.choices(letters, k=source.randint(3, 8))) for _ in range(count)]
    for i in range(0, count, 7):
        made[i] = source.choice(["the", "of", "and", "to"])
    return made


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda w: w, None),
        (lambda w: w[:49], "too few words"),
        (lambda w: w[:50], None),
        (lambda w: ["a"] * 90 + ["the", "of"], "words too short"),
        (lambda w: ["characteristics"] * 90 + ["the", "of"], "words too long"),
        (lambda w: w + ["#"] * 12, "too many #"),
        (lambda w: [x + " ..." for x in w], "too many ellipses"),
        (lambda w: [f"\n- {x} {y} {x} {y}" for x, y in pairwise(w)], "bullet"),
        (lambda w: [f"{x} {x} {x} {x} {x}…\n" for x in w], "too many ellipses"),
        (lambda w: [" ".join([x] * 12) + "…\n" for x in w], "lines end in an ellipsis"),
        (lambda w: w[:70] + ["123"] * 30, "too few alphabetic words"),
        (lambda w: [x for x in w if x not in ("the", "of", "and", "to")], "too few stop words"),
        (lambda w: w[:8] * 0 + ["The", "OF"] + ["word"] * 80, "too few stop words"),
    ],
)
def test_gopher_quality(change, reason):
    found = verdict(GopherQuality(), " ".join(change(prose(100))))
    assert (reason is None) if found is None else (reason is not None and reason in found)


def test_gopher_quality_counts_up_to_its_limits():
    text = " ".join(prose(60))
    assert verdict(GopherQuality(max_words=60), text) is None
    assert verdict(GopherQuality(max_words=59), text) == "too many words"
    assert verdict(GopherQuality(), "... !!! ???") == "too few words"


def test_whether_punctuation_counts_among_words_is_a_setting():
    text = " ".join(f"({word})" for word in prose(100))
    assert verdict(GopherQuality(), text) == "too few alphabetic words"
    assert verdict(GopherQuality(count_symbols=False), text) is None
    digits = text + " 12" * 30
    assert verdict(GopherQuality(count_symbols=False), digits) == "too few alphabetic words"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (" ".join(prose(400)), None),
        ("   ", "no text"),
        ("same paragraph\n\n" * 3 + "another one", "repeated paragraphs"),
        ("\n".join([" ".join(prose(20, i)) for i in range(6)] + ["again"] * 5), "repeated lines"),
        ("x\n\n" * 1 + "\n\n".join(["long paragraph " * 40] * 2 + list("abcdefgh")), "characters"),
        (" ".join(["go", "home"] * 30 + prose(100)), "most frequent 2-gram"),
        (" ".join(prose(100) + prose(30, 3) + prose(30, 3) + prose(20, 5)), "repeated 5-grams"),
    ],
)
def test_gopher_repetition(text, reason):
    found = verdict(GopherRepetition(), text)
    assert (reason is None) if found is None else (reason is not None and reason in found)


def naive_repeated(words, n):
    """The rule as the paper tells it, word by word."""
    seen, total, i = set(), 0, 0
    while i + n <= len(words):
        gram = tuple(words[i : i + n])
        if gram in seen:
            total += sum(map(len, gram))
            i += n
        else:
            seen.add(gram)
            i += 1
    return total


@pytest.mark.parametrize("seed", range(30))
def test_repetition_limits_fall_where_the_rule_told_plainly_says(seed):
    source = random.Random(seed)
    words = source.choices(prose(40, seed), k=source.randint(20, 200))
    text = " ".join(words)
    for n in (2, 3, 4):
        grams = [" ".join(words[i : i + n]) for i in range(len(words) - n + 1)]
        counts = {g: grams.count(g) for g in grams}
        top = max(counts, key=lambda g: counts[g])  # the first of the most frequent
        share = counts[top] * len(top) / len(text)
        for limit, drop in ((share + 1e-9, False), (share - 1e-9, True)):
            step = GopherRepetition(
                lines=2, line_characters=2, paragraphs=2, paragraph_characters=2,
                top=((n, limit),), repeated=(),
            )  # fmt: skip
            assert (verdict(step, text) is not None) == drop
    for n in (3, 5):
        share = naive_repeated(words, n) / len(text)
        for limit, drop in ((share + 1e-9, False), (share - 1e-9, True)):
            step = GopherRepetition(top=(), repeated=((n, limit), (n + 1, 2.0)))
            assert (verdict(step, text) is not None) == (drop and share > 0)


def test_c4_keeps_sentences_and_drops_the_other_lines():
    text = "\n".join(
        [
            "Home | About | Contact",
            SENTENCE,
            f"{SENTENCE} {SENTENCE}[12][edit]",
            "Please enable Javascript to see this page.",
            "We show the privacy policy to everybody here.",
            "Too short.",
            "It goes on and on...",
            f"{'x' * 1001} is a word of this line.",
            f'  "{SENTENCE}"  ',
            SENTENCE,
        ]
    )
    (result,) = C4Quality(min_sentences=5).apply([document(text)])
    assert result.text.split("\n") == [
        SENTENCE,
        f"{SENTENCE} {SENTENCE}",
        f'"{SENTENCE}"',
        SENTENCE,
    ]
    assert verdict(C4Quality(min_sentences=7), text) == "too few sentences"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Lorem Ipsum dolor sit amet.", "lorem ipsum"),
        ("if (x) { return it; }.", "curly bracket"),
        ("a { that ends no sentence", None),  # the line is gone before it is looked at
        ("Nothing of that kind is here.", None),
    ],
)
def test_c4_drops_pages(line, reason):
    assert verdict(C4Quality(), "\n".join([SENTENCE] * 5 + [line])) == reason


def test_c4_returns_the_same_document_where_nothing_changes():
    text = "\n".join([SENTENCE] * 5)
    before = document(text)
    assert C4Quality().apply([before])[0] is before


def test_c4_paragraphs():
    long = "x" * 200
    assert verdict(C4Paragraphs(), "\n".join([long, long, long, "short"])) is None
    assert verdict(C4Paragraphs(), "\n".join([long, long, "x" * 199])) == "too few long lines"


def test_bad_words_stand_alone_and_come_from_a_file(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("# mine\nfoo\nbad phrase # two words\n\n")
    step = C4BadWords(words=path)
    assert verdict(step, "A FOO, here") == "listed word"
    assert verdict(step, "food and foo_bar") is None
    assert verdict(step, "a bad phrase") == "listed word"
    assert verdict(C4BadWords(words=path, separated=False), "food") == "listed word"
    with pytest.raises(InputError, match=r"nowhere\.txt: no such word list"):
        C4BadWords(words=tmp_path / "nowhere.txt").apply([document("x")])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("\n".join(f"{SENTENCE} Line {i}." for i in range(8)), None),
        ("\n \n", "no text"),
        ("\n".join(f"{SENTENCE[:-1]} line {i}" for i in range(8)), "too few lines end a sentence"),
        ("\n".join(f"Item {i}." for i in range(8)), "too many short lines"),
        ("\n".join([SENTENCE] * 5), "characters in repeated lines"),
        ("\n\n\n\n\n\n\n\n".join(f"{SENTENCE} Line {i}." for i in range(8)), "line breaks"),
    ],
)
def test_fineweb(text, reason):
    found = verdict(FineWebQuality(), text)
    assert (reason is None) if found is None else (reason is not None and reason in found)


@pytest.mark.parametrize("mark", ["。", "？", "।", "؟", "։", "…", "，"])
def test_sentences_end_in_any_script(mark):
    lines = [f"这是一条足够长的行，末尾有一个标点符号，编号{i}{mark}" for i in range(4)]
    found = verdict(FineWebQuality(max_breaks=1, short_line=10), "\n".join(lines))
    assert found == (None if mark not in "…，" else "too few lines end a sentence")
