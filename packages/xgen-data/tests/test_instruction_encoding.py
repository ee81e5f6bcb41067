import pytest

from xgen_core import ChatTemplate, Example, InputError, Message, open_tokenizer
from xgen_data import Drop
from xgen_data.instruction import (
    EncodingCounts,
    encode_example,
    encode_examples,
    example_segments,
)

CHAT = ChatTemplate(
    name="chat",
    header="H|",
    prefixes={"user": "U: ", "assistant": "A: ", "system": "S: "},
    suffixes={"user": "\n", "assistant": "<end>", "system": "\n"},
)
RAW = ChatTemplate(name="raw", prefixes={"user": "", "assistant": ""}, suffixes={})


def example(*turns, identity="e"):
    roles = {"u": "user", "a": "assistant", "s": "system", "n": "assistant", "t": "tool"}
    messages = tuple(
        Message(role=roles[turn[0]], content=turn[1:], trained=turn[0] == "a") for turn in turns
    )
    return Example(id=identity, messages=messages)


def trained(tokenizer, found):
    """What is learnt: the text of the ids whose mask is set, and of those whose is not."""
    ids, mask = found.encoded
    assert ids.shape == mask.shape
    assert (ids.dtype, mask.dtype) == ("uint32", "uint8")
    return tokenizer.decode(ids[mask == 1].tolist()), tokenizer.decode(ids[mask == 0].tolist())


def test_only_answers_and_their_ends_are_learnt(tokenizer):
    found = encode_example(example("uhow?", "aso", "uand?", "athus"), CHAT, tokenizer)
    assert trained(tokenizer, found) == (" so<end> thus<end>", "H|U: how?\nA:U: and?\nA:")
    assert found.encoded.ids[-1] == tokenizer.eos_id
    assert found.cut_turns == 0


def test_end_is_added_where_the_template_has_none(tokenizer):
    found = encode_example(example("uq", "ar"), RAW, tokenizer)
    assert trained(tokenizer, found) == ("r<end>", "q")
    found = encode_example(example("uq", "ar", "ulast"), RAW, tokenizer)
    assert trained(tokenizer, found) == ("r", "qlast<end>")


def test_beginning_of_text_is_not_learnt():
    tokenizer = open_tokenizer("bytes:bos")
    found = encode_example(example("uq", "ar"), CHAT, tokenizer)
    assert found.encoded.ids[0] == tokenizer.bos_id
    assert found.encoded.mask[0] == 0
    assert (found.encoded.ids == tokenizer.bos_id).sum() == 1


def test_an_answer_cannot_name_special_tokens(tokenizer):
    found = encode_example(example("uq<end>", "ar<end>"), CHAT, tokenizer)
    assert (found.encoded.ids == tokenizer.eos_id).sum() == 1
    found = encode_example(example("uq", "ar<end>"), RAW, tokenizer)
    assert (found.encoded.ids == tokenizer.eos_id).sum() == 1


def test_refusals(tokenizer):
    with pytest.raises(InputError, match="'e' has no trained message"):
        example_segments(example("uq", "nr"), CHAT)
    with pytest.raises(InputError, match="'e': template 'raw' has no form for role 'system'"):
        encode_example(example("sx", "uq", "ar"), RAW, tokenizer)
    counts = EncodingCounts()
    items = list(
        encode_examples(
            [example("uq", "nr", identity="n"), example("sx", "uq", "ar"), example("uq", "ar")],
            RAW,
            tokenizer,
        )
    )
    assert [(i.reason, i.example) for i in items[:2]] == [
        ("no trained message", "n"),
        ("template has no form for role system", "e"),
    ]
    assert items[2].id == "e"
    assert list(counts.count(items)) == items[2:]
    assert (counts.examples, counts.tokens, counts.trained_tokens) == (1, 3, 2)
    assert counts.dropped == {"no trained message": 1, "template has no form for role system": 1}
    short = encode_examples([LONG], CHAT, tokenizer, max_tokens=40, overlong="truncate")
    assert len(list(counts.count(short))) == 1
    assert (counts.truncated, counts.cut_turns) == (1, 4)


LONG = example("sbe kind", "u1111", "a2222", "u3333", "a4444", "u5555", "a6666")


def test_overlong_examples_are_dropped_or_lose_their_oldest_turns(tokenizer):
    whole = encode_example(LONG, CHAT, tokenizer)
    size = len(whole.encoded.ids)
    same = encode_example(LONG, CHAT, tokenizer, max_tokens=size)
    assert same.encoded.ids.tolist() == whole.encoded.ids.tolist()
    dropped = encode_example(LONG, CHAT, tokenizer, max_tokens=size - 1)
    assert dropped == Drop(reason=f"longer than {size - 1} tokens", example="e")
    for limit in range(size - 1, 0, -1):
        found = encode_example(LONG, CHAT, tokenizer, max_tokens=limit, overlong="truncate")
        if isinstance(found, Drop):
            break
        ids = found.encoded.ids.tolist()
        assert len(ids) <= limit
        assert found.cut_turns in (2, 4)
        kept = Example(id="e", messages=(LONG.messages[0], *LONG.messages[1 + found.cut_turns :]))
        assert ids == encode_example(kept, CHAT, tokenizer).encoded.ids.tolist()
        if found.cut_turns == 4:  # only where cutting less would not have fitted
            less = Example(id="e", messages=(LONG.messages[0], *LONG.messages[3:]))
            assert len(encode_example(less, CHAT, tokenizer).encoded.ids) > limit
    assert found.reason == f"last question and answer longer than {limit} tokens"
    last = Example(id="e", messages=(LONG.messages[0], *LONG.messages[5:]))
    assert limit == len(encode_example(last, CHAT, tokenizer).encoded.ids) - 1


def test_truncation_never_cuts_the_answer_to_learn(tokenizer):
    tail = example("u1111", "a2222", "u3333", "n4444")
    found = encode_example(tail, CHAT, tokenizer, max_tokens=20, overlong="truncate")
    assert isinstance(found, Drop)
