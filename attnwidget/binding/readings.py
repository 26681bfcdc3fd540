"""How matrix products and einsums are read as attention: which axis is which."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from attnwidget.binding.chain import Product

# Stand for the axes behind "..." in an einsum.
_UNUSED = "αβγδεζηθ"


def equation_of(args: tuple[object, ...]) -> tuple[str, str, str] | None:
    """Letters of the two operands and of the result of an einsum, or None if it has others."""
    if len(args) != 3 or not isinstance(args[0], str):
        return None
    left, arrow, result = args[0].replace(" ", "").partition("->")
    one, comma, other = left.partition(",")
    if not arrow or not comma or "," in other:
        return None
    operands = []
    for letters, operand in ((one, args[1]), (other, args[2])):
        if not isinstance(operand, torch.Tensor):
            return None
        hidden = operand.dim() - len(letters.replace("...", ""))
        operands.append(letters.replace("...", _UNUSED[len(_UNUSED) - hidden :]))
    longest = max((c for c in operands if "..." in left), key=len, default="")
    shared = "".join(c for c in longest if c in _UNUSED)
    result = result.replace("...", shared)
    if any(len(set(letters)) != len(letters) for letters in (*operands, result)):
        return None  # a letter twice means a diagonal
    return operands[0], operands[1], result


def arrange(tensor: torch.Tensor, letters: str, order: list[str]) -> torch.Tensor:
    """Permute axes to an order of letter groups; a letter that is missing becomes size 1.

    Each entry of `order` becomes one axis, so several letters in an entry are flattened.
    """
    present = [letter for group in order for letter in group if letter in letters]
    tensor = tensor.permute([letters.index(letter) for letter in present])
    shape = dict(zip(present, tensor.shape, strict=True))
    sizes = []
    for group in order:
        size = 1
        for letter in group:
            size *= shape.get(letter, 1)
        sizes.append(size)
    return tensor.reshape(sizes)


@dataclass(frozen=True)
class MatmulMeeting:
    """weights @ values, or values @ weights where keys stand in rows.

    Attributes
    ----------
    weights_left : bool
        True for the row convention.
    """

    weights_left: bool

    @property
    def key_axis(self) -> int:
        """Axis of the weights, from the end, that runs over keys."""
        return -1 if self.weights_left else -2

    @property
    def query_axis(self) -> int:
        return -2 if self.weights_left else -1

    def leading(self, rank: int) -> list[int]:
        """Axes of weights of `rank` axes that run over batch and heads, in this order."""
        return list(range(rank - 2))

    def weights(self, tensor: torch.Tensor) -> torch.Tensor:
        """View as (..., Tq, Tk)."""
        return tensor if self.weights_left else tensor.transpose(-2, -1)

    def values(self, tensor: torch.Tensor) -> torch.Tensor:
        """View as (..., Tk, dv)."""
        return tensor if self.weights_left else tensor.transpose(-2, -1)

    def output(self, tensor: torch.Tensor) -> torch.Tensor:
        """View as (..., Tq, dv)."""
        return tensor if self.weights_left else tensor.transpose(-2, -1)


@dataclass(frozen=True)
class EinsumMeeting:
    """An einsum of weights and values.

    Attributes
    ----------
    of_weights, of_values, of_output : str
        Letters of the three tensors.
    query, key : str
        The letters of queries and keys; no query where one row is all there is.
    """

    of_weights: str
    of_values: str
    of_output: str
    query: str
    key: str

    @classmethod
    def read(cls, of_weights: str, of_values: str, of_output: str) -> EinsumMeeting | None:
        """Find queries and keys, or None if this is no weighted sum over one axis."""
        summed = [c for c in of_weights if c in of_values and c not in of_output]
        own = [c for c in of_weights if c in of_output and c not in of_values]
        if len(summed) != 1 or not set(of_output) <= set(of_weights + of_values):
            return None
        if set(of_weights) - set(of_output) - {summed[0]}:
            return None
        return cls(of_weights, of_values, of_output, own[-1] if own else "", summed[0])

    @property
    def key_axis(self) -> int:
        return self.of_weights.index(self.key) - len(self.of_weights)

    @property
    def query_axis(self) -> int:
        # Before the first axis there is none.
        place = self.of_weights.index(self.query) if self.query else -1
        return place - len(self.of_weights)

    def leading(self, rank: int) -> list[int]:
        return [self.of_weights.index(letter) for letter in self._leading]

    @property
    def _leading(self) -> list[str]:
        letters = [c for c in self.of_weights if c != self.query and c != self.key]
        # Values are nearly always written batch first, whatever the order in the map.
        if all(c in self.of_values for c in letters):
            letters.sort(key=self.of_values.index)
        return letters

    @property
    def _features(self) -> str:
        return "".join(c for c in self.of_output if c not in self.of_weights)

    def weights(self, tensor: torch.Tensor) -> torch.Tensor:
        return arrange(tensor, self.of_weights, [*self._leading, self.query, self.key])

    def values(self, tensor: torch.Tensor) -> torch.Tensor:
        return arrange(tensor, self.of_values, [*self._leading, self.key, self._features])

    def output(self, tensor: torch.Tensor) -> torch.Tensor:
        return arrange(tensor, self.of_output, [*self._leading, self.query, self._features])


@dataclass(frozen=True)
class SummedMeeting:
    """(weights * values).sum(axis), with axes of size 1 broadcast.

    Attributes
    ----------
    weights_size, values_size : tuple of int
        Sizes of both, brought to the same number of axes.
    axis : int
        The axis summed over, from 0: it runs over keys.
    keepdim : bool
        Whether the sum leaves an axis of size 1.
    """

    weights_size: tuple[int, ...]
    values_size: tuple[int, ...]
    axis: int
    keepdim: bool

    @property
    def key_axis(self) -> int:
        return self.axis - len(self.weights_size)

    @property
    def query_axis(self) -> int:
        rank = len(self.weights_size)
        return self._queries[-1] - rank if self._queries else -rank - 1

    def leading(self, rank: int) -> list[int]:
        return [axis - len(self.weights_size) + rank for axis in self._leading]

    @property
    def _features(self) -> list[int]:
        """Axes that only the values have."""
        return [i for i, n in enumerate(self.weights_size) if n == 1 and i != self.axis]

    @property
    def _own(self) -> list[int]:
        """Axes of queries that have values of their own: they come after the features."""
        first = min(self._features, default=len(self.weights_size))
        shared = zip(self.weights_size, self.values_size, strict=True)
        return [i for i, (w, v) in enumerate(shared) if w > 1 and v > 1 and first < i != self.axis]

    @property
    def _queries(self) -> list[int]:
        sizes = zip(self.weights_size, self.values_size, strict=True)
        without = [i for i, (w, v) in enumerate(sizes) if w > 1 and v == 1 and i != self.axis]
        return sorted([*without, *self._own])

    @property
    def _leading(self) -> list[int]:
        taken = {*self._features, *self._queries, self.axis}
        return [i for i in range(len(self.weights_size)) if i not in taken]

    def weights(self, tensor: torch.Tensor) -> torch.Tensor:
        return self._arranged(
            tensor, self.weights_size, [self._queries + self._features, [self.axis]]
        )

    def values(self, tensor: torch.Tensor) -> torch.Tensor | None:
        """View as (..., Tk, dv), or None where every query has values of its own."""
        if self._own:
            return None
        return self._arranged(
            tensor, self.values_size, [[self.axis], self._features + self._queries]
        )

    def values_of_each(self, tensor: torch.Tensor) -> torch.Tensor:
        """View as (..., Tq, Tk, dv)."""
        return self._arranged(
            tensor, self.values_size, [self._queries, [self.axis], self._features]
        )

    def output(self, tensor: torch.Tensor) -> torch.Tensor:
        if not self.keepdim:
            tensor = tensor.unsqueeze(self.axis)
        return self._arranged(
            tensor, tuple(tensor.shape), [[*self._queries, self.axis], self._features]
        )

    def _arranged(
        self, tensor: torch.Tensor, sizes: tuple[int, ...], groups: list[list[int]]
    ) -> torch.Tensor:
        """Bring axes to the order leading, then one axis for each group."""
        tensor = tensor.reshape(sizes)
        order = [*self._leading, *(axis for group in groups for axis in group)]
        rest = [math.prod(sizes[axis] for axis in group) for group in groups]
        return tensor.permute(order).reshape([*(sizes[axis] for axis in self._leading), *rest])


Meeting = MatmulMeeting | EinsumMeeting | SummedMeeting


def queries_and_keys(
    product: Product, key_place: int, query_place: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Operands of a product as (..., Tq, d) and (..., Tk, d).

    Parameters
    ----------
    key_place, query_place : int
        Axes of the product's result that run over keys and queries.
    """
    left, right = product.left.tensor, product.right.tensor
    if product.prescaled != 1.0:
        left = left / product.prescaled
    if product.equation is None:
        rows, columns = left, right.transpose(-2, -1)
        rows_are_keys = key_place == len(product.step.after) - 2
        return (columns, rows) if rows_are_keys else (rows, columns)
    of_left, of_right, of_result = product.equation
    query, key = of_result[query_place], of_result[key_place]
    leading = [c for c in of_result if c not in (query, key)]
    if all(c in of_left for c in leading):
        leading.sort(key=of_left.index)
    summed = "".join(c for c in of_left if c in of_right and c not in of_result)
    found = {}
    for letter in (query, key):
        letters, tensor = (of_left, left) if letter in of_left else (of_right, right)
        found[letter] = arrange(tensor, letters, [*leading, letter, summed])
    return found[query], found[key]
