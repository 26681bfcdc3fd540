"""Rooms and boxes: sets of words, in which it is known what belongs to whom.

Every animal has three foods, three homes and three toys of its own. In a *room* live some animals,
each with one of its foods and one of its homes; beside them lie foods and homes of animals that are
not there. In a *box* lies one toy for each of them, and toys of others. The words of both stand in
any order:

    room    dog bone kennel cat milk sofa carrot        (the carrot is nobody's)
    box     ball mouse wheel                            (and so is the wheel)

Two things are held out. Animals that are neighbours in this list (the last is the first one's) are
never learned from together: neither they nor anything of theirs stand in one example. And the first
food of an animal is never learned from together with its first home, nor the second with the
second, nor the third with the third. An example for testing is made of nothing else: neighbours in
a row live in it, each with such a food and home, and what else there is belongs to those next door.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

BELONGINGS = {  # foods; homes; toys
    "dog": "bone steak biscuit; kennel basket porch; ball stick slipper",
    "cat": "milk tuna cream; sofa cushion attic; mouse yarn feather",
    "rabbit": "carrot lettuce clover; burrow hutch meadow; tunnel drum marble",
    "horse": "hay apple oats; stable barn paddock; hoop bucket cart",
    "parrot": "seeds cracker mango; cage perch aviary; bell mirror ladder",
    "monkey": "banana coconut fig; jungle treehouse temple; swing rope vine",
    "bear": "honey salmon berries; cave den forest; log barrel tyre",
    "penguin": "squid krill sardine; iceberg igloo island; sledge snowball slide",
    "hamster": "corn peas nuts; shoebox drawer teapot; wheel tube maze",
    "duck": "bread snail worm; pond lake reeds; boat sponge bubbles",
}
ANIMALS = list(BELONGINGS)
FOODS, HOMES, TOYS = (
    {animal: things.split("; ")[kind].split() for animal, things in BELONGINGS.items()}
    for kind in range(3)
)
QUESTIONS = ("food", "home", "toy")


@dataclass(frozen=True)
class Pair:
    """A room and a box, and what is right: ``answers["dog"]`` is its food, its home and its toy."""

    room: list[str]
    box: list[str]
    answers: dict[str, tuple[str, str, str]]


def pair(rng: Random, animals: int, others: int, held_out: bool) -> Pair:
    """An example with so many animals, and so many others of which something lies about."""
    if held_out:
        owners = _neighbours(rng, animals, others)
    else:
        owners = _strangers(rng, animals, others)
    answers = {animal: _things(rng, animal, held_out) for animal in owners[:animals]}
    strays = [_things(rng, animal, held_out) for animal in owners[animals:]]
    foods, homes, toys = zip(*answers.values(), *strays, strict=True)
    room, box = [*answers, *foods, *homes], [*toys]
    rng.shuffle(room)
    rng.shuffle(box)
    return Pair(room, box, answers)


def are_neighbours(one: str, other: str) -> bool:
    return (ANIMALS.index(one) - ANIMALS.index(other)) % len(ANIMALS) in (1, len(ANIMALS) - 1)


def vocabulary() -> list[str]:
    """Every word of this file."""
    return [*ANIMALS, *" ".join(BELONGINGS.values()).replace(";", "").split()]


def _neighbours(rng: Random, animals: int, others: int) -> list[str]:
    """Animals in a row, then those that come before and after them."""
    first = rng.randrange(len(ANIMALS))
    row = [ANIMALS[(first + i) % len(ANIMALS)] for i in range(animals + others)]
    before = others // 2
    return row[before : before + animals] + row[:before] + row[before + animals :]


def _strangers(rng: Random, animals: int, others: int) -> list[str]:
    """Animals in any order, of which no two are neighbours."""
    while True:
        found = rng.sample(ANIMALS, animals + others)
        if not any(are_neighbours(one, other) for one in found for other in found):
            return found


def _things(rng: Random, animal: str, held_out: bool) -> tuple[str, str, str]:
    """A food, a home and a toy of an animal."""
    food = rng.randrange(3)
    home = food if held_out else (food + rng.choice([1, 2])) % 3
    return FOODS[animal][food], HOMES[animal][home], rng.choice(TOYS[animal])
