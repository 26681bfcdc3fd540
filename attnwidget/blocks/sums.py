"""Which tensors were added to give another one: found from their numbers, not from names.

A sum in floating point is its exact sum rounded once, so it agrees in every entry to within the
spacing of numbers of its size; by chance, thousands of entries never do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from attnwidget.blocks.watch import Value

# Half the spacing of numbers, and a little.
_ROUNDING = 0.6
# Threes of more values than these are too many to try.
_MOST_IN_THREES = 28
# Rows that tell the factors of the features: of fewer, nearly any factors fit.
_MOST_ROWS_BY_CHANNEL, _FEWEST_ROWS_BY_CHANNEL = 128, 4


@dataclass(frozen=True)
class Addend:
    """One of the tensors of a sum, and what it was multiplied by.

    Attributes
    ----------
    value : Value
    factor : float
    channels : Tensor (E,) or None
        Factors of its features, where each has its own (layer scale); then `factor` is 1.
    """

    value: Value
    factor: float = 1.0
    channels: torch.Tensor | None = None

    @property
    def scaled(self) -> torch.Tensor:
        """What was added, (T, E) in float32."""
        full = self.value.full.float()
        if self.channels is not None:
            return full * self.channels.to(full)
        return full if self.factor == 1.0 else full * self.factor


def addends_of(total: Value, earlier: list[Value]) -> list[tuple[Addend, ...]]:
    """Ways in which `total` is a sum of two or three of the `earlier`, each in order of time.

    Plain sums come first; sums with factors are only looked for where there is none.
    """
    earlier = sorted(earlier, key=lambda value: value.time)
    if len(earlier) < 2:
        return []
    parts = torch.stack([value.sketch for value in earlier])
    for ways in (_plain_pairs, _plain_threes, _with_factors, _threes_with_factors):
        found = ways(total, earlier, parts)
        if found:
            return found
    return _by_channel(total, earlier)


def _plain_pairs(
    total: Value, earlier: list[Value], parts: torch.Tensor
) -> list[tuple[Addend, ...]]:
    return [
        tuple(Addend(earlier[n]) for n in (i, j))
        for i in range(len(earlier) - 1)
        for j in _fitting(total, parts[i : i + 1], parts[i + 1 :], i + 1)
    ]


def _plain_threes(
    total: Value, earlier: list[Value], parts: torch.Tensor
) -> list[tuple[Addend, ...]]:
    if len(earlier) > _MOST_IN_THREES:
        return []
    return [
        tuple(Addend(earlier[n]) for n in (i, j, k))
        for i in range(len(earlier) - 2)
        for j in range(i + 1, len(earlier) - 1)
        for k in _fitting(total, parts[[i, j]], parts[j + 1 :], j + 1)
    ]


def _fitting(total: Value, some: torch.Tensor, others: torch.Tensor, first: int) -> list[int]:
    """Indices of the others that give the total together with all of some, the closest first."""
    error = (total.sketch - some.sum(0) - others).abs()
    rounded = total.sketch.abs()
    if len(some) > 1:  # what was added up first was rounded, too
        rounded = rounded + some.abs().sum(0) + others.abs()
    fits = (error <= _ROUNDING * _spacing(total) * rounded).all(1) & (others != 0).any(1)
    found = (fits & (some != 0).any(1).all()).nonzero()[:, 0]
    return [first + int(n) for n in found[error[found].amax(1).argsort()]]


def _with_factors(
    total: Value, earlier: list[Value], parts: torch.Tensor
) -> list[tuple[Addend, ...]]:
    pairs = torch.combinations(torch.arange(len(earlier)), 2)
    return _fitted(total, earlier, parts, pairs)


def _threes_with_factors(
    total: Value, earlier: list[Value], parts: torch.Tensor
) -> list[tuple[Addend, ...]]:
    if len(earlier) > _MOST_IN_THREES or total.sketch.numel() < 16:
        return []
    return _fitted(total, earlier, parts, torch.combinations(torch.arange(len(earlier)), 3))


def _fitted(
    total: Value, earlier: list[Value], parts: torch.Tensor, sets: torch.Tensor
) -> list[tuple[Addend, ...]]:
    """Sets of addends that give the total with the factors of least squares."""
    size = total.sketch.abs()
    weigh = 1 / (size + size.median() + torch.finfo(torch.float64).tiny)
    chosen, wanted = parts * weigh, total.sketch * weigh
    products, right = chosen @ chosen.T, chosen @ wanted
    scale = products.diagonal().clamp_min(1e-300).sqrt()
    square = (products / scale / scale[:, None])[sets[:, :, None], sets[:, None, :]]
    solved, info = torch.linalg.solve_ex(square, (right / scale)[sets])
    # Two that are multiples of each other, or near to it, leave open which of them was added.
    distinct = (torch.linalg.det(square) > 1e-6) & (info == 0)
    ways = []
    for row in distinct.nonzero()[:, 0].tolist():
        numbers = sets[row].tolist()
        factors = solved[row] / scale[numbers]
        made = factors[:, None] * parts[numbers]
        error = (total.sketch - made.sum(0)).abs()
        coarsest = max(_spacing(earlier[n]) for n in numbers)
        allowed = max(coarsest, _spacing(total)) * (size + made.abs().sum(0))
        counts = made.abs().amax(1) > 4 * error.amax()
        if bool((error <= allowed).all()) and bool(counts.all()):
            ways.append(
                tuple(
                    Addend(earlier[n], _rounded(f, coarsest))
                    for n, f in zip(numbers, factors.tolist(), strict=True)
                )
            )
    return ways


def _rounded(factor: float, spacing: float) -> float:
    """A factor without the noise of having been measured in numbers so far apart."""
    if abs(factor - 1) < max(1e-4, spacing):
        return 1.0
    digits = min(5, max(2, round(-math.log10(spacing))))
    return float(f"{factor:.{digits}g}")


def _by_channel(total: Value, earlier: list[Value]) -> list[tuple[Addend, ...]]:
    """Sums in which every feature of what is added has a factor of its own."""
    rows = min(total.full.shape[0], _MOST_ROWS_BY_CHANNEL)
    if rows < _FEWEST_ROWS_BY_CHANNEL:
        return []
    whole = total.full[:rows].double()
    ways: list[tuple[Addend, ...]] = []
    for i, one in enumerate(earlier[:-1]):
        rest = whole - one.full[:rows].double()
        for other in earlier[i + 1 :]:
            added = other.full[:rows].double()
            channels = (rest * added).sum(0) / (added * added).sum(0).clamp_min(1e-300)
            error = (rest - channels * added).abs()
            allowed = 8 * max(_spacing(total), _spacing(other))
            fits = error <= allowed * (
                whole.abs() + one.full[:rows].abs() + (channels * added).abs()
            )
            counts = (channels * added).abs().amax() > 16 * allowed * whole.abs().amax()
            if bool(fits.all()) and bool(counts):
                ways.append((Addend(one), Addend(other, 1.0, channels.float())))
    return ways


def _spacing(value: Value) -> float:
    return torch.finfo(value.full.dtype).eps
