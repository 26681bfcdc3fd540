"""Reading where a want points, with every number checked before use."""

from __future__ import annotations

from typing import Any, Literal

from attnwidget.call import AttentionCall
from attnwidget.heads import MOST_HEADS
from attnwidget.messages import Want
from attnwidget.ranges import check_index, check_stack
from attnwidget.session import Snapshot
from attnwidget.trouble import Trouble

Direction = Literal["from", "to"]

_MOST_SHOWN = 60


def stack_of(snapshot: Snapshot, want: Want) -> str:
    """The stack that `want` names; "" is the first."""
    stack = want.get("stack")
    if stack == "":
        return next(iter(snapshot.stacks))
    if not isinstance(stack, str):
        raise Trouble(f"stack={quoted(stack)} was asked for.", "It must be a name.")
    return check_stack(snapshot, stack)


def call_of(snapshot: Snapshot, want: Want) -> AttentionCall:
    """The attention call that `want` names by stack and layer."""
    return snapshot.call(stack_of(snapshot, want), whole(want, "layer"))


def heads_of(snapshot: Snapshot, want: Want) -> list[tuple[AttentionCall, list[int]]]:
    """The heads that `want` names, by layer, each once, in the order of their layers and numbers.

    Raises
    ------
    Trouble
        If there are none or too many, if one does not exist, or if their layers differ in shape.
    """
    stack = stack_of(snapshot, want)
    asked = want.get("heads")
    if not isinstance(asked, list | tuple) or not 1 <= len(asked) <= MOST_HEADS:
        raise Trouble(
            f"heads={quoted(asked)} was asked for.",
            f"It must be a list of 1 to {MOST_HEADS} pairs of layer and head.",
        )
    chosen: dict[int, set[int]] = {}
    for one in asked:
        layer, head = pair(one, "heads")
        check_index("head", head, snapshot.call(stack, layer).heads)
        chosen.setdefault(layer, set()).add(head)
    found = [(snapshot.call(stack, layer), sorted(chosen[layer])) for layer in sorted(chosen)]
    shapes = {(call.query_len, call.key_len): call.layer for call, _ in found}
    if len(shapes) > 1:
        each = ", ".join(f"{tq} × {tk} in layer {layer}" for (tq, tk), layer in shapes.items())
        raise Trouble(
            f"The heads differ in their numbers of queries and keys: {each}.",
            "A mean needs heads of one shape: choose them from layers that are alike.",
        )
    return found


def head_of(snapshot: Snapshot, want: Want) -> tuple[AttentionCall, int]:
    """The first of the heads that `want` names, for what is shown of a single one."""
    asked = want.get("heads")
    first = list(asked[:1]) if isinstance(asked, list | tuple) else asked
    ((call, (head,)),) = heads_of(snapshot, {**want, "heads": first})
    return call, head


def place_of(snapshot: Snapshot, want: Want, call: AttentionCall, head: int) -> dict[str, Any]:
    """Which head a picture is of, as the page is told."""
    return {"stack": stack_of(snapshot, want), "layer": call.layer, "head": head}


def item_of(snapshot: Snapshot, want: Want, call: AttentionCall) -> int:
    """The item of `call` that belongs to the batch item that `want` names."""
    return snapshot.item(call, index(want, "batch", snapshot.batch_size(stack_of(snapshot, want))))


def direction_of(want: Want) -> Direction:
    """Whether `want` asks where queries look, or who looks at keys."""
    value = want.get("direction")
    if value == "from":
        return "from"
    if value == "to":
        return "to"
    raise Trouble(f"direction={quoted(value)} was asked for.", "It must be 'from' or 'to'.")


def index(want: Want, name: str, length: int) -> int:
    """A head, token or batch index of `want`, checked against `length`."""
    return check_index(name, whole(want, name), length)


def whole(want: Want, name: str) -> int:
    """A whole number of `want`."""
    value = want.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Trouble(f"{name}={quoted(value)} was asked for.", "It must be a whole number.")
    return value


def count(want: Want, name: str, most: int) -> int:
    """How many of something `want` asks for, cut to 1 … `most`."""
    return min(max(1, whole(want, name)), most)


def pair(value: object, name: str) -> tuple[int, int]:
    """Two whole numbers."""
    if isinstance(value, list | tuple) and len(value) == 2:
        first, second = value
        # Not isinstance: true and false are no numbers here.
        if type(first) is int and type(second) is int:
            return first, second
    raise Trouble(f"{name}={quoted(value)} was asked for.", "It must be two whole numbers.")


def span(want: Want, name: str, length: int) -> slice:
    """A half-open range of `want`, cut to 0 … length; all where it is null."""
    value = want.get(name)
    if value is None:
        return slice(0, length, 1)
    first, last = pair(value, name)
    first, last = max(0, first), min(length, last)
    if first >= last:
        raise Trouble(
            f"{name}={quoted(value)} was asked for.", f"It must lie within 0 to {length}."
        )
    return slice(first, last, 1)


def quoted(value: object) -> str:
    """What a page sent, in so few letters that an error stays readable."""
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + " …"
