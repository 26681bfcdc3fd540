"""Where an explorer opens: what was chosen before the first pass, and what goes with it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from attnwidget import ranges
from attnwidget.choice import Place, first_choice
from attnwidget.heads import check_heads
from attnwidget.session import Session, Snapshot
from attnwidget.trouble import Trouble

# Stands for what nobody has chosen: None is a choice too.
_MISSING = object()


def opening(
    session: Session, snapshot: Snapshot, wished: Mapping[str, Any], must: Collection[str]
) -> tuple[Place, dict[str, Any]]:
    """A place in the first pass, with heads, pair and step.

    Parameters
    ----------
    session : Session
        Knows which steps there are.
    snapshot : Snapshot
        The first pass.
    wished : mapping
        Values of some of stack, layer, head, query, key, batch, heads, pair and step.
    must : collection of str
        Which of these must exist. The others are let go if they do not.

    Raises
    ------
    Trouble
        If a value that must exist does not; names those that do.
    """

    def take(name: str, check: Callable[[Any], Any], otherwise: Any) -> Any:
        if name not in wished:
            return otherwise
        try:
            return check(wished[name])
        except Trouble:
            if name in must:
                raise
            return otherwise

    stack = take("stack", partial(ranges.check_stack, snapshot), "")
    stack = stack or next(iter(snapshot.stacks))
    at = Place(stack, snapshot.stacks[stack][0].layer, 0, None, None)
    given: dict[str, Any] = {}
    for name in ("layer", "head", "batch", "query", "key"):
        value = take(name, partial(ranges.check, snapshot, at, name), _MISSING)
        if value is not _MISSING:
            given[name] = value
            at = replace(at, **{name: value})
    place = _chosen(snapshot, stack, given)
    heads = take("heads", partial(check_heads, snapshot, stack, place.layer), [])
    if heads and [place.layer, place.head] not in heads:
        layer, head = heads[0]
        place = _chosen(snapshot, stack, {**given, "layer": layer, "head": head})
    pair = take("pair", partial(ranges.check_pair, snapshot, place), None)
    step = take("step", session.check_step, None)
    return place, {"heads": heads, "pair": pair, "step": step}


def _chosen(snapshot: Snapshot, stack: str, given: Mapping[str, Any]) -> Place:
    """The most telling place of those that are left open by `given`."""
    searched = {name: value for name, value in given.items() if name != "batch"}
    return replace(first_choice(snapshot, stack, **searched), **given)
