"""Tokens that are notes, for a piano roll: how high, when, and how long each is."""

from __future__ import annotations

import math
from typing import Any

from attnwidget.labels.vocabulary import ask, get
from attnwidget.messages import Picture, Want
from attnwidget.pass_tokens import input_of
from attnwidget.pictures.where import index, stack_of
from attnwidget.session import Session, Snapshot
from attnwidget.trouble import Trouble
from attnwidget.zoo.notes import spell

# Numbers that MIDI has for pitches.
_PITCHES = 128


def picture(session: Session, snapshot: Snapshot, want: Want) -> Picture:
    """The notes of one batch item of a stack, in beats.

    ``notes`` has one entry for each token: [pitch, start, length], where pitch is a MIDI number
    (60 is middle C), or null for a rest; or null for a token that is no note, as a bar line is.
    ``names`` tells what the pitches are called.

    Raises
    ------
    Trouble
        If the tokenizer does not say that tokens are notes: it does by ``notes(ids)``, as
        `attnwidget.zoo.notes.NoteTokenizer` does.
    """
    stack = stack_of(snapshot, want)
    batch = index(want, "batch", snapshot.batch_size(stack))
    found = _notes(session, snapshot, stack, batch)
    if not any(found):
        raise Trouble(
            f"The tokens of {stack!r} are no notes.",
            "A piano roll needs a tokenizer with notes(ids), as that of aw.zoo.load('melody') has.",
        )
    pitches = sorted({note[0] for note in found if note and note[0] is not None})
    facts: dict[str, Any] = {
        "stack": stack,
        "batch": batch,
        "notes": found,
        "names": {str(pitch): spell(pitch, 1.0) for pitch in pitches},
    }
    return Picture("roll", facts, {})


def shows(session: Session, snapshot: Snapshot, stack: str, batch: int = 0) -> bool:
    """Whether some of a stack's tokens are notes."""
    return any(_notes(session, snapshot, stack, batch))


def _notes(
    session: Session, snapshot: Snapshot, stack: str, batch: int
) -> list[tuple[int | None, float, float] | None]:
    read = get(session.tokenizer, "notes")
    calls = snapshot.stacks[stack]
    if not callable(read) or calls[0].kind != "self":
        return []
    item, length = input_of(calls, batch), calls[0].query_len
    inputs = snapshot.pass_tokens.inputs
    for name in ("source", "target"):
        ids = inputs.get(name)
        if ids is not None and ids.shape[1] == length and item < ids.shape[0]:
            break
    else:
        return []
    found: list[tuple[int | None, float, float] | None] = []
    now = 0.0
    for token in ids[item].tolist():
        sound = _sound(ask(read, [token]))
        found.append(None if sound is None else (sound[0], now, sound[1]))
        now += sound[1] if sound else 0.0
    return found


def _sound(notes: Any) -> tuple[int | None, float] | None:
    """Pitch and length of the one note that a tokenizer has for a token; foreign code tells."""
    if not isinstance(notes, list | tuple) or len(notes) != 1:
        return None
    pitch, length = get(notes[0], "pitch"), get(notes[0], "length")
    if not isinstance(length, int | float) or not 0 < length < math.inf:
        return None
    if pitch is None:
        return None, float(length)
    return (pitch, float(length)) if type(pitch) is int and 0 <= pitch < _PITCHES else None
