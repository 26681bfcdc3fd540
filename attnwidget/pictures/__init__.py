"""Pictures: what a screen can show of a pass. One file per kind of want."""

from __future__ import annotations

from collections.abc import Callable

from attnwidget.messages import Slices, Want
from attnwidget.pictures import check, lines, model, overview, predictions, row, steps, tile
from attnwidget.pictures.where import quoted
from attnwidget.session import Session, Snapshot
from attnwidget.trouble import Trouble

_PAINTERS: dict[str, Callable[[Snapshot, Want], Slices]] = {
    "check": check.paint,
    "lines": lines.paint,
    "overview": overview.paint,
    "row": row.paint,
    "tile": tile.paint,
}


def paint(session: Session, want: Want) -> Slices:
    """Draw what `want` asks for, coarse first where it takes long.

    Raises
    ------
    Trouble
        If nothing has run yet, or `want` names a kind, layer, head or token that does not exist.
    """
    kind, snapshot = want.get("kind"), session.snapshot
    if snapshot is None:
        raise Trouble("Nothing has run yet.", "Call the model in any cell: it will appear here.")
    if kind == "model":
        yield model.picture(session, snapshot, want)
    elif kind == "predictions":
        yield predictions.picture(session, snapshot, want)
    elif kind == "steps":
        yield steps.picture(session, snapshot, want)
    elif isinstance(kind, str) and kind in _PAINTERS:
        yield from _PAINTERS[kind](snapshot, want)
    else:
        known = sorted([*_PAINTERS, "model", "predictions", "steps"])
        raise Trouble(f"The page asked for a {quoted(kind)} picture.", f"There are {known}.")
