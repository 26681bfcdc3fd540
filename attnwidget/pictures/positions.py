"""What the model knows of positions: the rows that are added, the angles, or the biases."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from attnwidget.changed.rerun import run_again
from attnwidget.messages import Picture, Want
from attnwidget.pictures.where import stack_of
from attnwidget.positions.biases import Bias
from attnwidget.positions.finder import LOOKED_FOR, Positions, positions_of
from attnwidget.positions.relative import RelativeKeys
from attnwidget.positions.rotary import Rotary
from attnwidget.positions.tables import Table, is_interleaved
from attnwidget.running import Encoded
from attnwidget.session import Session, Snapshot

MOST_POSITIONS, MOST_NUMBERS = 64, 128
# Patches of an image are shown all, as they make a grid together.
MOST_PATCHES = 262
# So many keys on either side of a query have their bias shown.
MOST_DISTANCE = 64

Numbers = np.ndarray[Any, np.dtype[np.float32]]


def picture(session: Session, snapshot: Snapshot, want: Want) -> Picture:
    """The position information of one stack of the model, in float32.

    Tables that are added
        ``encoding`` (n, m), the rows of the first positions and, of wide ones, some columns:
        ``columns`` (m,) int32; ``similarity`` (n, n), their cosines over all columns.
    Rotary
        ``encoding`` (n, m), cos(position · angle) of each pair of numbers; ``angles`` (m,), in
        radians per position; ``similarity`` (n, n), the mean over all pairs of
        cos((i − j) · angle): what is left of a scalar product of two equal vectors (Su et al.,
        "RoFormer", 2021, section 3.2.2).
    Relative bias
        ``encoding`` (H, n), what each head adds to a score for the distances (n,) int32 from
        query to key.

    Relative keys
        ``encoding`` (n, m), the vectors of the distances 0, 1, 2, ...; ``columns`` and
        ``similarity`` as of tables.

    Where nothing is found, or there is no model, there are no arrays, and ``said`` tells why.
    """
    stack = stack_of(snapshot, want)
    found = Positions()
    if session.model is not None:
        encoded = None if snapshot.given is None else snapshot.given.encoded
        found = positions_in(session.model, encoded, snapshot)
    kind, facts, arrays = _shown(found, stack, causal=bool(snapshot.stacks[stack][0].causal))
    if session.model is None:
        facts["said"] = "Only its attention was given: there is no model to look for them in."
    return Picture(
        "positions",
        {
            "stack": stack,
            "found": kind,
            "tokens": snapshot.stacks[stack][0].query_len,
            "parts": found.paths,
            **facts,
        },
        arrays,
    )


def positions_in(model: torch.nn.Module, encoded: Encoded | None, snapshot: Snapshot) -> Positions:
    """Positions of a model, also those that only show themselves when it runs as in a pass."""
    if encoded is None:
        return positions_of(model)
    return positions_of(model, lambda: run_again(model, encoded, 0), longest(snapshot))


def longest(snapshot: Snapshot) -> int:
    """How many tokens the longest of a pass's sequences has."""
    return max(call.query_len for calls in snapshot.stacks.values() for call in calls)


def _shown(
    found: Positions, stack: str, *, causal: bool
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The part that belongs to `stack`; tables before angles before biases."""
    if found.tables:
        return _table(_of_stack(found.tables, stack))
    if found.rotary:
        return _angles(_of_stack(found.rotary, stack))
    if found.biases:
        return _bias(_of_stack(found.biases, stack), causal=causal)
    if found.relative_keys:
        return _keys(_of_stack(found.relative_keys, stack))
    return "none", _facts(LOOKED_FOR), {}


def _facts(
    said: str,
    path: str = "",
    positions: int | None = None,
    width: int | None = None,
    grid: list[int] | None = None,
) -> dict[str, Any]:
    """What is said of every kind.

    Parameters
    ----------
    positions : int or None
        How many there are rows for; None where there is no end.
    width : int or None
        How many numbers a row has, or for how many heads there are biases.
    """
    return {"said": said, "path": path, "positions": positions, "width": width, "grid": grid}


def _of_stack(parts: Any, stack: str) -> Any:
    """That of the encoder or decoder, where the paths tell; else the first."""
    side = "decoder" if stack in ("decoder", "cross") else stack
    return next((part for part in parts if side in part.path.split(".")), parts[0])


def _table(table: Table) -> tuple[str, dict[str, Any], dict[str, Any]]:
    numbers = table.numbers.float().cpu()
    positions, width = numbers.shape
    most = MOST_PATCHES if table.grid and positions <= MOST_PATCHES else MOST_POSITIONS
    rows = numbers[:most]
    columns = _columns(rows, table.kind)
    unit = torch.nn.functional.normalize(rows.double(), dim=1)
    similarity = unit @ unit.T
    is_whole_grid = table.grid is not None and positions <= most
    facts = _facts(
        f"{table.kind}, added to the embeddings" if table.is_added else table.kind,
        table.path,
        positions,
        width,
        list(table.grid) if table.grid and is_whole_grid else None,
    )
    return (
        table.kind,
        facts,
        {
            "encoding": _f32(rows[:, columns]),
            "columns": columns.to(torch.int32).numpy(),
            "similarity": _f32(similarity),
        },
    )


def _columns(rows: torch.Tensor, kind: str) -> torch.Tensor:
    """All, or the first of those learned; of sines and cosines pairs of all frequencies."""
    width = rows.shape[1]
    if width <= MOST_NUMBERS:
        return torch.arange(width)
    if kind == "learned":
        return torch.arange(MOST_NUMBERS)
    pairs = torch.linspace(0, width // 2 - 1, MOST_NUMBERS // 2).round().long()
    if is_interleaved(rows):
        return torch.stack([2 * pairs, 2 * pairs + 1], 1).flatten()
    return torch.cat([pairs, pairs + width // 2])


def _angles(rotary: Rotary) -> tuple[str, dict[str, Any], dict[str, Any]]:
    angles = rotary.inv_freq.double().cpu()
    places = torch.arange(MOST_POSITIONS, dtype=torch.float64)
    shown = angles
    if len(angles) > MOST_NUMBERS:
        shown = angles[torch.linspace(0, len(angles) - 1, MOST_NUMBERS).round().long()]
    apart = places[:, None] - places
    similarity = torch.stack([(row[:, None] * angles).cos().mean(1) for row in apart])
    said = "rotary: queries and keys are turned by an angle"
    facts = _facts(said, rotary.path, width=2 * len(angles))
    return (
        "rotary",
        facts,
        {
            "encoding": _f32((places[:, None] * shown).cos()),
            "angles": _f32(shown),
            "similarity": _f32(similarity),
        },
    )


def _bias(bias: Bias, *, causal: bool) -> tuple[str, dict[str, Any], dict[str, Any]]:
    distances = torch.arange(-MOST_DISTANCE, 1 if causal else MOST_DISTANCE + 1)
    numbers = bias.of_distances(distances)
    said = "a relative bias: the distance from query to key adds to the score"
    facts = _facts(said, bias.path, width=numbers.shape[0])
    return (
        "ALiBi" if bias.kind == "ALiBi" else "relative bias",
        facts,
        {"encoding": _f32(numbers), "distances": distances.to(torch.int32).numpy()},
    )


def _keys(keys: RelativeKeys) -> tuple[str, dict[str, Any], dict[str, Any]]:
    distances, width = keys.numbers.shape
    rows = keys.numbers[:MOST_POSITIONS].float().cpu()
    unit = torch.nn.functional.normalize(rows.double(), dim=1)
    columns = torch.arange(min(width, MOST_NUMBERS))
    said = "relative keys: a query is held against the key, and against a vector of the distance"
    arrays = {
        "encoding": _f32(rows[:, columns]),
        "columns": columns.to(torch.int32).numpy(),
        "similarity": _f32(unit @ unit.T),
    }
    return "relative keys", _facts(said, keys.path, distances, width), arrays


def _f32(numbers: torch.Tensor) -> Numbers:
    return np.asarray(torch.nan_to_num(numbers.float()).numpy(), np.float32)
