"""What lesson 5 says of the bundled sentiment model, measured on it when the lesson is opened."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from attnwidget.binding.capture import capture
from attnwidget.teaching.lessons.heads_measured import TEXT
from attnwidget.zoo.sentiment import Sentiment
from attnwidget.zoo.stories import Stories

CLS = 0


class Measured:
    """What the texts say of the model, measured on the twin of the review that it opens with.

    Attributes
    ----------
    never : int
        Where "never" stands in it.
    look : float
        Weight on it from <cls>, in the head of the card's selection.
    words, width : int
        Tokens of the twin, and numbers of each in the residual stream.
    attention, feed_forward : list of float
        By layer, how long what they add at <cls> is, where the stream there is 1 long.
    summed, normed : tuple of float and float
        Shortest and longest vector of the twin in the last layer, before and behind the first norm.
    post, pre : list of float
        Mean length of the stream as it comes in and behind each block, of this model and of one
        whose norms stand in the branches.
    positive, without : float
        How positive the twin is, as trained and with the residual connections of layer 0 cut.
    alike : tuple of three floats
        Mean cosine between the vectors of two of its words: as they come in, behind the first norm,
        and behind it where attention's residual connection is cut.
    """

    def __init__(
        self, model: Sentiment, tokenizer: Any, card: dict[str, Any], stories: tuple[Stories, Any]
    ) -> None:
        ids = tokenizer(card["twin"])["input_ids"]
        at = card["selection"]
        self.never = tokenizer.convert_ids_to_tokens(ids[0].tolist()).index("never")
        with capture(model) as trace, torch.no_grad():
            model(ids)
        weights = trace.calls[at["layer"]].weights()[0, at["head"]]  # (T, T)
        self.look = float(weights[CLS, self.never])
        self.words, self.width = ids.shape[1], model.words.embedding_dim
        with torch.no_grad():
            self._walk(model, ids)
            self.pre = _lengths_before_norms(*stories)
            self.positive = _positive(model, ids)
            self.without = _positive(model, ids, {0})

    def _walk(self, model: Sentiment, ids: Tensor) -> None:
        """Through the blocks, one sub-layer after the other."""
        x = model.embed(ids)[0]  # (T, D)
        self.attention, self.feed_forward, self.post = [], [], [_length(x)]
        blocks: Any = model.encoder.layers
        added, norm = _attended(blocks[0], x), blocks[0].norm_1
        self.alike = (_alike(x), _alike(norm(x + added)), _alike(norm(added)))
        for block in blocks:
            added = _attended(block, x)
            seen = block.norm_1(x + added)
            self.attention.append(float(added[CLS].norm() / x[CLS].norm()))
            self.summed, self.normed = _range(x + added), _range(seen)
            added = block.feed_forward(seen)
            self.feed_forward.append(float(added[CLS].norm() / seen[CLS].norm()))
            x = block.norm_2(seen + added)
            self.post.append(_length(x))


def _attended(block: Any, x: Tensor) -> Tensor:
    mixed: Tensor = block.self_attention(x[None])[0]
    return mixed


def _length(x: Tensor) -> float:
    return float(x.norm(dim=-1).mean())


def _range(x: Tensor) -> tuple[float, float]:
    lengths = x.norm(dim=-1)
    return float(lengths.min()), float(lengths.max())


def _alike(x: Tensor) -> float:
    """Mean cosine between two different rows."""
    unit = F.normalize(x, dim=-1)
    count = len(unit)
    return float(((unit @ unit.T).sum() - count) / (count * (count - 1)))


def _lengths_before_norms(model: Stories, tokenizer: Any) -> list[float]:
    x = model.embed(tokenizer(TEXT)["input_ids"])
    lengths = [_length(x)]
    for block in model.blocks:
        x = block(x)
        lengths.append(_length(x))
    return lengths


def _positive(model: Sentiment, ids: Tensor, cut: Collection[int] = ()) -> float:
    """How positive a review is, with f(x) in place of x + f(x) in some layers."""
    x = model.embed(ids)
    blocks: Any = model.encoder.layers
    for number, block in enumerate(blocks):
        kept = 0 if number in cut else 1
        x = block.norm_1(kept * x + block.self_attention(x))
        x = block.norm_2(kept * x + block.feed_forward(x))
    return float(model.classifier(x[:, CLS]).softmax(-1)[0, 1])
