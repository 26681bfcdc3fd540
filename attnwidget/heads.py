"""Several heads drawn together: pairs of layer and head."""

from __future__ import annotations

import operator
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from attnwidget.passes import Snapshot
from attnwidget.ranges import check_layer, spans
from attnwidget.trouble import Trouble

# Far more than there are colours to tell apart; each costs a head's weights.
MOST_HEADS = 64

Heads = list[list[int]]


def check_heads(snapshot: Snapshot, stack: str, layer: int, given: Any) -> Heads:
    """`given` as [layer, head] pairs, each once.

    Parameters
    ----------
    snapshot : Snapshot
        The pass that must have them.
    stack : str
        The stack they are in.
    layer : int
        The layer of heads that are given by their number alone.
    given : iterable of int or of pairs of int
        Heads of `layer`, or (layer, head) pairs, or both.

    Raises
    ------
    Trouble
        If it is something else, if there are too many, or if one does not exist; then it names
        those that do.
    """
    pairs: Heads = []
    for one in listed(given):
        pair = [layer, one] if isinstance(one, int) else one
        if pair not in pairs:
            pairs.append(pair)
    if len(pairs) > MOST_HEADS:
        raise Trouble(
            f"heads holds {len(pairs)} heads.", f"At most {MOST_HEADS} are drawn together."
        )
    for of_layer, head in pairs:
        heads = snapshot.call(stack, check_layer(snapshot, stack, of_layer)).heads
        if not 0 <= head < heads:
            raise Trouble(
                f"head={head} does not exist in layer {of_layer}.",
                f"Choose from {spans(range(heads))}.",
            )
    return pairs


def heads_in(snapshot: Snapshot, stack: str, heads: Sequence[Sequence[int]]) -> Heads:
    """Those of `heads` that the pass has."""
    counts = {call.layer: call.heads for call in snapshot.stacks[stack]} if heads else {}
    return [[layer, head] for layer, head in heads if 0 <= head < counts.get(layer, 0)]


def listed(given: Any) -> list[int | list[int]]:
    """Numbers of heads, and [layer, head] pairs, as they were given.

    Raises
    ------
    Trouble
        If it holds anything else.
    """
    if isinstance(given, Iterable) and not isinstance(given, str | bytes | Mapping):
        return [_head(one) for one in given]
    raise _unlike(f"heads={reprlib.repr(given)} is no list of heads.")


def _head(one: Any) -> int | list[int]:
    with suppress(TypeError):  # also the 0-d elements of an array
        return operator.index(one)
    try:
        if isinstance(one, str | bytes):
            raise TypeError
        layer, head = (operator.index(number) for number in one)
    except (TypeError, ValueError):
        raise _unlike(f"heads holds {reprlib.repr(one)}.") from None
    return [layer, head]


def _unlike(title: str) -> Trouble:
    return Trouble(
        title,
        "Give heads of the selected layer, as [0, 3], or layers and heads, as [[0, 3], [1, 2]].",
    )
