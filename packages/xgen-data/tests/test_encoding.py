from xgen_core import Document, Segment, open_tokenizer
from xgen_data import encode, encode_document
from xgen_data.encoding import encode_many, encode_texts


def segment(text, trained=True, special=False):
    return Segment(text=text, trained=trained, special=special)


class PairTokenizer:
    """One id for every two characters, so that seams show."""

    def encode(self, text, *, specials=False):
        return [len(text[i : i + 2]) for i in range(0, len(text), 2)]


def test_neighbours_of_equal_status_are_one_text():
    parts = [segment("abc"), segment("d"), segment("", trained=False), segment("ef")]
    assert encode(parts, PairTokenizer()).ids.tolist() == [2, 2, 2]
    parts = [segment("abc"), segment("d", trained=False), segment("ef")]
    encoded = encode(parts, PairTokenizer())
    assert encoded.ids.tolist() == [2, 1, 1, 2]
    assert encoded.mask.tolist() == [1, 1, 0, 1]


def test_specials_only_where_asked(tokenizer):
    encoded = encode([segment("<mark>"), segment("<mark>", special=True)], tokenizer)
    assert encoded.ids.tolist() == [*b"<mark>", 258]
    assert encoded.mask.tolist() == [1] * 7


def test_nothing_to_encode(tokenizer):
    for encoded in (encode([], tokenizer), encode([segment("")], tokenizer)):
        assert encoded.ids.shape == encoded.mask.shape == (0,)


def test_documents_are_framed():
    document = Document(id="d", text="<end>é", source="s")
    body = [*"<end>é".encode()]
    assert encode_document(document, open_tokenizer("bytes:")).ids.tolist() == [*body, 256]
    encoded = encode_document(document, open_tokenizer("bytes:bos"))
    assert encoded.ids.tolist() == [257, *body, 256]
    assert encoded.mask.tolist() == [1] * (len(body) + 2)


def test_many_texts_equal_each_alone():
    texts = ["one", "", "", "two", "δ", ""]
    for uri in ("bytes:", "bytes:bos"):
        tokenizer = open_tokenizer(uri)
        ids, offsets = encode_texts(texts, tokenizer)
        for i, text in enumerate(texts):
            bos = [] if tokenizer.bos_id is None else [tokenizer.bos_id]
            expected = [*bos, *text.encode(), tokenizer.eos_id]
            assert ids[offsets[i] : offsets[i + 1]].tolist() == expected
        assert offsets[-1] == len(ids)


def test_many_documents_of_segments_are_encoded_as_each_alone():
    documents = [
        [segment("ab"), segment("<mark>", special=True), segment("c")],
        [segment("é"), segment("x", trained=False), segment("y", trained=False), segment("")],
        [],
        [segment("<mark>"), segment("<mark><mark>", trained=False, special=True)],
    ]
    for uri in ("bytes:", "bytes:bos"):
        tokenizer = open_tokenizer(uri)
        ids, mask, offsets = encode_many(documents, tokenizer)
        begin = [257] if tokenizer.bos_id else []
        for number, segments in enumerate(documents):
            alone = encode(segments, tokenizer)
            mine = slice(offsets[number], offsets[number + 1])
            assert ids[mine].tolist() == [*begin, *alone.ids.tolist(), 256]
            assert mask[mine].tolist() == [1] * len(begin) + [*alone.mask.tolist(), 1]
        assert offsets[-1] == len(ids) == len(mask)
    ids, mask, offsets = encode_many([], open_tokenizer("bytes:"))
    assert (len(ids), len(mask), offsets.tolist()) == (0, 0, [0])
