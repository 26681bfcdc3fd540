"""Melodies made of one motif and what becomes of it.

A motif is two bars in a major key. Three more phrases follow, each of which is the motif again,
the motif with another second bar, or the motif moved up or down by some semitones:

    C4 D4 E4/ F4/ G4 | E4- C4- || C4 D4 E4/ F4/ G4 | E4- C4- || F4 G4 A4/ Bb4/ C5 | A4- F4- || ...

The first note of a phrase tells whether the motif is moved. One that is not comes back as it was
in three cases of four, so a phrase that begins as the motif should go on as the motif.

Motifs are sorted by how they open: by the steps, in semitones, between the first four notes. One
opening in eight is kept for testing, one for choosing how to train; no motif of training opens like
one of these, in any key.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from attnwidget.zoo.notes import BAR, END, LENGTHS, MARKS, PHRASE, START, spell

LOWEST, HIGHEST = 55, 81  # G3 to A5
TONICS = (60, 62, 65, 67, 70)  # C, D, F, G and B flat
MAJOR = (0, 2, 4, 5, 7, 9, 11)
MOVED_BY = (-5, -2, 2, 5)  # semitones
RHYTHMS = (  # of a bar; a number below 0 is a rest
    (1, 1, 1, 1),
    (1, 1, 2),
    (2, 1, 1),
    (1.5, 0.5, 1, 1),
    (1.5, 0.5, 2),
    (0.5, 0.5, 1, 1, 1),
    (1, 0.5, 0.5, 1, 1),
    (1, 1, 0.5, 0.5, 1),
    (0.5, 0.5, 0.5, 0.5, 1, 1),
    (2, 0.5, 0.5, 1),
    (1, 1, 1, -1),
    (1, -0.5, 0.5, 1, 1),
)
CADENCES = ((2, 2), (4,), (1, 1, 2), (1, 3))
ENDINGS = (*CADENCES, (3, -1), (2, 1, -1))
STEPS = (-4, -3, -2, -2, -1, -1, -1, -1, 0, 1, 1, 1, 1, 2, 2, 3, 4)  # on the scale
SETS = ("testing", "choosing", "training")

Bar = tuple[tuple[int | None, float], ...]  # pitch and length of each note


@dataclass(frozen=True)
class Motif:
    """Two bars, on a scale whose lowest tonic is `tonic`."""

    tonic: int
    bars: tuple[Bar, Bar]

    @property
    def tokens(self) -> list[str]:
        first, second = ([spell(*note) for note in bar] for bar in self.bars)
        return [*first, BAR, *second]

    @property
    def pitches(self) -> list[int]:
        return [pitch for bar in self.bars for pitch, _ in bar if pitch is not None]


def motif(rng: Random, kept_for: str) -> Motif:
    """A motif for testing, choosing or training."""
    while True:
        tonic, degree = rng.choice(TONICS), rng.choice((0, 2, 4, 7))
        first, degree = bar(rng, tonic, degree, rng.choice(RHYTHMS))
        second, _ = bar(rng, tonic, degree + rng.choice(STEPS), rng.choice(ENDINGS + RHYTHMS))
        made = Motif(tonic, (first, second))
        # Room to be moved, up or down.
        fits = min(made.pitches) >= LOWEST + 5 and max(made.pitches) <= HIGHEST - 5
        if fits and set_of(made) == kept_for:
            return made


def bar(rng: Random, tonic: int, degree: int, rhythm: Sequence[float]) -> tuple[Bar, int]:
    """A bar that begins at a degree of the scale, and the degree that it ends on."""
    notes: list[tuple[int | None, float]] = []
    for i, length in enumerate(rhythm):
        degree += rng.choice(STEPS) if i > 0 else 0
        pitch = tonic + 12 * (degree // 7) + MAJOR[degree % 7]
        notes.append((None, -length) if length < 0 else (pitch, length))
    return tuple(notes), degree


def opening(motif: Motif) -> tuple[int, ...]:
    """The steps between its first four notes, in semitones."""
    return tuple(b - a for a, b in pairwise(motif.pitches[:4]))


def set_of(motif: Motif) -> str:
    """What motifs with such an opening are kept for."""
    return SETS[min(zlib.crc32(str(opening(motif)).encode()) % 8, 2)]


def moved(motif: Motif, semitones: int) -> Motif:
    """The motif, transposed."""
    first, second = (
        tuple((pitch if pitch is None else pitch + semitones, length) for pitch, length in bar)
        for bar in motif.bars
    )
    return Motif(motif.tonic + semitones, (first, second))


def varied(rng: Random, motif: Motif) -> Motif:
    """The motif with another second bar, which ends on the tonic."""
    while True:
        second, _ = bar(rng, motif.tonic, rng.choice((1, 2, 4)), rng.choice(CADENCES))
        made = Motif(motif.tonic, (motif.bars[0], (*second[:-1], (motif.tonic, second[-1][1]))))
        fits = min(made.pitches) >= LOWEST and max(made.pitches) <= HIGHEST
        if fits and made != motif:
            return made


def melody(rng: Random, kept_for: str = "training") -> list[str]:
    """A motif and three phrases that come from it."""
    theme = motif(rng, kept_for)
    phrases = [theme]
    for _ in range(3):
        chance = rng.random()
        if chance < 0.3:
            phrases.append(moved(theme, rng.choice(MOVED_BY)))
        else:
            phrases.append(theme if chance < 0.825 else varied(rng, theme))
    tokens = [START]
    for phrase in phrases:
        tokens += [*phrase.tokens, PHRASE]
    return [*tokens[:-1], END]


def vocabulary() -> list[str]:
    """The marks, the rests, then every note in every length, from the lowest."""
    rests = [spell(None, length) for length in (0.5, 1.0, 1.5, 2.0)]
    pitches = range(LOWEST, HIGHEST + 1)
    return [*MARKS, *rests, *(spell(p, length) for p in pitches for length in LENGTHS.values())]
