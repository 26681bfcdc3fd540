"""The images that a model was given in a pass, as it saw them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch

from attnwidget.given import Given
from attnwidget.images.eye import Eye, Grid
from attnwidget.images.pixels import Rgb, stretched
from attnwidget.trouble import Trouble

_CHANNELS = (1, 3, 4)


@dataclass(frozen=True, eq=False)
class Seen:
    """Images among the arguments of a pass, by reference.

    Attributes
    ----------
    given : Given
        All arguments.
    pixels : Tensor
        (N, C, rows, columns); or (P, numbers) patches of all images, one after the other.
    grids : list of (int, int, int) or None
        Frames, rows and columns of patches of each image, where patches were given.
    """

    given: Given = field(repr=False)
    pixels: torch.Tensor = field(repr=False)
    grids: list[tuple[int, int, int]] | None = None

    @property
    def count(self) -> int:
        """How many images there are."""
        return len(self.pixels) if self.grids is None else len(self.grids)

    def size(self, item: int, eye: Eye) -> Grid | None:
        """Rows and columns of one image in pixels; None where it is none or a film."""
        if not 0 <= item < self.count:
            return None
        if self.grids is None:
            return int(self.pixels.shape[2]), int(self.pixels.shape[3])
        frames, rows, cols = self.grids[item]
        if frames != 1 or not eye.strides:
            return None
        return rows * eye.strides[0][0], cols * eye.strides[0][1]

    def rgb(self, item: int, eye: Eye) -> tuple[Rgb, str]:
        """One image as uint8 (rows, columns, 3), and how it comes to look so.

        What the processor made of its numbers is undone; where that is not known, they are
        stretched over what there is.

        Raises
        ------
        Trouble
            If its numbers were overwritten since.
        """
        if self.given.is_overwritten:
            raise Trouble(
                "The image was overwritten after the pass.",
                "Give the model a new tensor each time, to see here what it saw.",
            )
        numbers = self._channels(item, eye).detach().double().cpu()
        if eye.mean is not None and eye.std is not None and len(eye.mean) == len(numbers):
            mean, std = (torch.tensor(n, dtype=torch.float64)[:, None, None] for n in
                         (eye.mean, eye.std))  # fmt: skip
            values, said = 255.0 * (numbers * std + mean).numpy(), "as the model saw it"
        else:
            values = stretched(torch.nan_to_num(numbers, 0.0, 0.0, 0.0).numpy())
            said = "as the model saw it"
            if float(numbers.min()) < 0 or float(numbers.max()) > 255:
                said += ", stretched from black to white"
        shown = np.rint(np.clip(np.moveaxis(values, 0, 2), 0, 255))
        shown = shown[..., :3] if shown.shape[2] >= 3 else shown[..., :1]
        return np.broadcast_to(shown, (*shown.shape[:2], 3)).astype(np.uint8), said

    def _channels(self, item: int, eye: Eye) -> torch.Tensor:
        """(C, rows, columns)."""
        if self.grids is None:
            return self.pixels[item]
        _, rows, cols = self.grids[item]
        start = sum(t * h * w for t, h, w in self.grids[:item])
        height, width = eye.strides[0]
        merge = eye.merge
        blocks = self.pixels[start : start + rows * cols].reshape(
            rows // merge, cols // merge, merge, merge, 3, -1, height, width
        )[..., 0, :, :]  # of the frames of a still image one is as good as another
        # (row of blocks, column of blocks, row, column, colour, pixels down, pixels across)
        return blocks.permute(4, 0, 2, 5, 1, 3, 6).reshape(3, rows * height, cols * width)


def seen_in(given: Given | None) -> Seen | None:
    """The images among the arguments of a pass; None where there are none."""
    encoded = None if given is None else given.encoded
    if given is None or encoded is None:
        return None
    pixels = encoded.kwargs.get("pixel_values")
    grids = encoded.kwargs.get("image_grid_thw")
    if isinstance(pixels, torch.Tensor) and isinstance(grids, torch.Tensor):
        return Seen(given, pixels, [(int(t), int(h), int(w)) for t, h, w in grids.tolist()])
    others = (pixels, *encoded.args, *encoded.kwargs.values())
    found = next((value for value in others if _is_images(value)), None)
    return None if found is None else Seen(given, found)


def _is_images(value: object) -> bool:
    return (
        isinstance(value, torch.Tensor)
        and value.dim() == 4
        and value.shape[1] in _CHANNELS
        and min(value.shape[2:]) > 3
        and (value.is_floating_point() or value.dtype == torch.uint8)
    )
