"""A small encoder that tells what a review thinks: it minds "not", "but" and "although".

Its two blocks are those of the first transformer (Vaswani et al., 2017, arXiv:1706.03762):
attention, add & norm, feed-forward, add & norm. The review is classified by its first token,
``<cls>``, which stands for no word. In `making`, `sentiment_data` makes what it learns from, and
`sentiment_scores` measures it, with and without its residual connections; `train` trains it.

Model card
    108,930 parameters, 90 words, 48 positions;
    seed 0, 4000 steps, 142 s on one shared core.
Right about 10,000 reviews whose pairs were never met in training: 99.98%
    one        100.00%
    and        100.00%
    but        100.00%
    although   100.00%
    long        99.90%
    Counting words, whatever their order, is right about 54.9% of them.
Right about them without some of its residual connections
    layer 0, attention       45.8%
    layer 0, feed-forward    89.1%
    layer 0, both            48.2%
    layer 1, attention       98.4%
    layer 1, feed-forward   100.0%
    layer 1, both            98.1%
    all four                 47.4%
Head that minds "but": layer 1, head 2
    From <cls>, 0.94 of its weight lies on what is behind "but", which is 0.42 of the tokens.
Review to open with, positive at 99.99%; 0.78 of that weight is on "perfect"
    "The food was not good but the service was perfect."
    and its twin, positive at 0.01%: "The food was good but the service was never perfect."
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attnwidget.zoo import stored
from attnwidget.zoo.words import WordTokenizer

WEIGHTS = Path(__file__).parent / "weights" / "sentiment.safetensors"
CLS = "<cls>"


class Sentiment(nn.Module):
    """Words in, two numbers out: how much speaks for "negative", and for "positive".

    In the comments, B is the batch, T the words of the review, D the width of the residual stream,
    H the heads, d = D / H the width of a head.
    """

    labels = ("negative", "positive")

    def __init__(self, vocabulary: int, positions: int = 48, width: int = 64) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        self.places = nn.Embedding(positions, width)
        self.encoder = Encoder(width, heads=4, layers=2)
        self.classifier = nn.Linear(width, len(self.labels))
        nn.init.normal_(self.words.weight, std=0.3)
        nn.init.normal_(self.places.weight, std=0.3)

    def forward(self, input_ids: Tensor) -> Tensor:
        x = self.encoder(self.embed(input_ids))  # (B, T, D)
        logits: Tensor = self.classifier(x[:, 0])  # (B, 2), read from <cls>
        return logits

    def embed(self, input_ids: Tensor) -> Tensor:
        """What each word is, plus where it stands."""
        length, positions = input_ids.shape[-1], self.places.num_embeddings
        if length > positions:
            raise ValueError(
                f"The review has {length} tokens, <cls> included; "
                f"this model has {positions} positions. Use a shorter review."
            )
        places = torch.arange(length, device=input_ids.device)  # (T,)
        x: Tensor = self.words(input_ids) + self.places(places)  # (B, T, D)
        return x


class Encoder(nn.Module):
    """Blocks of the same kind, one on top of the other."""

    def __init__(self, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Block(width, heads) for _ in range(layers))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)  # (B, T, D)
        return x


class Block(nn.Module):
    """Attention, add & norm, feed-forward, add & norm."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.self_attention = Attention(width, heads)
        self.norm_1 = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width)
        )
        self.norm_2 = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        seen: Tensor = self.norm_1(x + self.self_attention(x))  # (B, T, D), words look at others
        told: Tensor = self.norm_2(seen + self.feed_forward(seen))  # (B, T, D), each by itself
        return told


class Attention(nn.Module):
    """Each word asks (query), is asked (key) and answers (value)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        q = self.split(self.query(x))  # (B, H, T, d)
        k = self.split(self.key(x))  # (B, H, T, d)
        v = self.split(self.value(x))  # (B, H, T, d)
        y = F.scaled_dot_product_attention(q, k, v)  # (B, H, T, d)
        y = y.transpose(1, 2).flatten(2)  # (B, T, D), the heads side by side again
        mixed: Tensor = self.output(y)  # (B, T, D)
        return mixed

    def split(self, x: Tensor) -> Tensor:
        """Each head gets its own part of the width."""
        B, T, D = x.shape
        return x.view(B, T, self.heads, D // self.heads).transpose(1, 2)  # (B, H, T, d)


def load(weights: Path = WEIGHTS) -> tuple[Sentiment, WordTokenizer]:
    """The trained model in eval mode, and its tokenizer."""
    vocabulary = stored.read_vocabulary(weights)
    model = Sentiment(len(vocabulary))
    model.load_state_dict(stored.read_tensors(weights))
    return model.eval(), WordTokenizer(vocabulary, start=CLS)


def save(model: Sentiment, tokenizer: WordTokenizer, card: dict[str, Any], weights: Path) -> None:
    """Weights in 16 bits; vocabulary and card go with them, as JSON."""
    stored.write(weights, model, card, tokenizer.vocabulary)


def card(weights: Path = WEIGHTS) -> dict[str, Any]:
    """What is known of the trained model: its size, its scores, and a review to open with."""
    return stored.read_card(weights)
