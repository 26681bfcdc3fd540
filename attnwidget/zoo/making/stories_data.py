"""Micro-stories in which every pronoun has one right referent, and songs that repeat themselves.

There are four kinds of story. In each, the words *before* the marked pronoun decide whom it means:

========  ==========================================================================================
crossing  The animal didn't cross the street because it was too tired, so **it** slept.
          The animal didn't cross the street because it was too wide, so **it** stayed empty.
cause     Anna thanked Mary because she was kind, and **she** danced. (Mary is the one who dances.)
          Anna called Mary because she was sad, and **she** sang. (And Anna the one who sings.)
meeting   Anna met Ben while **he** danced.
thing     Tom dropped the cup near the bell, and **it** broke. Or: ..., and **he** sang.
========  ==========================================================================================

What comes after the pronoun depends on its noun (a cat sleeps, a horse rests), and a question at
the end asks for the noun: "What was too tired? The animal." Some pairs of nouns are held out: no
story for training has one, and in a story for testing all neighbouring nouns are such a pair.

A song is 5 to 20 arbitrary words, sung two or three times.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from attnwidget.zoo.making import stories_world as world
from attnwidget.zoo.words import START, UNKNOWN


@dataclass(frozen=True)
class Story:
    """A story as the model reads it; `noun`, `pronoun` and `answer` are places in `words`.

    `words[noun]` is what the pronoun means, and `words[answer]` is the same word at the end.
    """

    words: list[str]
    noun: int
    pronoun: int
    answer: int


@dataclass(frozen=True)
class Someone:
    """Who or what a story is about: "the cat", whose noun is "cat" and whose pronoun is "it"."""

    phrase: str
    pronoun: str
    family: int = world.PEOPLE

    @property
    def noun(self) -> str:
        return self.phrase.split()[-1]


@dataclass(frozen=True)
class Plot:
    """FIRST verb SECOND middle PRONOUN does. Who asked? MEANT."""

    nouns: list[Someone]  # the first two are FIRST and SECOND; a third stands in the middle
    meant: int
    verb: str
    middle: str
    does: str
    asked: str


def crossing(rng: Random) -> Plot:
    """An adjective tells who was meant: animals and people get tired, streets are wide."""
    who = animal(rng) if rng.random() < 0.67 else person(rng)
    deed = rng.choice(list(world.WAYS))
    way = Someone(f"the {rng.choice(world.WAYS[deed])}", "it")
    meant = rng.randrange(2)
    adjective = rng.choice(world.STATES if meant else list(world.MOODS))
    it = [who, way][meant].pronoun
    was = f"{'were' if it == 'they' else 'was'} {rng.choice(world.TOO)} {adjective}"
    does = deed if meant else world.MOODS[adjective][who.family]
    refused = rng.choice(world.REFUSED)
    return Plot([who, way], meant, refused, f"because {it} {was} , so", does, was)


def cause(rng: Random) -> Plot:
    """The verb tells: one thanks for what the other did, and calls for reasons of one's own."""
    meant = rng.randrange(2)
    if rng.random() < 0.5:
        nouns = [animal(rng), animal(rng)]
        verbs = [world.CHASED, world.FED][meant]
    else:
        nouns = [named(rng.choice(world.WOMEN + world.MEN)) for _ in range(2)]
        verbs = [world.CALLED, world.THANKED][meant]
    verb = rng.choice(list(verbs))
    adjective = rng.choice(verbs[verb])
    one = nouns[meant]
    does = habit(one) if one.pronoun != "it" else world.MOODS[adjective][one.family]
    middle = f"because {one.pronoun} was {adjective} , and"
    return Plot(nouns, meant, verb, middle, does, f"was {adjective}")


def meeting(rng: Random) -> Plot:
    """She, he or they: the pronoun itself tells."""
    nouns = [person(rng), person(rng)]
    if nouns[0].pronoun == nouns[1].pronoun:
        return meeting(rng)
    meant = rng.randrange(2)
    does = habit(nouns[meant])
    return Plot(nouns, meant, rng.choice(world.MET), rng.choice(world.WHILE), does, does)


def thing(rng: Random) -> Plot:
    """The pronoun tells the person from the things; of the things, the one that was touched."""
    who, (what, breaks), (other, _) = person(rng), touchable(rng), touchable(rng)
    meant = int(rng.random() < 0.7)
    does = breaks if meant else habit(who)
    middle = f"{rng.choice(world.NEAR)} {other.phrase} , and"
    return Plot([who, what, other], meant, rng.choice(world.HANDLED), middle, does, does)


KINDS = {"crossing": crossing, "cause": cause, "meeting": meeting, "thing": thing}


def animal(rng: Random) -> Someone:
    """Any animal."""
    family = rng.randrange(len(world.ANIMALS))
    return Someone(f"the {rng.choice(world.ANIMALS[family])}", "it", family)


def person(rng: Random) -> Someone:
    """Anna, the king or the children."""
    if rng.random() < 0.35:
        return named(rng.choice(world.WOMEN + world.MEN))
    pronoun = rng.choice(list(world.ROLES))
    return Someone(f"the {rng.choice(world.ROLES[pronoun])}", pronoun)


def named(name: str) -> Someone:
    """Somebody with a name."""
    return Someone(name, "she" if name in world.WOMEN else "he")


def touchable(rng: Random) -> tuple[Someone, str]:
    """A thing, and what such things do."""
    breaks = rng.choice(list(world.THINGS))
    return Someone(f"the {rng.choice(world.THINGS[breaks])}", "it"), breaks


def habit(one: Someone) -> str:
    """What that person always does."""
    return world.HABIT_OF[one.noun]


def is_held_out(a: str, b: str) -> bool:
    """One pair of nouns in eight is kept for testing; the best-known pair of all is among them."""
    pair = " ".join(sorted((a, b)))
    return pair == "animal street" or zlib.crc32(pair.encode()) % 8 == 0


def story(rng: Random, kind: str, held_out: bool) -> Story:
    """A story of one kind, all of whose pairs of neighbouring nouns are held out, or none."""
    while True:
        plot = KINDS[kind](rng)
        pairs = list(pairwise(one.noun for one in plot.nouns))
        if all(a != b and is_held_out(a, b) == held_out for a, b in pairs):
            return tell(plot, rng.choice(world.WHENS))


def tell(plot: Plot, when: str = "") -> Story:
    """Write a plot down word by word, and remember where its three words are."""
    words = [START, *when.split()]
    places = []
    for i, one in enumerate(plot.nouns[:2]):
        words += one.phrase.split()
        places.append(len(words) - 1)
        words += (plot.verb if i == 0 else plot.middle).split()
    one = plot.nouns[plot.meant]
    pronoun = len(words)
    who = "What" if one.pronoun == "it" else "Who"
    words += [one.pronoun, *plot.does.split(), ".", who, *plot.asked.split(), "?"]
    words += [*one.phrase.split(), "."]
    for i in range(1, len(words)):
        if words[i - 1] in {START, "?"}:
            words[i] = words[i][0].upper() + words[i][1:]
    return Story(words, noun=places[plot.meant], pronoun=pronoun, answer=len(words) - 2)


def song(rng: Random) -> list[str]:
    """Arbitrary words, each at most once, over and over; half of the songs are announced."""
    words = rng.sample([word for word in world.vocabulary() if word.isalpha()], rng.randint(5, 20))
    announced = ["Song", ":"] if rng.random() < 0.5 else []
    return [START, *announced, *words * rng.choice([2, 3])]


def rows(rng: Random, length: int) -> Iterator[list[str]]:
    """Rows of `length` words to learn from: stories and songs in a line, cut where the row ends."""
    kinds = [*KINDS, "crossing"]  # the hardest comes twice as often
    while True:
        row: list[str] = []
        while len(row) < length:
            if rng.random() < 0.4:
                row += song(rng)
            else:
                words = story(rng, rng.choice(kinds), held_out=False).words
                row += with_a_stranger(rng, words) if rng.random() < 0.1 else words
        yield row[:length]


def with_a_stranger(rng: Random, words: list[str]) -> list[str]:
    """One word becomes unknown wherever it stands, so that the model learns to cope with that."""
    stranger = rng.choice([word for word in words if word.isalpha()])
    return [UNKNOWN if word == stranger else word for word in words]
