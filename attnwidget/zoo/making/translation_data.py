"""English sentences, their French translations, and which word stands for which.

Every sentence is made in both languages at once, so its translation is right by construction, and
it is decided by the English words alone: "they" and "it" are only said of something that the
sentence has named, "you" never, and "I am" only what is the same for a woman and a man.

Gold alignment. Every French word has one link, to the English word that it stands for:

===========================  ====================================================================
ne … pas, ne … jamais        both to "not" (or "cannot"), both to "never"
est-ce que                   both to what opens the question: "does", "is", "can"
il y                         both to "there"
du, des, au, aux             to the preposition, not to the article that it has swallowed
le, la, l', les; lui, leur   to the pronoun, wherever that is: "sees her", "la voit"
===========================  ====================================================================

English words without a link ("does" of "does not", "to" of "wants to", "for" of "looks for") have
no French word of their own.

Held out are pairs of an adjective and its noun, and of a subject and its verb, a sixth of each,
chosen by a hash. No sentence for training has such a pair. A sentence for testing has at least one
of them of each sort that it has pairs of: one of its adjectives is new to its noun, and one of its
subjects to its verb.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cache
from random import Random

from attnwidget.zoo.making import translation_world as world
from attnwidget.zoo.making.translation_phrases import ONE, SEVERAL, Phrase, spelled
from attnwidget.zoo.making.translation_sentences import sentence
from attnwidget.zoo.translation_words import MARKS

LONGEST = 22  # words of a source, the full stop included


@dataclass(frozen=True)
class Pair:
    """A sentence, its translation, and links (target index, source index) between their words."""

    source: tuple[str, ...]
    target: tuple[str, ...]
    alignment: frozenset[tuple[int, int]]


def pair(rng: Random, held_out: bool) -> Pair:
    """A sentence for training, or one that has pairs of words which no training sentence has."""
    while True:
        phrase = sentence(rng)
        if len(phrase.english) <= LONGEST and belongs(phrase, held_out):
            return written(phrase)


def belongs(phrase: Phrase, held_out: bool) -> bool:
    """Whether a sentence is one for testing (`held_out`) or one for training."""
    new: dict[str, bool] = {}
    for kind, one, other in phrase.meetings:
        new[kind] = new.get(kind, False) or is_held_out(kind, one, other)
    if held_out:
        return bool(new) and all(new.values())
    return not any(new.values())


@cache
def is_held_out(kind: str, one: str, other: str) -> bool:
    """Whether this adjective and noun, or this subject and verb, never meet in training."""
    return zlib.crc32(f"{kind} {one} {other}".encode()) % 6 == 0


def written(phrase: Phrase) -> Pair:
    """A phrase as it is written, with the links of its words."""
    english, french = spelled(phrase)
    links = ((t, phrase.english.index(word)) for t, (_, word) in enumerate(french))
    return Pair(tuple(english), tuple(text for text, _ in french), frozenset(links))


# Words of the sentences that are in no table.
ENGLISH = """i he she we they it me us him her them who that what why when where because and but
    to of there not never cannot any an am is are do does . ?"""
FRENCH = """je j' il elle nous ils elles me m' le la l' les lui leur qui que qu' est-ce pourquoi
    quand où parce et mais à au aux de d' du des y a ne n' pas jamais très trop près cet mon son
    . ?"""


@cache
def english_words() -> list[str]:
    """Every word that a source may have."""
    found = {*ENGLISH.split(), *ONE, *SEVERAL, "very", "too", *world.HAD, *world.SOMETIMES}
    found |= {*world.HOW, *world.WHERE}
    for noun in world.nouns():
        found |= {*noun.english}
    for adjective in world.adjectives():
        found.add(adjective.english)
    for verb in world.every_verb():
        found |= {verb.english, verb.third, verb.particle}
    return sorted(found - {"be", "bes", ""})


@cache
def french_words() -> list[str]:
    """Every word that a translation may have."""
    found = {*FRENCH.split(), *world.HAD.values(), *world.SOMETIMES.values(), *world.HOW.values()}
    found |= {word for forms in ONE.values() for word in forms}
    found |= {word for form in SEVERAL.values() for word in form.split()}
    found |= {word for form, _ in world.WHERE.values() for word in form.split()}
    for noun in world.nouns():
        found |= {*noun.french}
    for adjective in world.adjectives():
        found |= {form for forms in adjective.french for form in forms}
    for verb in world.every_verb():
        found |= {*verb.french}
    found |= {*world.BEFORE_VOWEL.values()}
    return sorted(found - {"être", "pouvoir", "devoir"})  # nobody can be, or must be able to


def vocabulary() -> list[str]:
    """The marks, then the words of both languages: the same for whatever learns from this."""
    return [*MARKS, *sorted({*english_words(), *french_words()})]
