"""Pictures: what a screen can show of a pass. One file per kind of want."""

from __future__ import annotations

from collections.abc import Callable

from attnwidget.messages import Slices, Want
from attnwidget.pictures import check, model, overview, row, tile
from attnwidget.session import Session, Snapshot
from attnwidget.trouble import Trouble

_PAINTERS: dict[str, Callable[[Snapshot, Want], Slices]] = {
    "check": check.paint,
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
    kind = want["kind"]
    if session.snapshot is None:
        raise Trouble("Nothing has run yet.", "Call the model in any cell: it will appear here.")
    if kind == "model":
        yield model.picture(session, session.snapshot)
    elif kind in _PAINTERS:
        yield from _PAINTERS[kind](session.snapshot, want)
    else:
        raise Trouble(
            f"The page asked for a {kind[:40]!r} picture.", f"There are {sorted(_PAINTERS)}."
        )
