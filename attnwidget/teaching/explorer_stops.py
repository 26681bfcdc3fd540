"""What each stop of a tour shows in an explorer: every text is run, every place looked up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import traitlets

from attnwidget.opening import opening
from attnwidget.rehearsal import rehearse
from attnwidget.session import Session, Snapshot
from attnwidget.teaching.guided import Tried, in_stop
from attnwidget.teaching.tour import Tour
from attnwidget.traits import OF_A_PASS, OF_THE_PAGE, Choice
from attnwidget.trouble import Trouble

# Parts of an explorer that a stop may point at; js/src/tour/tour.css has a rule for each.
PARTS = ("text", "bar", "status", "views", "heads", "picture", "sentence", "predictions")

# What these name is gone when the text is another.
_OF_A_TEXT = ("query", "key", "pair", "step")


def tried(session: Session, tour: Tour) -> list[Tried]:
    """What each stop shows, where a reader who came that way would be.

    Raises
    ------
    Trouble
        If a stop names a trait, layer, head, token or view that does not exist, or a text that
        cannot be run. What is on screen stays.
    """
    shown = session.snapshot
    passes: dict[str, Snapshot] = {}
    text = shown.text if shown else None
    if shown and text is not None:
        passes[text] = shown
    wished: dict[str, Any] = {}
    of_page: dict[str, Any] = {}
    walk = []
    for number, stop in enumerate(tour):
        try:
            new = _read(stop.traits, of_page)
            if "text" in stop.traits and stop.traits["text"] != text:
                text = stop.traits["text"]
                passes[text] = passes.get(text) or rehearse(session, text)
                wished = {name: value for name, value in wished.items() if name not in _OF_A_TEXT}
            if {"layer", "head"} & set(new) and "heads" not in new:
                wished.pop("heads", None)
            wished |= new
            snapshot = passes[text] if text is not None else shown
            walk.append(Tried({**of_page, **_place(session, snapshot, wished)}, text))
        except Exception as error:  # also whatever the model makes of a text
            raise in_stop(number, error) from error
    return walk


def _read(traits: Mapping[str, Any], of_page: dict[str, Any]) -> dict[str, Any]:
    """Those that say where to look; the others go, checked, to `of_page`."""
    place = {}
    for name, value in traits.items():
        if name in OF_A_PASS:
            place[name] = value
        elif name in OF_THE_PAGE:
            of_page[name] = _checked(name, value)
        elif name != "text":
            listed = ", ".join(("text", *OF_A_PASS, *OF_THE_PAGE))
            raise Trouble(f"there is no trait {name!r}.", f"A stop may set {listed}.")
    return place


def _checked(name: str, value: Any) -> Any:
    blank = Choice()
    try:
        setattr(blank, name, value)
    except traitlets.TraitError as error:
        raise Trouble(f"{name}={value!r} cannot be.", str(error)) from None
    return getattr(blank, name)


def _place(
    session: Session, snapshot: Snapshot | None, wished: Mapping[str, Any]
) -> dict[str, Any]:
    if not wished:
        return {}
    if snapshot is None:
        raise Trouble(
            f"{next(iter(wished))} cannot be looked up: no forward pass has been seen.",
            "Run the model once before setting the tour, or give the stop a text.",
        )
    place, more = opening(session, snapshot, wished, frozenset(wished))
    return {**vars(place), **more}
