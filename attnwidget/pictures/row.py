"""One row or column: where a query looks, or who looks at a key."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnwidget.messages import Picture, Progress, Slices, Want
from attnwidget.pictures.shown import Shown
from attnwidget.pictures.where import direction_of, index
from attnwidget.selection import size
from attnwidget.session import Session, Snapshot

MASKED, NOT_A_NUMBER = 1, 2


def paint(session: Session, snapshot: Snapshot, want: Want) -> Slices:
    """float32 weights with uint8 flags for masked places and NaN.

    "from": of one query item over all keys; "to": of one key item over all queries. ``signed``
    where they may be negative.
    """
    shown = Shown.of(snapshot, want, session)
    direction = direction_of(want)
    rows, cols = shown.queries, shown.keys
    at = index(want, "at", size(rows if direction == "from" else cols))
    one = slice(at, at + 1, 1)
    if direction == "from":
        weights, visible = shown.weights(one, cols)[0], shown.visible(one, cols)[0]
    else:
        parts = []
        # A softmax needs all keys, also where one is looked at.
        for band in shown.bands(rows, cols):
            parts.append((shown.weights(band, one)[:, 0], shown.visible(band, one)[:, 0]))
            if band.stop < rows.stop:
                yield Progress("drawing who looks there", band.stop, rows.stop)
        weights, visible = (np.concatenate(part) for part in zip(*parts, strict=True))
    yield Picture(
        "row",
        {
            "direction": direction,
            "at": at,
            "sum": float(np.nansum(np.abs(weights) if shown.signed else weights, dtype=np.float64)),
            **({"signed": True} if shown.signed else {}),
        },
        {"weights": weights, "flags": flags_of(np.isnan(weights), visible)},
    )


def flags_of(missing: NDArray[Any], visible: NDArray[Any]) -> NDArray[np.uint8]:
    """What each place is beside its number: 0, MASKED or NOT_A_NUMBER."""
    flags = np.where(missing, NOT_A_NUMBER, np.where(visible, 0, MASKED))
    return flags.astype(np.uint8)
