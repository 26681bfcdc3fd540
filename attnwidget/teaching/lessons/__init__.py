"""Lessons: each a widget with a tour that opens with something on screen."""

from __future__ import annotations

from importlib import import_module

from attnwidget.teaching.guided import Guided
from attnwidget.trouble import Trouble

# In the order they are taught, with what each is about. One module each, of the same name.
_LESSONS = {
    "key-value-store": "The analogy: a query is held against keys, and values come back",
    "self-attention": "A set looks at itself: queries, keys and values of the same words",
    "heads": "Several questions at once, and what becomes of the answers",
    "positions": "Attention knows no order: how positions bring it in",
    "encoder-block": "Attention, Add & Norm, feed-forward, Add & Norm: what each adds",
    "decoder": "One word at a time: masks, looking back, and looking at the source",
    "before-transformers": "Recurrent translators: one vector, then looking back at each step",
    "vision": "Patches are tokens: where a vision transformer looks, and how far",
    "real-heads": "What heads do in a language model, by measures and by muting them",
    "music": "Relative attention: melodies that bring back what was played before",
}


def lessons() -> dict[str, str]:
    """Names of the lessons, in the order they are taught, and what each is about."""
    return dict(_LESSONS)


def lesson(name: str) -> Guided:
    """Open a lesson: a widget with a tour. Space goes on, Shift+Space back.

    Parameters
    ----------
    name : str
        One of those that ``aw.lessons()`` lists.

    Returns
    -------
    Explorer or KeyValueStore
        With its `tour` set and opened at the first stop. It is a widget like any other: every trait
        can be read and set, and the tour replaced by your own.

    Raises
    ------
    Trouble
        (a ValueError) If there is no such lesson; names those there are.
    """
    if name not in _LESSONS:
        raise Trouble(f"There is no lesson {name!r}.", f"Choose from {', '.join(_LESSONS)}.")
    module = import_module(f"attnwidget.teaching.lessons.{name.replace('-', '_')}")
    opened: Guided = module.open_lesson()
    return opened
