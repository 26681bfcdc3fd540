"""How `Melody` goes on with motifs that it has not learned from, and where its heads look."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

import torch
from torch import Tensor

import attnwidget as aw
from attnwidget.zoo.making.melody_data import MOVED_BY, Motif, motif, moved
from attnwidget.zoo.making.targets import Target
from attnwidget.zoo.melody import Melody
from attnwidget.zoo.notes import PHRASE, START, NoteTokenizer, read


@dataclass(frozen=True)
class Copying:
    """Mean weights (L, H) of each head in the repeat of a motif.

    Attributes
    ----------
    at : Tensor
        From a repeated note to the same note of the motif.
    after : Tensor
        From a repeated note to the note that followed it in the motif, which is now to come.
    """

    at: Tensor
    after: Tensor


def targets(model: Melody, tokenizer: NoteTokenizer) -> list[Target]:
    """What was promised of the model, measured on motifs kept for testing."""
    rng = Random(2)
    themes = [motif(rng, "testing") for _ in range(500)]
    steps = [rng.choice(MOVED_BY) for _ in themes]
    copied = copying(model, tokenizer, themes)
    _, layer, head = best_head(copied)
    with without_distances(model):
        unplaced = repeating(model, tokenizer, themes)
    return [
        Target("repeats a new motif", repeating(model, tokenizer, themes), above=0.9),
        Target(
            "weight of the best head from a repeated note to what followed it in the motif",
            copied.after[layer, head].item(),
            0.5,
        ),
        Target(
            "repeats a new motif, moved, after its first two notes",
            moving(model, tokenizer, themes, steps),
        ),
        Target("repeats a new motif, without relative attention", unplaced),
    ]


def repeating(model: Melody, tokenizer: NoteTokenizer, themes: Sequence[Motif]) -> float:
    """Share of the motifs that come back note by note, each after its first note."""
    return continuing(model, tokenizer, themes, [theme.tokens for theme in themes], given=1)


def moving(
    model: Melody, tokenizer: NoteTokenizer, themes: Sequence[Motif], steps: Sequence[int]
) -> float:
    """Share of the motifs that come back some semitones higher, each after two notes."""
    wanted = [moved(theme, by).tokens for theme, by in zip(themes, steps, strict=True)]
    return continuing(model, tokenizer, themes, wanted, given=2)


def continuing(
    model: Melody,
    tokenizer: NoteTokenizer,
    themes: Sequence[Motif],
    wanted: Sequence[list[str]],
    given: int,
) -> float:
    """Share of the phrases that the model makes up as wanted, of which some notes are given.

    It goes on with the most likely note, up to the end of the phrase.
    """
    right = 0
    for theme, phrase in zip(themes, wanted, strict=True):
        told = [START, *theme.tokens, PHRASE, *phrase[:given]]
        made = continued(model, [tokenizer.ids[token] for token in told], len(phrase) - given)
        right += tokenizer.convert_ids_to_tokens(made) == phrase[given:]
    return right / len(themes)


@torch.no_grad()
def continued(model: Melody, ids: Sequence[int], count: int) -> list[int]:
    """The most likely next notes, one after the other."""
    made = list(ids)
    for _ in range(count):
        made.append(int(model(torch.tensor([made]))[0, -1].argmax()))
    return made[len(ids) :]


@torch.no_grad()
def copying(model: Melody, tokenizer: NoteTokenizer, themes: Sequence[Motif]) -> Copying:
    """Where the heads look from the notes of a repeat."""
    at, after = [], []
    for theme in themes:
        tokens = theme.tokens
        ids = torch.tensor([[tokenizer.ids[t] for t in [START, *tokens, PHRASE, *tokens]]])
        maps = attention(model, ids)  # (L, H, T, T)
        first = torch.tensor([1 + i for i, token in enumerate(tokens) if read(token)])  # (N,)
        again = first + len(tokens) + 1
        at.append(maps[..., again, first])  # (L, H, N)
        after.append(maps[..., again, first + 1])
    return Copying(torch.cat(at, -1).mean(-1), torch.cat(after, -1).mean(-1))


def best_head(copied: Copying) -> tuple[float, int, int]:
    """Weight, layer and head of the one that looks most surely at the note to come."""
    layer, head = divmod(int(copied.after.argmax()), copied.after.shape[1])
    return copied.after[layer, head].item(), layer, head


def attention(model: Melody, ids: Tensor) -> Tensor:
    """Weights of every head for one melody, (L, H, T, T)."""
    with aw.capture(model) as trace:
        model(ids)
    return torch.stack([call.weights()[0] for call in trace.calls])


@contextmanager
def without_distances(model: Melody) -> Iterator[None]:
    """The model with r = 0: its attention no longer knows how far apart two notes are."""
    tables = [model.get_parameter(f"blocks.{n}.attention.distance.weight") for n in range(2)]
    kept = [table.detach().clone() for table in tables]
    with torch.no_grad():
        for table in tables:
            table.zero_()
        try:
            yield
        finally:
            for table, before in zip(tables, kept, strict=True):
                table.copy_(before)
