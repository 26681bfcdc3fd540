"""Every head of a stack, small: the way in."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from attnwidget.call import AttentionCall
from attnwidget.messages import Picture, Progress, Slices, Want
from attnwidget.pictures.tile import as_bytes, pool
from attnwidget.pictures.where import index, whole
from attnwidget.ranges import check_stack
from attnwidget.session import Snapshot

LARGEST_SIZE = 96
# Weights of a stack that are computed within about 100 ms: below, no coarse picture is needed.
QUICK_WEIGHTS = 3_000_000
# Above this many weights only sampled rows are shown, and the page says so.
MOST_WEIGHTS = 600_000_000
# Weights held at once, all heads of a layer together (64 MiB).
CELLS_AT_ONCE = 16_777_216


def paint(snapshot: Snapshot, want: Want) -> Slices:
    """Thumbnails of at most size × size cells; for long texts from sampled rows first."""
    calls = snapshot.stacks[check_stack(snapshot, str(want.get("stack")))]
    batch = index(want, "batch", calls[0].batch_size)
    size = min(max(1, whole(want, "size")), LARGEST_SIZE)
    weights = sum(call.heads * call.query_len * call.key_len for call in calls)
    if weights > QUICK_WEIGHTS:
        yield _picture(
            calls,
            [_sampled(call, batch, size) for call in calls],
            sampled=True,
            coarse=weights <= MOST_WEIGHTS,
        )
    if weights <= MOST_WEIGHTS:
        thumbnails = []
        for done, call in enumerate(calls):
            bands = []
            for band in _exact(call, batch, size):
                bands.append(band)
                yield Progress("drawing layer", done + 1, len(calls))
            thumbnails.append(np.concatenate(bands, axis=1))
        yield _picture(calls, thumbnails, sampled=False, coarse=False)


def _sampled(call: AttentionCall, batch: int, size: int) -> NDArray[np.float32]:
    """(H, n, m) from the middle row of each block of rows, columns pooled."""
    step = math.ceil(call.query_len / size)
    rows = [min(start + step // 2, call.query_len - 1) for start in range(0, call.query_len, step)]
    weights = _numbers(call, rows, batch)
    return pool(weights, (1, math.ceil(call.key_len / size))).astype(np.float32)


def _exact(call: AttentionCall, batch: int, size: int) -> Iterator[NDArray[np.float32]]:
    """(H, some rows of n, m), band by band; each cell is the largest weight of its block."""
    block = math.ceil(call.query_len / size), math.ceil(call.key_len / size)
    fitting = CELLS_AT_ONCE // (call.heads * call.key_len) // block[0]
    at_once = max(1, fitting) * block[0]
    for start in range(0, call.query_len, at_once):
        rows = slice(start, min(start + at_once, call.query_len))
        yield pool(_numbers(call, rows, batch), block).astype(np.float32)


def _numbers(call: AttentionCall, rows: list[int] | slice, batch: int) -> NDArray[np.float32]:
    weights = call.weights(queries=rows, batch=batch)[0]
    numbers: NDArray[np.float32] = weights.nan_to_num(0.0).cpu().numpy()
    return numbers


def _picture(
    calls: list[AttentionCall],
    thumbnails: list[NDArray[np.float32]],
    *,
    sampled: bool,
    coarse: bool,
) -> Picture:
    heads = max(call.heads for call in calls)
    n, m = max(t.shape[1] for t in thumbnails), max(t.shape[2] for t in thumbnails)
    cells = np.zeros((len(calls), heads, n, m), np.uint8)
    largest = np.zeros((len(calls), heads), np.float32)
    for layer, thumbnail in enumerate(thumbnails):
        h, rows, cols = thumbnail.shape
        largest[layer, :h] = thumbnail.max(axis=(1, 2))
        cells[layer, :h, :rows, :cols] = as_bytes(thumbnail, largest[layer, :h, None, None])
    return Picture(
        "overview",
        {"layers": [call.layer for call in calls], "sampled": sampled},
        {"cells": cells, "max": largest},
        coarse=coarse,
    )
