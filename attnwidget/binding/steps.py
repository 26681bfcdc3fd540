"""The operations between q @ k^T and softmax, kept so that they can be run again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from attnwidget.binding.kept import Kept
from attnwidget.binding.torch_names import (
    DIVISIONS,
    LAST_TWO_SWAPPED,
    MULTIPLICATIONS,
    PERMUTES,
    REVERSES,
    TRANSPOSES,
    UNSQUEEZES,
)

Shape = tuple[int, ...]


class _Here:
    """Stands in stored arguments for the tensor that a step works on."""


_HERE = _Here()


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

    def apply(self, tensor: torch.Tensor | None) -> torch.Tensor:
        """Run the function again, on another tensor in the place of the one followed."""
        args = tuple(_restored(arg, tensor) for arg in self.args)
        kwargs = {name: _restored(value, tensor) for name, value in self.kwargs.items()}
        result = self.func(*args, **kwargs)
        # Assignment to a part returns nothing and has changed the tensor.
        return tensor if result is None else result  # type: ignore[return-value]

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
        # Anything else acts on single numbers or on leading axes.
        place = axis - n + len(self.after)
        same = place >= 0 and self.after[place] == self.before[axis]
        return place if same else None


def _stored(value: Any, followed: torch.Tensor | None) -> Any:
    if value is followed and followed is not None:
        return _HERE
    if isinstance(value, torch.Tensor):
        return Kept(value)
    if type(value) in (list, tuple):
        return type(value)(_stored(one, followed) for one in value)
    return value


def _restored(value: Any, tensor: torch.Tensor | None) -> Any:
    if value is _HERE:
        return tensor
    if isinstance(value, Kept):
        return value.tensor
    if type(value) in (list, tuple):
        return type(value)(_restored(one, tensor) for one in value)
    return value


@dataclass(frozen=True, slots=True)
class Product:
    """The product that scores began as.

    Attributes
    ----------
    step : Step
        The product itself, run on its stored operands.
    left, right : Kept
        The operands as they met.
    prescaled : float
        A single number that the left one had just been multiplied by.
    equation : tuple of str or None
        (left letters, right letters, result letters) of an einsum.
    """

    step: Step
    left: Kept
    right: Kept
    prescaled: float = 1.0
    equation: tuple[str, str, str] | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """A product and the steps since, as a linked list that tensors share.

    Attributes
    ----------
    nbytes : int
        Size of the other tensors that the steps keep (masks, biases).
    """

    product: Product
    before: Chain | None = None
    step: Step | None = None
    nbytes: int = 0

    def then(self, step: Step) -> Chain:
        """Return the chain with one more step."""
        more = sum(k.tensor.numel() * k.tensor.element_size() for k in step.kept())
        return Chain(self.product, self, step, self.nbytes + more)

    def steps(self) -> list[Step]:
        """Return the steps after the product, in order."""
        found = []
        link: Chain | None = self
        while link is not None and link.step is not None:
            found.append(link.step)
            link = link.before
        return found[::-1]

    def replay(self) -> torch.Tensor:
        """Compute the tensor again, operation by operation."""
        tensor = self.product.step.apply(None)
        for step in self.steps():
            tensor = step.apply(tensor)
        return tensor

    def kept(self) -> list[Kept]:
        """All tensors needed to replay."""
        return [one for step in (self.product.step, *self.steps()) for one in step.kept()]

    def scale(self) -> float:
        """Return the factor on q · k that single numbers amount to."""
        scale = self.product.prescaled * float(self.product.step.kwargs.get("alpha", 1.0))
        for step in self.steps():
            factor = step.factor
            if factor is not None:
                scale *= factor
        return scale

    def follow(self, axis: int, later: list[Step]) -> int | None:
        """Where an axis of the product ends up after these steps and the later ones."""
        place: int | None = axis
        for step in (*self.steps(), *later):
            if place is None:
                return None
            place = step.follow(place)
        return place
