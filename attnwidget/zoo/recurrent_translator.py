"""How translation worked before transformers: two recurrent networks, and attention between them.

The encoder reads the source word by word, from both ends. The decoder writes the target word by
word; at each step it compares its state s with all states h_i of the encoder, which gives scores
θ_i, then weights α = softmax(θ), then the context Σ α_i h_i, which the next word is guessed from.
`dot`, `cosine` and `additive` are three ways to compare; the trained model does it by `additive`
(Bahdanau, Cho & Bengio 2015). It looks after it has read the word before, as in Luong, Pham &
Manning (2015).

Without attention the context is the same at every step: one vector, through which all that the
sentence says has to go. That is the "bottleneck-translator".

Model card
    625,280 parameters with attention, 592,384 without, 1,251 words;
    seed 0, 4000 steps, 60,000 sentences; 826 s and 745 s on a shared core.
Share of translations without any mistake, in sentences whose pairs of words never met in training
    words of the source     3–5     6–8    9–11   12–14   15–17   18–22     all
    with attention       100.0%  100.0%   99.9%   99.8%   96.5%   97.6%   99.6%
    without              100.0%   97.8%   87.1%   47.4%   10.8%    0.0%   75.0%
    sentences               147     873   1,146     479     231     124   3,000
Alignment error 3.1%
    so many words have their greatest weight, at the step that predicts them, on another source
    word than the one that they stand for.
Sentence to open with: the queen never met "find" in training, nor the flower "white"
    "the queen does not find the white flower . → la reine ne trouve pas la fleur blanche ."
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attnwidget.zoo import stored
from attnwidget.zoo.translation_words import TranslationTokenizer

WEIGHTS = Path(__file__).parent / "weights" / "recurrent-translator.safetensors"
BOTTLENECK = WEIGHTS.with_stem("bottleneck-translator")

# In the comments, B is the batch, S the words of the source, T those of the target, D the width of
# a state, V the words of the vocabulary. A state of the decoder is s, those of the encoder are h.


def dot(s: Tensor, h: Tensor) -> Tensor:
    """θ_i = sᵀ h_i, for s (B, D) and h (B, S, D): how far both go the same way."""
    return (h @ s.unsqueeze(-1)).squeeze(-1)  # (B, S)


def cosine(s: Tensor, h: Tensor) -> Tensor:
    """θ_i = sᵀ h_i / (‖s‖ ‖h_i‖): the angle alone."""
    return dot(F.normalize(s, dim=-1), F.normalize(h, dim=-1))  # (B, S)


def additive(Ws: Tensor, Uh: Tensor, w: Tensor) -> Tensor:
    """θ_i = wᵀ tanh(W s + U h_i): a small network learns what fits together."""
    return torch.tanh(Ws.unsqueeze(1) + Uh) @ w  # (B, S)


class RecurrentTranslator(nn.Module):
    """Source words in, and target words as far as written; guesses at each next word out.

    The sources of a batch have to be of one length: there is no mask.
    """

    def __init__(self, vocabulary: int, width: int = 128, attends: bool = True) -> None:
        super().__init__()
        self.start, self.stop = 1, 2  # ids of marks
        self.words = nn.Embedding(vocabulary, width)
        self.encoder = Encoder(width)
        self.decoder = Decoder(width, attends)
        self.unembed = nn.Linear(width, vocabulary, bias=False)
        nn.init.normal_(self.words.weight, std=0.3)

    def forward(self, input_ids: Tensor, decoder_input_ids: Tensor) -> Tensor:
        h, last = self.encoder(self.words(input_ids))  # (B, S, D) and (B, D)
        y = self.decoder(self.words(decoder_input_ids), h, last)  # (B, T, D)
        logits: Tensor = self.unembed(y)  # (B, T, V)
        return logits


class Encoder(nn.Module):
    """Reads the source from both ends, one word after another."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gru = nn.GRU(width, width // 2, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h, ends = self.gru(x)  # (B, S, D) and (2, B, D / 2)
        last = torch.cat([ends[0], ends[1]], -1)  # (B, D), where each direction has read all
        return x + h, last  # each word, and what is known around it


class Decoder(nn.Module):
    """Writes the target, one word after another: a step needs the state of the step before."""

    def __init__(self, width: int, attends: bool) -> None:
        super().__init__()
        self.first = nn.Linear(width, width)
        self.cell = nn.GRUCell(2 * width, width)
        self.attention = Attention(width) if attends else None
        self.combine = nn.Linear(2 * width, width)

    def forward(self, words: Tensor, h: Tensor, last: Tensor) -> Tensor:
        s = torch.tanh(self.first(last))  # (B, D)
        context = last  # without attention, this is all it ever hears of the source
        Uh = self.attention.U(h) if self.attention else h  # (B, S, D), the same at every step
        steps = []
        for word in words.unbind(1):  # (B, D), the word before
            s = self.cell(torch.cat([word, context], -1), s)  # (B, D)
            if self.attention:
                context, _ = self.attention(s, h, Uh)  # (B, D)
            steps.append(torch.cat([s, context], -1))  # (B, 2D)
        y: Tensor = torch.tanh(self.combine(torch.stack(steps, 1)))  # (B, T, D)
        return y


class Attention(nn.Module):
    """How much each state of the encoder matters now, and their mean by these weights."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.W = nn.Linear(width, width, bias=False)
        self.U = nn.Linear(width, width, bias=False)
        self.w = nn.Parameter(torch.randn(width) / width**0.5)

    def forward(self, s: Tensor, h: Tensor, Uh: Tensor) -> tuple[Tensor, Tensor]:
        theta = additive(self.W(s), Uh, self.w)  # (B, S)
        alpha = torch.softmax(theta, dim=-1)  # (B, S), sums to 1
        context = (alpha.unsqueeze(1) @ h).squeeze(1)  # (B, D), the sum of all α_i h_i
        return context, alpha


def load(weights: Path = WEIGHTS) -> tuple[RecurrentTranslator, TranslationTokenizer]:
    """The trained model with attention in eval mode, and its tokenizer."""
    vocabulary = stored.read_vocabulary(weights)
    tensors = stored.read_tensors(weights)
    attends = "decoder.attention.w" in tensors
    model = RecurrentTranslator(len(vocabulary), attends=attends)
    model.load_state_dict(tensors)
    return model.eval(), TranslationTokenizer(vocabulary)


def save(
    model: RecurrentTranslator,
    tokenizer: TranslationTokenizer,
    card: dict[str, Any],
    weights: Path,
) -> None:
    """Weights in 16 bits; vocabulary and card go with them, as JSON."""
    stored.write(weights, model, card, tokenizer.vocabulary)


def card(weights: Path = WEIGHTS) -> dict[str, Any]:
    """What is known of a trained model: its size, its scores, and a sentence to open with."""
    return stored.read_card(weights)


def load_bottleneck() -> tuple[RecurrentTranslator, TranslationTokenizer]:
    """The trained model without attention, and its tokenizer."""
    return load(BOTTLENECK)


def card_bottleneck() -> dict[str, Any]:
    """What is known of it."""
    return card(BOTTLENECK)
