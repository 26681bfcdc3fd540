"""A model that picks out what matters: attention pooling, over words and then over sentences.

Each level has one learned vector U and compares it with all of its inputs. There are no queries of
the inputs' own, no positions and no recurrent layers: it is the hierarchical attention of Yang et
al. (2016, "Hierarchical Attention Networks for Document Classification") without its encoders, and
with the cosine as the comparison. In `making`, `pooling_data` makes what it learns from, and
`pooling_scores` measures it; `train` trains it.

Model card
    3,300 parameters, 99 words; seed 0, 1500 steps, 23 s on one shared core;
    learned beta: 3.57 for words, 3.92 for sentences.
Right about 5,000 reviews whose pairs of noun and adjective were never met in training
    100.00%  of all; 100.00% of the 8.1% where more sentences find the contrary
     50.12%  with beta set to 0, so that all weigh the same
     80.82%  with another model that learned with beta 0; 0.00% where more find the contrary
What it looks at, on average of 1,000 of these reviews
    0.89 of the weight of a review lies on the sentences that decide;
    0.74 of the weight of such a sentence on its adjective, 0.07 on its noun.
Review to open with: 0.91 for the third sentence, in it 0.71 for "good"
    "We came on a monday. The napkin was bad. The food was good. I found the lamp terrible."
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attnwidget.zoo import stored
from attnwidget.zoo.words import WordTokenizer

WEIGHTS = Path(__file__).parent / "weights" / "pooling.safetensors"


class AttentionPooling(nn.Module):
    """A weighted mean of the inputs; the more one points the way of U, the more it weighs.

    In the comments, B is the batch, N the inputs, D their width, S the sets that are pooled.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.U = nn.Parameter(torch.randn(width))
        self.beta = nn.Parameter(torch.tensor(4.0))  # from 0, the mean, to ∞, a single input

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Means (B, S, D) of the sets of inputs; mask (B, S, N) is true where one is of a set."""
        theta = F.cosine_similarity(self.U, x, dim=-1)  # (B, N), θ_i = cos(U, x_i)
        scores = (self.beta * theta)[:, None].masked_fill(~mask, -math.inf)  # (B, S, N)
        alpha = torch.softmax(scores, dim=-1)  # (B, S, N), each row sums to 1
        pooled: Tensor = alpha @ x  # (B, S, D), Σ α_i x_i
        return pooled


class WordLevel(nn.Module):
    """From the words of each sentence to what matters of it."""

    def __init__(self, vocabulary: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.pooling = AttentionPooling(width)

    def forward(self, input_ids: Tensor, mask: Tensor) -> Tensor:
        x = self.embedding(input_ids)  # (B, T, D)
        sentences: Tensor = self.pooling(x, mask)  # (B, S, D)
        return sentences


class SentenceLevel(nn.Module):
    """From the sentences to what matters of the review."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.pooling = AttentionPooling(width)

    def forward(self, sentences: Tensor) -> Tensor:
        mask = torch.ones_like(sentences[:, None, :, 0], dtype=torch.bool)  # (B, 1, S), all of one
        review: Tensor = self.pooling(sentences, mask)[:, 0]  # (B, D)
        return review


class Pooling(nn.Module):
    """Words in, two numbers out: how much speaks for "negative", and for "positive".

    T are the words of the review, full stops included, S its sentences.
    """

    labels = ("negative", "positive")

    def __init__(self, vocabulary: int, stop: int, width: int = 32) -> None:
        super().__init__()
        self.stop = stop  # the id of the full stop
        self.word_level = WordLevel(vocabulary, width)
        self.sentence_level = SentenceLevel(width)
        self.classifier = nn.Linear(width, len(self.labels))

    def forward(self, input_ids: Tensor) -> Tensor:
        sentences = self.word_level(input_ids, self.sentence_mask(input_ids))  # (B, S, D)
        review = self.sentence_level(sentences)  # (B, D)
        logits: Tensor = self.classifier(review)  # (B, 2)
        return logits

    def sentence_mask(self, input_ids: Tensor) -> Tensor:
        """(B, S, T) which word is of which sentence; a full stop is the last of its own."""
        if input_ids.shape[-1] == 0:
            raise ValueError('The review is empty. Give a sentence or more: "The food was great."')
        ends = (input_ids == self.stop).long()  # (B, T)
        number = ends.cumsum(-1) - ends  # (B, T), how many sentences ended before
        count = number[:, -1] + 1  # (B,)
        if bool((count != count[0]).any()):
            raise ValueError(
                f"The reviews of this batch have {int(count.min())} to {int(count.max())} "
                "sentences. Give those together that have equally many."
            )
        sentence = torch.arange(int(count[0]), device=input_ids.device)  # (S,)
        return number[:, None, :] == sentence[:, None]


def load(weights: Path = WEIGHTS) -> tuple[Pooling, WordTokenizer]:
    """The trained model in eval mode, and its tokenizer."""
    vocabulary = stored.read_vocabulary(weights)
    model = Pooling(len(vocabulary), vocabulary.index("."))
    model.load_state_dict(stored.read_tensors(weights))
    return model.eval(), WordTokenizer(vocabulary, start="")


def save(model: Pooling, tokenizer: WordTokenizer, card: dict[str, Any], weights: Path) -> None:
    """Weights in float32; vocabulary and card go with them, as JSON."""
    stored.write(weights, model, card, tokenizer.vocabulary, halves=False)


def card(weights: Path = WEIGHTS) -> dict[str, Any]:
    """What is known of the trained model: its size, its scores, and a review to open with."""
    return stored.read_card(weights)
