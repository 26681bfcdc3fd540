"""The micro-grammar English → French: its translations are right, and its links are the right ones.

A translation is written as "word=what it stands for"; these were all written or read by hand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from attnwidget.zoo.making import translation_sentences as sentences
from attnwidget.zoo.making import translation_world as world
from attnwidget.zoo.making.translation_clauses import BE, BE_HUNGRY, Mood, Predicate, clause
from attnwidget.zoo.making.translation_clauses import word_of as clitic
from attnwidget.zoo.making.translation_data import (
    LONGEST,
    Pair,
    belongs,
    english_words,
    french_words,
    is_held_out,
    pair,
    written,
)
from attnwidget.zoo.making.translation_phrases import Phrase, Someone, both, noun_phrase, say
from attnwidget.zoo.making.translation_sentences import sentence
from attnwidget.zoo.making.translation_world import Verb
from attnwidget.zoo.translation_words import MARKS, TranslationTokenizer


def np(words: str, denied: bool = False) -> Someone:
    """A noun phrase from its English words: "the small red houses"."""
    determiner, *adjectives, name = words.split()
    (noun,) = (n for n in world.nouns() if name in n.english)
    known = {a.english: a for a in world.adjectives()}
    plural = name == noun.english[1]
    return noun_phrase(noun, determiner, plural, [known[a] for a in adjectives], denied)


def verb(english: str) -> Verb:
    return next(v for v in world.every_verb() if v.english == english)


def modal(english: str) -> Verb:
    return next(v for v in sentences.MODALS if v.english == english)


def does(name: str, *objects: str, denied: bool = False) -> Predicate:
    """A verb and its objects: noun phrases, or "them>les" for a pronoun and its clitic.

    "to" is à; "to>" has no French word.
    """
    after, clitics = Phrase(), []
    for one in objects:
        english, is_word, french = one.partition(">")
        if is_word:
            word = say(english)
            after += word
            clitics += [clitic(word, french)] if french else []
        elif english == "to":
            after += say("to", "à")
        else:
            after += np(english, denied).phrase
    return Predicate(verb(name), after, tuple(clitics))


def being(english: str, french: str, had: bool = False) -> Predicate:
    return Predicate(BE_HUNGRY if had else BE, say(english, french))


SHE, MYSELF = Someone(say("she", "elle"), feminine=True), Someone(say("i", "je"), first_person=True)
PLAIN, NOT, NEVER = Mood(), Mood("not"), Mood("never")

HANDWRITTEN: list[tuple[Phrase, str, str]] = [
    # adjectives before and after the noun
    (
        np("the red house").phrase,
        "the red house",
        "la=the maison=house rouge=red",
    ),
    (
        np("the small white flowers").phrase,
        "the small white flowers",
        "les=the petites=small fleurs=flowers blanches=white",
    ),
    # elision, aspirated h, forms in front of a vowel
    (np("the school").phrase, "the school", "l'=the école=school"),
    (np("the owl").phrase, "the owl", "le=the hibou=owl"),
    (np("the hero").phrase, "the hero", "le=the héros=hero"),
    (np("the heroine").phrase, "the heroine", "l'=the héroïne=heroine"),
    (np("a old man").phrase, "an old man", "un=an vieil=old homme=man"),
    (np("three old men").phrase, "three old men", "trois=three vieux=old hommes=men"),
    (np("this tree").phrase, "this tree", "cet=this arbre=tree"),
    (
        np("this beautiful hotel").phrase,
        "this beautiful hotel",
        "ce=this bel=beautiful hôtel=hotel",
    ),
    (np("my orange").phrase, "my orange", "mon=my orange=orange"),
    (np("her pear").phrase, "her pear", "sa=her poire=pear"),
    # articles of several things
    (np("some red apples").phrase, "some red apples", "des=some pommes=apples rouges=red"),
    (np("some small birds").phrase, "some small birds", "de=some petits=small oiseaux=birds"),
    (
        np("many elephants").phrase,
        "many elephants",
        "beaucoup=many d'=many éléphants=elephants",
    ),
    # contractions
    (
        clause(SHE, does("speak", "to", "the king"), PLAIN),
        "she speaks to the king",
        "elle=she parle=speaks au=to roi=king",
    ),
    (
        clause(SHE, does("speak", "to", "the uncle"), PLAIN),
        "she speaks to the uncle",
        "elle=she parle=speaks à=to l'=the oncle=uncle",
    ),
    (
        clause(SHE, does("speak", "to", "the women"), PLAIN),
        "she speaks to the women",
        "elle=she parle=speaks aux=to femmes=women",
    ),
    (
        np("a hat").phrase + say("of", "de") + np("the sailor").phrase,
        "a hat of the sailor",
        "un=a chapeau=hat du=of marin=sailor",
    ),
    # ne … pas, ne … jamais, pas de
    (
        clause(np("the cat"), does("sleep"), NOT),
        "the cat does not sleep",
        "le=the chat=cat ne=not dort=sleep pas=not",
    ),
    (
        clause(SHE, does("eat", "some apples", denied=True), NOT),
        "she does not eat any apples",
        "elle=she ne=not mange=eat pas=not de=any pommes=apples",
    ),
    (
        clause(MYSELF, does("have", "a egg", denied=True), NEVER),
        "i never have an egg",
        "je=i n'=never ai=have jamais=never d'=an œuf=egg",
    ),
    (
        clause(np("the cats"), being("black", "noirs"), NOT),
        "the cats are not black",
        "les=the chats=cats ne=not sont=are pas=not noirs=black",
    ),
    # pronouns in front of the verb
    (
        clause(SHE, does("eat", "them>les"), PLAIN),
        "she eats them",
        "elle=she les=them mange=eats",
    ),
    (
        clause(MYSELF, does("love", "her>la"), NOT),
        "i do not love her",
        "je=i ne=not l'=her aime=love pas=not",
    ),
    (
        clause(np("the queen"), does("give", "them>les", "to>", "him>lui"), PLAIN),
        "the queen gives them to him",
        "la=the reine=queen les=them lui=him donne=gives",
    ),
    # modal verbs
    (
        clause(SHE, does("see", "him>le"), Mood("not", modal("can"))),
        "she cannot see him",
        "elle=she ne=cannot peut=cannot pas=cannot le=him voir=see",
    ),
    (
        clause(MYSELF, does("open", "the box"), Mood("not", modal("want"))),
        "i do not want to open the box",
        "je=i ne=not veux=want pas=not ouvrir=open la=the boîte=box",
    ),
    (
        clause(SHE, does("sing"), Mood("often", modal("must"))),
        "she must often sing",
        "elle=she doit=must souvent=often chanter=sing",
    ),
    # the place of adverbs
    (
        clause(np("the boys"), does("eat", "the soup"), Mood("always")),
        "the boys always eat the soup",
        "les=the garçons=boys mangent=eat toujours=always la=the soupe=soup",
    ),
    # questions
    (
        clause(np("the dog"), does("sleep"), PLAIN, Phrase()),
        "does the dog sleep",
        "est-ce=does que=does le=the chien=dog dort=sleep",
    ),
    (
        clause(SHE, does("sing"), PLAIN, say("why", "pourquoi")),
        "why does she sing",
        "pourquoi=why est-ce=does qu'=does elle=she chante=sing",
    ),
    (
        clause(np("the house"), being("red", "rouge"), PLAIN, Phrase()),
        "is the house red",
        "est-ce=is que=is la=the maison=house est=is rouge=red",
    ),
    (
        clause(np("the girl"), does("eat"), PLAIN, say("what", "que")),
        "what does the girl eat",
        "qu'=what est-ce=does que=does la=the fille=girl mange=eat",
    ),
    # agreement of two subjects; one is hungry, on a faim
    (
        clause(both(np("the queen"), np("the king")), being("happy", "heureux"), PLAIN),
        "the queen and the king are happy",
        "la=the reine=queen et=and le=the roi=king sont=are heureux=happy",
    ),
    (
        clause(np("the children"), being("hungry", "faim", had=True), PLAIN),
        "the children are hungry",
        "les=the enfants=children ont=are faim=hungry",
    ),
]

# Made by a seed, and read by hand.
READ: list[tuple[str, int, str, str]] = [
    (
        "there_is",
        56,
        "there is a glass near their lake .",
        "il=there y=there a=is un=a verre=glass près=near de=near leur=their lac=lake .=.",
    ),
    (
        "with_relative_clause",
        28,
        "every woman who smiles is not old .",
        "chaque=every femme=woman qui=who sourit=smiles n'=not est=is pas=not vieille=old .=.",
    ),
    (
        "with_relative_clause",
        59,
        "the small chairs that we have are pretty .",
        (
            "les=the petites=small chaises=chairs que=that nous=we avons=have"
            " sont=are jolies=pretty .=."
        ),
    ),
    (
        "with_relative_clause",
        64,
        "this doll that she takes is too old .",
        "cette=this poupée=doll qu'=that elle=she prend=takes est=is trop=too vieille=old .=.",
    ),
    (
        "with_two_predicates",
        21,
        "we call his frog and paint it .",
        "nous=we appelons=call sa=his grenouille=frog et=and la=it peignons=paint .=.",
    ),
    (
        "with_two_predicates",
        3,
        "he paints the wolf and loves it .",
        "il=he peint=paints le=the loup=wolf et=and l'=it aime=loves .=.",
    ),
    (
        "with_reason",
        1,
        "the girls laugh quickly when they are small .",
        (
            "les=the filles=girls rient=laugh rapidement=quickly quand=when elles=they sont=are"
            " petites=small .=."
        ),
    ),
    (
        "with_reason",
        13,
        "some foxes fall because they are often small .",
        (
            "des=some renards=foxes tombent=fall parce=because qu'=because ils=they sont=are"
            " souvent=often petits=small .=."
        ),
    ),
    (
        "two_statements",
        183,
        "i work quickly and he can draw them .",
        "je=i travaille=work rapidement=quickly et=and il=he peut=can les=them dessiner=draw .=.",
    ),
    (
        "question",
        21,
        "who do two dangerous monkeys love ?",
        "qui=who est-ce=do que=do deux=two singes=monkeys dangereux=dangerous aiment=love ?=?",
    ),
]


def in_words(one: Pair) -> tuple[str, str]:
    stands_for = dict(one.alignment)
    linked = (f"{word}={one.source[stands_for[t]]}" for t, word in enumerate(one.target))
    return " ".join(one.source), " ".join(linked)


@pytest.mark.parametrize(
    ("phrase", "english", "french"), HANDWRITTEN, ids=[case[1] for case in HANDWRITTEN]
)
def test_a_phrase_is_written_as_by_hand(phrase: Phrase, english: str, french: str) -> None:
    assert in_words(written(phrase)) == (english, french)


@pytest.mark.parametrize(
    ("kind", "seed", "english", "french"), READ, ids=[f"{case[0]} {case[1]}" for case in READ]
)
def test_a_sentence_is_as_it_was_read(kind: str, seed: int, english: str, french: str) -> None:
    making: Callable[[Random], Phrase] = getattr(sentences, kind)
    assert in_words(written(making(Random(seed)))) == (english, french)


def test_a_word_that_is_said_twice_has_two_places() -> None:
    one = written(np("the dog").phrase + say("and", "et") + np("the hat").phrase)
    assert one.alignment == frozenset((i, i) for i in range(5))


@pytest.fixture(scope="module")
def some() -> dict[bool, list[Pair]]:
    return {
        held_out: [pair(Random(seed), held_out) for seed in range(1500)]
        for held_out in (False, True)
    }


def test_every_french_word_has_one_link(some: dict[bool, list[Pair]]) -> None:
    for one in some[False] + some[True]:
        assert sorted(t for t, _ in one.alignment) == list(range(len(one.target)))
        assert all(0 <= s < len(one.source) for _, s in one.alignment)


def test_a_source_has_one_translation(some: dict[bool, list[Pair]]) -> None:
    known: dict[tuple[str, ...], tuple[str, ...]] = {}
    for one in some[False] + some[True]:
        assert known.setdefault(one.source, one.target) == one.target


def test_nothing_that_should_be_elided_or_contracted_is_left(some: dict[bool, list[Pair]]) -> None:
    full = ("le", "la", "de", "ne", "je", "me", "que", "ce", "ma", "sa")
    for one in some[False] + some[True]:
        for a, b in zip(one.target, one.target[1:], strict=False):
            assert not (a in full and world.is_elided_before(b)), (a, b)
            assert (a, b) not in {("de", "le"), ("de", "les"), ("à", "le"), ("à", "les")}
            assert not a.endswith("'") or world.is_elided_before(b) or b == "est-ce"


def test_words_and_lengths(some: dict[bool, list[Pair]]) -> None:
    english, french = set(english_words()), set(french_words())
    assert len(english) >= 300
    assert len(french) >= 300
    for one in some[False] + some[True]:
        assert set(one.source) <= english
        assert set(one.target) <= french
    lengths = Counter(len(one.source) for one in some[False])
    assert max(lengths) <= LONGEST
    assert sum(lengths[n] for n in range(4, 15)) > 0.85 * len(some[False])
    assert sum(lengths[n] for n in range(15, LONGEST + 1)) > 0.03 * len(some[False])


def test_words_change_their_order_in_every_second_sentence(some: dict[bool, list[Pair]]) -> None:
    def crosses(one: Pair) -> bool:
        order = [s for _, s in sorted(one.alignment)]
        return order != sorted(order)

    assert sum(map(crosses, some[False])) > 0.5 * len(some[False])


def test_held_out_pairs_are_never_trained_on_and_always_tested() -> None:
    rng = Random(8)
    kinds: Counter[tuple[str, bool]] = Counter()
    for _ in range(3000):
        phrase = sentence(rng)
        new = {
            kind: any(is_held_out(*met) for met in phrase.meetings if met[0] == kind)
            for kind in {met[0] for met in phrase.meetings}
        }
        assert belongs(phrase, held_out=False) == (not any(new.values()))
        assert belongs(phrase, held_out=True) == (bool(new) and all(new.values()))
        kinds.update((kind, is_new) for kind, is_new in new.items())
    assert set(kinds) == {(k, new) for k in ("adjective", "subject") for new in (False, True)}


def test_what_counts_as_meeting() -> None:
    red = clause(np("the small house"), being("red", "rouge"), PLAIN)
    assert red.meetings == (("adjective", "small", "house"),)
    eats = clause(both(np("the cat"), np("a dog")), does("eat", "the red apple"), NOT)
    assert set(eats.meetings) == {
        ("subject", "cat", "eat"),
        ("subject", "dog", "eat"),
        ("adjective", "red", "apple"),
    }


def test_the_same_seed_gives_the_same_pairs() -> None:
    assert pair(Random(4), True) == pair(Random(4), True)


def test_the_tokenizer_reads_back_what_it_wrote(some: dict[bool, list[Pair]]) -> None:
    tokenizer = TranslationTokenizer([*MARKS, *sorted({*english_words(), *french_words()})])
    for one in some[True][:300]:
        for words in (one.source, one.target):
            ids = tokenizer.encode(" ".join(words))
            assert tokenizer.convert_ids_to_tokens(ids) == list(words)
            assert tokenizer.encode(tokenizer.decode(ids)) == ids
