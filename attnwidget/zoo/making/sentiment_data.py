"""Reviews with negation, each of which is clearly for or against.

=========  =========================================================================================
one        the food was hardly good                                                          against
and        nobody can say that the soup was bad, and I would come back                           for
but        the food was not good but the service was great                                       for
although   although the food was great, the service was far from perfect                     against
long       the food was good and the chef was nice, but I would not recommend it             against
=========  =========================================================================================

A clause is for or against by its adjective, turned over by each negation in front of it. Clauses
that "and" links agree. Those on either side of "but" or "although" do not: what follows "but"
counts, and of the other two the one that "although" does not stand before.

Held out are pairs of a noun and an adjective, and pairs of what stands before an adjective ("very",
"far from") and that adjective: a review for testing has none but those, one for training has none
of those.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from attnwidget.zoo.making.reviews_world import ADJECTIVES, NOUNS, set_of
from attnwidget.zoo.sentiment import CLS
from attnwidget.zoo.words import UNKNOWN

FORMS = {  # A agrees with the whole, O is opposed to it, V agrees and may be a verdict
    "one": ["A"],
    "and": ["A and V", "A , and V"],
    "but": ["O but V", "O , but V"],
    "although": ["although O , A", "A although O"],
    "long": ["O but A , and V", "O and O , but V"],
}
KINDS = tuple(FORMS)
INTENSIFIERS = "very really so truly quite rather".split()
NEGATIONS = "not,never,hardly,not very,not really,far from,anything but,in no way".split(",")
MODIFIERS = [*INTENSIFIERS, *NEGATIONS]
FRAMES = {  # what a whole clause may stand in, and whether that turns it over
    "I think that": 1,
    "I must say that": 1,
    "I would not say that": -1,
    "nobody can say that": -1,
}
VERDICTS = {
    "I would come back": 1,
    "I would recommend it": 1,
    "we will go there again": 1,
    "I would not come back": -1,
    "I would never recommend it": -1,
    "we will not go there again": -1,
    "nobody should go there": -1,
}


@dataclass(frozen=True)
class Review:
    """A review as it is read, without its mark; label 1 is "positive", 0 is "negative"."""

    words: list[str]
    label: int


def review(rng: Random, kind: str, kept_for: str) -> Review:
    """A review of one kind, all of whose pairs are kept for testing, choosing or training."""
    sign = rng.choice([1, -1])
    nouns = rng.sample(NOUNS, 3)
    words: list[str] = []
    for part in rng.choice(FORMS[kind]).split():
        if part == "V" and rng.random() < 0.3:
            words += rng.choice([text for text, its in VERDICTS.items() if its == sign]).split()
        elif part in {"A", "O", "V"}:
            words += clause(rng, nouns.pop(), -sign if part == "O" else sign, kept_for)
        else:
            words.append(part)
    return Review([*words, *rng.choice([[], ["."]])], int(sign > 0))


def clause(rng: Random, noun: str, sign: int, kept_for: str) -> list[str]:
    """What one finds of a noun: for it if the sign is 1, against it if it is −1."""
    while True:
        modifier = rng.choice(["", rng.choice(INTENSIFIERS), *rng.choices(NEGATIONS, k=2)])
        frame = rng.choice(["", "", "", rng.choice(list(FRAMES))])
        adjective = rng.choice(list(ADJECTIVES))
        turned = FRAMES.get(frame, 1) * (-1 if modifier in NEGATIONS else 1)
        pairs = {set_of(noun, NOUNS, adjective)}
        if modifier:
            pairs.add(set_of(modifier, MODIFIERS, adjective))
        if ADJECTIVES[adjective] * turned == sign and pairs == {kept_for}:
            return f"{frame} the {noun} was {modifier} {adjective}".split()


def with_a_stranger(rng: Random, words: list[str]) -> list[str]:
    """One noun becomes unknown, so that the model learns to cope with that."""
    noun = rng.choice([word for word in words if word in NOUNS])
    return [UNKNOWN if word == noun else word for word in words]


def vocabulary() -> list[str]:
    """The two marks, then every word of this file."""
    texts = [*NOUNS, *ADJECTIVES, *MODIFIERS, *FRAMES, *VERDICTS, "the was and but although , ."]
    return [CLS, UNKNOWN, *sorted({word for text in texts for word in text.split()})]
