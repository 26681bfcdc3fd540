"""Images of any usual kind as red, green and blue for the screen."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from attnwidget.trouble import Trouble

Rgb = NDArray[np.uint8]  # (rows, columns, 3)

LONGEST_SIDE = 512
_CHANNELS = (1, 3, 4)


def rgb_of(image: Any) -> Rgb:
    """An image as uint8 (rows, columns, 3).

    Parameters
    ----------
    image : PIL.Image.Image, numpy.ndarray or torch.Tensor
        One image, grey or of colours; with a fourth channel it is laid on white. Arrays are of
        shape (rows, columns), with channels behind or in front, or such in a batch of one. Their
        values run from 0 to 1 or to 255; others, as after a normalisation, are stretched over
        what there is.

    Raises
    ------
    Trouble
        If it is no image, or has other axes or channels; its shape is named.
    """
    if isinstance(image, Image.Image):
        if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA"):
            seen = image.convert("RGBA")
            on_white = Image.new("RGBA", seen.size, "white")
            image = Image.alpha_composite(on_white, seen)
        elif image.mode in ("I", "I;16", "F"):
            return rgb_of(np.asarray(image, np.float64))
        return np.array(image.convert("RGB"), np.uint8)
    if isinstance(image, torch.Tensor) and not image.is_complex():
        image = image.detach().float().cpu().numpy()
    elif not isinstance(image, np.ndarray):
        dtype = f" of type {image.dtype}" if isinstance(image, torch.Tensor) else ""
        raise _unlike(f"A {type(image).__name__}{dtype} was given as an image.")
    if image.dtype.kind not in "uifb":
        raise _unlike(f"The image holds values of type {image.dtype}.")
    colours, alpha = _channels_last(image)
    shown = colours * alpha + 255.0 * (1 - alpha)
    return np.broadcast_to(np.rint(shown), (*shown.shape[:2], 3)).astype(np.uint8)


def _channels_last(image: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any] | float]:
    """Colours from 0 to 255, (rows, columns, 1 or 3), and how much each covers."""
    values = image[0] if image.ndim == 4 and image.shape[0] == 1 else image
    if values.ndim == 2:
        values = values[..., None]
    if values.ndim != 3 or 0 in values.shape:
        raise _unlike(f"The image is of shape {image.shape}.")
    if values.shape[2] not in _CHANNELS:
        values = np.moveaxis(values, 0, 2)
    if values.shape[2] not in _CHANNELS:
        raise _unlike(f"The image is of shape {image.shape}: it has no 1, 3 or 4 channels.")
    if not np.isfinite(values).all():
        raise _unlike("The image holds values that are not finite.")
    numbers = stretched(values.astype(np.float64), image.dtype)
    if values.shape[2] < 4:
        return numbers, 1.0
    return numbers[..., :3], numbers[..., 3:] / 255.0


def stretched(values: NDArray[np.float64], dtype: np.dtype[Any] | None = None) -> NDArray[Any]:
    """Values from 0 to 255, of values whose range says what they are.

    Parameters
    ----------
    values : ndarray
        From 0 to 1, or to 255; or of any other range, which then becomes black to white.
    dtype : dtype, optional
        What they were kept in: bytes and truth values are known without looking.
    """
    least, most = float(values.min()), float(values.max())
    if dtype == np.uint8 or (least >= 0 and 1 < most <= 255):
        return values
    if least >= 0 and most <= 1:
        return 255.0 * values
    return 255.0 * (values - least) / (most - least or 1.0)


def for_screen(rgb: Rgb) -> Rgb:
    """The same, made smaller if it is larger than a screen would show."""
    height, width = rgb.shape[:2]
    if max(height, width) <= LONGEST_SIDE:
        return rgb
    scale = LONGEST_SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.array(Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS), np.uint8)


def _unlike(title: str) -> Trouble:
    return Trouble(
        title,
        "Expected one image: of PIL, or an array or tensor of shape (rows, columns), "
        "(rows, columns, channels) or (channels, rows, columns) with 1, 3 or 4 channels and values "
        "from 0 to 1 or from 0 to 255.",
    )
