"""A model that finds what belongs to whom: attention and nothing else, over sets of words.

A room is a set of animals, foods and homes; a box is a set of toys. At each animal's place the
model reads its food and its home from the room (self-attention, two heads) and its toy from the box
(cross-attention, one head). There are no positions, no mask, no feed-forward layers and no norms.
In `making`, `pairs_data` makes what it learns from, and `pairs_scores` measures it; `train` trains
it.
That each head keeps to one question was helped by penalties and a chosen seed. Rooms like those of
the card were looked at when choosing, so its figures are not of an independent test: see
`making.pairs_train`.

Model card
    14,496 parameters, 101 words; seed 6, 2000 steps, 26 s on one shared core.
Answers and heads in 1,000 rooms whose animals never lived together in training
          right    where one misses it   weight   least   head
    food     100.0%              94.9%          0.95    0.68   within, head 0
    home     100.0%              93.1%          0.96    0.80   within, head 1
    toy      100.0%              96.1%          0.97    0.88   between
    Right is only the thing itself, as the most likely of all words; the weight is that of the head
    from an animal to the right thing, its mean and the least of all.
Room to open with: the dog and the cat, who never met
    "dog bone kennel cat milk sofa carrot / ball mouse wheel"
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from attnwidget.zoo import stored
from attnwidget.zoo.pairs_words import PairsTokenizer

WEIGHTS = Path(__file__).parent / "weights" / "pairs.safetensors"


class Attention(nn.Module):
    """Queries are asked of one set, keys and values come from another, or from the same.

    In the comments, B is the batch, T the items of `x`, S those of `context`, D their width, h the
    heads, d = D / h the width of a head. Items are rows, so ``A @ V`` is what is written V A where
    they are columns.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.output = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        Q = self.split(self.query(x))  # (B, h, T, d)
        K = self.split(self.key(context))  # (B, h, S, d)
        V = self.split(self.value(context))  # (B, h, S, d)
        scores = torch.matmul(Q, K.transpose(-2, -1)) / math.sqrt(Q.shape[-1])  # (B, h, T, S)
        A = torch.softmax(scores, dim=-1)  # (B, h, T, S), each row sums to 1
        H = torch.matmul(A, V)  # (B, h, T, d)
        H = self.output(self.merge(H))  # (B, T, D)
        return H, A

    def split(self, x: Tensor) -> Tensor:
        """Each head gets its own part of the width."""
        B, T, D = x.shape
        return x.view(B, T, self.heads, D // self.heads).transpose(1, 2)  # (B, h, T, d)

    def merge(self, H: Tensor) -> Tensor:
        """The heads side by side again."""
        return H.transpose(1, 2).flatten(2)  # (B, T, D)


class Pairs(nn.Module):
    """Two sets of words in; for each word of the room, scores of all words for three questions."""

    def __init__(self, vocabulary: int, width: int = 32) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        self.within = Attention(width, heads=2)
        self.between = Attention(width, heads=1)
        self.food = nn.Linear(width, width, bias=False)
        self.home = nn.Linear(width, width, bias=False)
        self.toy = nn.Linear(width, width, bias=False)
        nn.init.normal_(self.words.weight, std=0.3)

    def forward(self, room: Tensor, box: Tensor) -> dict[str, Tensor]:
        """Scores (B, T, V) of each question, for ids (B, T) of the room and (B, S) of the box."""
        x = self.words(room)  # (B, T, D)
        H, _ = self.within(x, x)  # the room looks at itself
        C, _ = self.between(x, self.words(box))  # the room looks into the box
        read = {"food": self.food(H), "home": self.home(H), "toy": self.toy(C)}  # (B, T, D) each
        # A word's score is the scalar product of what was read with the word's own embedding.
        return {question: r @ self.words.weight.T for question, r in read.items()}


def load(weights: Path = WEIGHTS) -> tuple[Pairs, PairsTokenizer]:
    """The trained model in eval mode, and its tokenizer."""
    vocabulary = stored.read_vocabulary(weights)
    model = Pairs(len(vocabulary))
    model.load_state_dict(stored.read_tensors(weights))
    return model.eval(), PairsTokenizer(vocabulary)


def save(model: Pairs, tokenizer: PairsTokenizer, card: dict[str, Any], weights: Path) -> None:
    """Weights in float32; vocabulary and card go with them, as JSON."""
    stored.write(weights, model, card, tokenizer.vocabulary, halves=False)


def card(weights: Path = WEIGHTS) -> dict[str, Any]:
    """What is known of the trained model: its size, its scores, and a room to open with."""
    return stored.read_card(weights)
