"""What lesson 10 says of the melody model: from its card, or measured when the lesson is opened."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from attnwidget.zoo import melody
from attnwidget.zoo.melody import Melody
from attnwidget.zoo.notes import END, PHRASE, NoteTokenizer, read, spell

# The song's first phrase, and the first note of the second: of the opening text.
GIVEN = "G4 E4 E4- | F4 D4 D4- || G4"
HIGHER = 3  # semitones
F4, D4 = 13, 6  # in the second phrase, and in the first


class Measured:
    """What the texts say of the model.

    Attributes
    ----------
    text : str
        The melody to open with.
    moved : str
        The same, three semitones higher.
    layer, head : int
        That finds what came next: the card's.
    weight, moved_weight : float
        How much of it lies from the second F4 on the first D4, and in `moved` on what that became.
    before : int
        The head of layer 0 that looks most at the note before.
    shares : dict of str to tuple of float
        Mean weight on the note before of that head, and weight of the other from the second F4 on
        the first D4: by content alone, by distance alone, and by both.
    next_note : tuple of str and float
        What the model says after the text, and how surely.
    repeating, unplaced, after, unplaced_after : float
        Of the card: share of motifs that come back with r and with r = 0, and the head's weight on
        the note that came next.
    made, unplaced_made : str
        How the song goes on after `GIVEN`, with r and with r = 0.
    """

    def __init__(self, model: Melody, tokenizer: NoteTokenizer) -> None:
        card = melody.card()
        self.text: str = card["text"]
        self.layer, self.head = card["selection"]["layer"], card["selection"]["head"]
        self.repeating, self.after = card["repeating"], card["after"]
        self.unplaced = card["unplaced"]["repeating"]
        self.unplaced_after = card["unplaced"]["after"]

        ids = torch.tensor([tokenizer.encode(self.text)])
        below = torch.stack([weights.diagonal(-1).mean() for weights in maps(model, ids, 0)[2]])
        self.before = int(below.argmax())
        self.shares = {
            "before": _means(maps(model, ids, 0), self.before),
            "next": _cells(maps(model, ids, self.layer), self.head),
        }
        self.weight = self.shares["next"][2]
        self.moved = transposed(self.text, HIGHER)
        moved_ids = torch.tensor([tokenizer.encode(self.moved)])
        self.moved_weight = _cells(maps(model, moved_ids, self.layer), self.head)[2]
        with torch.no_grad():
            shares = model(ids)[0, -1].softmax(-1)
        self.next_note = tokenizer.vocabulary[int(shares.argmax())], float(shares.max())

        self.made = continued(model, tokenizer, GIVEN)
        with without_distances(model):
            self.unplaced_made = continued(model, tokenizer, GIVEN)


def maps(model: Melody, ids: torch.Tensor, layer: int) -> list[torch.Tensor]:
    """Weights (H, T, T) of a layer by q · k alone, by q · r alone, and by both."""
    blocks: list[Any] = list(model.blocks)
    attention = blocks[layer].attention
    with torch.no_grad():
        x = model.notes(ids)
        for block in blocks[:layer]:
            x = block(x)
        x = blocks[layer].norm_1(x)
        q = attention.split(attention.query(x))[0]  # (H, T, d)
        k = attention.split(attention.key(x))[0]
        place = torch.arange(ids.shape[1])
        ago = place[:, None] - place
        content = q @ k.mT
        distance = torch.einsum("hid,ijd->hij", q, attention.distance(ago.clamp(min=0)))
        root = math.sqrt(q.shape[-1])
        return [
            (scores / root).masked_fill(ago < 0, -math.inf).softmax(-1)
            for scores in (content, distance, content + distance)
        ]


def _means(weights: list[torch.Tensor], head: int) -> tuple[float, ...]:
    return tuple(float(one[head].diagonal(-1).mean()) for one in weights)


def _cells(weights: list[torch.Tensor], head: int) -> tuple[float, ...]:
    return tuple(float(one[head, F4, D4]) for one in weights)


def transposed(text: str, semitones: int) -> str:
    """A melody, moved up; marks and rests stay."""
    moved = []
    for token in text.split():
        pitch, length = read(token) or (None, 0.0)
        moved.append(token if pitch is None else spell(pitch + semitones, length))
    return " ".join(moved)


def continued(model: Melody, tokenizer: NoteTokenizer, text: str, most: int = 14) -> str:
    """The melody with the most likely notes after it, to the end of a phrase or of the song."""
    ids = tokenizer.encode(text)
    for _ in range(most):
        with torch.no_grad():
            ids.append(int(model(torch.tensor([ids]))[0, -1].argmax()))
        written = tokenizer.vocabulary[ids[-1]]
        if written == END or (written == PHRASE and len(ids) - len(tokenizer.encode(text)) > 2):
            break
    return tokenizer.decode(ids)


@contextmanager
def without_distances(model: Melody) -> Iterator[None]:
    """The model with r = 0: its attention no longer knows how far apart two notes are."""
    blocks: list[Any] = list(model.blocks)
    tables = [block.attention.distance.weight for block in blocks]
    kept = [table.detach().clone() for table in tables]
    with torch.no_grad():
        try:
            for table in tables:
                table.zero_()
            yield
        finally:
            for table, before in zip(tables, kept, strict=True):
                table.copy_(before)
