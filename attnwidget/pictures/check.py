"""How exact a layer's weights are, in a word, a figure and a sentence."""

from __future__ import annotations

import math

from attnwidget.messages import Picture, Slices, Want
from attnwidget.pictures.where import call_of
from attnwidget.session import Snapshot


def paint(snapshot: Snapshot, want: Want) -> Slices:
    """Status, note and ``max|W@V - output| / max|output|`` of one layer."""
    call = call_of(snapshot, want)
    figure = call.check()
    yield Picture(
        "check",
        {
            "status": call.status,
            "note": " ".join(filter(None, (call.note, *snapshot.trace.said))),
            "check": figure if math.isfinite(figure) else None,
        },
    )
