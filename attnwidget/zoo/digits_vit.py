"""A tiny vision transformer: it cuts a handwritten digit into patches and reads them as tokens.

An image of 8 by 8 pixels becomes 16 patches of 2 by 2, and a class token in front of them; its
digit is read from the class token. In `making`, `digits_data` says what it learns from and which
writers are held out, and `digits_scores` what its heads do; `train` trains it.
Beside the digit, it learned to fill in hidden patches: without that, no head was near-sighted in
short trials (see `making.digits_train`).

Model card
    202,122 parameters, 1,157 images; seed 0, 5000 steps, 516 s on one shared core.
Digits named rightly, of 382 images on forms held out: 97.4%
    99.2% on form 12, 95.9% on form 13, 96.9% on form 14;
    99.2% of the 258 images kept for choosing.
    17.8% without position embeddings, 13.3% if they are shuffled among patches.
Pixels that each head looks away, of 4.02 with equal weights
    layer 0    3.48  3.17  3.19  2.97
    layer 1    2.15  3.32  3.81  2.70
    layer 2    3.51  3.96  3.75  3.68
    layer 3    3.45  3.95  3.53  3.60
    1 of 16 are strongly local: below 2.68 pixels, 2/3 of that.
Near positions are more alike: rank correlation 0.64 over pairs of patches
Image to open with: number 86 of `digits.held_out()`, a 7
    0.81 of layer 1, head 0 goes from token 11 to token 15, the patch beside it.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from attnwidget.trouble import Trouble
from attnwidget.zoo import stored
from attnwidget.zoo.digits_processor import SIZE, DigitsProcessor

WEIGHTS = Path(__file__).parent / "weights" / "digits-vit.safetensors"


class DigitsViT(nn.Module):
    """Images in, for each of them a score of every digit out.

    In the comments, B is the batch, P the patches (4 rows of 4), T = 1 + P the tokens, the class
    token first, D the width of the residual stream, H the heads, d = D / H the width of a head.
    """

    labels = tuple("0123456789")

    def __init__(
        self,
        channels: int = 1,
        patch: int = 2,
        patches: int = 16,
        width: int = 64,
        heads: int = 4,
        layers: int = 4,
    ) -> None:
        super().__init__()
        # A convolution whose step is its size: every patch is multiplied by the same filters.
        # Without a bias, a blank patch is nothing but its place.
        self.patch_embedding = nn.Conv2d(channels, width, patch, stride=patch, bias=False)
        self.class_token = nn.Parameter(0.02 * torch.randn(1, 1, width))
        self.position_embedding = nn.Parameter(0.02 * torch.randn(1, 1 + patches, width))
        self.encoder = Encoder(width, heads, layers)
        self.classify = nn.Linear(width, 10)

    def forward(self, pixel_values: Tensor) -> Tensor:
        if pixel_values.ndim != 4 or pixel_values.shape[1:] != (1, SIZE, SIZE):
            raise Trouble(
                f"pixel_values is of shape {tuple(pixel_values.shape)}.",
                f"It must be (B, 1, {SIZE}, {SIZE}); DigitsProcessor makes it of an image.",
            )
        x = self.encoder(self.embed(pixel_values))  # (B, T, D)
        logits: Tensor = self.classify(x[:, 0])  # (B, 10), read from the class token alone
        return logits

    def embed(self, image: Tensor) -> Tensor:
        """What each patch shows, plus where it is; the class token in front."""
        patches = self.patch_embedding(image).flatten(2).transpose(1, 2)  # (B, P, D), row by row
        first = self.class_token.expand(len(patches), -1, -1)  # (B, 1, D)
        return torch.cat([first, patches], dim=1) + self.position_embedding  # (B, T, D)


class Encoder(nn.Module):
    """Layers one after the other, and a last norm."""

    def __init__(self, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)  # (B, T, D)
        normed: Tensor = self.norm(x)
        return normed


class Layer(nn.Module):
    """Reads from the residual stream twice, and adds to it twice."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm_1 = nn.LayerNorm(width)
        self.self_attention = SelfAttention(width, heads)
        self.norm_2 = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        seen: Tensor = x + self.self_attention(self.norm_1(x))  # (B, T, D), tokens look around
        told: Tensor = seen + self.feed_forward(self.norm_2(seen))  # (B, T, D), each by itself
        return told


class SelfAttention(nn.Module):
    """Each token asks (query), is asked (key) and answers (value); all see all."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.weights(x) @ self.split(self.value(x))  # (B, H, T, d)
        mixed: Tensor = self.output(y.transpose(1, 2).flatten(2))  # (B, T, D), heads side by side
        return mixed

    def weights(self, x: Tensor) -> Tensor:
        """How much each token looks at each."""
        q, k = self.split(self.query(x)), self.split(self.key(x))  # (B, H, T, d)
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])  # (B, H, T, T)
        return scores.softmax(-1)  # each row sums to 1

    def split(self, x: Tensor) -> Tensor:
        """Each head gets its own part of the width."""
        B, T, D = x.shape
        return x.view(B, T, self.heads, D // self.heads).transpose(1, 2)  # (B, H, T, d)


def load(weights: Path = WEIGHTS) -> tuple[DigitsViT, DigitsProcessor]:
    """The trained model in eval mode, and its processor."""
    model = DigitsViT()
    model.load_state_dict(stored.read_tensors(weights))
    return model.eval(), DigitsProcessor()


def save(model: DigitsViT, card: dict[str, Any], weights: Path) -> None:
    """Weights in 16 bits; the card goes with them, as JSON."""
    stored.write(weights, model, card)


def card(weights: Path = WEIGHTS) -> dict[str, Any]:
    """What is known of the trained model: its size, its scores, and an image to open with."""
    return stored.read_card(weights)
