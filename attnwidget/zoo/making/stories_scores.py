"""What the heads of `Stories` do, measured on stories and songs that it has not learned from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import cast

import torch
from torch import Tensor

from attnwidget.zoo.making.stories_data import KINDS, Story, story
from attnwidget.zoo.making.targets import Target
from attnwidget.zoo.stories import Block, Stories
from attnwidget.zoo.words import START, WordTokenizer


@dataclass(frozen=True)
class Scores:
    """Scores of a set of stories or songs.

    Attributes
    ----------
    accuracy : float
        Share of the places asked about where the most likely of all words is the right one.
    weight : torch.Tensor
        (L, H) mean attention weight of each head from query to key.
    """

    accuracy: float
    weight: Tensor

    def best_head(self) -> tuple[int, int]:
        layer, head = divmod(int(self.weight.argmax()), self.weight.shape[1])
        return layer, head


@torch.no_grad()
def attention(model: Stories, input_ids: Tensor) -> tuple[Tensor, Tensor]:
    """Weights of every head (B, L, H, T, T), computed by the formula, and logits (B, T, V)."""
    x = model.embed(input_ids)  # (B, T, D)
    ahead = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)  # (T, T)
    layers = []
    for block in cast("Iterable[Block]", model.blocks):
        normed, head = block.norm_1(x), block.attention  # (B, T, D)
        q, k = head.split(head.query(normed)), head.split(head.key(normed))  # (B, H, T, d)
        scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5  # (B, H, T, T)
        layers.append(scores.masked_fill(ahead, float("-inf")).softmax(-1))
        x = block(x)
    return torch.stack(layers, 1), model.unembed(model.norm(x))


def naming(model: Stories, tokenizer: WordTokenizer, stories: Iterable[Story]) -> Scores:
    """How surely the model names what a pronoun meant, and how each head looks from it to its noun.

    The model reads a story up to its question ("What was too tired? The ..."); right is only the
    noun that the pronoun meant. With two nouns to choose from, blind choice is right half the time.
    """
    right, weights = [], []
    for one in stories:
        ids = torch.tensor([[tokenizer.ids[word] for word in one.words]])  # (1, T)
        w, logits = attention(model, ids)
        right.append(int(logits[0, one.answer - 1].argmax()) == int(ids[0, one.answer]))
        weights.append(w[0, :, :, one.pronoun, one.noun])  # (L, H)
    return Scores(sum(right) / len(right), torch.stack(weights).mean(0))


def induction(model: Stories, tokenizer: WordTokenizer, rng: Random, songs: int) -> Scores:
    """How surely the model goes on with a song of 20 random words, the second time it is sung.

    An induction head looks from a word to the one that came *after* the same word the first time.
    Its score is that weight, averaged over the second singing.
    """
    n = 20
    words = [i for i, word in enumerate(tokenizer.vocabulary) if word.isalpha()]
    once = torch.tensor([rng.sample(words, n) for _ in range(songs)])  # (B, n)
    start = torch.full((songs, 1), tokenizer.ids[START])  # (B, 1)
    w, logits = attention(model, torch.cat([start, once, once], 1))
    again = torch.arange(n + 1, 2 * n + 1)  # the places of the second singing
    guessed = logits[:, again[:-1]].argmax(-1)  # (B, n - 1)
    accuracy = (guessed == once[:, 1:]).float().mean().item()
    return Scores(accuracy, w[..., again, again - n + 1].mean((0, -1)))


def held_out_stories(rng: Random, kind: str, count: int) -> list[Story]:
    """Stories whose pairs of nouns the model has never seen."""
    return [story(rng, kind, held_out=True) for _ in range(count)]


def targets(model: Stories, tokenizer: WordTokenizer) -> list[Target]:
    """What the model has to reach, measured on stories and songs of its own."""
    rng = Random(20)
    sung = induction(model, tokenizer, rng, songs=200)
    named = {
        kind: naming(model, tokenizer, held_out_stories(rng, kind, 300)).accuracy for kind in KINDS
    }
    best = float(sung.weight.max())
    return [
        Target("weight of its induction head, random words sung twice", best, above=0.85),
        *(
            Target(f"finds what a pronoun means, nouns never met ({kind})", accuracy, above=0.98)
            for kind, accuracy in named.items()
        ),
    ]
