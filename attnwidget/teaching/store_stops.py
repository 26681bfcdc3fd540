"""What each stop of a tour shows in a key-value store: each is set in turn, and all put back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import traitlets

from attnwidget.teaching.guided import Tried, in_stop
from attnwidget.teaching.tour import Tour
from attnwidget.trouble import Trouble

if TYPE_CHECKING:
    from attnwidget.teaching.key_value_store import KeyValueStore

# Parts of a store that a stop may point at; js/src/tour/tour.css has a rule for each.
PARTS = ("screens", "flow", "plane", "table", "blend", "beta", "arithmetic", "sentence")

_ENTRIES = ("keys", "values", "names", "_examples")
_SETTINGS = ("query", "query_names", "screen", "beta", "hard", "step", "predict")
# Together they are another store; alone each must fit the others.
_OF_ENTRIES = ("keys", "values", "names", "query")


def tried(store: KeyValueStore, tour: Tour) -> list[Tried]:
    """What each stop shows, where a reader who came that way would be.

    Raises
    ------
    Trouble
        If a stop names a trait that does not exist, or a value that cannot be. The store stays as
        it was.
    """
    before = state(store)
    walk = []
    with store.hold_sync():
        try:
            for number, stop in enumerate(tour):
                try:
                    _set(store, stop.traits)
                except (Trouble, traitlets.TraitError) as error:
                    raise in_stop(number, error) from error
                walk.append(_as_tried(state(store)))
        finally:
            store._swap(before)
    return walk


def state(store: KeyValueStore) -> dict[str, Any]:
    """All that a stop may set, and the entries."""
    return {name: getattr(store, name) for name in (*_ENTRIES, *_SETTINGS)}


def _set(store: KeyValueStore, traits: dict[str, Any]) -> None:
    known = (*_OF_ENTRIES[:-1], *_SETTINGS)
    unknown = sorted(set(traits) - set(known))
    if unknown:
        raise Trouble(f"there is no trait {unknown[0]!r}.", f"A stop may set {', '.join(known)}.")
    rest = dict(traits)
    if "screen" in rest:  # first: it may bring an example's entries
        store.screen = rest.pop("screen")
    if {"keys", "values"} & set(rest):
        given = {name: rest.pop(name, None) for name in _OF_ENTRIES}
        store.set_entries(
            store.keys if given["keys"] is None else given["keys"],
            store.values if given["values"] is None else given["values"],
            given["names"],
            given["query"],
        )
    for name, value in rest.items():
        setattr(store, name, value)


def _as_tried(now: dict[str, Any]) -> Tried:
    beta = now["beta"]
    settings = {name: now[name] for name in _SETTINGS}
    settings["beta"] = "inf" if math.isinf(beta) else beta
    return Tried(settings, entries={name: now[name] for name in _ENTRIES})
