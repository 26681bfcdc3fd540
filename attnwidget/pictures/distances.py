"""How far each head looks over the image: local heads and global ones, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from attnwidget.call import AttentionCall
from attnwidget.images.distances import distances_of, parts_of_windows, places_of_cells
from attnwidget.images.eye import Grid
from attnwidget.labels import Token
from attnwidget.messages import Picture, Progress, Slices, Want
from attnwidget.pictures.where import index, stack_of
from attnwidget.session import Session, Snapshot
from attnwidget.trouble import Trouble


def paint(session: Session, snapshot: Snapshot, want: Want) -> Slices:
    """Mean attention distance of every head, in patches (see `mean_attention_distance`).

    ``distances`` float32 (L, H), NaN where a layer has fewer heads or cannot be read; ``uniform``
    float32 (L,), what even attention over the same keys would have. The mean runs over the patches
    of all ``images`` of the batch; special tokens are left out. ``grid`` is that of the model's
    first patches, and ``patch`` their rows and columns of pixels, null where not known.

    Raises
    ------
    Trouble
        If no token of the stack is a patch.
    """
    stack = stack_of(snapshot, want)
    calls = snapshot.stacks[stack]
    index(want, "batch", snapshot.batch_size(stack))
    windows = snapshot.pass_tokens.windows(calls, 0)
    grid = next(iter(windows.values()))[0] if windows else _grid(snapshot.sides(stack).keys)
    if grid is None or not any(True for _ in _parts(snapshot, calls[0], grid)):
        raise Trouble(
            f"The tokens of {stack!r} are no patches that look at patches.",
            "Distances are those within an image: choose the stack that reads it.",
        )
    heads = max(call.heads for call in calls)
    distances = np.full((len(calls), heads), np.nan, np.float32)
    uniform = np.zeros(len(calls), np.float32)
    images = calls[0].batch_size // calls[0].windows
    for i, call in enumerate(calls):
        try:
            found, even = distances_of(call, list(_parts(snapshot, call, grid)))
        except Trouble:  # this layer cannot be read: its own status says why
            continue
        distances[i, : call.heads], uniform[i] = found.float().numpy(), even
        if i + 1 < len(calls):
            yield Progress("measuring how far heads look", i + 1, len(calls))
    size = snapshot.pass_tokens.images.size(0)
    facts: dict[str, Any] = {
        "stack": stack,
        "layers": [call.layer for call in calls],
        "images": images,
        "grid": list(grid),
        "patch": None
        if size is None
        else [round(n / of) for n, of in zip(size, grid, strict=True)],
    }
    yield Picture("distances", facts, {"distances": distances, "uniform": uniform})


def _parts(snapshot: Snapshot, call: AttentionCall, base: Grid) -> Iterator[tuple[Any, ...]]:
    """Every item of the batch, with the places of its patches among queries and keys."""
    calls = snapshot.stacks[call.stack]
    most = snapshot.batch_size(call.stack)
    images = call.batch_size // call.windows
    for image in range(images):
        batch = image * most // images
        windows = snapshot.pass_tokens.windows(calls, batch)
        if windows:
            grid, cells = windows[call.layer]
            yield from parts_of_windows(cells, grid, base, image * call.windows)
            continue
        sides = snapshot.sides(call.stack, batch)
        queries, keys = (_patches(side) for side in (sides.queries, sides.keys))
        if queries and keys:
            at, at_keys = (
                places_of_cells([cell for _, cell in patches], base) for patches in
                (_cells(sides.queries, base), _cells(sides.keys, base))
            )  # fmt: skip
            yield image, at, queries, at_keys, keys


def _patches(tokens: Sequence[Token]) -> list[int]:
    return [i for i, token in enumerate(tokens) if token.patch is not None]


def _cells(tokens: Sequence[Token], grid: Grid) -> list[tuple[int, int]]:
    return [(i, t.patch[0] * grid[1] + t.patch[1]) for i, t in enumerate(tokens) if t.patch]


def _grid(tokens: Sequence[Token]) -> Grid | None:
    placed = [token.patch for token in tokens if token.patch is not None]
    if not placed:
        return None
    return 1 + max(row for row, _ in placed), 1 + max(column for _, column in placed)
