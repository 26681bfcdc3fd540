"""Windows: parts of an image whose patches look only at one another, put back where they lie."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnwidget.call import AttentionCall
from attnwidget.images.eye import Eye, Grid

Cells = NDArray[np.int32]


def cells_of_windows(grid: Grid, side: int, shift: int) -> Cells:
    """Which patch each token of each window is, int32 (windows, side²); -1 where it is padding.

    As Swin does it (Liu et al., "Swin Transformer", 2021, section 3.2 and figure 4): the grid is
    padded below and at the right to whole windows, rolled up and left by `shift`, and cut.

    Parameters
    ----------
    grid : (int, int)
        Rows and columns of patches; they are counted row by row.
    side : int
        Rows, and columns, of a window.
    shift : int
        How far windows are moved: half a window in every second layer.
    """
    rows, cols = grid
    down, across = (math.ceil(n / side) for n in grid)
    cells = np.full((down * side, across * side), -1, np.int32)
    cells[:rows, :cols] = np.arange(rows * cols, dtype=np.int32).reshape(rows, cols)
    rolled = np.roll(cells, (-shift, -shift), axis=(0, 1))
    parts = rolled.reshape(down, side, across, side).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(parts.reshape(down * across, side * side))


def windows_of(call: AttentionCall, base: Grid, eye: Eye) -> tuple[Grid, Cells] | None:
    """The grid of a layer, and its windows; None where they are cut in another way.

    A layer's grid is the model's own, or halved as often as neighbouring patches were merged
    before it.

    Parameters
    ----------
    base : (int, int)
        Rows and columns of patches that the model begins with.
    """
    side = math.isqrt(call.query_len)
    if side * side != call.query_len or call.key_len != call.query_len:
        return None
    grid, before = base, None
    while grid != before and min(grid) >= side:
        if math.prod(math.ceil(n / side) for n in grid) == call.windows:
            return grid, cells_of_windows(grid, side, shift_of(call.module, eye.model))
        grid, before = (math.ceil(grid[0] / 2), math.ceil(grid[1] / 2)), grid
    return None


def shift_of(path: str, model: Any) -> int:
    """How far the windows of an attention are moved: what a module around it says."""
    while path and model is not None:
        shift = getattr(model.get_submodule(path), "shift_size", None)
        first = shift[0] if isinstance(shift, tuple | list) and shift else shift
        if isinstance(first, int):
            return first
        path = path.rpartition(".")[0]
    return 0
