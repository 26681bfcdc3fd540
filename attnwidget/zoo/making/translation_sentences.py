"""Sentences of the micro-grammar, in English and French at once."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from attnwidget.zoo.making import translation_world as world
from attnwidget.zoo.making.translation_clauses import (
    Mood,
    Predicate,
    able,
    being,
    clause,
    doing,
    particle_of,
    somewhere,
    to_something,
    word_of,
)
from attnwidget.zoo.making.translation_phrases import (
    ANY,
    Phrase,
    Someone,
    Word,
    both,
    say,
    some_noun,
)

MODALS = world.verbs(world.MODAL)
SUBJECTS = {"i": "je", "he": "il", "she": "elle", "we": "nous"}


def sentence(rng: Random) -> Phrase:
    """Any sentence of the grammar."""
    kinds: dict[Callable[[Random], Phrase], int] = {
        statement: 34,
        question: 18,
        there_is: 5,
        with_relative_clause: 18,
        with_two_predicates: 8,
        with_reason: 8,
        two_statements: 9,
    }
    (kind,) = rng.choices(list(kinds), list(kinds.values()))
    return kind(rng)


def statement(rng: Random) -> Phrase:
    return simple(rng, a_subject(rng)) + say(".", ".")


def simple(rng: Random, subject: Someone, asks: Phrase | None = None) -> Phrase:
    """A clause about the subject: what it does, or what it is."""
    alive = all(noun.kind in ("person", "animal") for noun in subject.nouns)
    if not alive or rng.random() < 0.25:
        mood = a_mood(rng, modal=False, asked=asks is not None)
        return clause(subject, being(rng, subject, mood), mood, asks)
    mood = a_mood(rng, modal=True, asked=asks is not None)
    return clause(subject, doing(rng, subject, mood), mood, asks)


def a_mood(rng: Random, modal: bool, asked: bool = False) -> Mood:
    """Mostly plain; nothing is denied in a question."""
    dice = rng.random()
    adverbs = ["often", "always"] if asked else ["not", "not", "not", "never", "often", "always"]
    adverb = rng.choice(adverbs) if dice < (0.1 if asked else 0.4) else ""
    return Mood(adverb, rng.choice(MODALS) if modal and rng.random() < 0.2 else None)


def a_subject(rng: Random, kinds: str = "person animal thing garment food place") -> Someone:
    """A pronoun, a noun phrase, or two of them."""
    dice = rng.random()
    if dice < 0.25:
        english = rng.choice(list(SUBJECTS))
        return Someone(
            say(english, SUBJECTS[english]),
            feminine=english == "she",
            plural=english == "we",
            first_person=english in ("i", "we"),
        )
    kind = rng.choices(["person", "animal", kinds], [45, 30, 25])[0]
    one = a_named_subject(rng, kind)
    if dice < 0.35:
        return both(one, a_named_subject(rng, one.nouns[0].kind))
    return one


def a_named_subject(rng: Random, kinds: str) -> Someone:
    determiners = (*ANY, "every")
    return some_noun(rng, world.nouns_of(kinds), determiners)


def question(rng: Random) -> Phrase:
    """As in "does the cat sleep ?", "where does …", "what does the girl eat ?", "who sings ?"."""
    dice = rng.random()
    if dice < 0.15:
        asked = clause(Someone(say("who", "qui")), *asked_of_someone(rng))
    elif dice < 0.3:
        asked = asking_for_object(rng)
    elif dice < 0.5:
        adverbs = {"why": "pourquoi", "when": "quand", "where": "où"}
        word = rng.choice(list(adverbs))
        asked = where_to(rng, say(word, adverbs[word]))
    else:
        asked = simple(rng, a_subject(rng), Phrase())
    return asked + say("?", "?")


def asked_of_someone(rng: Random) -> tuple[Predicate, Mood]:
    mood = a_mood(rng, modal=True)
    return doing(rng, Someone(Phrase()), mood), mood


def where_to(rng: Random, asks: Phrase) -> Phrase:
    """As in "where does the girl sing ?": a question about what somebody does."""
    subject = a_subject(rng, "person animal")
    mood = a_mood(rng, modal=True, asked=True)
    return clause(subject, to_something(rng, subject, mood), mood, asks)


def asking_for_object(rng: Random) -> Phrase:
    """As in "what does the girl eat ?", "who does the king help ?"."""
    subject = a_subject(rng, "person animal")
    verb = able(rng, world.verbs_with("object"), subject)
    people = "person" in verb.objects and ("thing" not in verb.objects or rng.random() < 0.5)
    asks = say("who", "qui") if people else say("what", "que")
    particle = particle_of(verb)
    return clause(subject, Predicate(verb, particle), a_mood(rng, True, asked=True), asks)


def there_is(rng: Random) -> Phrase:
    """As in "there is a cat in the garden", "il y a un chat dans le jardin"."""
    denied = rng.random() < 0.3
    what = some_noun(
        rng,
        world.nouns_of("person animal thing garment food"),
        ("a", "a", "some", "two", "three", "four", "many"),
        denied,
    )
    there, be = Word("there"), Word("are" if what.plural else "is")
    start = Phrase((there, be), (("il", there), ("y", there), ("a", be)))
    if denied:
        no = Word("not")
        french = (("il", there), ("ne", no), ("y", there), ("a", be), ("pas", no))
        start = Phrase((there, be, no), french)
    return start + what.phrase + somewhere(rng) + say(".", ".")


def with_relative_clause(rng: Random) -> Phrase:
    """As in "the cat that sleeps is black", "she sees the apple that the girl eats"."""
    if rng.random() < 0.5:
        named = a_named_subject(rng, rng.choice(["person", "animal", "thing food garment"]))
        return simple(rng, narrowed(rng, named)) + say(".", ".")
    subject = a_subject(rng, "person animal")
    verb = able(rng, world.verbs_with("object"), subject)
    mood = a_mood(rng, modal=True)
    what = narrowed(rng, some_noun(rng, world.nouns_of(verb.objects), denied=mood.denied))
    particle = particle_of(verb)
    return clause(subject, Predicate(verb, particle + what.phrase), mood) + say(".", ".")


def narrowed(rng: Random, someone: Someone) -> Someone:
    """With a relative clause, in which it is the subject (qui) or the object (que)."""
    (noun,) = someone.nouns
    if rng.random() < 0.55:
        who = say("who" if noun.kind == "person" else "that", "qui")
        return someone.followed_by(who + simple(rng, someone.unsaid()))
    fitting = [v for v in world.verbs_with("object") if noun in world.nouns_of(v.objects)]
    subject = a_subject(rng, "person animal")
    verb = able(rng, fitting, subject)
    particle = particle_of(verb)
    told = clause(subject, Predicate(verb, particle), a_mood(rng, modal=False))
    return someone.followed_by(say("that", "que") + told)


def with_two_predicates(rng: Random) -> Phrase:
    """As in "the girl takes the apple and eats it", "la fille prend la pomme et la mange"."""
    subject = a_subject(rng, "person animal")
    mood = a_mood(rng, modal=False)
    if rng.random() < 0.4:
        first = clause(subject, doing(rng, subject, mood), mood)
        second = simple(rng, subject.unsaid())
        return first + say(*rng.choice([("and", "et"), ("but", "mais")])) + second + say(".", ".")
    verbs = world.verbs_with("object")
    verb = able(rng, verbs, subject)
    what = some_noun(rng, world.nouns_of(verb.objects))
    (noun,) = what.nouns
    again = able(rng, [v for v in verbs if noun in world.nouns_of(v.objects)], subject)
    her = "her" if noun.feminine else "him"
    it = say("them" if what.plural else her if noun.kind == "person" else "it")
    clitic = word_of(it, "les" if what.plural else "la" if noun.feminine else "le")
    one, other = (particle_of(v) for v in (verb, again))
    return (
        clause(subject, Predicate(verb, one + what.phrase), Mood())
        + say("and", "et")
        + clause(subject.unsaid(), Predicate(again, other + it, (clitic,)), Mood())
        + say(".", ".")
    )


def with_reason(rng: Random) -> Phrase:
    """As in "the girls sleep because they are tired", "… parce qu'elles sont fatiguées"."""
    subject = a_named_subject(rng, rng.choice(["person", "animal"]))
    mood = a_mood(rng, modal=True)
    # No place is told: "the cats are behind the trees because they are old" may be said of both.
    verb = able(rng, world.verbs_alone(), subject)
    how = say(*rng.choice(list(world.HOW.items()))) if rng.random() < 0.4 else Phrase()
    first = clause(subject, Predicate(verb, how), mood)
    they = subject.unsaid().followed_by(say(*named_again(subject)))
    second = a_mood(rng, modal=False)
    because = say(*rng.choice([("because", "parce que"), ("when", "quand")]))
    return first + because + clause(they, being(rng, they, second), second) + say(".", ".")


def named_again(someone: Someone) -> tuple[str, str]:
    """The pronouns of both languages for somebody who was named: "they", "elles"."""
    if someone.plural:
        return "they", "elles" if someone.feminine else "ils"
    if someone.nouns[0].kind == "person":
        return ("she", "elle") if someone.feminine else ("he", "il")
    return "it", "elle" if someone.feminine else "il"


def two_statements(rng: Random) -> Phrase:
    """As in "the cat sleeps and the dog does not see me"."""
    link = say(*rng.choice([("and", "et"), ("but", "mais"), ("because", "parce que")]))
    return simple(rng, a_subject(rng)) + link + simple(rng, a_subject(rng)) + say(".", ".")
