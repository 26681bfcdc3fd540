"""One token's row: its exact weights over all keys."""

from __future__ import annotations

import numpy as np

from attnwidget.messages import Picture, Slices, Want
from attnwidget.pictures.where import call_of, index
from attnwidget.session import Snapshot

MASKED, NOT_A_NUMBER = 1, 2


def paint(snapshot: Snapshot, want: Want) -> Slices:
    """float32 (Tk,) weights of one query, with flags for masked keys and NaN."""
    call = call_of(snapshot, want)
    at = {
        "head": index(want, "head", call.heads),
        "queries": index(want, "query", call.query_len),
        "batch": index(want, "batch", call.batch_size),
    }
    weights = call.weights(**at)[0, 0, 0].cpu().numpy()
    visible = call.visible(**at)[0, 0, 0].cpu().numpy()
    flags = np.where(np.isnan(weights), NOT_A_NUMBER, np.where(visible, 0, MASKED))
    yield Picture(
        "row",
        {"query": at["queries"], "sum": float(np.nansum(weights, dtype=np.float64))},
        {"weights": weights, "flags": flags.astype(np.uint8)},
    )
