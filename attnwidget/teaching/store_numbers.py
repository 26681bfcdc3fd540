"""The numbers of the key-value store, in float64. js/src/store/numbers.js computes the same.

Shape letters: m queries, n entries, d numbers in a query or key, dv in a value.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def dot_scores(query: Array, keys: Array) -> Array:
    """q·k for every query (m, d) and key (n, d): (m, n)."""
    return query @ keys.T


def distance_scores(query: Array, keys: Array) -> Array:
    """−½ ‖q − k‖² for every query (m, d) and key (n, d): (m, n).

    Under soft(arg)max_β these give a Gaussian kernel of width σ = 1/√β, so that the blend is the
    regression of Nadaraya ("On Estimating Regression", 1964) and Watson (1964). It is q·k with
    each key's −½‖k‖² added: what depends on q alone falls out of the soft(arg)max.
    """
    apart = query[:, None, :] - keys[None, :, :]
    scores: Array = -0.5 * np.einsum("mnd,mnd->mn", apart, apart)
    return scores


def softargmax(scores: Array, beta: float) -> Array:
    """e^(β s) over its sum along the last axis, for β from 0 to infinity.

    β = 0 gives the mean of all. β = ∞ gives the limit: the largest scores share alike.
    """
    below = scores - scores.max(-1, keepdims=True)
    exponentials = (below == 0).astype(np.float64) if math.isinf(beta) else np.exp(beta * below)
    shares: Array = exponentials / exponentials.sum(-1, keepdims=True)
    return shares


def hard_argmax(scores: Array) -> Array:
    """1 for the largest score of each row, the first of several; 0 for the others."""
    one_hot: Array = np.eye(scores.shape[-1])[scores.argmax(-1)]
    return one_hot


def weights(query: Array, keys: Array, beta: float, *, hard: bool, by_distance: bool) -> Array:
    """Attention (m, n) of each query over the entries."""
    scores = (distance_scores if by_distance else dot_scores)(query, keys)
    return hard_argmax(scores) if hard else softargmax(scores, beta)
