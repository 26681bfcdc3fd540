"""The largest weights of every token, so many that hovering needs no kernel."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from attnwidget.messages import Picture, Progress, Slices, Want
from attnwidget.pictures import where
from attnwidget.pictures.shown import Shown
from attnwidget.selection import size
from attnwidget.session import Session, Snapshot

# Lines of one picture, all lists together (8 bytes each).
MOST_LINES = 4_194_304
_LOW_HALF = 0xFFFF_FFFF


def paint(session: Session, snapshot: Snapshot, want: Want) -> Slices:
    """For every query its strongest keys ("from"), or for every key those who look at it ("to").

    int32 tokens (L, N) and float32 weights (L, N), largest first and of equals the first token
    first; only positive weights, the places left over hold token -1 and weight 0. float32 sums (L,)
    over all, NaN where one of the weights is.

    Where weights may be negative, which ``signed`` says, the largest in size come first, all that
    are not 0 count, and sums are those of sizes.
    """
    shown = Shown.of(snapshot, want, session)
    direction = where.direction_of(want)
    rows, cols = shown.queries, shown.keys
    lists, candidates = (rows, cols) if direction == "from" else (cols, rows)
    count = where.count(want, "count", min(size(candidates), max(1, MOST_LINES // size(lists))))
    axis = 1 if direction == "from" else 0  # along which a list goes on
    ranks: list[torch.Tensor] = []
    sums: list[NDArray[np.float64]] = []
    for band in shown.bands(rows, cols):
        weights = shown.weights(band, cols)
        sizes = np.abs(weights) if shown.signed else weights
        sums.append(sizes.sum(axis=axis, dtype=np.float64))
        ranked = _ranks(sizes, axis, band.start, sums[-1])
        if shown.signed:
            ranked = _with_signs(ranked, weights)
        ranks.append(_largest(ranked, count, axis))
        # A key's list goes on in the next band: only the strongest so far are kept.
        if axis == 0 and len(ranks) > 1:
            ranks, sums = [_largest(torch.cat(ranks), count, axis)], [np.sum(sums, axis=0)]
        if band.stop < rows.stop:
            yield Progress("drawing the lines", band.stop, rows.stop)
    found = torch.cat(ranks).numpy()
    found = found if direction == "from" else found.T
    tokens, largest = _unpacked_signed(found) if shown.signed else _unpacked(found)
    yield Picture(
        "lines",
        {
            "direction": direction,
            "of": size(candidates),
            "count": count,
            **({"signed": True} if shown.signed else {}),
        },
        {
            "tokens": tokens,
            "weights": largest,
            "sums": np.concatenate(sums).astype(np.float32),
        },
    )


def _largest(ranks: torch.Tensor, count: int, axis: int) -> torch.Tensor:
    """The `count` largest along an axis, in order; all where there are fewer."""
    return torch.topk(ranks, min(count, ranks.shape[axis]), dim=axis).values


def _ranks(
    weights: NDArray[np.float32], axis: int, start: int, sums: NDArray[np.float64]
) -> torch.Tensor:
    """One int64 for each weight and its token, which sorts as lines are to be sorted.

    The bits of a positive float32 sort as the number does. Below them stands the token, counted
    from the end. Numbers that are not positive, and NaN, become 0 or negative.

    Parameters
    ----------
    weights : ndarray
        (queries, keys), the queries from number `start` on.
    axis : int
        Of the tokens that are ranked.
    sums : ndarray
        Of the weights along this axis, which tell whether there is a NaN.
    """
    if np.isnan(sums).any():
        weights = np.where(np.isnan(weights), np.float32(0.0), weights)
    first = start if axis == 0 else 0
    tokens = torch.arange(first, first + weights.shape[axis], dtype=torch.int64)
    ranks = torch.from_numpy(weights).view(torch.int32).to(torch.int64)
    # In place: there are as many numbers as weights.
    ranks.bitwise_left_shift_(32)
    return ranks.add_(_LOW_HALF - (tokens if axis == 1 else tokens[:, None]))


def _unpacked(ranks: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Tokens and weights of `_ranks`."""
    bits = (ranks >> 32).astype(np.int32)
    line = bits > 0
    tokens = np.where(line, _LOW_HALF - (ranks & _LOW_HALF), -1).astype(np.int32)
    return tokens, np.where(line, bits.view(np.float32), np.float32(0.0))


def _with_signs(ranks: torch.Tensor, weights: NDArray[np.float32]) -> torch.Tensor:
    """`_ranks` of sizes with the sign in the lowest bit: 1 for what is positive.

    A token's number then has 31 bits, which stay in the order they were.
    """
    low = (ranks & _LOW_HALF) - (1 << 31)  # tokens are counted from the end
    positive = torch.from_numpy(weights > 0).to(torch.int64)
    return (ranks >> 32 << 32) | (low << 1) | positive


def _unpacked_signed(ranks: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Tokens and weights of `_with_signs`."""
    plain = (ranks >> 32 << 32) | (((ranks & _LOW_HALF) >> 1) + (1 << 31))
    tokens, sizes = _unpacked(plain)
    # What is left over holds 0, not -0.
    return tokens, np.where((ranks & 1) | (tokens < 0), sizes, -sizes).astype(np.float32)
