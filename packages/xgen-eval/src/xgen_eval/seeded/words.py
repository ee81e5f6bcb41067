"""Names made of an adjective and a noun, for items that are made from a seed."""

from __future__ import annotations

from functools import cache

from xgen_eval.seeded.draws import pick

__all__ = ["phrase", "phrases"]

_ADJECTIVES = """
amber ancient arctic bitter bold brave brief bright brisk broad calm careful cheap chilly
civil clever cloudy coarse crisp curious damp dapper deep dense distant dizzy double dusty
eager early elegant faint fancy fierce firm fluffy formal frosty gentle giant glossy golden
grand greedy hasty hollow honest humble icy idle ivory jolly keen late lavish lazy light
limber lively lonely loud lucky marble mellow mild misty modest narrow neat nimble noble odd
olive pale patient plain polite proud quick quiet rapid rare round rustic salty scarlet
shallow sharp shiny silent silver simple sleepy slim smooth solid sour spare steady steep
stern strange sturdy subtle sunny swift tall tame tender tidy tiny vivid warm weary wild
wise
"""
_NOUNS = """
anchor apple arrow attic badge bakery banjo barrel basket beacon bridge bucket button cabin
candle canoe canyon carpet castle cellar chapel cherry chimney circus clover comet copper
cottage cradle crayon cricket curtain dagger desert diamond dragon drawer ember engine
falcon feather fiddle forest fountain galaxy garden garnet glacier goblet guitar hammer
harbor harvest helmet hinge island jacket jigsaw jungle kettle kitten ladder lagoon lantern
lemon lizard locket magnet maple market meadow mirror mitten monkey mosaic motor needle
nickel nugget orchard otter oyster paddle palace pebble pencil pepper pigeon pillow planet
pocket puddle puzzle rabbit ribbon river rocket saddle sailor salmon saucer shadow shovel
signal spider spoon stable statue sunset tablet temple thimble ticket timber tulip tunnel
turnip valley velvet violin walnut wagon whistle willow window zipper
"""


def phrase(seed: int, *key: str | int) -> str:
    """One such name: `amber-lantern`."""
    adjectives, nouns = _words()
    return f"{pick(adjectives, seed, *key, 'adjective')}-{pick(nouns, seed, *key, 'noun')}"


def phrases(count: int, seed: int, *key: str | int) -> list[str]:
    """So many different names.

    Raises:
        ValueError: more than half of all there are.
    """
    adjectives, nouns = _words()
    if count > len(adjectives) * len(nouns) // 2:
        raise ValueError(f"there are not {count} different names to draw")
    found: dict[str, None] = {}
    draw = 0
    while len(found) < count:
        found.setdefault(phrase(seed, *key, draw))
        draw += 1
    return list(found)


@cache
def _words() -> tuple[list[str], list[str]]:
    return _ADJECTIVES.split(), _NOUNS.split()
