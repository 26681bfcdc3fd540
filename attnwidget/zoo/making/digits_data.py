"""Handwritten digits of scikit-learn, divided by the forms that they were written on.

The 1,797 images are UCI's test set: 13 people wrote them, none of whom wrote any of UCI's training
set (which scikit-learn does not bring). Who wrote what is not told, but the order of the labels
tells of forms: the same 130 digits come fourteen times, in the same order, but for one digit that
differs and 23 that are missing in all. So here a *form* is a run of that order, and images are
divided by whole forms:

    learned from    forms 1 to 9      1,157 images
    chosen by       forms 10 and 11     258 images      hyper-parameters and seeds
    held out        forms 12 to 14      382 images      what the cards tell

If each form has one writer, then 13 people filled in 14 forms, and one of them two. Which two is
not known, and the images do not settle it. So of the three forms held out, one at the most is of a
writer who was learned from, and at least two are not.
"""

from __future__ import annotations

from typing import Literal

import torch
from safetensors.torch import save_file
from torch import Tensor

from attnwidget.zoo.digits import IMAGES

# Where the order of the labels begins anew, and the end.
FORMS = (0, 130, 256, 386, 516, 646, 776, 906, 1029, 1157, 1287, 1415, 1545, 1667, 1797)
PARTS = {"learned from": (0, 9), "chosen by": (9, 11), "held out": (11, 14)}

Part = Literal["learned from", "chosen by", "held out"]


def digits(part: Part) -> tuple[Tensor, Tensor]:
    """Images (N, 8, 8) uint8, from 0 to 16, and labels (N,) uint8, as scikit-learn has them.

    Raises
    ------
    ModuleNotFoundError
        If scikit-learn is missing; says which pip command brings it.
    """
    try:
        from sklearn.datasets import load_digits  # type: ignore[import-untyped]
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "The digits are learned from scikit-learn's images, and it is not installed here. "
            "This brings it: pip install scikit-learn. "
            "The images held out need no scikit-learn: attnwidget.zoo.digits.held_out().",
            name=error.name,
        ) from None
    found = load_digits()
    first, last = PARTS[part]
    here = slice(FORMS[first], FORMS[last])
    return (
        torch.tensor(found.images[here], dtype=torch.uint8),
        torch.tensor(found.target[here], dtype=torch.uint8),
    )


def pixel_values(images: Tensor) -> Tensor:
    """(N, 1, 8, 8) float32 from 0 to 1 of images (N, 8, 8), as `DigitsProcessor` makes of each."""
    return images[:, None].float() / 16


def keep_held_out() -> None:
    """Put the images held out beside the weights."""
    images, labels = digits("held out")
    source = (
        "Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak (1998), UCI Machine "
        "Learning Repository, https://doi.org/10.24432/C50P49, CC BY 4.0; the last 382 images of "
        "sklearn.datasets.load_digits (scikit-learn, BSD 3-clause), unchanged"
    )
    save_file({"images": images, "labels": labels}, IMAGES, {"source": source})
