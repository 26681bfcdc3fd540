"""What the digits models recognise, where their heads look, and what they know of positions."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor

from attnwidget.zoo import digits_vit
from attnwidget.zoo.digits import held_out
from attnwidget.zoo.digits_hybrid import DigitsHybridViT
from attnwidget.zoo.digits_processor import DigitsProcessor
from attnwidget.zoo.digits_vit import DigitsViT, Layer
from attnwidget.zoo.making.digits_data import pixel_values
from attnwidget.zoo.making.targets import Target

GRID, PATCH = 4, 2  # patches a side, pixels a side of a patch
# A head is strongly local if it looks less than this share as far as one that looks everywhere.
# Looking evenly at a patch and those around it is 0.48 of that.
STRONGLY_LOCAL = 2 / 3
SHUFFLES = 20


# What is recognised -----------------------------------------------------------------------------


@torch.no_grad()
def accuracy(model: DigitsViT, images: Tensor, labels: Tensor) -> float:
    """Share of images (N, 8, 8) whose likeliest digit is the right one."""
    guesses: Tensor = model(pixel_values(images)).argmax(-1)
    return (guesses == labels).float().mean().item()


def without_positions(model: DigitsViT, images: Tensor, labels: Tensor) -> float:
    """Accuracy where the patches' position embeddings are not added; the class token keeps its."""
    return accuracy(_placed(model, torch.zeros_like(_positions(model))), images, labels)


def with_shuffled_positions(model: DigitsViT, images: Tensor, labels: Tensor) -> float:
    """Accuracy where patches have one another's position embeddings; the mean of 20 shuffles."""
    rng = torch.Generator().manual_seed(0)
    orders = [torch.randperm(GRID * GRID, generator=rng) for _ in range(SHUFFLES)]
    found = [accuracy(_placed(model, _positions(model)[order]), images, labels) for order in orders]
    return sum(found) / len(found)


def _positions(model: DigitsViT) -> Tensor:
    """(P, D) position embeddings of the patches."""
    return model.position_embedding.detach()[0, DigitsProcessor.prefix :]


def _placed(model: DigitsViT, positions: Tensor) -> DigitsViT:
    """The same model with other position embeddings (P, D) of its patches."""
    other = copy.deepcopy(model)
    with torch.no_grad():
        other.position_embedding[0, DigitsProcessor.prefix :] = positions
    return other


# Where heads look -------------------------------------------------------------------------------


@torch.no_grad()
def attention(model: DigitsViT, images: Tensor) -> Tensor:
    """Weights of every head, (B, L, H, T, T), for images (B, 8, 8)."""
    x = model.embed(pixel_values(images))  # (B, T, D)
    layers = []
    for layer in cast("Iterable[Layer]", model.encoder.layers):
        layers.append(layer.self_attention.weights(layer.norm_1(x)))  # (B, H, T, T)
        x = layer(x)
    return torch.stack(layers, 1)


def distances() -> Tensor:
    """(P, P) pixels from the centre of each patch to the centre of each."""
    at = PATCH * torch.cartesian_prod(torch.arange(GRID), torch.arange(GRID)).float()  # (P, 2)
    return torch.cdist(at, at)


def attention_distance(model: DigitsViT, images: Tensor) -> Tensor:
    """(L, H) pixels: how far each head looks, on the mean over images and over query patches.

    Distances between the query patch and all patches, itself among them, are averaged by the
    weights, as in Dosovitskiy et al., "An Image is Worth 16x16 Words" (ICLR 2021), appendix D.7
    and figure 11. The class token has no place in the image: it is left out as a query and as a
    key, and each row is divided by what remains.
    """
    between = attention(model, images)[..., 1:, 1:]  # (B, L, H, P, P)
    rows = between / between.sum(-1, keepdim=True)
    return (rows * distances()).sum(-1).mean((0, -1))


def share_of_uniform(model: DigitsViT, images: Tensor) -> Tensor:
    """(L, H) `attention_distance` divided by that of a head with equal weights, 4.02 pixels."""
    return attention_distance(model, images) / distances().mean()


def strongly_local(model: DigitsViT, images: Tensor) -> int:
    """Heads that look less than 2/3 as far as one with equal weights."""
    return int((share_of_uniform(model, images) < STRONGLY_LOCAL).sum())


# What is known of positions, and the first filters ------------------------------------------------


def position_similarity(model: DigitsViT) -> Tensor:
    """(16, 4, 4) cosine of each patch's position embedding with those of all, row by row."""
    at = torch.nn.functional.normalize(_positions(model), dim=-1)  # (P, D)
    return (at @ at.T).view(-1, GRID, GRID)


def nearness(model: DigitsViT) -> float:
    """Spearman's rank correlation of that similarity with nearness, over pairs of two patches.

    1 if nearer patches always have more similar embeddings, 0 if the one says nothing of the other.
    """
    one, other = torch.triu_indices(GRID * GRID, GRID * GRID, offset=1)
    alike = position_similarity(model).flatten(1)[one, other]  # (120,)
    pair = torch.stack([_ranks(alike), _ranks(-distances()[one, other])])
    return torch.corrcoef(pair)[0, 1].item()


def _ranks(values: Tensor) -> Tensor:
    """Ranks from 0; equal values share the mean of theirs."""
    below = (values[None] < values[:, None]).sum(1)
    equal = (values[None] == values[:, None]).sum(1)
    return below + (equal - 1) / 2


def first_filters(model: DigitsViT) -> Tensor:
    """Filters of the layer that reads the pixels: (64, 2, 2), or (32, 3, 3) of the hybrid."""
    layer = model.resnet.first if isinstance(model, DigitsHybridViT) else model.patch_embedding
    return layer.weight.detach()[:, 0]


# What has to be reached ---------------------------------------------------------------------------


def targets(model: DigitsViT, processor: DigitsProcessor) -> list[Target]:
    """The claims about either model, measured on the images held out.

    What the hybrid knows of positions is only told: its convolutions tell them too.
    """
    images, labels = held_out()
    is_hybrid = isinstance(model, DigitsHybridViT)
    found = strongly_local(model, images)
    vit = strongly_local(digits_vit.load()[0], images)
    right = accuracy(model, images, labels)
    return [
        Target("accuracy, forms held out", right, above=0.97 if is_hybrid else 0.96),
        Target("strongly local heads, fewer than in digits-vit", found, below=vit)
        if is_hybrid
        else Target("strongly local heads", found, above=0),
        Target(
            "near positions are more alike, rank correlation",
            nearness(model),
            above=None if is_hybrid else 0.5,
        ),
        Target(
            "accuracy lost without position embeddings",
            right - without_positions(model, images, labels),
            above=None if is_hybrid else 0.1,
        ),
        Target(
            "accuracy lost with shuffled position embeddings",
            right - with_shuffled_positions(model, images, labels),
            above=None if is_hybrid else 0.1,
        ),
    ]
