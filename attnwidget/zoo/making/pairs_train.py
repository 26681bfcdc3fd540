"""How `Pairs` learns, and how its card is measured.

Right answers alone do not make clean heads: they can as well be read from both heads at once, with
an animal looking at its food in one head and at its home in the other, and its neighbour the other
way round. So three small penalties are added to the loss. Which head takes which question is left
to chance; the one that looks at foods is then put first. Not every seed ends with clean heads: some
animals may stay with the other head, or both questions with one. Of six seeds that were tried, the
one here was the only one with clean heads for every animal.

The card's figures are not those of an independent test. Held-out rooms of the same kind were looked
at when the seed was chosen, and when it was settled what to hold out. The card is measured in other
rooms, but they are drawn by the same rule.

First, combinations of a food and a home of one animal were held out. That failed: only 0.3 to 0.5
of the answers were right, as the model learns the exclusion itself. Now neighbours (see
`pairs_data`) never live together in training, and never meet each other's first food, home or toy.
Their second and third ones do lie about there, as strays.
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

from attnwidget.zoo import pairs
from attnwidget.zoo.making.pace import pace
from attnwidget.zoo.making.pairs_data import QUESTIONS, pair, vocabulary
from attnwidget.zoo.making.pairs_scores import (
    ELSEWHERE,
    Batch,
    attention,
    batch_of,
    finding,
    held_out_pairs,
)
from attnwidget.zoo.pairs import Attention, Pairs
from attnwidget.zoo.pairs_words import PairsTokenizer

SEED, STEPS, BATCH, LEARNING_RATE = 6, 2000, 64, 1e-2

TEXT = "dog bone kennel cat milk sofa carrot / ball mouse wheel"
SELECTION = {"layer": 0, "head": 0, "query": 0, "key": 1}  # the dog at its bone


def main() -> None:
    """Train, measure what was saved, report the card."""
    report = partial(print, flush=True)
    torch.set_num_threads(1)  # so small a model is slower on two
    began = time.monotonic()
    tokenizer = PairsTokenizer(vocabulary())
    model = train(tokenizer, SEED, STEPS, report)
    seconds = round(time.monotonic() - began)
    card = measure(model, tokenizer) | {"seconds": seconds}
    pairs.save(model, tokenizer, card, pairs.WEIGHTS)
    report(in_words(card))


def train(
    tokenizer: PairsTokenizer, seed: int, steps: int, report: Callable[[str], None] = lambda _: None
) -> Pairs:
    """Learn from rooms and boxes, one batch of the same sizes a step."""
    torch.manual_seed(seed)
    rng = Random(seed)
    model = Pairs(len(tokenizer))
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.99), weight_decay=0.1
    )
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = LEARNING_RATE * pace(step, steps, up=50, down=0.5)
        loss = loss_of(model, some_batch(rng, tokenizer))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
        optimiser.step()
        if (step + 1) % 250 == 0:
            report(f"step {step + 1:5}  loss {loss.item():.3f}  {progress(model, tokenizer)}")
    return foods_first(model).eval()


def some_batch(rng: Random, tokenizer: PairsTokenizer) -> Batch:
    """Two to four animals; of none, half, or all but one of them a food, a home, a toy is missing.

    Were nothing ever missing, an animal could look at itself and guess one of its three foods.
    """
    animals, others = rng.choice([2, 3, 4]), rng.choice([1, 2, 3])
    missing = rng.choice([0, animals // 2, animals - 1])
    made = [pair(rng, animals, others, missing, held_out=False) for _ in range(BATCH)]
    return batch_of(tokenizer, made)


def loss_of(model: Pairs, batch: Batch) -> Tensor:
    """Cross-entropy of the three answers at the animals' places, and the penalties."""
    guesses = model(batch.room, batch.box)
    loss = torch.zeros(())
    for question, answers in zip(QUESTIONS, batch.answers, strict=True):
        scores = guesses[question].flatten(0, 1)  # (B * T, V)
        loss = loss + F.cross_entropy(scores, answers.flatten(), ignore_index=ELSEWHERE)
    return loss + wandering(model, batch) + 3 * sharing(model)


def wandering(model: Pairs, batch: Batch) -> Tensor:
    """How much an animal looks at the same place with both heads, and how much at itself."""
    asked = batch.answers[0] != ELSEWHERE  # (B, T)
    A = attention(model, batch).within  # (B, 2, T, T)
    both = A.prod(1).sum(-1)  # (B, T)
    itself = A.diagonal(dim1=-2, dim2=-1).mean(1)  # (B, T)
    return (both + itself)[asked].mean()


def sharing(model: Pairs) -> Tensor:
    """How much one question is read from both heads, and one head is read for both questions.

    n1 n2 / (n1² + n2²) of the sizes n1, n2 of what is read: 0 if one of them is 0, 1/2 if they are
    the same.
    """
    n = readings(model)  # (2, 2)
    return sum((n.prod(i) / n.square().sum(i)).sum() for i in range(2))  # type: ignore[return-value]


def readings(model: Pairs) -> Tensor:
    """(2, 2) how strongly food and home are read from each head: the norm of the joint map."""
    maps = torch.stack([model.food.weight, model.home.weight]) @ model.within.output.weight
    questions, width, _ = maps.shape  # (2, D, D)
    parts = maps.view(questions, width, model.within.heads, -1)  # (2, D, h, d)
    sizes: Tensor = torch.linalg.vector_norm(parts, dim=(1, 3))
    return sizes


@torch.no_grad()
def foods_first(model: Pairs) -> Pairs:
    """Name the heads: the same model, with the head that the food is read from as head 0."""
    food, _ = readings(model)
    if food.argmax() != 0:
        within: Attention = model.within
        for layer in (within.query, within.key, within.value):
            layer.weight.copy_(torch.cat(layer.weight.chunk(2, 0)[::-1], 0))
        within.output.weight.copy_(torch.cat(within.output.weight.chunk(2, 1)[::-1], 1))
    return model


def progress(model: Pairs, tokenizer: PairsTokenizer) -> str:
    """How well it finds things in a few new rooms."""
    found = finding(model, tokenizer, held_out_pairs(Random(0), 50))
    return "  ".join(f"{question} {found[question].accuracy:4.0%}" for question in QUESTIONS)


def measure(model: Pairs, tokenizer: PairsTokenizer) -> dict[str, Any]:
    """The card: scores on held-out rooms, and the room to open with."""
    rng = Random(SEED + 1)
    whole = finding(model, tokenizer, held_out_pairs(rng, 1000))
    lacking = finding(model, tokenizer, held_out_pairs(rng, 1000, missing=1))
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "vocabulary": len(tokenizer),
        "seed": SEED,
        "steps": STEPS,
        "finding": {
            question: {
                "accuracy": round(whole[question].accuracy, 4),
                "with_missing": round(lacking[question].accuracy, 4),
                "weight": round(whole[question].weight, 4),
                "least": round(whole[question].least, 4),
            }
            for question in QUESTIONS
        },
        "text": TEXT,
        "selection": SELECTION,
    }


def in_words(card: dict[str, Any]) -> str:
    """The card as it stands in the docstring of `attnwidget.zoo.pairs`."""
    heads = {"food": "within, head 0", "home": "within, head 1", "toy": "between"}
    lines = "\n".join(
        f"    {question:<6}{found['accuracy']:9.1%}{found['with_missing']:19.1%}"
        f"{found['weight']:14.2f}{found['least']:8.2f}   {heads[question]}"
        for question, found in card["finding"].items()
    )
    return f"""\
Model card
    {card["parameters"]:,} parameters, {card["vocabulary"]} words; seed {card["seed"]}, \
{card["steps"]} steps, {card["seconds"]} s on one shared core.
Answers and heads in 1,000 rooms whose animals never lived together in training
          right    where one misses it   weight   least   head
{lines}
    Right is only the thing itself, as the most likely of all words; the weight is that of the head
    from an animal to the right thing, its mean and the least of all.
Room to open with: the dog and the cat, who never met
    "{card["text"]}"
"""
