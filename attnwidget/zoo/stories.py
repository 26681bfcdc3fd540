"""A small language model that reads stories: it finds out who is "it", and joins in songs.

It is a decoder with pre-norm blocks, as GPT-2 has them, and one token per word. In `making`,
`stories_data` makes what it learns from, and `stories_scores` measures what its heads do; `train`
trains it.

Model card
    705,920 parameters, 401 words, 64 positions;
    seed 0, 2000 steps, 540 s on two shared cores.
Names at the end of a story what its pronoun meant; its pairs of nouns never met in training
    crossing   100.0%
    cause      100.0%
    meeting    100.0%
    thing      100.0%
    Right is only the noun itself, as the most likely of all words; 500 stories of each kind.
Induction head: layer 2, head 0
    0.969 of its weight lies on the word to come, in 200 songs of 20 random words;
    100.0% of these words are guessed right.
Sentence to open with: the last "it" looks at what it means, in layer 2, head 2
    0.99 animal: "The animal didn't cross the street because it was too tired, so it slept."
    0.72 street: "The animal didn't cross the street because it was too wide, so it stayed empty."
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attnwidget.zoo import stored
from attnwidget.zoo.words import WordTokenizer

WEIGHTS = Path(__file__).parent / "weights" / "stories.safetensors"


class Stories(nn.Module):
    """Words in, for each place a guess at the next word out.

    In the comments, B is the batch, T the words of the text, D the width of the residual stream,
    H the heads, d = D / H the width of a head, V the words of the vocabulary.
    """

    def __init__(
        self,
        vocabulary: int,
        positions: int = 64,
        width: int = 128,
        heads: int = 4,
        layers: int = 3,
    ) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        self.places = nn.Embedding(positions, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.unembed = nn.Linear(width, vocabulary, bias=False)
        # Words start well apart: with the usual 0.02 the heads take much longer to form.
        nn.init.normal_(self.words.weight, std=0.3)
        nn.init.normal_(self.places.weight, std=0.3)

    def forward(self, input_ids: Tensor) -> Tensor:
        x = self.embed(input_ids)  # (B, T, D)
        for block in self.blocks:
            x = block(x)  # (B, T, D)
        logits: Tensor = self.unembed(self.norm(x))  # (B, T, V)
        return logits

    def embed(self, input_ids: Tensor) -> Tensor:
        """What each word is, plus where it stands."""
        length, positions = input_ids.shape[-1], self.places.num_embeddings
        if length > positions:
            raise ValueError(
                f"The text has {length} tokens, the start mark included; "
                f"this model has {positions} positions. Use a shorter text."
            )
        places = torch.arange(length, device=input_ids.device)  # (T,)
        x: Tensor = self.words(input_ids) + self.places(places)  # (B, T, D)
        return x


class Block(nn.Module):
    """Reads from the residual stream twice, and adds to it twice."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm_1 = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.norm_2 = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        seen: Tensor = x + self.attention(self.norm_1(x))  # (B, T, D), words look at one another
        told: Tensor = seen + self.feed_forward(self.norm_2(seen))  # (B, T, D), each by itself
        return told


class Attention(nn.Module):
    """Each word asks (query), is asked (key) and answers (value); no word looks ahead."""

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
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)  # (B, H, T, d)
        y = y.transpose(1, 2).flatten(2)  # (B, T, D), the heads side by side again
        mixed: Tensor = self.output(y)  # (B, T, D)
        return mixed

    def split(self, x: Tensor) -> Tensor:
        """Each head gets its own part of the width."""
        B, T, D = x.shape
        return x.view(B, T, self.heads, D // self.heads).transpose(1, 2)  # (B, H, T, d)


def load(weights: Path = WEIGHTS) -> tuple[Stories, WordTokenizer]:
    """The trained model in eval mode, and its tokenizer."""
    vocabulary = stored.read_vocabulary(weights)
    model = Stories(len(vocabulary))
    model.load_state_dict(stored.read_tensors(weights))
    return model.eval(), WordTokenizer(vocabulary)


def save(model: Stories, tokenizer: WordTokenizer, card: dict[str, Any], weights: Path) -> None:
    """Weights in 16 bits; vocabulary and card go with them, as JSON."""
    stored.write(weights, model, card, tokenizer.vocabulary)


def card(weights: Path = WEIGHTS) -> dict[str, Any]:
    """What is known of the trained model: its size, its scores, and a sentence to open with."""
    return stored.read_card(weights)
