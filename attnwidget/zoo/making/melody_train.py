"""How `Melody` learns, and how its card is measured.

While training, its progress is told on motifs kept for choosing; those kept for testing are only
used for the card.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from attnwidget.zoo import melody
from attnwidget.zoo.making import melody_data
from attnwidget.zoo.making.melody_data import MOVED_BY, motif
from attnwidget.zoo.making.melody_scores import (
    attention,
    best_head,
    continued,
    copying,
    moving,
    repeating,
    without_distances,
)
from attnwidget.zoo.making.pace import pace
from attnwidget.zoo.melody import Melody
from attnwidget.zoo.notes import NoteTokenizer

SEED, STEPS, BATCH, LEARNING_RATE = 0, 2000, 64, 2e-3
NOWHERE = -100  # no note to guess there

# The motif of "Lightly row", again, and a tone higher.
TEXT = "G4 E4 E4- | F4 D4 D4- || G4 E4 E4- | F4 D4 D4- || A4 F#4 F#4- | G4"
QUERY, KEY = 13, 6  # the F4 of the repeat, and the D4 that came after the first one


def main() -> None:
    """Train, measure what was saved, report the card."""
    report = partial(print, flush=True)
    torch.set_num_threads(1)  # so small a model gains little from two
    began = time.monotonic()
    tokenizer = NoteTokenizer(melody_data.vocabulary())
    model = train(tokenizer, SEED, STEPS, report)
    melody.save(model, tokenizer, {}, melody.WEIGHTS)
    model, tokenizer = melody.load()  # the card is about the rounded weights
    card = measure(model, tokenizer) | {"seconds": round(time.monotonic() - began)}
    melody.save(model, tokenizer, card, melody.WEIGHTS)
    report(in_words(card))


def train(
    tokenizer: NoteTokenizer, seed: int, steps: int, report: Callable[[str], None] = lambda _: None
) -> Melody:
    """Learn to guess the next note of melodies."""
    torch.manual_seed(seed)
    rng = Random(seed)
    model = Melody(len(tokenizer))
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.99), weight_decay=0.05
    )
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = LEARNING_RATE * pace(step, steps)
        loss = loss_of(model, tokenizer, [melody_data.melody(rng) for _ in range(BATCH)])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        if (step + 1) % 100 == 0:
            report(f"step {step + 1:5}  loss {loss.item():.3f}  {progress(model, tokenizer)}")
    return model.eval()


def loss_of(model: Melody, tokenizer: NoteTokenizer, melodies: list[list[str]]) -> Tensor:
    """Cross-entropy of the next note, over all places of all melodies."""
    rows = [torch.tensor([tokenizer.ids[token] for token in tokens]) for tokens in melodies]
    # No note looks ahead, so it does not matter what short melodies are filled up with.
    ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)  # (B, T + 1)
    wanted = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=NOWHERE)
    logits = model(ids[:, :-1])  # (B, T, V)
    return F.cross_entropy(logits.flatten(0, 1), wanted[:, 1:].flatten(), ignore_index=NOWHERE)


def progress(model: Melody, tokenizer: NoteTokenizer) -> str:
    """The two abilities that appear while it learns, from few motifs kept for choosing."""
    rng = Random(0)
    themes = [motif(rng, "choosing") for _ in range(40)]
    steps = [rng.choice(MOVED_BY) for _ in themes]
    again = repeating(model, tokenizer, themes)
    higher = moving(model, tokenizer, themes, steps)
    weight, layer, head = best_head(copying(model, tokenizer, themes[:20]))
    return f"again {again:4.0%}  moved {higher:4.0%}  {weight:.2f} in {layer}.{head}"


def measure(model: Melody, tokenizer: NoteTokenizer) -> dict[str, Any]:
    """The card: scores on motifs kept for testing, and the melody to open with."""
    rng = Random(SEED + 1)
    themes = [motif(rng, "testing") for _ in range(1000)]
    steps = [rng.choice(MOVED_BY) for _ in themes]
    copied = copying(model, tokenizer, themes)
    _, layer, head = best_head(copied)
    with without_distances(model):
        unplaced = repeating(model, tokenizer, themes)
        unplaced_after = copying(model, tokenizer, themes).after[layer, head].item()
    ids = tokenizer.encode(TEXT)
    at = {"stack": "decoder", "layer": layer, "head": head, "query": QUERY, "key": KEY}
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "vocabulary": len(tokenizer),
        "positions": model.positions,
        "seed": SEED,
        "steps": STEPS,
        "repeating": round(repeating(model, tokenizer, themes), 4),
        "moving": round(moving(model, tokenizer, themes, steps), 4),
        "after": round(copied.after[layer, head].item(), 4),
        "at": round(copied.at[layer, head].item(), 4),
        "unplaced": {"repeating": round(unplaced, 4), "after": round(unplaced_after, 4)},
        "text": TEXT,
        "selection": at,
        "weight": round(attention(model, torch.tensor([ids]))[layer, head, QUERY, KEY].item(), 4),
        "continued": tokenizer.decode(continued(model, ids, 3)),
    }


def in_words(card: dict[str, Any]) -> str:
    """The card as it stands in the docstring of `attnwidget.zoo.melody`."""
    layer, head = card["selection"]["layer"], card["selection"]["head"]
    unplaced = card["unplaced"]
    return f"""\
Model card
    {card["parameters"]:,} parameters, {card["vocabulary"]} tokens, {card["positions"]} distances;
    seed {card["seed"]}, {card["steps"]} steps, {card["seconds"]} s on one shared core.
Goes on with 1,000 motifs that open like none of training; right is the whole phrase, note by note
    {card["repeating"]:6.1%}  the motif again, after its first note
    {card["moving"]:6.1%}  the motif up or down by some semitones, after its first two notes
Induction head: layer {layer}, head {head}
    From a repeated note, {card["after"]:.3f} of its weight lies on the note that came next in the \
motif,
    {card["at"]:.3f} on the same note of the motif.
Without relative attention, r = 0
    {unplaced["repeating"]:.1%} of the motifs come back; {unplaced["after"]:.3f} of that weight is \
left on the note that came next.
Melody to open with, from the folk song "Lightly row", which goes on with {card["continued"]}
    "{card["text"]}"
    There, from the second F4, {card["weight"]:.2f} of the head's weight lies on the first D4.
"""
