"""What a row of weights makes of the values, beside what the model made of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from attnwidget.call import AttentionCall
from attnwidget.steps.row import At, Numbers, RowSteps, in_float64, of_head


@dataclass(frozen=True)
class RowOutputs:
    """The head's output, the model's own one, and those of all heads, for one query.

    Attributes
    ----------
    head : int
        Number of the query head.
    values : ndarray or None
        (Tk, dv).
    worked_out, own : ndarray or None
        (dv,).
    heads : ndarray or None
        (H, dv).
    is_own : bool
        Whether `heads` are the model's own numbers.
    error : float or None
        Largest difference of `worked_out` and `own`, relative to the largest of `own`.
    why : str
        Why one of them is missing, in words.
    """

    head: int
    values: Numbers | None
    worked_out: Numbers | None
    own: Numbers | None
    heads: Numbers | None
    is_own: bool
    error: float | None
    why: str


def row_outputs(call: AttentionCall, at: At, steps: RowSteps) -> RowOutputs:
    """Work out the head's output from its row, and read what the model has of it."""
    values = call.v
    of_this = None if values is None else of_head(values, at, call.heads)
    v = None if of_this is None else in_float64(of_this)
    worked_out = None if v is None else steps.weights @ v
    given, why = call.output, ""
    if given is not None:
        heads: Numbers | None = in_float64(given[at.batch, :, at.query])
    else:
        heads = _weighed(call, at, values)
        why = sentence(call._evidence.why_unchecked or "the output was not handed out")
    own = None if given is None or heads is None else heads[at.head]
    if v is None:
        why = "Every query has values of its own here, which are not shown."
    error = None
    if worked_out is not None and own is not None:
        largest = float(np.abs(own).max(initial=0.0))
        error = float(np.abs(worked_out - own).max(initial=0.0)) / (largest or 1.0)
    return RowOutputs(at.head, v, worked_out, own, heads, given is not None, error, why)


def _weighed(call: AttentionCall, at: At, values: torch.Tensor | None) -> Numbers | None:
    """Weights @ V of every head (H, dv), where the kernel keeps what it made to itself."""
    if values is None or call.heads % values.shape[1]:
        return None
    weights = call.weights(queries=at.query, batch=at.batch)[0, :, 0]
    v = values[at.batch if values.shape[0] > 1 else 0]
    shared = call.heads // v.shape[0]
    made = [in_float64(weights[h]) @ in_float64(v[h // shared]) for h in range(call.heads)]
    return np.stack(made)


def sentence(text: str) -> str:
    """A reason as one."""
    return f"{text[:1].upper()}{text[1:]}."
