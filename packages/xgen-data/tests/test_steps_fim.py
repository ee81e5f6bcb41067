import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xgen_core import Document, Segment
from xgen_data.fim import FIM_MARKERS, fim_order, fim_segments, fim_text


def document(text, name="d"):
    return Document(id=name, text=text, source="s")


def texts(count):
    source = random.Random(7)
    return ["".join(source.choices("abc \ndef", k=source.randint(3, 60))) for _ in range(count)]


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",))), st.integers(-9, 9))
def test_a_text_can_be_put_together_again(text, seed):
    segments = fim_segments(document(text), rate=1, seed=seed)
    assert fim_text(segments) == text
    assert all(s.trained for s in segments)
    assert all(s.text in FIM_MARKERS for s in segments if s.special)


def test_the_two_orders():
    text = "".join(map(chr, range(0x100, 0x200)))
    prefix, suffix, middle = FIM_MARKERS
    psm = fim_segments(document(text), rate=1, spm_rate=0)
    assert [s.text for s in psm[::2]] == [prefix, suffix, middle]
    assert psm[1].text + psm[5].text + psm[3].text == text
    spm = fim_segments(document(text), rate=1, spm_rate=1)
    assert [s.text for s in spm if s.special] == [prefix, suffix, middle]
    assert [s.special for s in spm] == [True, True, False, True, False]
    assert spm[4].text + spm[2].text == text
    assert spm[2].text == psm[3].text  # cut at the same places
    assert [fim_order(s) for s in (psm, spm, (Segment(text="x", trained=True),))] == [
        "psm",
        "spm",
        "whole",
    ]


def test_rates_and_cuts_are_uniform():
    orders = [fim_order(fim_segments(document(t))) for t in texts(3000)]
    assert orders.count("whole") / 3000 == pytest.approx(0.5, abs=0.03)
    assert orders.count("spm") / 3000 == pytest.approx(0.25, abs=0.03)
    lengths = [0, 0, 0]
    for i in range(2000):
        parts = fim_segments(document(f"{i:08}" + "x" * 92), rate=1, spm_rate=0)
        for part, marker in enumerate(FIM_MARKERS):
            where = [s.text for s in parts].index(marker)
            following = parts[where + 1] if where + 1 < len(parts) else parts[0]
            lengths[part] += 0 if following.special else len(following.text)
    assert [n / 2000 for n in lengths] == pytest.approx([100 / 3] * 3, abs=2.5)


def test_only_text_and_seed_decide():
    one, other = (fim_segments(document("some text of a document", n)) for n in ("a", "b"))
    assert one == other
    changed = [fim_segments(document(t), seed=1) != fim_segments(document(t)) for t in texts(100)]
    assert sum(changed) > 60
    known = fim_segments(document("def f(x):\n    return x\n"), rate=1, seed=0)
    assert [s.text for s in known] == KNOWN  # the same on every machine and in every release


def test_short_documents_and_a_rate_of_nothing():
    assert fim_segments(document("ab"), rate=1) == (Segment(text="ab", trained=True),)
    assert fim_segments(document("abcdef"), rate=0) == (Segment(text="abcdef", trained=True),)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        fim_segments(document("abc"), rate=1.5)


def test_markers_in_the_text_stay_text():
    text = "a <fim_middle> b"
    segments = fim_segments(document(text), rate=1)
    assert fim_text(segments) == text
    assert sum(s.special for s in segments) == 3


KNOWN = ["<fim_prefix>", "<fim_suffix>", "x\n", "<fim_middle>", "def f(x):\n    return "]
