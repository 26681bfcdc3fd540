"""The messages between kernel and page; js/src/messages.js is the twin.

Both are tested against the recorded messages in tests/fixtures/messages.

page → kernel
    ``{"type": "wants", "view", "wants": [{"key", "kind", ...}], "again"?}``: all that a view shows,
    in order of importance; ``again`` asks for pictures that were sent already (a page reloaded).
    ``{"type": "run", "text"}``: run the model on this text.
    ``{"type": "generate", "most", "temperature", "seed"}``: let it write on; temperature null takes
    the likeliest token each time, seed null draws one.
    ``{"type": "stop"}``: write no more.
kernel → page
    ``{"type": "picture", "key", "pass", "kind", "coarse", ..., "arrays": [{"name", "dtype",
    "shape"}]}`` with one little-endian buffer per array.
    ``{"type": "trouble", "key", "title", "detail"}``: key null means the whole widget.
    ``{"type": "progress", "what", "done", "of"}``.
    ``{"type": "writing", "done", "of", "over"}``: so many tokens are written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from attnwidget.trouble import Trouble, in_words

Want = Mapping[str, Any]
Message = tuple[dict[str, Any], list[bytes]]

# A page shows a few dozen things at once; more is not one of ours.
MOST_WANTS = 256
LONGEST_KEY = 512
MOST_NEW_TOKENS = 4096
LARGEST_SEED = 2**53 - 1
HOTTEST = 100.0


@dataclass(frozen=True)
class Picture:
    """What a screen can show of a call: a few facts and small arrays.

    Attributes
    ----------
    kind : str
        The kind of want it answers.
    facts : dict
        JSON facts beside the arrays.
    arrays : dict of str to ndarray
        float32, int32 or uint8 arrays, sent as binary in this order.
    coarse : bool
        True when a finer picture of the same want follows.
    """

    kind: str
    facts: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    coarse: bool = False


@dataclass(frozen=True)
class Progress:
    """How far a long piece of work has come, in words and steps."""

    what: str
    done: int
    of: int


# A picture is drawn in slices, so that others may have their turn in between: what is not yet a
# picture says how far it has come.
Slices = Iterator[Picture | Progress]


@dataclass(frozen=True)
class Wants:
    """All that one view shows now, most important first."""

    view: str
    wants: tuple[Want, ...]
    again: bool


@dataclass(frozen=True)
class Run:
    """The reader asks to run the model on this text."""

    text: str


@dataclass(frozen=True)
class Generate:
    """The reader asks the model to write.

    Attributes
    ----------
    most : int
        How many tokens at most.
    temperature : float or None
        To draw with; None takes the likeliest token each time.
    seed : int or None
        Of the random numbers.
    """

    most: int
    temperature: float | None
    seed: int | None


@dataclass(frozen=True)
class Stop:
    """The reader has seen enough of what is being written."""


def read(content: object) -> Wants | Run | Generate | Stop:
    """Check and unpack a message from the page.

    Raises
    ------
    Trouble
        If it is not one of the messages above.
    """
    if not isinstance(content, Mapping):
        raise _unreadable(f"a {type(content).__name__}")
    kind = content.get("type")
    if kind == "run" and isinstance(content.get("text"), str):
        return Run(content["text"])
    if kind == "stop":
        return Stop()
    if kind == "generate":
        most, seed = content.get("most"), content.get("seed")
        heat = content.get("temperature")
        is_seed = seed is None or _is_whole(seed, 0, LARGEST_SEED)
        if _is_whole(most, 1, MOST_NEW_TOKENS) and is_seed and _is_temperature(heat):
            return Generate(most, heat, seed)
    if kind == "wants":
        view, wants = content.get("view"), content.get("wants")
        if isinstance(view, str) and _are_wants(wants):
            return Wants(view[:LONGEST_KEY], tuple(wants), content.get("again") is True)
    raise _unreadable(f"one of type {str(kind)[:40]!r}")


def _are_wants(wants: object) -> TypeGuard[list[Want]]:
    return isinstance(wants, list) and len(wants) <= MOST_WANTS and all(map(_is_want, wants))


def _is_want(want: object) -> bool:
    return (
        isinstance(want, Mapping)
        and isinstance(want.get("kind"), str)
        and isinstance(want.get("key"), str)
        and len(want["key"]) <= LONGEST_KEY
    )


def _is_whole(value: object, least: int, most: int) -> TypeGuard[int]:
    # Not isinstance: true and false are no numbers here.
    return type(value) is int and least <= value <= most


def _is_temperature(value: object) -> TypeGuard[float | None]:
    return value is None or (type(value) in (int, float) and 0 < value <= HOTTEST)  # type: ignore[operator]


def _unreadable(what: str) -> Trouble:
    return Trouble(
        f"The page sent a message that cannot be read: {what}.",
        "Page and kernel may be of different versions: reload the page.",
    )


def picture(key: str, number: int, made: Picture) -> Message:
    """Message for a picture of pass `number`, with one buffer per array."""
    buffers = []
    arrays = []
    for name, array in made.arrays.items():
        little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        arrays.append({"name": name, "dtype": array.dtype.name, "shape": list(array.shape)})
        buffers.append(little.tobytes())
    content = {
        "type": "picture",
        "key": key,
        "pass": number,
        "kind": made.kind,
        "coarse": made.coarse,
        **made.facts,
        "arrays": arrays,
    }
    return content, buffers


def trouble(key: str | None, error: BaseException) -> Message:
    """Message for something that went wrong with one picture, or (key None) with all."""
    title, detail = in_words(error)
    return {"type": "trouble", "key": key, "title": title, "detail": detail}, []


def progress(made: Progress) -> Message:
    """Message for how far a long piece of work has come."""
    return {"type": "progress", "what": made.what, "done": made.done, "of": made.of}, []


def writing(done: int, of: int, over: bool) -> Message:
    """Message for how many tokens a model has written."""
    return {"type": "writing", "done": done, "of": of, "over": over}, []
