"""How far heads look over an image: the mean attention distance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from attnwidget.call import AttentionCall
from attnwidget.images.eye import Grid
from attnwidget.images.windows import Cells

# Weights held at once, all heads of a layer together (64 MiB).
_CELLS_AT_ONCE = 16_777_216


def places_of_cells(cells: Sequence[int] | np.ndarray, grid: Grid, unit: float = 1.0) -> Tensor:
    """Middles of patches, float64 (P, 2), from their numbers counted row by row.

    Parameters
    ----------
    unit : float
        Height and width of a patch.
    """
    numbers = torch.as_tensor(np.asarray(cells, np.int64))
    return unit * torch.stack([numbers // grid[1], numbers % grid[1]], 1).double()


def mean_attention_distance(weights: Tensor, queries: Tensor, keys: Tensor) -> Tensor:
    """Mean over queries of their mean distance to what they look at.

    Dosovitskiy et al., "An Image is Worth 16x16 Words" (2021), appendix D.7: for each query patch
    the distance to all others, weighted by the attention. Rows are divided by what they sum to
    over the keys that are given, so that a class token can be left out; rows of nothing count 0.

    Parameters
    ----------
    weights : Tensor
        (..., Q, K) over patches only.
    queries, keys : Tensor
        (Q, 2) and (K, 2), where they are, in any unit.

    Returns
    -------
    Tensor
        float64 (...), in the same unit.

    Examples
    --------
    >>> at = torch.tensor([[0.0, 0.0], [0.0, 3.0]])
    >>> mean_attention_distance(torch.tensor([[0.5, 0.5], [0.0, 1.0]]), at, at).item()
    0.75
    """
    return _rows(weights, queries, keys).mean(-1)


def distances_of(
    call: AttentionCall, parts: Sequence[tuple[int, Tensor, Sequence[int], Tensor, Sequence[int]]]
) -> tuple[Tensor, float]:
    """Mean attention distance of each head of a call, float64 (H,), and that of even attention.

    Parameters
    ----------
    parts : sequence of (item, places of queries, their tokens, places of keys, their tokens)
        Which items of the batch are looked at, and where their patches are.
    """
    sums, even, rows = torch.zeros(call.heads, dtype=torch.float64), 0.0, 0
    for item, at, queries, at_keys, keys in parts:
        for band in _bands(queries, call.heads * len(keys)):
            chosen = [queries[i] for i in band]
            weights = call.weights(None, chosen, list(keys), item)[0].cpu()
            here = at[list(band)]
            sums += _rows(weights, here, at_keys).sum(-1)
            even += float(torch.cdist(here, at_keys).mean(-1).sum())
        rows += len(queries)
    return sums / max(1, rows), even / max(1, rows)


def parts_of_windows(
    cells: Cells, grid: Grid, base: Grid, first: int
) -> Iterator[tuple[int, Tensor, list[int], Tensor, list[int]]]:
    """The windows of one image as parts for `distances_of`, in patches of the grid `base`.

    Parameters
    ----------
    first : int
        Which item of the batch the first window is.
    """
    for window, numbers in enumerate(cells):
        tokens = [int(i) for i in np.flatnonzero(numbers >= 0)]
        if tokens:
            at = places_of_cells(numbers[tokens], grid, base[0] / grid[0])
            yield first + window, at, tokens, at, tokens


def _rows(weights: Tensor, queries: Tensor, keys: Tensor) -> Tensor:
    """(..., Q)."""
    exact = weights.double().nan_to_num(0.0)
    sums = exact.sum(-1)
    far = (exact * torch.cdist(queries.double(), keys.double())).sum(-1)
    return far / torch.where(sums == 0, torch.ones_like(sums), sums)


def _bands(queries: Sequence[int], cells_of_row: int) -> Iterator[range]:
    at_once = max(1, _CELLS_AT_ONCE // max(1, cells_of_row))
    for start in range(0, len(queries), at_once):
        yield range(start, min(start + at_once, len(queries)))
