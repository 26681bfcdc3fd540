"""Clauses of the micro-grammar, in English and French at once: who does what, and how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from attnwidget.zoo.making import translation_world as world
from attnwidget.zoo.making.translation_phrases import (
    DEFINITE,
    Phrase,
    Someone,
    both,
    joined,
    say,
    some_noun,
)
from attnwidget.zoo.making.translation_world import Noun, Verb

(BE,), (HAVE,) = world.verbs(world.BE), world.verbs(world.HAVE)
BE_HUNGRY = replace(BE, french=HAVE.french)  # who is hungry in English has hunger in French
AUXILIARIES = ("be", "can", "must")  # they need no "do"
OBJECTS = {"me": "me", "us": "nous", "him": "le", "her": "la", "them": "les"}
RECIPIENTS = {"me": "me", "us": "nous", "him": "lui", "her": "lui", "them": "leur"}
NO_WORDS = Phrase()
ORDER = ("me", "nous", "le", "la", "les", "lui", "leur")  # elle me les donne, elle les lui donne


@dataclass(frozen=True)
class Predicate:
    """A verb with what follows it.

    Attributes
    ----------
    verb : Verb
    after : Phrase
        What comes after the verb; English pronouns have no French word there.
    clitics : Phrase
        The French pronouns, which come before the verb.
    """

    verb: Verb
    after: Phrase = NO_WORDS
    clitics: tuple[Phrase, ...] = ()


@dataclass(frozen=True)
class Mood:
    """How something is said: "not", "never", "often" or "always" (adverb), "can" … (modal)."""

    adverb: str = ""
    modal: Verb | None = None

    @property
    def denied(self) -> bool:
        return self.adverb in ("not", "never")


# Clauses ----------------------------------------------------------------------------------------


def clause(
    subject: Someone, predicate: Predicate, mood: Mood, asks: Phrase | None = None
) -> Phrase:
    """Subject and predicate; `asks` is what stands before a question: nothing, or "where"."""
    verb, modal = predicate.verb, mood.modal
    finite = modal or verb
    form = english_form(finite, subject)
    helped = finite.english not in AUXILIARIES and (asks is not None or mood.adverb == "not")
    if helped:
        form = "do" if form == finite.english else "does"

    one_word = form == "can" and mood.adverb == "not"
    first = say("cannot" if one_word else form)  # is, can, does; or the verb itself
    adverb = first if one_word or not mood.adverb else say(mood.adverb)
    main = say(finite.english) if helped else first  # the English word of the finite verb
    particle = particle_of(modal) if modal else Phrase()
    infinitive = say(verb.english) if modal else Phrase()

    spoken = [] if one_word or not mood.adverb else [adverb]
    if asks is not None:
        begun = [asks, first, subject.phrase, *spoken]
    elif helped or finite.english in AUXILIARIES:
        begun = [subject.phrase, first, *spoken]
    else:
        begun = [subject.phrase, *spoken, first]
    english = [*begun, *([main] if helped else []), particle, infinitive, predicate.after]

    agreeing = finite.agreeing(subject.first_person, subject.plural)
    ne = word_of(adverb, "ne") if mood.denied else Phrase()
    then = {"": "", "not": "pas", "never": "jamais", **world.SOMETIMES}[mood.adverb]
    clitics = sorted(predicate.clitics, key=lambda c: ORDER.index(c.french[0][0]))
    french = [
        *([asks, word_of(first, "est-ce que")] if asks is not None else []),
        subject.phrase,
        ne,
        *([] if modal else clitics),
        word_of(main, agreeing),
        word_of(adverb, then) if then else Phrase(),
        *([*clitics, word_of(infinitive, verb.infinitive)] if modal else []),
        predicate.after,
    ]
    name = " ".join(filter(None, (verb.english, verb.particle)))
    met = tuple(("subject", n.english[0], name) for n in subject.nouns if verb.english != "be")
    meetings = subject.phrase.meetings + predicate.after.meetings + met
    return Phrase(joined(english).english, joined(french).french, meetings)


def particle_of(verb: Verb) -> Phrase:
    """What an English verb needs beside it, and no French word stands for: "looks for"."""
    return say(verb.particle) if verb.particle else Phrase()


def word_of(said: Phrase, french: str) -> Phrase:
    """French words that stand for the one English word of a phrase."""
    return Phrase((), tuple((text, said.english[0]) for text in french.split()))


def english_form(verb: Verb, subject: Someone) -> str:
    if verb.english == "be":
        return "are" if subject.plural else "am" if subject.first_person else "is"
    return verb.english if subject.plural or subject.first_person else verb.third


# Predicates -------------------------------------------------------------------------------------


def doing(rng: Random, subject: Someone, mood: Mood) -> Predicate:
    """Anything that people or animals can do."""
    shares = [25, 45, 15, 12] if is_human(subject) else [30, 50, 0, 5]
    (way,) = rng.choices([alone, to_something, giving, moving], shares)
    return way(rng, subject, mood)


def is_human(subject: Someone) -> bool:
    return all(noun.kind == "person" for noun in subject.nouns)


def able(rng: Random, verbs: Sequence[Verb], subject: Someone) -> Verb:
    """A verb that can be said of the subject."""
    return rng.choice(
        [v for v in verbs if all(n in world.nouns_of(v.subjects) for n in subject.nouns)]
    )


def alone(rng: Random, subject: Someone, mood: Mood) -> Predicate:
    """As in "sleeps", "runs quickly", "runs in the garden"."""
    verb = able(rng, world.verbs_alone(), subject)
    dice = rng.random()
    if dice < 0.25:
        english = rng.choice(list(world.HOW))
        return Predicate(verb, say(english, world.HOW[english]))
    return Predicate(verb, somewhere(rng) if dice < 0.6 else Phrase())


def to_something(rng: Random, subject: Someone, mood: Mood) -> Predicate:
    """As in "sees the cat", "sees him"."""
    verb = able(rng, world.verbs_with("object"), subject)
    particle = particle_of(verb)
    if rng.random() < 0.3:
        pronoun, clitic = a_pronoun(rng, OBJECTS, subject, "person" in verb.objects)
        return Predicate(verb, particle + pronoun, (clitic,))
    what = an_object(rng, world.nouns_of(verb.objects), mood.denied)
    place = somewhere(rng) if rng.random() < 0.15 else Phrase()
    return Predicate(verb, particle + what + place)


def giving(rng: Random, subject: Someone, mood: Mood) -> Predicate:
    """As in "gives the book to the girl", "gives them to her"."""
    verb = able(rng, world.verbs_with("giving"), subject)
    clitics = []
    if rng.random() < 0.25:
        word = say("them")
        what = Phrase(word.english)
        clitics.append(word_of(word, "les"))
    else:
        what = some_noun(rng, world.nouns_of(verb.objects), denied=mood.denied).phrase
    if rng.random() < 0.5:
        pronoun, clitic = a_pronoun(rng, RECIPIENTS, subject, True)
        clitics.append(clitic)
        return Predicate(verb, what + say("to") + pronoun, tuple(clitics))
    whom = some_noun(rng, world.nouns_of("person"), (*DEFINITE, "a")).phrase
    return Predicate(verb, what + say("to", "à") + whom, tuple(clitics))


def moving(rng: Random, subject: Someone, mood: Mood) -> Predicate:
    """As in "goes to the market", "comes from the town", "speaks to her"."""
    verb = able(rng, world.verbs_with("moving"), subject)
    french = {"to": "à", "from": "de"}[verb.particle]
    if verb.objects == "person" and rng.random() < 0.5:
        pronoun, clitic = a_pronoun(rng, RECIPIENTS, subject, True)
        return Predicate(verb, say(verb.particle) + pronoun, (clitic,))
    where = some_noun(rng, world.nouns_of(verb.objects), DEFINITE)
    return Predicate(verb, say(verb.particle, french) + where.phrase)


def a_pronoun(
    rng: Random, table: dict[str, str], subject: Someone, of_people: bool
) -> tuple[Phrase, Phrase]:
    """An English object pronoun, and the French one that stands before the verb."""
    others = ["him", "her", "them"] if subject.first_person else list(table)
    english = rng.choice(others) if of_people else "them"
    word = say(english)
    return word, word_of(word, table[english])


def an_object(rng: Random, nouns: Sequence[Noun], denied: bool) -> Phrase:
    """A noun phrase, now and then with whose it is, or with a second one."""
    what = some_noun(rng, nouns, denied=denied)
    dice = rng.random()
    if dice < 0.08 and what.nouns[0].kind in ("thing", "garment", "animal"):
        whose = some_noun(rng, world.nouns_of("person"), DEFINITE)
        return what.phrase + say("of", "de") + whose.phrase
    if dice < 0.14 and not denied:  # it would have to be ne … ni … ni
        return both(what, some_noun(rng, nouns, denied=denied)).phrase
    return what.phrase


def somewhere(rng: Random) -> Phrase:
    """As in "in the garden", "near my house"."""
    english = rng.choice(list(world.WHERE))
    french, domain = world.WHERE[english]
    return say(english, french) + some_noun(rng, world.nouns_of(domain), DEFINITE).phrase


def being(rng: Random, subject: Someone, mood: Mood) -> Predicate:
    """As in "is red", "is very happy", "is hungry"."""
    kinds = {noun.kind for noun in subject.nouns} or {"person"}
    dice = rng.random()
    if kinds <= {"person", "animal"} and dice < 0.2:
        english = rng.choice(list(world.HAD))
        return Predicate(BE_HUNGRY, say(english, world.HAD[english]))
    fitting = [
        adjective
        for adjective in world.adjectives()
        if kinds <= set(adjective.kinds.split())
        and adjective.english != "new"
        and not (subject.first_person and adjective.french[0] != adjective.french[1])
    ]
    adjective = rng.choice(fitting)
    degree = rng.choice([("very", "très"), ("too", "trop")])
    said = say(*degree) if dice > 0.75 else Phrase()
    form = adjective.french[subject.feminine][subject.plural]
    met = tuple(("adjective", adjective.english, n.english[0]) for n in subject.nouns)
    return Predicate(BE, said + say(adjective.english, form) + Phrase(meetings=met))
