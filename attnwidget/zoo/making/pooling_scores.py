"""How often `Pooling` is right about reviews whose pairs it has never met, and what it picks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

import torch
from torch import Tensor

import attnwidget as aw
from attnwidget.zoo.making.pooling_data import Review, review
from attnwidget.zoo.making.reviews_world import ADJECTIVES, NOUNS
from attnwidget.zoo.making.targets import Target
from attnwidget.zoo.pooling import Pooling
from attnwidget.zoo.words import WordTokenizer


@dataclass(frozen=True)
class Picked:
    """What the two levels look at, on average.

    Attributes
    ----------
    sentences : float
        Weight of the sentences that decide, of all sentences of a review.
    adjective, noun : float
        Weight of either in a sentence that decides, of all its words.
    """

    sentences: float
    adjective: float
    noun: float


def targets(model: Pooling, tokenizer: WordTokenizer) -> list[Target]:
    """What was promised of the model, measured on reviews kept for testing."""
    some = reviews(Random(2), 3000, "testing")
    outvoted = [one for one in some if one.is_outvoted]
    seen = picked(model, tokenizer, some)
    with without_picking(model):
        mean = accuracy(model, tokenizer, some)
    return [
        Target("right, pairs never met", accuracy(model, tokenizer, some), 0.98),
        Target(
            "right where more sentences find the contrary",
            accuracy(model, tokenizer, outvoted),
            0.98,
        ),
        Target("right with plain means, beta = 0", mean, below=0.9),
        Target("weight of the sentences that decide", seen.sentences),
        Target("weight of the adjective in them", seen.adjective),
        Target("weight of the noun in them", seen.noun),
    ]


def reviews(rng: Random, count: int, kept_for: str) -> list[Review]:
    """Reviews of two to five sentences."""
    return [review(rng, rng.randint(2, 5), kept_for) for _ in range(count)]


def batches(
    tokenizer: WordTokenizer, reviews: Sequence[Review], most: int
) -> list[tuple[Tensor, Tensor]]:
    """Ids (B, T) and labels (B,): reviews of as many words and sentences, at most so many."""
    alike: dict[tuple[int, int], list[Review]] = {}
    for one in reviews:
        alike.setdefault((len(one.sentences), len(one.words)), []).append(one)
    return [
        (
            torch.tensor([[tokenizer.ids[word] for word in one.words] for one in some]),
            torch.tensor([one.label for one in some]),
        )
        for together in alike.values()
        for some in (together[i : i + most] for i in range(0, len(together), most))
    ]


@torch.no_grad()
def accuracy(model: Pooling, tokenizer: WordTokenizer, reviews: Sequence[Review]) -> float:
    """Share of the reviews that it gets right."""
    made = batches(tokenizer, reviews, most=512)
    right = sum(int((model(ids).argmax(-1) == labels).sum()) for ids, labels in made)
    return right / len(reviews)


@torch.no_grad()
def attention(model: Pooling, ids: Tensor) -> tuple[Tensor, Tensor]:
    """Weights of words (S, T) and of sentences (S,) of one review."""
    with aw.capture(model) as trace:
        model(ids)
    words, sentences = (call.weights()[0, 0] for call in trace.calls)
    return words, sentences[0]


def picked(model: Pooling, tokenizer: WordTokenizer, reviews: Sequence[Review]) -> Picked:
    """What the two levels look at in some reviews."""
    sentences, adjectives, nouns = [], [], []
    for one in reviews:
        ids = torch.tensor([[tokenizer.ids[word] for word in one.words]])
        of_words, of_sentences = attention(model, ids)
        sentences.append(float(of_sentences[one.deciding].sum()))
        for i in one.deciding:
            first = sum(map(len, one.sentences[:i]))
            for at, word in enumerate(one.sentences[i], first):
                if word in ADJECTIVES:
                    adjectives.append(float(of_words[i, at]))
                elif word in NOUNS:
                    nouns.append(float(of_words[i, at]))
    return Picked(*(sum(found) / len(found) for found in (sentences, adjectives, nouns)))


@contextmanager
def without_picking(model: Pooling) -> Iterator[None]:
    """The model with β = 0: every word of a sentence, and every sentence, weighs the same."""
    betas = [model.word_level.pooling.beta, model.sentence_level.pooling.beta]
    kept = [beta.item() for beta in betas]
    with torch.no_grad():
        try:
            for beta in betas:
                beta.zero_()
            yield
        finally:
            for beta, before in zip(betas, kept, strict=True):
                beta.fill_(before)
