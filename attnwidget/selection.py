"""Which part of an attention map is asked for: one selector per axis of (B, H, Tq, Tk)."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from attnwidget.trouble import Trouble

Selector = int | slice | Sequence[int] | torch.Tensor | None
Axis = slice | list[int]

AXES = ("batch", "heads", "queries", "keys")
_ONE_OF = {"batch": "batch item", "heads": "head", "queries": "query", "keys": "key"}


@dataclass(frozen=True)
class Pick:
    """Selection of batch items, heads, queries and keys.

    Each axis is a slice with start, stop and a positive step, or a list of indices; all of them
    are known to exist. The number of axes never changes, so an int keeps its axis with size 1.
    """

    batch: Axis
    heads: Axis
    queries: Axis
    keys: Axis

    def with_queries(self, queries: Axis) -> Pick:
        """Return the same selection for other queries."""
        return Pick(self.batch, self.heads, queries, self.keys)

    @classmethod
    def of(
        cls,
        shape: tuple[int, int, int, int],
        batch: Selector = None,
        heads: Selector = None,
        queries: Selector = None,
        keys: Selector = None,
    ) -> Pick:
        """Check selectors against the shape (B, H, Tq, Tk).

        Raises
        ------
        Trouble
            If an index does not exist, or is no index.
        """
        chosen = (batch, heads, queries, keys)
        axes = zip(AXES, chosen, shape, strict=True)
        return cls(*(_axis(selector, length, name) for name, selector, length in axes))


def _axis(selector: Selector, length: int, name: str) -> Axis:
    if selector is None:
        return slice(0, length, 1)
    if isinstance(selector, slice):
        start, stop, step = selector.indices(length)
        if step > 0:
            return slice(start, max(start, stop), step)
        return list(range(start, stop, step))
    if isinstance(selector, torch.Tensor):
        selector = _from_tensor(selector, name)
    if isinstance(selector, Sequence) and not isinstance(selector, str | bytes):
        return [_index(i, length, name) for i in selector]
    i = _index(selector, length, name)
    return slice(i, i + 1, 1)


def _from_tensor(selector: torch.Tensor, name: str) -> list[int] | int:
    if selector.dim() > 1 or selector.is_floating_point() or selector.dtype is torch.bool:
        raise Trouble(
            f"{name} was selected by a {selector.dtype} tensor of shape {tuple(selector.shape)}.",
            "Give whole numbers: an int, a slice, a list of ints or a 1-D LongTensor.",
        )
    numbers: list[int] | int = selector.tolist()
    return numbers


def _index(value: object, length: int, name: str) -> int:
    try:
        if isinstance(value, bool):
            raise TypeError
        i = operator.index(value)  # type: ignore[arg-type]  # anything else raises TypeError
    except TypeError:
        raise Trouble(
            f"{name} was selected by {value!r}.",
            "Give whole numbers: an int, a slice, a list of ints or a 1-D LongTensor.",
        ) from None
    if not -length <= i < length:
        raise Trouble(
            f"There is no {_ONE_OF[name]} {i} in this call.",
            f"It has {length}, numbered 0 to {length - 1}.",
        )
    return i % length


def size(axis: Axis) -> int:
    """How many indices an axis of a Pick selects."""
    if isinstance(axis, slice):
        return len(range(axis.start, axis.stop, axis.step))
    return len(axis)


def indices(axis: Axis) -> list[int]:
    """Return the indices an axis of a Pick selects."""
    if isinstance(axis, slice):
        return list(range(axis.start, axis.stop, axis.step))
    return axis


def take(tensor: torch.Tensor, dim: int, axis: Axis) -> torch.Tensor:
    """Select along `dim`; a dimension of size 1 stands for all indices and is left alone."""
    dim = dim % tensor.dim()
    if tensor.shape[dim] == 1:
        return tensor if size(axis) else tensor.narrow(dim, 0, 0)
    if isinstance(axis, slice):
        if (axis.start, axis.stop, axis.step) == (0, tensor.shape[dim], 1):
            return tensor
        return tensor[(slice(None),) * dim + (axis,)]
    return tensor.index_select(dim, torch.tensor(axis, dtype=torch.long, device=tensor.device))


def crop(tensor: torch.Tensor, pick: Pick) -> torch.Tensor:
    """Select from a tensor that broadcasts to (B, H, Tq, Tk)."""
    for dim, axis in enumerate((pick.batch, pick.heads, pick.queries, pick.keys)):
        tensor = take(tensor, dim, axis)
    return tensor


def parts(axis: Axis, at_most: int) -> list[Axis]:
    """Cut an axis into pieces of at most `at_most` indices."""
    total = size(axis)
    if total <= at_most:
        return [axis]
    if isinstance(axis, slice):
        step = axis.step
        starts = range(axis.start, axis.stop, step * at_most)
        return [slice(s, min(s + step * at_most, axis.stop), step) for s in starts]
    return [axis[i : i + at_most] for i in range(0, total, at_most)]
