"""The processor of the digits models: an image of any usual kind becomes 8 by 8 pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from attnwidget.trouble import Trouble

SIZE = 8
# Shares of red, green and blue in grey (ITU-R BT.601), as Pillow's convert("L") takes them.
GREY = (0.299, 0.587, 0.114)
# What stands for full ink: the largest value of an image says which of them it counts by.
SCALES = (1, 16, 255)


class DigitsProcessor:
    """Makes ``pixel_values`` of an image; ink is bright and the paper is 0.

    Attributes
    ----------
    grid : (int, int)
        Rows and columns of patches.
    prefix : int
        Tokens in front of the patches: the class token.
    """

    grid = (4, 4)
    prefix = 1

    def __call__(self, images: Any, return_tensors: str = "pt") -> dict[str, torch.Tensor]:
        """``{"pixel_values": (1, 1, 8, 8) float32}`` from 0 to 1, ready for ``model(**...)``.

        Parameters
        ----------
        images : PIL.Image.Image, numpy.ndarray or torch.Tensor
            One image, square, 8 by 8 or larger, of shape (S, S), (S, S, channels) or
            (channels, S, S). Colours are made grey, a fourth channel (alpha) is left out, and a
            larger image is pooled: a pixel is the mean over its share of the area. Values may run
            from 0 to 1, to 16 or to 255; the smallest of the three that none exceeds is taken.
        return_tensors : str
            Only "pt".

        Raises
        ------
        Trouble
            If it is no image, or of another shape or range.
        """
        if return_tensors != "pt":
            raise ValueError(f'return_tensors is {return_tensors!r}; this processor knows "pt".')
        pixels = _pooled(_grey(_array(images)))  # (8, 8)
        return {"pixel_values": torch.tensor(pixels, dtype=torch.float32)[None, None]}


def _array(image: Any) -> np.ndarray[Any, Any]:
    """Any kind of image as numbers of one scale, from 0 to 1."""
    if hasattr(image, "convert") and hasattr(image, "mode"):  # Pillow's, which is not imported
        colours = image.mode in {"RGB", "RGBA", "F", "I", "I;16"}
        image = image if colours else image.convert("L")
    elif isinstance(image, torch.Tensor):
        image = image.detach().cpu().float()
    try:
        values = np.asarray(image, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.array(0.0)  # told below
    if values.ndim == 0:
        raise _unlike(f"A {type(image).__name__} was given as an image.")
    if values.ndim not in (2, 3) or values.size == 0:
        raise _unlike(f"The image is of shape {values.shape}.")
    least, most = values.min(), values.max()
    scale = next((scale for scale in SCALES if most <= scale), None)
    if scale is None or not least >= 0:  # also where it holds NaN
        raise _unlike(f"The image has values from {least:g} to {most:g}.")
    return values / scale


def _grey(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(S, S) of (S, S), (S, S, channels) or (channels, S, S)."""
    shape = values.shape
    if values.ndim == 3 and shape[-1] not in (1, 3, 4):
        values = np.moveaxis(values, 0, -1)
    if values.ndim == 3 and values.shape[-1] in (1, 3, 4):
        values = values[..., 0] if values.shape[-1] == 1 else values[..., :3] @ np.array(GREY)
    if values.ndim != 2 or values.shape[0] != values.shape[1] or len(values) < SIZE:
        raise _unlike(f"The image is of shape {shape}.")
    return values


def _pooled(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(8, 8) of (S, S): the mean over each pixel's share of the area."""
    edges = np.linspace(0, len(values), SIZE + 1)
    left, right = edges[:-1, None], edges[1:, None]  # of each pixel made
    at = np.arange(len(values))
    covered = np.clip(np.minimum(right, at + 1) - np.maximum(left, at), 0, None)  # (8, S)
    shares = covered / covered.sum(1, keepdims=True)
    pooled: np.ndarray[Any, Any] = shares @ values @ shares.T
    return pooled


def _unlike(title: str) -> Trouble:
    return Trouble(
        title,
        f"Give one square image of at least {SIZE} by {SIZE} pixels (crop or pad others): one of "
        "PIL, or an array or tensor of shape (S, S), (S, S, 3) or (1, S, S), with values from 0 to "
        "1, to 16 or to 255.",
    )
