"""The part of the page's script that only some views need: sent when one of them is opened."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from attnwidget.messages import Picture, Want
from attnwidget.session import Session, Snapshot

_PACKED = Path(__file__).parents[1] / "static" / "later.js.gz"


def picture(_session: Session, _snapshot: Snapshot, _want: Want) -> Picture:
    """Its bytes, packed by gzip, as uint8 (n,): a widget that does not use it does not carry it."""
    return Picture("script", {}, {"packed": np.frombuffer(_PACKED.read_bytes(), np.uint8)})
