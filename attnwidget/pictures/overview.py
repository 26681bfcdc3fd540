"""Every head of a stack, small: the way in."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from attnwidget.call import AttentionCall
from attnwidget.messages import Picture, Progress, Slices, Want
from attnwidget.pictures.shown import Lens, lens_of
from attnwidget.pictures.tile import as_bytes, as_signed_bytes, pool, strongest
from attnwidget.pictures.weighed import is_signed, weighed
from attnwidget.pictures.where import count, index, stack_of
from attnwidget.reading import Reading
from attnwidget.selection import Axis
from attnwidget.session import Session, Snapshot
from attnwidget.weighing.weights import Weights

LARGEST_SIZE = 96
# Weights of a stack that are computed within about 100 ms: below, no coarse picture is needed.
QUICK_WEIGHTS = 3_000_000
# Above this many weights only sampled rows are shown, and the page says so.
MOST_WEIGHTS = 600_000_000
# Weights held at once, all heads of a layer together (64 MiB).
CELLS_AT_ONCE = 16_777_216


@dataclass(frozen=True)
class _Layer:
    """What is read of one layer, and how."""

    call: AttentionCall
    read: Weights
    lens: Lens
    item: int
    signed: bool

    def numbers(self, rows: Axis, block: tuple[int, int]) -> NDArray[np.float32]:
        """(H, n, m) of these rows, each cell the largest of its block."""
        lens = self.lens
        weights = lens.weights(self.read, None, rows, slice(0, lens.keys.count, 1), self.item)
        numbers = torch.from_numpy(weights).nan_to_num(0.0).numpy()
        return (strongest if self.signed else pool)(numbers, block).astype(np.float32)


def paint(session: Session, snapshot: Snapshot, want: Want) -> Slices:
    """Thumbnails of at most size × size cells; for long texts from sampled rows first.

    Numbers that may be negative, which ``signed`` says, have 128 for 0 and the largest in size as
    their scale: that of ``max`` or of ``min``.
    """
    stack = stack_of(snapshot, want)
    calls = snapshot.stacks[stack]
    batch = index(want, "batch", snapshot.batch_size(stack))
    side = count(want, "size", LARGEST_SIZE)
    reading = Reading.of(want)
    layers = [
        _Layer(
            call,
            weighed(session, snapshot, want, call, reading),
            lens_of(snapshot, stack, call, batch, reading),
            snapshot.item(call, batch),
            is_signed(reading),
        )
        for call in calls
    ]
    weights = sum(call.heads * call.query_len * call.key_len for call in calls)
    if weights > QUICK_WEIGHTS:
        sampled = [_sampled(layer, side) for layer in layers]
        yield _picture(layers, sampled, sampled=True, coarse=weights <= MOST_WEIGHTS)
    if weights <= MOST_WEIGHTS:
        thumbnails = []
        for done, layer in enumerate(layers):
            bands = []
            for band in _exact(layer, side):
                bands.append(band)
                yield Progress("drawing layer", done + 1, len(calls))
            thumbnails.append(np.concatenate(bands, axis=1))
        yield _picture(layers, thumbnails, sampled=False, coarse=False)


def _sampled(layer: _Layer, side: int) -> NDArray[np.float32]:
    """(H, n, m) from the middle row of each block of rows, columns pooled."""
    length, width = layer.lens.queries.count, layer.lens.keys.count
    step = math.ceil(length / side)
    rows = [min(start + step // 2, length - 1) for start in range(0, length, step)]
    return layer.numbers(rows, (1, math.ceil(width / side)))


def _exact(layer: _Layer, side: int) -> Iterator[NDArray[np.float32]]:
    """(H, some rows of n, m), band by band; each cell is the largest weight of its block."""
    length, width = layer.lens.queries.count, layer.lens.keys.count
    block = math.ceil(length / side), math.ceil(width / side)
    # What is added up is held in float64, twice the room.
    cells = layer.call.heads * layer.call.key_len * (1 if layer.lens.is_clear else 2)
    fitting = CELLS_AT_ONCE // cells // block[0]
    at_once = max(1, fitting) * block[0]
    for start in range(0, length, at_once):
        yield layer.numbers(slice(start, min(start + at_once, length), 1), block)


def _picture(
    layers: list[_Layer], thumbnails: list[NDArray[np.float32]], *, sampled: bool, coarse: bool
) -> Picture:
    signed = layers[0].signed
    heads = max(layer.call.heads for layer in layers)
    n, m = max(t.shape[1] for t in thumbnails), max(t.shape[2] for t in thumbnails)
    cells = np.full((len(layers), heads, n, m), 128 if signed else 0, np.uint8)
    largest = np.zeros((len(layers), heads), np.float32)
    smallest = np.zeros_like(largest)
    for layer, thumbnail in enumerate(thumbnails):
        h, rows, cols = thumbnail.shape
        largest[layer, :h] = thumbnail.max(axis=(1, 2))
        smallest[layer, :h] = thumbnail.min(axis=(1, 2))
        most = np.maximum(largest, -smallest) if signed else largest
        top = most[layer, :h, None, None]
        own = as_signed_bytes(thumbnail, top) if signed else as_bytes(thumbnail, top)
        cells[layer, :h, :rows, :cols] = own
    return Picture(
        "overview",
        {
            "layers": [layer.call.layer for layer in layers],
            "sampled": sampled,
            **({"signed": True} if signed else {}),
        },
        {"cells": cells, "max": largest, **({"min": smallest} if signed else {})},
        coarse=coarse,
    )
