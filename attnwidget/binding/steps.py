"""One torch function, kept so that it can be run again."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from attnwidget.binding.kept import Kept
from attnwidget.binding.torch_names import (
    CASTS,
    DIVISIONS,
    LAST_TWO_SWAPPED,
    MULTIPLICATIONS,
    PERMUTES,
    REPEATABLE,
    RESHAPES,
    REVERSES,
    SINGLE,
    SOFTMAXES,
    SQUEEZES,
    TRANSPOSES,
    UNSQUEEZES,
)
from attnwidget.selection import Axis, take

Shape = tuple[int, ...]
Cut = dict[int, Axis]  # what is asked for of some axes of a tensor; all of the others


class _Here:
    """Stands in stored arguments for the tensor that a step works on."""


_HERE = _Here()

_MOVES = TRANSPOSES | REVERSES | LAST_TWO_SWAPPED | PERMUTES | UNSQUEEZES


@dataclass(frozen=True, slots=True)
class Step:
    """One torch function applied to a tensor that is followed.

    Attributes
    ----------
    before, after : tuple of int
        Shape of the tensor and of the result.
    """

    func: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    before: Shape
    after: Shape

    @classmethod
    def of(
        cls,
        func: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        followed: torch.Tensor | None,
        before: Shape,
        after: Shape,
    ) -> Step:
        """Store a call; other tensors are kept by reference."""
        named = {name: _stored(value, followed) for name, value in kwargs.items()}
        return cls(func, tuple(_stored(arg, followed) for arg in args), named, before, after)

    def apply(self, tensor: torch.Tensor | None, cut: Cut | None = None) -> torch.Tensor:
        """Run the function again, on another tensor in the place of the one followed.

        Parameters
        ----------
        cut : dict, optional
            The tensor is only this part, along axes that `divides`; so the others are cut too.
        """

        def other(kept: Kept) -> torch.Tensor:
            return cut_like(kept.tensor, cut or {}, len(self.before))

        return self.run(tensor, other)

    def run(
        self, tensor: torch.Tensor | None, other: Callable[[Kept], torch.Tensor]
    ) -> torch.Tensor:
        """Run the function on `tensor` and on what `other` gives for each tensor kept."""
        args = tuple(_restored(arg, tensor, other) for arg in self.args)
        kwargs = {name: _restored(value, tensor, other) for name, value in self.kwargs.items()}
        result = self.func(*args, **kwargs)
        # Assignment to a part returns nothing and has changed the tensor.
        return tensor if result is None else result  # type: ignore[return-value]

    @property
    def overwrites(self) -> bool:
        """Whether it writes into a tensor that is kept, as ``bias.add_(scores)`` does."""
        if "out" in self.kwargs:
            return True
        name = getattr(self.func, "__name__", "")
        in_place = name.endswith("_") and not name.endswith("__")
        return in_place and not (self.args and self.args[0] is _HERE)

    @property
    def repeatable(self) -> bool:
        """Whether running it again gives the same, and writes into nothing that is kept."""
        return self.func in REPEATABLE and not self.overwrites

    def divides(self, axis: int) -> bool:
        """Whether a part of the tensor along an axis gives that part of the result."""
        if self.follow(axis) is None:
            return False
        if self.func in SOFTMAXES:
            dim = self.kwargs.get("dim", self.args[1] if len(self.args) > 1 else None)
            return isinstance(dim, int) and dim % len(self.before) != axis
        return self.func in SINGLE or self.func in CASTS or self.func in _MOVES

    def kept(self) -> list[Kept]:
        """All other tensors it needs."""
        found: list[Kept] = []
        for value in (*self.args, *self.kwargs.values()):
            found += [
                one
                for one in (value if isinstance(value, list | tuple) else [value])
                if isinstance(one, Kept)
            ]
        return found

    @property
    def factor(self) -> float | None:
        """The number a step multiplies by, or None if it does something else."""
        if self.func not in MULTIPLICATIONS and self.func not in DIVISIONS:
            return None
        others = [arg for arg in self.args if arg is not _HERE]
        if len(others) != 1 or self.kwargs:
            return None
        other = others[0].tensor if isinstance(others[0], Kept) else others[0]
        if isinstance(other, torch.Tensor):
            if other.numel() != 1:
                return None
            other = other.item()
        if not isinstance(other, int | float):
            return None
        if self.func in MULTIPLICATIONS:
            return float(other)
        return 1.0 / other if other and self.args[0] is _HERE else None

    def follow(self, axis: int) -> int | None:
        """Where an axis of the tensor is in the result, from 0; None if that cannot be told."""
        n = len(self.before)
        numbers = [a for a in (*self.args, *self.kwargs.values()) if isinstance(a, int)]
        if self.func in TRANSPOSES and len(numbers) == 2:
            one, other = (number % n for number in numbers)
            return {one: other, other: one}.get(axis, axis)
        if self.func in REVERSES:
            return n - 1 - axis
        if self.func in LAST_TWO_SWAPPED:
            return {n - 1: n - 2, n - 2: n - 1}.get(axis, axis)
        if self.func in PERMUTES:
            given = [a for a in (*self.args, *self.kwargs.values()) if isinstance(a, list | tuple)]
            order = [number % n for number in (given[0] if given else numbers)]
            return order.index(axis)
        if self.func in UNSQUEEZES and numbers:
            return axis + 1 if numbers[0] % (n + 1) <= axis else axis
        if self.func in RESHAPES or self.func in SQUEEZES:
            found = self._reshaped(axis, axis)
            return found[0] if len(found) == 1 else None
        # Anything else acts on single numbers or on leading axes.
        place = axis - n + len(self.after)
        same = place >= 0 and self.after[place] == self.before[axis]
        return place if same else None

    def follow_all(self, axes: tuple[int, ...]) -> tuple[int, ...]:
        """Where neighbouring axes are that together are one, in order; () if that is not clear."""
        if self.func in RESHAPES or self.func in SQUEEZES:
            return self._reshaped(axes[0], axes[-1])
        moved = [self.follow(axis) for axis in axes]
        together = [None if moved[0] is None else moved[0] + i for i in range(len(axes))]
        return tuple(axis for axis in moved if axis is not None) if moved == together else ()

    def _reshaped(self, first: int, last: int) -> tuple[int, ...]:
        """Axes of the result that hold what the axes from first to last held, in the same order."""
        after = self.after
        size = math.prod(self.before[first : last + 1])
        inner = math.prod(self.before[last + 1 :])
        for stop in range(len(after), 0, -1):
            for start in range(stop - 1, -1, -1):
                if math.prod(after[start:stop]) == size and math.prod(after[stop:]) == inner:
                    return tuple(range(start, stop))
        return ()


def _stored(value: Any, followed: torch.Tensor | None) -> Any:
    if value is followed and followed is not None:
        return _HERE
    if isinstance(value, torch.Tensor):
        return Kept(value)
    if type(value) in (list, tuple):
        return type(value)(_stored(one, followed) for one in value)
    return value


def _restored(
    value: Any, tensor: torch.Tensor | None, other: Callable[[Kept], torch.Tensor]
) -> Any:
    if value is _HERE:
        return tensor
    if isinstance(value, Kept):
        return other(value)
    if type(value) in (list, tuple):
        return type(value)(_restored(one, tensor, other) for one in value)
    return value


def cut_like(tensor: torch.Tensor, cut: Cut, rank: int) -> torch.Tensor:
    """Cut a tensor that broadcasts to one of `rank` axes, of which `cut` tells a part."""
    for place, axis in cut.items():
        if tensor.dim() >= rank - place:
            tensor = take(tensor, place - rank, axis)
    return tensor


def nbytes(kept: list[Kept]) -> int:
    """Return the size of tensors, each counted."""
    return sum(one.tensor.numel() * one.tensor.element_size() for one in kept)
