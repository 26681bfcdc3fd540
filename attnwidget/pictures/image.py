"""The image under the attention: what the model saw, and where windows of it lie."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from attnwidget.images.pixels import for_screen
from attnwidget.images.windows import Cells
from attnwidget.messages import Picture, Want
from attnwidget.pictures.where import index, stack_of
from attnwidget.session import Session, Snapshot
from attnwidget.trouble import Trouble


def picture(_session: Session, snapshot: Snapshot, want: Want) -> Picture:
    """What the patches of one batch item of a stack are patches of.

    ``rgb`` uint8 (rows, columns, 3), at most 512 on the longer side; ``size`` as the model saw it,
    and ``said``, how it comes to look so. Which token is which patch, `model` tells; but where
    layers attend within windows: then ``layers`` has for each its ``grid``, how many ``windows``
    of how many ``tokens`` there are, which of the layer's items the batch item is (``item``, from 0
    within the image), and the place ``first`` of their patches in ``cells`` int32: windows × tokens
    numbers, each row · columns + column, -1 where a window is padded. ``items`` are the first and
    the number of the stack's batch items that this image has.

    Raises
    ------
    Trouble
        If no token of the stack is a patch, or the image was overwritten.
    """
    stack = stack_of(snapshot, want)
    calls = snapshot.stacks[stack]
    batch = index(want, "batch", snapshot.batch_size(stack))
    tokens = snapshot.pass_tokens
    if not shows(snapshot, stack, batch):
        raise Trouble(
            f"The tokens of {stack!r} are no patches of an image.",
            "Choose another stack; or say which image they are of: "
            "tokens=aw.Patches(image, grid=(rows, columns), prefix=1).",
        )
    found = tokens.image(calls, batch)
    if found is None:
        raise Trouble("The image is not known.", "The pass was not given one that can be shown.")
    rgb, said = found
    shown = for_screen(rgb)
    layers: list[dict[str, Any]] = []
    parts: list[Cells] = []
    first = 0
    most = snapshot.batch_size(stack)
    for layer, (grid, cells) in tokens.windows(calls, batch).items():
        call = snapshot.call(stack, layer)
        known = next((one for one in layers if _is_alike(parts[one["part"]], cells)), None)
        layers.append(
            {
                "layer": layer,
                "grid": list(grid),
                "windows": cells.shape[0],
                "tokens": cells.shape[1],
                "item": snapshot.item(call, batch) % call.windows,
                "part": len(parts) if known is None else known["part"],
                "first": first if known is None else known["first"],
            }
        )
        if known is None:
            parts.append(cells)
            first += cells.size
    images = max(1, most // max((one["windows"] for one in layers), default=1))
    each = most // images
    facts: dict[str, Any] = {
        "stack": stack,
        "batch": batch,
        "size": list(rgb.shape[:2]),
        "said": said,
        "layers": [{name: one[name] for name in one if name != "part"} for one in layers],
        "items": [batch // each * each, each] if layers else [batch, 1],
    }
    arrays: dict[str, Any] = {"rgb": shown}
    if parts:
        arrays["cells"] = np.concatenate([cells.flatten() for cells in parts])
    return Picture("image", facts, arrays)


def _is_alike(one: Cells, other: Cells) -> bool:
    return one.shape == other.shape and bool((one == other).all())


def shows(snapshot: Snapshot, stack: str, batch: int = 0) -> bool:
    """Whether some of a stack's tokens are patches of an image."""
    sides = snapshot.sides(stack, batch)
    if any(token.patch for token in (*sides.keys, *sides.queries)):
        return True
    return bool(snapshot.pass_tokens.windows(snapshot.stacks[stack], batch))


def opening(snapshot: Snapshot | None, stack: str = "") -> dict[str, Any]:
    """The view, stack and batch item to open with, where an image was given.

    Parameters
    ----------
    stack : str
        What was chosen already; else a text with an image in it goes before the image alone.
    """
    stacks = snapshot.stacks if snapshot is not None else {}
    known = [stack] if stack in stacks else [n for n in stacks if snapshot and shows(snapshot, n)]
    if snapshot is None or not known or not shows(snapshot, known[0]):
        return {}
    mixed = [n for n in known if not all(t.patch or t.kind for t in snapshot.sides(n).queries)]
    texts = [n for n in mixed if any(t.patch for t in snapshot.sides(n).queries)]
    found = (texts or known)[0]
    return {"view": "image", "stack": found, "batch": _middle(snapshot, found)}


def _middle(snapshot: Snapshot, stack: str) -> int:
    """The window in the middle of the first image, where it has any."""
    calls = snapshot.stacks[stack]
    windows = snapshot.pass_tokens.windows(calls, 0)
    call = max(calls, key=lambda one: one.windows)
    if call.layer not in windows:
        return 0
    side = math.isqrt(call.query_len)
    down, across = (math.ceil(n / side) for n in windows[call.layer][0])
    return down // 2 * across + across // 2
