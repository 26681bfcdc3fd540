"""How a model cuts images into patches, as far as it and its processor say so."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch

Grid = tuple[int, int]

# A class token, one to distil into, registers: no model has more before its patches.
MOST_BEFORE = 16
# What most have, where only the number of tokens tells.
_USUAL_BEFORE = (0, 1, 2, 5)


@dataclass(frozen=True, eq=False)
class Eye:
    """What a model and its processor say of images.

    Attributes
    ----------
    model : Module or None
    grid, prefix : (int, int), int or None
        Rows and columns of patches, and tokens before them, where the processor says so itself.
    strides : tuple of (int, int)
        Sizes that a patch may have in pixels: what the config says, then those of convolutions
        that step as far as they are wide.
    image_token : int or None
        Id that stands in a text for each patch of an image.
    merge : int
        Patches of so many rows and columns become one token of the text, and stand together.
    window : int
        Tokens of the text along one side of a window, by which the patches are sorted; 0: they
        are not.
    mean, std : tuple of float or None
        What the processor subtracts from each channel and divides by.
    """

    model: torch.nn.Module | None = field(default=None, repr=False)
    grid: Grid | None = None
    prefix: int | None = None
    strides: tuple[Grid, ...] = ()
    image_token: int | None = None
    merge: int = 1
    window: int = 0
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None

    @classmethod
    def of(cls, model: torch.nn.Module | None, processor: Any) -> Eye:
        """What `model` and `processor` say; either may be None."""
        config = getattr(model, "config", None)
        of_images = getattr(config, "vision_config", None) or config
        reads = getattr(processor, "image_processor", None) or processor
        mean, std = (_numbers(getattr(reads, name, None)) for name in ("image_mean", "image_std"))
        if getattr(reads, "do_normalize", True) is False:
            mean = std = None
        merge = _whole(getattr(of_images, "spatial_merge_size", None)) or 1
        patch = _pair(getattr(of_images, "patch_size", None))
        window = 0
        if patch and getattr(of_images, "fullatt_block_indexes", None) is not None:
            window = (_whole(getattr(of_images, "window_size", None)) or 0) // merge // patch[0]
        names = ("image_token_id", "image_token_index")
        ids = (_whole(getattr(config, name, None)) for name in names)
        steps = dict.fromkeys([*([patch] if patch else []), *_steps(model)])
        return cls(
            model,
            _pair(getattr(processor, "grid", None)),
            _whole(getattr(processor, "prefix", None)),
            tuple(steps),
            next((i for i in ids if i is not None), None),
            merge,
            window,
            mean,
            std,
        )

    def grids(self, size: Grid) -> Iterator[Grid]:
        """Grids that an image of so many pixels may be cut into, the likeliest first."""
        if self.grid is not None:
            yield self.grid
        for rows, cols in self.strides:
            if size[0] >= rows and size[1] >= cols:
                yield size[0] // rows, size[1] // cols

    def grid_of(self, size: Grid, tokens: int) -> tuple[Grid, int] | None:
        """The grid that `tokens` are, and how many of them stand before the patches.

        Parameters
        ----------
        size : (int, int)
            Rows and columns of the image in pixels.
        """
        for rows, cols in self.grids(size):
            before = tokens - rows * cols
            if before == self.prefix or (self.prefix is None and 0 <= before <= MOST_BEFORE):
                return (rows, cols), before
        for before in _USUAL_BEFORE:
            grid = _like(size, tokens - before)
            if grid is not None:
                return grid, before
        return None

    def grid_in_text(self, size: Grid, tokens: int) -> Grid | None:
        """The grid that so many tokens of a text are, which stand for an image.

        Some models make one token of several patches: of 2 × 2, or of 4 × 4.
        """
        for rows, cols in self.grids(size):
            for merged in range(1, min(rows, cols) + 1):
                if rows % merged == 0 == cols % merged and rows * cols == tokens * merged**2:
                    return rows // merged, cols // merged
        return _like(size, tokens)


def order_of_merged(grid: Grid, merge: int, window: int) -> tuple[int, ...]:
    """Patches in the order of a model that later merges blocks of them, counted row by row.

    Qwen2-VL has those of a block one after the other; Qwen2.5-VL also sorts blocks by the window
    they are in (``get_vision_window_index`` in transformers).
    """
    rows, cols = grid
    cells = torch.arange(rows * cols).reshape(rows // merge, merge, cols // merge, merge)
    blocks = cells.transpose(1, 2).reshape(rows // merge, cols // merge, merge * merge)
    if window:
        stripes = (torch.split(stripe, window, 1) for stripe in torch.split(blocks, window, 0))
        blocks = torch.cat([part.flatten(0, 1) for stripe in stripes for part in stripe])
    return tuple(blocks.flatten().tolist())


def _like(size: Grid, patches: int) -> Grid | None:
    """A grid of so many patches, of the shape of the image."""
    if patches < 4:
        return None
    rows = round(math.sqrt(patches * size[0] / size[1]))
    if rows < 2 or patches % rows:
        return None
    cols = patches // rows
    return (rows, cols) if abs(cols - rows * size[1] / size[0]) < 0.5 else None


def _steps(model: torch.nn.Module | None) -> Iterator[Grid]:
    for module in model.modules() if model is not None else ():
        if isinstance(module, torch.nn.Conv2d) and module.stride == module.kernel_size:
            rows, cols = module.stride
            if max(rows, cols) > 1:
                yield rows, cols


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _pair(value: object) -> Grid | None:
    """A size of one number, or of two: some configs have a list."""
    if isinstance(value, list | tuple) and len(value) == 2:
        rows, cols = map(_whole, value)
    else:
        rows = cols = _whole(value)
    return (rows, cols) if rows and cols and min(rows, cols) > 0 else None


def _numbers(value: object) -> tuple[float, ...] | None:
    if not isinstance(value, list | tuple) or not value:
        return None
    return tuple(map(float, value)) if all(isinstance(n, int | float) for n in value) else None
