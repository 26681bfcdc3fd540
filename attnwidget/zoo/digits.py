"""Images of handwritten digits that no model here has learned from.

They are the last 382 of scikit-learn's 1,797 digits (``sklearn.datasets.load_digits``), unchanged,
and these are the writer-independent test set of

    Alpaydin, E. and Kaynak, C. (1998). Optical Recognition of Handwritten Digits [Dataset]. UCI
    Machine Learning Repository. https://doi.org/10.24432/C50P49

under the licence CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/). scikit-learn, from which
they were taken, is under the BSD 3-clause licence. See `making.digits_data` for the order of the
images and what it says of their writers.
"""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor

IMAGES = Path(__file__).parent / "weights" / "digits.safetensors"


def held_out() -> tuple[Tensor, Tensor]:
    """Images (382, 8, 8) uint8, of values from 0 (paper) to 16 (ink), and labels (382,) uint8."""
    stored = load_file(IMAGES)
    return stored["images"], stored["labels"]
