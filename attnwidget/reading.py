"""How a reader reads the tokens: pieces merged to words, some kinds hidden, one sentence of a pair.

What is then on screen are items. The model's own positions stay tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Literal

from attnwidget.labels import Token
from attnwidget.trouble import Trouble

KINDS = ("first", "padding", "special")
# What stands for a link: its weight, or that times something; see attnwidget/weighing.
WEIGHS = ("pattern", "values", "output", "gradient", "rollout")

Side = Literal["queries", "keys"]


@dataclass(frozen=True)
class Reading:
    """What is merged and what is hidden.

    Attributes
    ----------
    words : bool
        Pieces of a word are one item.
    hide : frozenset of str
        Any of "special", "padding" and "first" (the first token that is not padding).
    renormalise : bool
        Every token's row is divided by its sum over the keys that are shown. Without it a row
        keeps its numbers, and sums to less than 1 where a key is hidden.
    pair : (int, int) or None
        Only queries of the one sentence and keys of the other.
    weigh : str
        What is read of the heads: one of WEIGHS.
    target : (int or None, int or None) or None
        For "gradient": position and id of the logit. What is left open is the model's first guess,
        and the last position that is not padding.
    """

    words: bool = False
    hide: frozenset[str] = frozenset()
    renormalise: bool = False
    pair: tuple[int, int] | None = None
    weigh: str = "pattern"
    target: tuple[int | None, int | None] | None = None

    @classmethod
    def of(cls, want: Mapping[str, Any]) -> Reading:
        """The reading that a want asks for; the plain one where it asks for none.

        Raises
        ------
        Trouble
            If it is not of the form ``{"words", "hide", "renormalise", "pair"}``, to which
            ``"weigh"`` and ``"target"`` may be added.
        """
        asked = want.get("reading")
        if asked is None:
            return cls()
        if not isinstance(asked, Mapping):
            raise _unreadable("reading", asked, "words, hide, renormalise and pair by name")
        return cls(
            _switch(asked, "words"),
            _kinds(asked),
            _switch(asked, "renormalise"),
            _pair(asked),
            _weigh(asked),
            _target(asked),
        )

    @property
    def facts(self) -> dict[str, Any]:
        """The same in JSON; the pattern goes without saying."""
        facts: dict[str, Any] = {
            "words": self.words,
            "hide": sorted(self.hide),
            "renormalise": self.renormalise,
            "pair": None if self.pair is None else list(self.pair),
        }
        if self.weigh != "pattern":
            facts["weigh"] = self.weigh
        if self.weigh == "gradient":
            facts["target"] = None if self.target is None else list(self.target)
        return facts

    @property
    def keeps_tokens(self) -> bool:
        """Whether every token is an item of its own."""
        return not self.words and not self.hide and self.pair is None


@dataclass(frozen=True)
class Item:
    """What is shown in one place: a token, or the pieces of a word.

    Attributes
    ----------
    text : str
        Texts of its tokens with what stands between them.
    gap : str
        What stands before it; at least the white space around hidden tokens before it.
    start, stop : int
        Its tokens, half-open.
    kind : str
        "special", "padding" or "".
    segment : int or None
        Which sentence of a pair it belongs to.
    patch : (int, int) or None
        Row and column, from 0, where it is a patch of an image.
    """

    text: str
    gap: str
    start: int
    stop: int
    kind: str = ""
    segment: int | None = None
    patch: tuple[int, int] | None = None


def items_of(tokens: Sequence[Token], reading: Reading, side: Side) -> list[Item]:
    """The items of one side of a stack, in order.

    Raises
    ------
    Trouble
        If the reading leaves none.
    """
    shown = [_is_shown(token, reading, side) for token in tokens]
    if side == "queries" and is_of_image(tokens):
        # The class token is what most would ask, also where it is hidden from those that answer.
        shown = [seen or token.kind == "special" for seen, token in zip(shown, tokens, strict=True)]
    if "first" in reading.hide:
        # Of a first word the other pieces stay: it is the first position that models look at when
        # they have nothing to look for.
        for i in [i for i, token in enumerate(tokens) if token.kind != "padding"][:1]:
            shown[i] = False

    def alike(i: int) -> object:
        token = tokens[i]
        return (token.word, token.segment) if reading.words and shown[i] and not token.kind else i

    items: list[Item] = []
    lost: list[str] = []
    for _, group in groupby(range(len(tokens)), alike):
        item = _joined(tokens, list(group))
        if shown[item.start]:
            items.append(_spaced(item, lost) if lost else item)
            lost = []
        else:
            lost.append(item.gap)
    if not items:
        raise Trouble(
            f"Nothing is left to show of the {len(tokens)} {side}.", _why(tokens, reading)
        )
    return items


def is_of_image(tokens: Sequence[Token]) -> bool:
    """Whether they are the patches of an image, with none but special tokens beside them."""
    return any(t.patch for t in tokens) and all(t.patch or t.kind == "special" for t in tokens)


def _is_shown(token: Token, reading: Reading, side: Side) -> bool:
    if token.kind in reading.hide:
        return False
    return reading.pair is None or token.segment == reading.pair[side == "keys"]


def _joined(tokens: Sequence[Token], places: list[int]) -> Item:
    first = tokens[places[0]]
    text = first.text + "".join(tokens[i].gap + tokens[i].text for i in places[1:])
    return Item(text, first.gap, places[0], places[-1] + 1, first.kind, first.segment, first.patch)


def _spaced(item: Item, lost: list[str]) -> Item:
    """The item with the white space that hidden tokens before it leave behind."""
    widest = max(lost, key=lambda gap: (gap.count("\n"), gap[:1].isspace()))
    is_wider = widest.count("\n") > item.gap.count("\n") or not any(map(str.isspace, item.gap))
    if not widest[:1].isspace() or not is_wider:
        return item
    return replace(item, gap=widest + item.gap.lstrip())


def _why(tokens: Sequence[Token], reading: Reading) -> str:
    said = [f"hide={sorted(reading.hide)}"] if reading.hide else []
    if reading.pair is not None:
        known = sorted({token.segment for token in tokens if token.segment is not None})
        said.append(f"pair={list(reading.pair)} (sentences here: {known or 'none'})")
    return f"{' and '.join(said)} leave no token: hide less, or show all sentences."


def _switch(asked: Mapping[str, Any], name: str) -> bool:
    value = asked.get(name, False)
    if not isinstance(value, bool):
        raise _unreadable(name, value, "true or false")
    return value


def _kinds(asked: Mapping[str, Any]) -> frozenset[str]:
    value = asked.get("hide", [])
    if not isinstance(value, list | tuple) or not all(kind in KINDS for kind in value):
        raise _unreadable("hide", value, f"a list of some of {list(KINDS)}")
    return frozenset(value)


def _pair(asked: Mapping[str, Any]) -> tuple[int, int] | None:
    value = asked.get("pair")
    if value is None:
        return None
    if isinstance(value, list | tuple) and len(value) == 2:
        first, second = value
        if type(first) is int and type(second) is int:
            return first, second
    raise _unreadable("pair", value, "two numbers of sentences, or null")


def _weigh(asked: Mapping[str, Any]) -> str:
    value = asked.get("weigh", "pattern")
    if value not in WEIGHS:
        raise _unreadable("weigh", value, f"one of {list(WEIGHS)}")
    return str(value)


def _target(asked: Mapping[str, Any]) -> tuple[int | None, int | None] | None:
    value = asked.get("target")
    if value is None:
        return None
    if isinstance(value, list | tuple) and len(value) == 2:
        position, number = value
        if all(one is None or type(one) is int for one in (position, number)):
            return position, number
    raise _unreadable("target", value, "a position and an id, or null")


def _unreadable(name: str, value: object, expected: str) -> Trouble:
    return Trouble(f"{name}={str(value)[:60]} was asked for.", f"It must be {expected}.")
