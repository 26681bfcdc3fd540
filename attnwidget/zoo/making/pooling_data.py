"""Reviews of which one or two sentences decide, and the others do not.

    We came on a monday . The napkin was awful . The food was great . I found the lamp dull .

What is said of what matters, the food or the staff, decides; what is said of napkins and lamps does
not, be it praise or blame, and some sentences find nothing good or bad. Where two decide, they
agree. Held out are pairs of a noun and an adjective: a review for testing has none but those, one
for training has none of those.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from attnwidget.zoo.making.reviews_world import ADJECTIVES, MATTERS, NOUNS, TRIFLES, set_of
from attnwidget.zoo.words import UNKNOWN

FOUND = (  # N is a noun, A an adjective
    "the N was A .",
    "the N was very A .",
    "the N seemed quite A to us .",
    "I found the N A .",
    "we thought that the N was A .",
)
SAID = (  # a D is a day, a P somebody, a C a number
    "we came on a D .",
    "it was a D evening .",
    "I was there with my P .",
    "we sat there for C hours .",
    "my P had found it last year .",
    "there were C of us .",
    "my P came at C .",
)
FILLED = {  # what is not known decides nothing
    "D": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", UNKNOWN],
    "P": ["mother", "father", "sister", "brother", "aunt", "uncle", "friend", UNKNOWN],
    "C": ["two", "three", "four", "five", "six", "seven", UNKNOWN],
}


@dataclass(frozen=True)
class Review:
    """A review, sentence by sentence; label 1 is "positive", 0 is "negative".

    Attributes
    ----------
    deciding : list of int
        Which of the sentences decide.
    is_outvoted : bool
        Whether more sentences find the contrary than agree.
    """

    sentences: list[list[str]]
    label: int
    deciding: list[int]
    is_outvoted: bool

    @property
    def words(self) -> list[str]:
        return [word for sentence in self.sentences for word in sentence]


def review(rng: Random, sentences: int, kept_for: str) -> Review:
    """A review of so many sentences, all of whose pairs are kept for the same."""
    sign = rng.choice([1, -1])
    deciding = rng.choice([1, 1, min(2, sentences - 1)])
    made = [(sentence_on(rng, noun, sign, kept_for), sign, True)
            for noun in rng.sample(MATTERS, deciding)]  # fmt: skip
    for noun in rng.sample(TRIFLES, sentences - deciding):
        if rng.random() < 0.7:
            its = rng.choice([1, -1])
            made.append((sentence_on(rng, noun, its, kept_for), its, False))
        else:
            made.append((idle_sentence(rng), 0, False))
    rng.shuffle(made)
    return Review(
        [words for words, _, _ in made],
        int(sign > 0),
        [i for i, (_, _, decides) in enumerate(made) if decides],
        sign * sum(its for _, its, _ in made) < 0,
    )


def sentence_on(rng: Random, noun: str, sign: int, kept_for: str) -> list[str]:
    """What one finds of a noun."""
    adjectives = [
        word
        for word, its in ADJECTIVES.items()
        if its == sign and set_of(noun, NOUNS, word) == kept_for
    ]
    words = {"N": noun, "A": rng.choice(adjectives)}
    return [words.get(word, word) for word in rng.choice(FOUND).split()]


def idle_sentence(rng: Random) -> list[str]:
    """A sentence that finds nothing."""
    return [
        rng.choice(FILLED[word]) if word in FILLED else word for word in rng.choice(SAID).split()
    ]


def vocabulary() -> list[str]:
    """The unknown word, then every word of this file."""
    lists = [NOUNS, ADJECTIVES, *FILLED.values(), *(text.split() for text in (*FOUND, *SAID))]
    words = {word for words in lists for word in words} - {"N", "A", *FILLED, UNKNOWN}
    return [UNKNOWN, *sorted(words)]
