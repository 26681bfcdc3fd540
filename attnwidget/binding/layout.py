"""From the axes a model uses to (B, H, T, d)."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from attnwidget.selection import Axis, indices


@dataclass
class Fold:
    """Which axes run over heads; settled when the forward pass ends.

    Attributes
    ----------
    heads : int
        H of a single leading axis of length B * H. 1 until something shows that heads are in it.
    head_major : bool
        True if index n is h * B + b, False for the usual b * H + h.
    heads_at : int or None
        Of more than four axes the one that runs over heads; those beside it count as batch. None
        where all between batch and queries run over heads.
    """

    heads: int = 1
    head_major: bool = False
    heads_at: int | None = None


def four_axes(tensor: torch.Tensor, fold: Fold) -> torch.Tensor:
    """View a tensor of 2 or more axes as (B, H, T, d), heads unfolded."""
    if tensor.dim() == 4:
        return tensor
    if tensor.dim() == 2:
        return tensor[None, None]
    if tensor.dim() > 4 and fold.heads_at is not None:
        return tensor.movedim(fold.heads_at, -3).flatten(0, -4)
    if tensor.dim() > 4:
        return tensor.flatten(1, -3)
    n = tensor.shape[0]
    if n == 1 or n % fold.heads:
        return tensor[:, None]
    rest = tensor.shape[1:]
    if fold.head_major:
        return tensor.reshape(fold.heads, n // fold.heads, *rest).transpose(0, 1)
    return tensor.reshape(n // fold.heads, fold.heads, *rest)


def broadcast_axes(mask: torch.Tensor, rank: int, fold: Fold) -> torch.Tensor:
    """View a mask that broadcasts against scores of `rank` axes as (B, H, Tq, Tk)."""
    if rank == 3 and mask.dim() == 3:
        return four_axes(mask, fold)
    if rank > 4:
        mask = mask[(None,) * (rank - mask.dim())]
        # An axis of size 1 between full ones cannot be flattened with them as a view.
        if 1 in mask.shape[1:-2] and mask.shape[1:-2] != (1,) * (rank - 3):
            raise ValueError(f"a mask of shape {tuple(mask.shape)} for scores of {rank} axes")
        return mask.flatten(1, -3)
    return mask[(None,) * (4 - mask.dim())]


def kv_axis(heads: Axis, group: int) -> Axis:
    """Return the key-value heads that the given query heads use; `group` queries share one."""
    if group == 1:
        return heads
    numbers = [h // group for h in indices(heads)]
    if numbers and numbers[0] == numbers[-1] == max(numbers):
        return slice(numbers[0], numbers[0] + 1, 1)
    return numbers
