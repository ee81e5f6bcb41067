"""The English words of the world, by topic: who does what to which things, and where."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """Words that keep company.

    Attributes:
        people: who acts.
        doing: what is done, and to which things.
        being: what is done to nothing.
        places: where.
    """

    people: tuple[str, ...]
    doing: dict[str, tuple[str, ...]]
    being: tuple[str, ...]
    places: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _topic(people: str, doing: dict[str, str], being: str, places: str) -> Topic:
    return Topic(
        people=_words(people),
        doing={verb: _words(things) for verb, things in doing.items()},
        being=_words(being),
        places=_words(places),
    )


TOPICS = (
    _topic(
        "farmer shepherd girl neighbour",
        {
            "fed": "sheep horse goat chicken",
            "planted": "wheat corn tree garden",
            "milked": "cow goat sheep",
            "carried": "hay water basket wheat",
        },
        "worked rested whistled",
        "barn field well hill",
    ),
    _topic(
        "sailor captain fisherman boy",
        {
            "caught": "fish crab whale",
            "repaired": "boat sail net rope",
            "watched": "wave storm whale ship",
            "painted": "ship boat anchor",
        },
        "rowed drowned waited",
        "harbour island beach lighthouse",
    ),
    _topic(
        "teacher student child professor",
        {
            "read": "book letter poem story",
            "wrote": "letter poem answer story",
            "forgot": "lesson answer name book",
            "explained": "lesson question map number",
        },
        "listened laughed studied",
        "school library classroom university",
    ),
    _topic(
        "cook mother baker grandmother",
        {
            "baked": "bread cake potato pie",
            "cut": "onion cheese bread apple",
            "boiled": "egg potato soup rice",
            "washed": "plate knife cup apple",
        },
        "sang tasted hurried",
        "kitchen oven table cellar",
    ),
    _topic(
        "merchant customer thief widow",
        {
            "sold": "silk carpet pepper ring",
            "bought": "lamp ring shirt carpet",
            "stole": "purse coin ring lamp",
            "counted": "coin purse shirt",
        },
        "shouted bargained left",
        "market shop street bank",
    ),
    _topic(
        "hunter wolf bear fox",
        {
            "followed": "deer rabbit track wolf",
            "found": "cave nest track mushroom",
            "ate": "berry rabbit mushroom honey",
            "heard": "owl wolf thunder river",
        },
        "slept ran howled",
        "forest river cave mountain",
    ),
    _topic(
        "driver traveller soldier guide",
        {
            "stopped": "train bus wagon bicycle",
            "lost": "ticket map bag coat",
            "drove": "bus truck wagon",
            "crossed": "bridge border desert road",
        },
        "arrived walked turned",
        "station village bridge airport",
    ),
    _topic(
        "doctor nurse patient father",
        {
            "visited": "patient hospital friend village",
            "gave": "medicine blanket bandage flower",
            "cleaned": "wound bed window floor",
            "opened": "window door bottle box",
        },
        "coughed recovered smiled",
        "hospital bedroom garden office",
    ),
    _topic(
        "king queen minister servant",
        {
            "built": "castle tower wall temple",
            "wore": "crown sword ring coat",
            "ruled": "country city island people",
            "praised": "poet servant hero soldier",
        },
        "died prayed danced",
        "palace city temple throne",
    ),
    _topic(
        "painter musician poet dancer",
        {
            "played": "piano drum violin song",
            "drew": "portrait flower horse bridge",
            "loved": "music song picture dancer",
            "sketched": "portrait tower face",
        },
        "practised wept bowed",
        "theatre museum stage festival",
    ),
)

DETERMINERS = ("the", "a", "this", "every", "our", "my", "his")

ADJECTIVES = _words(
    "old young big small red white black green kind angry quiet rich poor strong tired clever "
    "beautiful heavy cheap famous"
)

TIMES = _words("yesterday today again often suddenly finally early late once together slowly alone")
