"""Notes as text: one token per note, from text to ids, and from ids to pitches, beats and hertz.

==========  ====================================================================
``C4``      middle C, for one beat; ``F#4`` and ``Bb4`` are black keys
``C4/``     for half a beat (an eighth, where a beat is a quarter)
``C4.``     for one and a half, dotted
``C4-``     for two; each further ``-`` holds it one beat longer: ``C4--``, ``C4---``
``R``       a rest; ``R/``, ``R.``, ``R-`` as above
``|``       a bar line; ``||`` ends a phrase, ``|]`` the melody
==========  ====================================================================
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch

from attnwidget.trouble import Trouble

START, BAR, PHRASE, END = "<s>", "|", "||", "|]"
MARKS = (START, BAR, PHRASE, END)
NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")  # of the pitch classes
LENGTHS = {"/": 0.5, "": 1.0, ".": 1.5, "-": 2.0, "--": 3.0, "---": 4.0}  # in beats
EXAMPLE = "C4 D4 E4/ F4/ G4 | E4- C4- || C4"

_NOTE = re.compile(r"([A-Ga-g])([#b♯♭]?)(-?\d)([/.]|-{0,3})")
_REST = re.compile(r"[Rr]([/.]|-{0,3})")
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SIGNS = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}


class Note(NamedTuple):
    """A note or a rest of a melody.

    Attributes
    ----------
    pitch : int or None
        MIDI number: 60 is middle C, a semitone is 1. None for a rest.
    start, length : float
        In beats.
    """

    pitch: int | None
    start: float
    length: float


def frequency(pitch: int) -> float:
    """Hertz of a MIDI number, equally tempered: A4, number 69, has 440, an octave doubles it."""
    return float(440.0 * 2.0 ** ((pitch - 69) / 12))


def spell(pitch: int | None, length: float) -> str:
    """The token of a note: ``spell(60, 2.0)`` is "C4-". One of the lengths in `LENGTHS`."""
    held = next(sign for sign, beats in LENGTHS.items() if beats == length)
    return ("R" if pitch is None else f"{NAMES[pitch % 12]}{pitch // 12 - 1}") + held


def read(token: str) -> tuple[int | None, float] | None:
    """Pitch and length of a token; None if it is no note, as a bar line is none."""
    if rest := _REST.fullmatch(token):
        return None, LENGTHS[rest[1]]
    if note := _NOTE.fullmatch(token):
        letter, sign, octave, held = note.groups()
        semitones = _LETTERS[letter.upper()] + _SIGNS[sign]
        return 12 * (int(octave) + 1) + semitones, LENGTHS[held]
    return None


class NoteTokenizer:
    """Splits a melody at its spaces, and puts the start mark in front.

    Parameters
    ----------
    vocabulary : sequence of str
        Every known token, its place being its id.
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.vocabulary = list(vocabulary)
        self.ids = {token: i for i, token in enumerate(self.vocabulary)}

    def __len__(self) -> int:
        return len(self.vocabulary)

    def __call__(self, text: str, return_tensors: str = "pt") -> dict[str, torch.Tensor]:
        """``{"input_ids": (1, T) int64}``, ready for ``model(**tokenizer(text))``.

        Raises
        ------
        Trouble
            If something in the text is no note, or one that the model does not know.
        """
        if return_tensors != "pt":
            raise ValueError(f'return_tensors is {return_tensors!r}; this tokenizer knows "pt".')
        return {"input_ids": torch.tensor([self.encode(text)])}

    def encode(self, text: str) -> list[int]:
        """The ids of a melody, the start mark's first."""
        return [self.ids[START], *(self._id(t) for t in text.split() if t != START)]

    def _id(self, token: str) -> int:
        sound = read(token)
        if sound is None and token not in self.ids:
            raise Trouble(
                f"{token!r} is no note.",
                f'Write a letter, its octave and its length, and "|" for a bar line: "{EXAMPLE}".',
            )
        spelling = token if sound is None else spell(*sound)
        if spelling not in self.ids:
            known = [sound for sound in map(read, self.vocabulary) if sound is not None]
            pitches = [pitch for pitch, _ in known if pitch is not None]
            low, high = spell(min(pitches), 1.0), spell(max(pitches), 1.0)
            raise Trouble(
                f"The model does not know the note {token!r}.",
                f"It knows those from {low} to {high}, and rests of up to two beats.",
            )
        return self.ids[spelling]

    def convert_ids_to_tokens(self, ids: Iterable[int]) -> list[str]:
        return [self.vocabulary[int(i)] for i in ids]

    def decode(self, ids: Iterable[int]) -> str:
        """The melody as text, without the start mark."""
        return " ".join(token for token in self.convert_ids_to_tokens(ids) if token != START)

    def notes(self, ids: Iterable[int]) -> list[Note]:
        """What is to be played: the notes and rests one after the other, without the marks."""
        found, now = [], 0.0
        for sound in map(read, self.convert_ids_to_tokens(ids)):
            if sound is not None:
                pitch, length = sound
                found.append(Note(pitch, now, length))
                now += length
        return found
