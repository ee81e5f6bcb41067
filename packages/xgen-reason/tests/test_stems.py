"""Stems are those that the index has."""

import sqlite3

from xgen_reason.knowledge.stems import stem

WORDS = """
caresses ponies ties caress cats feed agreed plastered bled motoring sing conflated troubled
sized hopping tanned falling hissing fizzed failing filing happy sky relational conditional
rational valenci hesitanci digitizer conformabli radicalli differentli vileli analogousli
vietnamization predication operator feudalism decisiveness hopefulness callousness formaliti
sensitiviti sensibiliti triplicate formative formalize electriciti electrical hopeful goodness
revival allowance inference airliner gyroscopic adjustable defensible irritant replacement
adjustment dependent adoption homologou communism activate angulariti homologous effective
bowdlerize probate rate cease controll roll lived living lives live geology theology possibly
nobly championships champion mathematician mathematics mathematical novelist novels prisons
prison yearly yellow boy boys say toys psychology syzygy rhythm eyed being beings ion ions onion
union opinion iron was his ss sss ing ed ying bed sled beeed ied abed queue queued quiet
equating aquatic 1990s 3rd 2nd x86 çelik öffnen iły
""".split()  # noqa: SIM905 - words, not quotes


def test_stems_are_those_of_fts5():
    database = sqlite3.connect(":memory:")
    database.execute("CREATE VIRTUAL TABLE t USING fts5 (w, tokenize = 'porter unicode61')")
    database.execute("CREATE VIRTUAL TABLE v USING fts5vocab (t, 'instance')")
    for place, word in enumerate(WORDS):
        database.execute("INSERT INTO t (rowid, w) VALUES (?, ?)", (place, word))
    theirs = dict(database.execute("SELECT doc, term FROM v"))
    database.close()
    plain = {place: word for place, word in enumerate(WORDS) if word.isascii()}
    assert {place: stem(word) for place, word in plain.items()} == {p: theirs[p] for p in plain}


def test_words_of_other_scripts_stay():
    assert [stem(word) for word in ("", "是", "москва", "ab")] == ["", "是", "москва", "ab"]
