"""The filters of a model's first layer, as small images."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from attnwidget.images.eye import Eye
from attnwidget.steps.projection import FLOATS

_CHANNELS = (1, 3, 4)
_GUESSED = "It is a linear layer: that it takes the colours of each pixel together is a guess."


@dataclass(frozen=True, eq=False)
class Filters:
    """What the first layer looks for.

    Attributes
    ----------
    path : str
        The layer.
    weights : Tensor
        (D, rows, columns, C), float64: a filter for each number that it gives.
    step : (int, int) or None
        How far it moves from one place to the next; a patch embedding moves by its own size.
    said : str
        What is not certain of it, as a sentence.
    """

    path: str
    weights: Tensor = field(repr=False)
    step: tuple[int, int] | None = None
    said: str = ""


def filters_of(model: torch.nn.Module | None, eye: Eye) -> Filters | None:
    """The first convolution that reads colours, or the first linear layer that reads a patch.

    Parameters
    ----------
    eye : Eye
        Knows how large patches are.
    """
    modules = [] if model is None else list(model.named_modules())
    for path, module in modules:
        if isinstance(module, torch.nn.Conv2d | torch.nn.Conv3d):
            weight = module.weight.detach()
            if weight.shape[1] not in _CHANNELS or not _is_readable(weight):
                continue
            flat = weight.double().cpu()
            if flat.dim() == 5:  # of the frames of a film, which a still image fills alike
                flat = flat.mean(2)
            down, across = module.stride[-2:]
            return Filters(path, flat.permute(0, 2, 3, 1), (down, across))
    for path, module in modules:
        if isinstance(module, torch.nn.Linear) and _is_readable(module.weight):
            sides = _sides(module.in_features, eye)
            if sides is not None:
                weights = module.weight.detach().double().cpu().reshape(-1, *sides)
                return Filters(path, weights, said=_GUESSED if sides[2] > 1 else "")
    return None


def principal_components(weights: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """The directions in which filters differ most, as filters, and the share of each.

    What figure 7 (left) of Dosovitskiy et al. (2021) shows of the embedding filters.

    Parameters
    ----------
    weights : Tensor
        (D, rows, columns, C).

    Returns
    -------
    Tensor
        (n, rows, columns, C) of length 1, n at most `most`; the sign of each is such that its
        largest number is positive.
    Tensor
        (n,), each one's share of the variance of all filters; falling.
    """
    flat = weights.double().flatten(1)
    _, sizes, directions = torch.linalg.svd(flat - flat.mean(0), full_matrices=False)
    real = int((sizes > 1e-9 * sizes.max().clamp_min(1e-300)).sum())
    n = min(most, real)
    found = directions[:n]
    largest = found.abs().argmax(1, keepdim=True)
    found = found * found.gather(1, largest).sign()
    shares = sizes.square() / sizes.square().sum().clamp_min(1e-300)
    return found.reshape(n, *weights.shape[1:]), shares[:n]


def _is_readable(weight: Tensor) -> bool:
    return weight.device.type != "meta" and weight.dtype in FLOATS


def _sides(numbers: int, eye: Eye) -> tuple[int, int, int] | None:
    """Rows, columns and channels of a patch of so many numbers."""
    for channels in (1, 3):
        side = math.isqrt(numbers // channels)
        if side > 1 and side * side * channels == numbers:
            if eye.strides and (side, side) not in eye.strides:
                continue
            return side, side, channels
    return None
