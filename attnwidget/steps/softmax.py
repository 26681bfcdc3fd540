"""The softmax of scores worked out anew, and whether the weights of a call are the same."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from attnwidget.call import AttentionCall
from attnwidget.steps.row import Numbers

# Weights that differ by more have something else in their scores.
_SAME = 1e-4


def softmax_of_rows(scores: Numbers, visible: NDArray[np.bool_]) -> Numbers:
    """The softmax of every row (n, Tk) over the keys it may see; NaN where it sees none."""
    hidden = np.where(visible, scores, -np.inf)
    exponentials = np.exp(hidden - hidden.max(axis=1, keepdims=True))
    made: Numbers = exponentials / exponentials.sum(axis=1, keepdims=True)
    return made


def is_rounding(difference: float, call: AttentionCall) -> bool:
    """Whether weights worked out anew that lie so far from the call's own are the same ones."""
    return difference <= max(_SAME, 4 * torch.finfo(call.dtype).eps)
