"""A small model that makes melodies go on: it brings back what was played before.

It is a decoder whose attention knows how far apart two notes are, and nothing else of where they
stand: relative attention, after Shaw et al. (2018, arXiv:1803.02155) and the Music Transformer of
Huang et al. (2018, arXiv:1809.04281). One token is one note with its length. In `making`,
`melody_data` makes what it learns from, and `melody_scores` measures what its heads do; `train`
trains it.

Model card
    444,416 parameters, 170 tokens, 64 distances;
    seed 0, 2000 steps, 550 s on one shared core.
Goes on with 1,000 motifs that open like none of training; right is the whole phrase, note by note
    100.0%  the motif again, after its first note
     99.8%  the motif up or down by some semitones, after its first two notes
Induction head: layer 1, head 3
    From a repeated note, 0.823 of its weight lies on the note that came next in the motif,
    0.049 on the same note of the motif.
Without relative attention, r = 0
    0.2% of the motifs come back; 0.211 of that weight is left on the note that came next.
Melody to open with, from the folk song "Lightly row", which goes on with E4 E4- ||
    "G4 E4 E4- | F4 D4 D4- || G4 E4 E4- | F4 D4 D4- || A4 F#4 F#4- | G4"
    There, from the second F4, 0.95 of the head's weight lies on the first D4.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from attnwidget.zoo import stored
from attnwidget.zoo.notes import NoteTokenizer

WEIGHTS = Path(__file__).parent / "weights" / "melody.safetensors"


class Melody(nn.Module):
    """Notes in, for each place a guess at the next note out.

    In the comments, B is the batch, T the notes of the melody, D the width of the residual stream,
    H the heads, d = D / H the width of a head, V the notes of the vocabulary.
    """

    def __init__(
        self,
        vocabulary: int,
        positions: int = 64,
        width: int = 128,
        heads: int = 4,
        layers: int = 2,
    ) -> None:
        super().__init__()
        self.positions = positions
        self.notes = nn.Embedding(vocabulary, width)
        self.blocks = nn.ModuleList(Block(width, heads, positions) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.unembed = nn.Linear(width, vocabulary, bias=False)
        nn.init.normal_(self.notes.weight, std=0.3)

    def forward(self, input_ids: Tensor) -> Tensor:
        length = input_ids.shape[-1]
        if length > self.positions:
            raise ValueError(
                f"The melody has {length} tokens, the start mark included; "
                f"this model knows distances of {self.positions} tokens. Use a shorter melody."
            )
        x = self.notes(input_ids)  # (B, T, D), the same wherever a note stands
        for block in self.blocks:
            x = block(x)  # (B, T, D)
        logits: Tensor = self.unembed(self.norm(x))  # (B, T, V)
        return logits


class Block(nn.Module):
    """Reads from the residual stream twice, and adds to it twice."""

    def __init__(self, width: int, heads: int, positions: int) -> None:
        super().__init__()
        self.norm_1 = nn.LayerNorm(width)
        self.attention = RelativeAttention(width, heads, positions)
        self.norm_2 = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        heard: Tensor = x + self.attention(self.norm_1(x))  # (B, T, D), notes look at one another
        told: Tensor = heard + self.feed_forward(self.norm_2(heard))  # (B, T, D), each by itself
        return told


class RelativeAttention(nn.Module):
    """A note is matched by what it is, q · k, and by how long ago it was, q · r; none is ahead."""

    def __init__(self, width: int, heads: int, positions: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)
        self.distance = nn.Embedding(positions, width // heads)  # r, the same for all heads
        nn.init.normal_(self.distance.weight, std=0.3)

    def forward(self, x: Tensor) -> Tensor:
        q = self.split(self.query(x))  # (B, H, T, d)
        k = self.split(self.key(x))  # (B, H, T, d)
        v = self.split(self.value(x))  # (B, H, T, d)
        place = torch.arange(x.shape[1], device=x.device)  # (T,)
        ago = place[:, None] - place  # (T, T), i − j: how many notes ago; below 0 is ahead
        r = self.distance(ago.clamp(min=0))  # (T, T, d)

        by_content = q @ k.transpose(-2, -1)  # (B, H, T, T), q_i · k_j
        by_distance = torch.einsum("bhid,ijd->bhij", q, r)  # (B, H, T, T), q_i · r_{i−j}
        scores = (by_content + by_distance) / math.sqrt(q.shape[-1])  # (B, H, T, T)
        scores = scores.masked_fill(ago < 0, -math.inf)
        weights = torch.softmax(scores, dim=-1)  # (B, H, T, T), each row sums to 1
        y = (weights @ v).transpose(1, 2).flatten(2)  # (B, T, D), the heads side by side again
        mixed: Tensor = self.output(y)  # (B, T, D)
        return mixed

    def split(self, x: Tensor) -> Tensor:
        """Each head gets its own part of the width."""
        B, T, D = x.shape
        return x.view(B, T, self.heads, D // self.heads).transpose(1, 2)  # (B, H, T, d)


def load(weights: Path = WEIGHTS) -> tuple[Melody, NoteTokenizer]:
    """The trained model in eval mode, and its tokenizer."""
    vocabulary = stored.read_vocabulary(weights)
    model = Melody(len(vocabulary))
    model.load_state_dict(stored.read_tensors(weights))
    return model.eval(), NoteTokenizer(vocabulary)


def save(model: Melody, tokenizer: NoteTokenizer, card: dict[str, Any], weights: Path) -> None:
    """Weights in 16 bits; vocabulary and card go with them, as JSON."""
    stored.write(weights, model, card, tokenizer.vocabulary)


def card(weights: Path = WEIGHTS) -> dict[str, Any]:
    """What is known of the trained model: its size, its scores, and a melody to open with."""
    return stored.read_card(weights)
