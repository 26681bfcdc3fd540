"""Pictures: what a screen can show of a pass. One file per kind of want."""

from __future__ import annotations

from collections.abc import Callable

from attnwidget.messages import Picture, Slices, Want
from attnwidget.pictures import (
    block,
    check,
    direct,
    distances,
    filters,
    generation,
    heads,
    image,
    joined,
    lines,
    model,
    order,
    overview,
    patch_rows,
    positions,
    predictions,
    roll,
    row,
    scaling,
    script,
    shapes,
    steps,
    tile,
    without,
)
from attnwidget.pictures.where import quoted
from attnwidget.session import Session, Snapshot
from attnwidget.trouble import Trouble

# Those drawn from the pass alone, and those that need the session's model or texts too.
_OF_A_PASS: dict[str, Callable[[Snapshot, Want], Slices]] = {
    "check": check.paint,
}
_OF_A_SESSION: dict[str, Callable[[Session, Snapshot, Want], Picture]] = {
    "block": block.picture,
    "direct": direct.picture,
    "generation": generation.picture,
    "filters": filters.picture,
    "image": image.picture,
    "joined": joined.picture,
    "model": model.picture,
    "order": order.picture,
    "positions": positions.picture,
    "predictions": predictions.picture,
    "roll": roll.picture,
    "scaling": scaling.picture,
    "script": script.picture,
    "shapes": shapes.picture,
    "steps": steps.picture,
}
_OF_A_SESSION_IN_SLICES: dict[str, Callable[[Session, Snapshot, Want], Slices]] = {
    "heads": heads.paint,
    "lines": lines.paint,
    "distances": distances.paint,
    "overview": overview.paint,
    "patch_rows": patch_rows.paint,
    "row": row.paint,
    "tile": tile.paint,
    "without": without.paint,
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
    if isinstance(kind, str) and kind in _OF_A_SESSION:
        yield _OF_A_SESSION[kind](session, snapshot, want)
    elif isinstance(kind, str) and kind in _OF_A_PASS:
        yield from _OF_A_PASS[kind](snapshot, want)
    elif isinstance(kind, str) and kind in _OF_A_SESSION_IN_SLICES:
        yield from _OF_A_SESSION_IN_SLICES[kind](session, snapshot, want)
    else:
        known = sorted([*_OF_A_PASS, *_OF_A_SESSION, *_OF_A_SESSION_IN_SLICES])
        raise Trouble(f"The page asked for a {quoted(kind)} picture.", f"There are {known}.")
