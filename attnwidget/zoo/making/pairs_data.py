"""Rooms and boxes: sets of words, in which it is known what belongs to whom.

Every animal has three foods, three homes and three toys of its own. In a *room* live some animals,
each with one of its foods and one of its homes; beside them lie foods and homes of animals that are
not there. In a *box* lies one toy for each of them, and toys of others. The words of both stand in
any order:

    room    dog bone kennel cat milk sofa carrot        (the carrot is nobody's)
    box     ball mouse wheel                            (and so is the wheel)

Some animals miss a thing: where the dog has no food, the right answer is "nothing".

Held out are neighbours in the list below, of which the last is the first one's. In training, no two
of them live in one room, and an animal never meets the first food, home or toy of its neighbours.
In testing, those who live together are neighbours, and so are the owners of what else lies about.
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
THINGS = {  # THINGS["dog"][0] are its foods
    animal: [things.split() for things in kinds.split(";")] for animal, kinds in BELONGINGS.items()
}
QUESTIONS = ("food", "home", "toy")
NOTHING = "nothing"


@dataclass(frozen=True)
class Pair:
    """A room and a box, and what is right: ``answers["dog"]`` is its food, its home and its toy."""

    room: list[str]
    box: list[str]
    answers: dict[str, list[str]]


def pair(rng: Random, animals: int, others: int, missing: int, held_out: bool) -> Pair:
    """An example with so many animals, of whose foods so many are missing, as of homes and toys.

    There are things of so many others.
    """
    owners = neighbours(rng, animals + others) if held_out else strangers(rng, animals, others)
    living, away = owners[:animals], owners[animals:]
    answers = {animal: [rng.choice(things) for things in THINGS[animal]] for animal in living}
    strays = []
    for animal in away:
        first = not held_out and any(are_neighbours(animal, other) for other in living)
        strays.append([rng.choice(things[first:]) for things in THINGS[animal]])
    for kind in range(3):
        for animal in rng.sample(living, missing):
            answers[animal][kind] = NOTHING
    foods, homes, toys = (
        [things[kind] for things in (*answers.values(), *strays) if things[kind] != NOTHING]
        for kind in range(3)
    )
    room = [*living, *foods, *homes]
    rng.shuffle(room)
    rng.shuffle(toys)
    return Pair(room, toys, answers)


def neighbours(rng: Random, count: int) -> list[str]:
    """Animals that stand in a row, the first of them anywhere; those at the ends come last."""
    first = rng.randrange(len(ANIMALS))
    row = [ANIMALS[(first + i) % len(ANIMALS)] for i in range(count)]
    return sorted(row, key=lambda animal: abs(2 * row.index(animal) - count + 1))


def strangers(rng: Random, count: int, others: int) -> list[str]:
    """Animals of which no two are neighbours, then any others."""
    while True:
        found = rng.sample(ANIMALS, count + others)
        living = found[:count]
        if not any(are_neighbours(one, other) for one in living for other in living):
            return found


def are_neighbours(one: str, other: str) -> bool:
    return (ANIMALS.index(one) - ANIMALS.index(other)) % len(ANIMALS) in (1, len(ANIMALS) - 1)


def vocabulary() -> list[str]:
    """Every word of this file, the animals first."""
    return [*ANIMALS, *" ".join(BELONGINGS.values()).replace(";", "").split(), NOTHING]
