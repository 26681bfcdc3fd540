"""What lesson 8 says of the bundled digits models, from their cards or measured on them."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor

from attnwidget.binding.capture import capture
from attnwidget.images.filters import principal_components
from attnwidget.teaching.chart import Chart
from attnwidget.zoo.digits import held_out
from attnwidget.zoo.digits_hybrid import DigitsHybridViT
from attnwidget.zoo.digits_vit import DigitsViT

CLASS = 0
EIGHT, EIGHT_IS = 8, 8  # which of the images held out, and what it shows
SIDE, PATCH = 4, 2  # patches a side, pixels a side of a patch
# Layer and head in which the class token looks at the same place whatever the image shows, and
# those in which it looks for what tells this 8 from a 9.
FIRST, LAST = (0, 2), (3, 0)
# What a filter of 2 by 2 pixels may look for; each pattern is of length 1.
PATTERNS = {
    "top against bottom": (1, 1, -1, -1),
    "left against right": (1, -1, 1, -1),
    "one diagonal against the other": (1, -1, -1, 1),
    "how much ink there is": (1, 1, 1, 1),
}


class Measured:
    """What the texts say of the ViT and the hybrid.

    Attributes
    ----------
    pixels : Tensor
        (N + 1, 1, 8, 8), all images held out; last the 8 with paper in the place of one patch.
    vit, hybrid : dict
        Their cards.
    seven, blanked : int
        Which of `pixels` the card's 7 and the changed 8 are.
    first, last : tuple of int, float
        Token that the class token looks at most in `FIRST` and `LAST` at the 8, and its weight.
    first_of_seven : float
        Weight on the token of `first` at the 7.
    always : float
        Share of images of which the class token looks most at it in `FIRST`.
    last_blanked : float
        The largest weight of `LAST` at the changed 8.
    inked : int
        How many of those eights are still read rightly with ink all over the patch of `first`.
    read : str, float
        What the changed 8 is read as, and how surely.
    eights, kept : int
        Eights that are read rightly, and how many of them still are with that patch blank.
    lost : list of float
        By patch, share of those eights that are lost where it is blank.
    weights : dict of str to list of float
        By patch, how much the class token looks at it at those eights, on the mean.
    first_of_eights : float
        The weight on the token of `first` in `FIRST`, on the mean over those eights.
    agree : float
        Rank correlation of the weights of the last layer with `lost`.
    components : list of (str, float)
        What the principal components of the filters look for, and the share of each.
    place_told : tuple of float and float
        Share of places that are guessed rightly from a patch alone, ViT and hybrid.
    """

    def __init__(
        self,
        model: DigitsViT,
        hybrid: DigitsHybridViT,
        cards: tuple[dict[str, Any], dict[str, Any]],
    ) -> None:
        images, labels = held_out()
        pixels = images[:, None].float() / 16
        self.vit, self.hybrid = cards
        self.seven, self.blanked = self.vit["image"], len(pixels)
        with capture(model) as trace, torch.no_grad():
            guesses = model(pixels).argmax(-1)
        # From the class token, (L, N, H, T).
        looks = torch.stack([call.weights()[:, :, CLASS] for call in trace.calls])

        first = looks[FIRST[0], :, FIRST[1]]  # (N, T)
        self.first = _largest(first[EIGHT])
        self.first_of_seven = float(first[self.seven, self.first[0]])
        self.always = float((first.argmax(-1) == self.first[0]).float().mean())
        self.last = _largest(looks[LAST[0], EIGHT, LAST[1]])

        right = (labels == EIGHT_IS) & (guesses == EIGHT_IS)
        eights = pixels[right]
        self.eights = len(eights)
        blanks = torch.cat([paint(eights, patch, 0) for patch in range(SIDE * SIDE)])
        still = (_read(model, blanks) == EIGHT_IS).view(SIDE * SIDE, -1)  # (P, eights)
        self.lost = (1 - still.float().mean(1)).tolist()
        inked = paint(eights, self.first[0] - 1, 1)
        self.inked = int((_read(model, inked) == EIGHT_IS).sum())
        self.kept = int(still[self.last[0] - 1].sum())
        of_eights = looks[:, right].mean(1)[..., 1:]  # (L, H, P)
        last_layer = of_eights[-1].mean(0)
        self.weights = {
            f"weight in layer {FIRST[0]}, head {FIRST[1]}": of_eights[FIRST].tolist(),
            f"weight in layer {len(of_eights) - 1}, mean of its heads": last_layer.tolist(),
        }
        self.first_of_eights = float(of_eights[FIRST][self.first[0] - 1])
        self.agree = _rank_correlation(last_layer, torch.tensor(self.lost))

        changed = paint(pixels[EIGHT : EIGHT + 1], self.last[0] - 1, 0)
        self.pixels = torch.cat([pixels, changed])
        with capture(model) as trace, torch.no_grad():
            share, digit = model(changed)[0].softmax(-1).max(-1)
        looks_then = trace.calls[LAST[0]].weights()[0, LAST[1], CLASS]
        self.last_blanked = float(looks_then.max())
        self.read = model.labels[int(digit)], float(share)
        self.components = _components(model)
        with torch.no_grad():
            seen = model.patch_embedding(pixels), hybrid.resnet(pixels)
        self.place_told = _places_told(seen[0]), _places_told(seen[1])

    def looked_at_eights(self) -> Chart:
        """Weights of the class token beside what a patch is worth."""
        return Chart(
            [f"{row + 1}, {column + 1}" for row in range(SIDE) for column in range(SIDE)],
            {**self.weights, "eights lost when it is blank": self.lost},
            x_title="patch: row, column",
            y_title="share of weight, and of eights",
            unit="%",
            top=1,
        )

    def distances(self) -> Chart:
        """How far the heads of each layer look, of both models."""
        both = {"ViT": self.by_layer(self.vit), "hybrid": self.by_layer(self.hybrid)}
        return Chart(
            [f"layer {layer}" for layer in range(len(both["ViT"]))],
            {**both, "even attention": [self.even] * len(both["ViT"])},
            x_title="mean over the heads of a layer",
            y_title="mean attention distance, in patches",
            top=2.5,
        )

    def without_positions(self) -> Chart:
        """What both models are right about, with and without position embeddings."""
        names = ("accuracy", "without_positions", "shuffled_positions")
        return Chart(
            ["as trained", "without", "dealt out in another order"],
            {"ViT": [self.vit[n] for n in names], "hybrid": [self.hybrid[n] for n in names]},
            x_title="position embeddings",
            y_title="images read rightly",
            unit="%",
            top=1,
        )

    @property
    def even(self) -> float:
        """Mean attention distance of equal weights, in patches."""
        at = torch.cartesian_prod(torch.arange(SIDE), torch.arange(SIDE)).float()
        return float(torch.cdist(at, at).mean())

    def distance(self, layer: int, head: int) -> float:
        """Mean attention distance of a head of the ViT, in patches."""
        return cast("float", self.vit["distance"][layer][head]) / PATCH

    def by_layer(self, card: dict[str, Any]) -> list[float]:
        """Mean over the heads of each layer, in patches."""
        return [sum(heads) / len(heads) / PATCH for heads in card["distance"]]


def place(token: int) -> str:
    """As the page names the patch that a token is."""
    row, column = divmod(token - 1, SIDE)
    return f"row {row + 1}, column {column + 1}"


def paint(pixels: Tensor, patch: int, ink: float) -> Tensor:
    """(B, 1, 8, 8) with one patch all paper, 0, or all ink, 1."""
    row, column = (PATCH * at for at in divmod(patch, SIDE))
    changed = pixels.clone()
    changed[..., row : row + PATCH, column : column + PATCH] = ink
    return changed


def _read(model: DigitsViT, pixels: Tensor) -> Tensor:
    """The likeliest digit of each image."""
    with torch.no_grad():
        digits: Tensor = model(pixels).argmax(-1)
    return digits


def _largest(weights: Tensor) -> tuple[int, float]:
    return int(weights.argmax()), float(weights.max())


def _rank_correlation(one: Tensor, other: Tensor) -> float:
    """Spearman's; equal numbers share the mean of their ranks."""
    below = [(x[None] < x[:, None]).sum(1) - (x[None] > x[:, None]).sum(1) for x in (one, other)]
    return float(torch.corrcoef(torch.stack(below).float())[0, 1])


def _components(model: DigitsViT) -> list[tuple[str, float]]:
    """The pattern that each principal component of the filters is most like."""
    weights = model.patch_embedding.weight.detach().permute(0, 2, 3, 1)
    found, shares = principal_components(weights, most=SIDE)
    patterns = torch.tensor(list(PATTERNS.values()), dtype=found.dtype) / PATCH
    like = (found.flatten(1) @ patterns.T).abs().argmax(1)
    return [(list(PATTERNS)[int(i)], float(s)) for i, s in zip(like, shares, strict=True)]


def _places_told(seen: Tensor) -> float:
    """Share of places guessed rightly by the nearest mean, over images that made no means.

    Parameters
    ----------
    seen : Tensor
        (B, C, 4, 4), what is known of each patch.
    """
    patches = seen.flatten(2).transpose(1, 2)  # (B, P, C)
    half = len(patches) // 2
    means = patches[:half].mean(0)
    guesses = torch.cdist(patches[half:], means).argmin(-1)
    return float((guesses == torch.arange(len(means))).float().mean())
