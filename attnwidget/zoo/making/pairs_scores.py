"""What `Pairs` answers and where its heads look, measured on rooms that it has not learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

import torch
from torch import Tensor

from attnwidget.zoo.making.pairs_data import QUESTIONS, Pair, pair
from attnwidget.zoo.making.targets import Target
from attnwidget.zoo.pairs import Pairs
from attnwidget.zoo.pairs_words import PairsTokenizer

# The head that each question should be read from: of `within` twice, then of `between`.
HEADS = {"food": ("within", 0), "home": ("within", 1), "toy": ("between", 0)}
ELSEWHERE = -100  # no animal stands there, so nothing is asked


class Batch(NamedTuple):
    """Examples of the same sizes, as ids: room (B, T), box (B, S), answers (3, B, T)."""

    room: Tensor
    box: Tensor
    answers: Tensor


class Maps(NamedTuple):
    """Weights of every head: of `within` (B, 2, T, T), and of `between` (B, 1, T, S)."""

    within: Tensor
    between: Tensor


@dataclass(frozen=True)
class Scores:
    """Scores of one question.

    Attributes
    ----------
    accuracy : float
        Share of the animals where the most likely of all words is the right one.
    weight : float
        Mean weight of the question's head from an animal to the right thing.
    least : float
        The smallest such weight.
    """

    accuracy: float
    weight: float
    least: float


def batch_of(tokenizer: PairsTokenizer, pairs: Sequence[Pair]) -> Batch:
    room = torch.cat([tokenizer.encode(one.room) for one in pairs])  # (B, T)
    box = torch.cat([tokenizer.encode(one.box) for one in pairs])  # (B, S)
    answers = torch.full((len(QUESTIONS), *room.shape), ELSEWHERE)  # (3, B, T)
    for b, one in enumerate(pairs):
        for animal, things in one.answers.items():
            answers[:, b, one.room.index(animal)] = tokenizer.encode(things)[0]
    return Batch(room, box, answers)


def attention(model: Pairs, batch: Batch) -> Maps:
    """The weights that the forward pass computes."""
    x = model.words(batch.room)
    return Maps(model.within(x, x)[1], model.between(x, model.words(batch.box))[1])


@torch.no_grad()
def finding(model: Pairs, tokenizer: PairsTokenizer, pairs: Sequence[Pair]) -> dict[str, Scores]:
    """How surely the model finds what belongs to whom, by question; weights where it is there."""
    right: dict[str, list[Tensor]] = {question: [] for question in QUESTIONS}
    weight: dict[str, list[Tensor]] = {question: [] for question in QUESTIONS}
    for one in pairs:
        batch = batch_of(tokenizer, [one])
        guesses, maps = model(batch.room, batch.box), attention(model, batch)
        for question, answers in zip(QUESTIONS, batch.answers, strict=True):
            asked = answers[0] != ELSEWHERE  # (T,)
            right[question].append(guesses[question][0].argmax(-1)[asked] == answers[0, asked])
            which, head = HEADS[question]
            looked_at = batch.room if which == "within" else batch.box
            found = answers[0, :, None] == looked_at  # (T, T) or (T, S)
            weight[question].append(getattr(maps, which)[0, head][found])
    return {
        question: Scores(
            torch.cat(right[question]).float().mean().item(),
            torch.cat(weight[question]).mean().item(),
            torch.cat(weight[question]).min().item(),
        )
        for question in QUESTIONS
    }


def held_out_pairs(rng: Random, count: int, missing: int = 0) -> list[Pair]:
    """Rooms in which those live together who never did in training, with 0 to 3 others' things."""
    return [
        pair(rng, rng.choice([2, 3, 4]), rng.choice([0, 1, 2, 3]), missing, held_out=True)
        for _ in range(count)
    ]


def targets(model: Pairs, tokenizer: PairsTokenizer) -> list[Target]:
    """What is told of the model, measured in rooms of its own."""
    found = finding(model, tokenizer, held_out_pairs(Random(20), 500))
    return [
        Target(f"finds the {question}, animals that never lived together", found[question].accuracy)
        for question in QUESTIONS
    ]
