"""The little world that the stories are about: who lives in it, what there is, what they do."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from attnwidget.zoo.words import START, UNKNOWN

WOMEN = "Anna Mary Lucy Emma Sara Rosa Nina Ella Clara Maya".split()
MEN = "Tom Ben Max Leo Paul Sam Jack Omar Hugo Noah".split()
ROLES = {
    "she": "girl woman queen mother sister aunt teacher nurse".split(),
    "he": "boy man king father brother uncle farmer sailor".split(),
    "they": "children parents friends twins soldiers neighbours students guests".split(),
}
# Everybody has one habit: Anna sings, so do Tom, the girl, the boy and the children.
HABITS = "sang danced whistled hummed waved yawned smiled laughed cried shouted".split()
HABIT_OF = {
    who: habit
    for people in (WOMEN, MEN, *ROLES.values())
    for who, habit in zip(people, HABITS, strict=False)
}
MET = "met saw heard watched visited".split()
WHILE = "while when".split()

# Animals, ways and things come in families: what "it" does next depends on the family of its noun.
ANIMALS = [
    "animal cat dog kitten puppy parrot".split(),
    "horse cow goat sheep donkey camel".split(),
    "fox wolf bear lion tiger hyena".split(),
    "mouse rabbit hen duck frog squirrel".split(),
]
PEOPLE = len(ANIMALS)  # people are the fifth family
MOODS = {  # what each of the five families does about it
    "tired": "slept rested lay dozed sat".split(),
    "hungry": "begged grazed hunted nibbled cooked".split(),
    "thirsty": "lapped drank waded sipped waited".split(),
    "scared": "whined bolted fled hid shouted".split(),
    "angry": "hissed kicked growled squeaked grumbled".split(),
    "happy": "played trotted roared hopped laughed".split(),
}
WAYS = {
    "stayed empty": "street road path lane bridge tunnel".split(),
    "flowed on": "river stream brook canal creek channel".split(),
    "stood alone": "hill mountain wall fence cliff ridge".split(),
    "remained wild": "field forest desert meadow swamp valley".split(),
}
STATES = "wide long icy muddy dark dangerous".split()  # what only ways can be
REFUSED = "didn't cross, did not cross, didn't reach, couldn't pass, left, avoided".split(", ")
THINGS = {
    "broke": "cup plate glass mirror".split(),
    "burned": "candle lamp torch letter".split(),
    "rolled": "ball wheel coin barrel".split(),
    "rang": "bell clock phone alarm".split(),
    "melted": "ice butter cheese chocolate".split(),
    "tore": "coat shirt kite sail".split(),
    "faded": "flower rose tulip daisy".split(),
}
HANDLED = "dropped left found forgot hid threw".split()
NEAR = "near behind under beside".split()

# Verbs that tell whose the reason is: the second one's, or the first one's.
THANKED = {
    "thanked": "kind helpful".split(),
    "praised": "brave clever".split(),
    "comforted": "sad lonely".split(),
    "carried": "weak hurt".split(),
    "guided": "lost blind".split(),
}
CALLED = {
    "asked": "lost curious".split(),
    "called": "sad lonely".split(),
    "robbed": "poor greedy".split(),
    "trusted": "weak blind".split(),
    "rescued": "brave kind".split(),
}
FED = {"fed": ["hungry"], "calmed": ["scared", "angry"], "feared": ["angry"]}
CHASED = {"chased": ["hungry", "happy"], "bit": ["scared", "angry"], "escaped": ["scared"]}

WHENS = ["", "", "", "Yesterday", "One day", "At night", "In winter"]
TOO = "too too very rather".split()
TOLD = ", . ? : the The because so and was were it she he they Who What Song".split()
# Known from songs only: they have a place in the vocabulary, and no meaning in the stories.
SUNG = """
I you we a an of in on at to or but not no is are be my your his her its our their with for from
up down over this that these here there then now have has had do does can will would go went come
came see look say said make made give gave take took want know think little big old new young good
bad long sweet bitter soft loud quick slow moon sun star rain snow wind night morning evening day
summer spring autumn red blue green gold silver white black one two three four five six seven
stone leaf bird fish honey salt milk sugar bread water love dream home house garden window table
chair door book story word song music ring thunder sea island ship city school hand heart eye tree
""".split()


@cache
def vocabulary() -> tuple[str, ...]:
    """The two marks, then every word of this file."""
    lists = [value for name, value in globals().items() if name.isupper()]
    return (START, UNKNOWN, *sorted(set(_words(lists)) - {START, UNKNOWN}))


def _words(lists: Any) -> Iterator[str]:
    if isinstance(lists, str):
        yield from lists.split()
    elif isinstance(lists, dict):
        yield from _words([*lists, *lists.values()])
    elif isinstance(lists, list):
        for part in lists:
            yield from _words(part)
