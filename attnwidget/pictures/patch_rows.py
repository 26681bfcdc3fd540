"""One query over all heads of a layer: where each of them looks, to be laid over the image."""

from __future__ import annotations

import numpy as np

from attnwidget.messages import Picture, Progress, Slices, Want
from attnwidget.pictures.shown import CELLS_AT_ONCE, lens_of
from attnwidget.pictures.weighed import weighed
from attnwidget.pictures.where import call_of, direction_of, index, item_of, stack_of
from attnwidget.reading import Reading
from attnwidget.session import Session, Snapshot


def paint(session: Session, snapshot: Snapshot, want: Want) -> Slices:
    """``weights`` float32 (H, n): "from" one query item over all keys, "to" a key over all queries.

    Raises
    ------
    Trouble
        If a stack, layer, item or batch item does not exist.
    """
    call = call_of(snapshot, want)
    item = item_of(snapshot, want, call)
    batch = index(want, "batch", snapshot.batch_size(call.stack))
    reading = Reading.of(want)
    lens = lens_of(snapshot, stack_of(snapshot, want), call, batch, reading)
    read = weighed(session, snapshot, want, call, reading)
    direction = direction_of(want)
    of = lens.queries if direction == "from" else lens.keys
    at = index(want, "at", of.count)
    one, cols = slice(at, at + 1, 1), slice(0, lens.keys.count, 1)
    if direction == "from":
        weights = lens.weights(read, None, one, cols, item)[:, 0]
    else:
        parts, rows = [], lens.queries.count
        # A softmax needs all keys, also where one is looked at.
        at_once = max(1, CELLS_AT_ONCE // (call.heads * call.key_len))
        for start in range(0, rows, at_once):
            band = slice(start, min(start + at_once, rows), 1)
            parts.append(lens.weights(read, None, band, one, item)[:, :, 0])
            if band.stop < rows:
                yield Progress("drawing who looks there", band.stop, rows)
        weights = np.concatenate(parts, axis=1)
    yield Picture(
        "patch_rows",
        {"stack": call.stack, "layer": call.layer, "direction": direction, "at": at},
        {"weights": np.asarray(weights, np.float32)},
    )
