"""Reading where a want points, with every number checked before use."""

from __future__ import annotations

from attnwidget.call import AttentionCall
from attnwidget.messages import Want
from attnwidget.ranges import check_index, check_stack
from attnwidget.session import Snapshot
from attnwidget.trouble import Trouble


def call_of(snapshot: Snapshot, want: Want) -> AttentionCall:
    """The attention call that `want` names by stack and layer."""
    stack = want.get("stack")
    check_stack(snapshot, stack if isinstance(stack, str) else "")
    return snapshot.call(str(stack), whole(want, "layer"))


def index(want: Want, name: str, length: int) -> int:
    """A head, token or batch index of `want`, checked against `length`."""
    return check_index(name, whole(want, name), length)


def whole(want: Want, name: str) -> int:
    """A whole number of `want`."""
    value = want.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Trouble(f"{name}={value!r} was asked for.", "It must be a whole number.")
    return value


def pair(value: object, name: str) -> tuple[int, int]:
    """Two whole numbers."""
    if isinstance(value, list | tuple) and len(value) == 2:
        first, second = value
        if isinstance(first, int) and isinstance(second, int):
            return first, second
    raise Trouble(f"{name}={value!r} was asked for.", "It must be two whole numbers.")


def span(want: Want, name: str, length: int) -> tuple[int, int]:
    """A half-open range of `want`, cut to 0 … length; all where it is null."""
    value = want.get(name)
    if value is None:
        return 0, length
    first, last = pair(value, name)
    first, last = max(0, first), min(length, last)
    if first >= last:
        raise Trouble(f"{name}={value!r} was asked for.", f"It must lie within 0 to {length}.")
    return first, last
