"""Phrases in two languages at once: every French word knows the English word that it stands for.

A phrase has its English words in English order and its French words in French order, so phrases are
put together side by side in both, and the word alignment comes along by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from attnwidget.zoo.making.translation_world import (
    BEFORE_VOWEL,
    Adjective,
    Noun,
    adjectives_of,
    is_elided_before,
)

# Determiners: masculine, feminine; of several things: one form.
ONE = {
    "the": ("le", "la"),
    "a": ("un", "une"),
    "this": ("ce", "cette"),
    "my": ("mon", "ma"),
    "his": ("son", "sa"),
    "her": ("son", "sa"),
    "our": ("notre", "notre"),
    "their": ("leur", "leur"),
    "every": ("chaque", "chaque"),
}
SEVERAL = {
    "the": "les",
    "some": "des",
    "these": "ces",
    "my": "mes",
    "his": "ses",
    "her": "ses",
    "our": "nos",
    "their": "leurs",
    "two": "deux",
    "three": "trois",
    "four": "quatre",
    "many": "beaucoup de",
}
DEFINITE = ("the", "the", "this", "these", "my", "his", "her", "our", "their")
ANY = ("the", "the", "the", "a", "a", "some", "two", "three", "four", "many", *DEFINITE)

CONTRACTED = {
    ("de", "le"): "du",
    ("de", "les"): "des",
    ("à", "le"): "au",
    ("à", "les"): "aux",
}
ELIDED = {word: word[:-1] + "'" for word in ("le", "la", "de", "ne", "je", "me", "que")}
SOUNDING = {"ce": "cet", "ma": "mon", "sa": "son"}  # cet homme, mon école


@dataclass(frozen=True, eq=False)
class Word:
    """An English word, at the place where it was said: no two are the same."""

    text: str


@dataclass(frozen=True)
class Phrase:
    """The same in two languages, before spelling.

    Attributes
    ----------
    english : tuple of Word
        In English order.
    french : tuple of (str, Word)
        In French order, each with the English word that it stands for.
    meetings : tuple of (str, str, str)
        Which words meet here: ``("adjective", "red", "house")``, ``("subject", "cat", "eat")``.
    """

    english: tuple[Word, ...] = ()
    french: tuple[tuple[str, Word], ...] = ()
    meetings: tuple[tuple[str, str, str], ...] = ()

    def __add__(self, other: Phrase) -> Phrase:
        return Phrase(
            self.english + other.english,
            self.french + other.french,
            self.meetings + other.meetings,
        )


@dataclass(frozen=True)
class Someone:
    """Who or what a clause is about, and how verbs and adjectives agree with it."""

    phrase: Phrase
    feminine: bool = False
    plural: bool = False
    first_person: bool = False
    nouns: tuple[Noun, ...] = ()

    def unsaid(self) -> Someone:
        """The same one, where it is not named again: the girl sings and … dances."""
        return Someone(Phrase(), self.feminine, self.plural, self.first_person, self.nouns)

    def followed_by(self, phrase: Phrase) -> Someone:
        return Someone(
            self.phrase + phrase, self.feminine, self.plural, self.first_person, self.nouns
        )


def say(english: str, french: str = "") -> Phrase:
    """One English word, and the French ones that stand for it."""
    word = Word(english)
    return Phrase((word,), tuple((text, word) for text in french.split()))


def joined(phrases: Iterable[Phrase]) -> Phrase:
    return sum(phrases, Phrase())


def noun_phrase(
    noun: Noun,
    determiner: str,
    plural: bool,
    adjectives: Sequence[Adjective] = (),
    denied: bool = False,
) -> Someone:
    """As in "the small red houses", "les petites maisons rouges".

    After ne … pas it is `denied`: "does not eat any apples", "ne mange pas de pommes".
    """
    before = [said(adjective, noun, plural) for adjective in adjectives if adjective.is_before]
    after = [said(adjective, noun, plural) for adjective in adjectives if not adjective.is_before]
    article = SEVERAL[determiner] if plural else ONE[determiner][noun.feminine]
    if determiner in ("a", "some") and (denied or (plural and before)):
        article = "de"
    if determiner == "some" and denied:
        determiner = "any"
    the, thing = say(determiner, article), say(noun.english[plural], noun.french[plural])
    said_in_english = [the, *before, *after, thing]
    said_in_french = [the, *before, thing, *after]
    phrase = Phrase(
        joined(said_in_english).english,
        joined(said_in_french).french,
        tuple(("adjective", adjective.english, noun.english[0]) for adjective in adjectives),
    )
    return Someone(phrase, noun.feminine, plural, nouns=(noun,))


def said(adjective: Adjective, noun: Noun, plural: bool) -> Phrase:
    """An adjective that agrees with the noun beside it."""
    form = adjective.french[noun.feminine][plural]
    if adjective.is_before and not plural and is_elided_before(noun.french[0]):
        form = BEFORE_VOWEL.get(form, form)
    return say(adjective.english, form)


def some_noun(
    rng: Random,
    nouns: Sequence[Noun],
    determiners: Sequence[str] = ANY,
    denied: bool = False,
) -> Someone:
    """A noun phrase with any of these nouns, and up to two adjectives."""
    noun, determiner = rng.choice(nouns), rng.choice(determiners)
    both = determiner in ONE and determiner in SEVERAL
    plural = rng.random() < 0.4 if both else determiner in SEVERAL
    adjectives = []
    dice = rng.random()
    if dice < 0.3:
        adjectives.append(rng.choice(adjectives_of(noun.kind, before=True)))
    if dice < 0.06 or dice > 0.75:
        adjectives.append(rng.choice(adjectives_of(noun.kind, before=False)))
    return noun_phrase(noun, determiner, plural, adjectives, denied)


def both(one: Someone, other: Someone) -> Someone:
    """As in "the queen and her sister": several, and feminine only if both are."""
    phrase = one.phrase + say("and", "et") + other.phrase
    return Someone(phrase, one.feminine and other.feminine, True, False, one.nouns + other.nouns)


def spelled(phrase: Phrase) -> tuple[list[str], list[tuple[str, Word]]]:
    """The words of both languages as they are written: an apple; l'école, du roi, cet homme."""
    texts = [word.text for word in phrase.english]
    for i, text in enumerate(texts[:-1]):
        if text == "a" and texts[i + 1][0] in "aeiou":
            texts[i] = "an"
    french: list[tuple[str, Word]] = []
    rest = list(phrase.french)
    while rest:
        text, word = rest.pop(0)
        following = [text for text, _ in rest[:2]] + ["."] * 2
        pair = (text, following[0])
        if pair in CONTRACTED and not (pair[1] == "le" and is_elided_before(following[1])):
            text = CONTRACTED[pair]
            rest.pop(0)
        elif is_elided_before(following[0]):
            text = ELIDED.get(text, SOUNDING.get(text, text))
        french.append((text, word))
    return texts, french
