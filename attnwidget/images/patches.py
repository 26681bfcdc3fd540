"""Patches: an image cut into a grid, each patch a token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from attnwidget.images.pixels import rgb_of
from attnwidget.labels import Token
from attnwidget.trouble import Trouble


@dataclass(frozen=True, eq=False)
class Patches:
    """The tokens of a model that reads an image, for ``aw.explore(model, ..., tokens=...)``.

    Parameters
    ----------
    image : PIL.Image.Image, numpy.ndarray or torch.Tensor
        What is shown under the attention, cut as the model cuts it; see `rgb_of` for its shapes.
    grid : (int, int)
        Rows and columns of patches; they are the model's tokens row by row.
    prefix : int
        How many tokens stand before them, such as one class token.

    Raises
    ------
    Trouble
        If the image is none, or the grid is not two positive numbers.

    Examples
    --------
    >>> import numpy as np
    >>> patches = Patches(np.zeros((28, 28)), grid=(2, 2), prefix=1)
    >>> len(patches), patches.tokens()[3].text
    (5, 'row 2, column 1')
    """

    image: Any
    grid: tuple[int, int]
    prefix: int = 0

    def __post_init__(self) -> None:
        rgb_of(self.image)
        grid: Any = self.grid
        is_grid = isinstance(grid, tuple | list) and len(grid) == 2
        if not is_grid or not all(isinstance(n, int) and n > 0 for n in grid):
            raise Trouble(
                f"grid={self.grid!r} is no grid of patches.",
                "Expected two whole numbers from 1 up, rows and columns: grid=(14, 14).",
            )
        prefix: Any = self.prefix
        if not isinstance(prefix, int) or prefix < 0:
            raise Trouble(
                f"prefix={self.prefix!r} is no number of tokens.",
                "Expected how many tokens stand before the patches: 1 for a class token.",
            )

    def __len__(self) -> int:
        return self.prefix + self.grid[0] * self.grid[1]

    def tokens(self) -> tuple[Token, ...]:
        """One for each, by its place: "row 3, column 5"."""
        return tokens_of_patches(self.grid, self.prefix)

    def unfit(self, lengths: str) -> Trouble:
        """What to say where no attention runs over so many positions, but over `lengths`."""
        rows, cols = self.grid
        before = f" and {self.prefix} before them" if self.prefix else ""
        return Trouble(
            f"{rows} × {cols} patches{before} are {len(self)} tokens, but the attention runs over "
            f"{lengths} positions.",
            "Give the grid that the model cuts its images into, and the number of its tokens "
            "before the patches: aw.Patches(image, grid=(14, 14), prefix=1) are 197.",
        )


@lru_cache(maxsize=32)  # live, they are the same in every pass
def tokens_of_patches(
    grid: tuple[int, int], prefix: int, order: tuple[int, ...] | None = None
) -> tuple[Token, ...]:
    """Tokens of an image: those before the patches, then the patches.

    Parameters
    ----------
    grid : (int, int)
        Rows and columns.
    prefix : int
        How many stand before them.
    order : tuple of int, optional
        Which patch each token is, counted row by row, where they come in another order.
    """
    rows, cols = grid
    places = range(rows * cols) if order is None else order
    before = [Token(name, " " if i else "", "special") for i, name in enumerate(_names(prefix))]
    patches = [patch_token(*divmod(cell, cols)) for cell in places]
    return numbered([*before, *patches])


def patch_token(row: int, column: int) -> Token:
    """The token of a patch; a reader counts rows and columns from 1."""
    return Token(f"row {row + 1}, column {column + 1}", " ", patch=(row, column))


def numbered(tokens: Sequence[Token]) -> tuple[Token, ...]:
    """The same tokens, their words counted anew: each patch is one."""
    words: list[int] = []
    for before, token in zip([None, *tokens], tokens, strict=False):
        goes_on = (
            before is not None
            and token.patch is None
            and before.patch is None
            and token.word == before.word
            and not token.kind
            and not before.kind
        )
        words.append(words[-1] + (0 if goes_on else 1) if words else 0)
    return tuple(replace(token, word=word) for token, word in zip(tokens, words, strict=True))


def _names(prefix: int) -> list[str]:
    """A class token; DeiT adds one to distil into, and models with registers have several more."""
    if prefix == 2:
        return ["class token", "distillation token"]
    return ["class token", *(f"register {i}" for i in range(1, prefix))][:prefix]
