"""A generation, step by step: what was written, what else could have come, and what was read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from attnwidget import labels
from attnwidget.generation.asked import why_not
from attnwidget.generation.written import Generation
from attnwidget.labels import Token
from attnwidget.messages import Picture, Want
from attnwidget.pictures import lines, tile
from attnwidget.pictures.predictions import Names
from attnwidget.pictures.where import head_of, index, stack_of
from attnwidget.reading import Reading
from attnwidget.session import Session, Snapshot
from attnwidget.trouble import Trouble

# Cells along a side of a map, and lines into one circle.
LARGEST_SIDE = 256
MOST_LINES = 4
MOST_CANDIDATES = 8

Arrays = dict[str, NDArray[Any]]


def picture(session: Session, snapshot: Snapshot, want: Want) -> Picture:
    """All steps of the generation on screen, and the maps of the selected head.

    float32 shares (N, 8) of the candidates of every step, and chosen (N,), the share of what was
    written, -1 where it is not known. For "own", the self-attention of what writes, and where there
    are such for "cross" and "encoder": cells (n, m) and flags as of a tile (see tile.py), at most
    256 along a side; int32 keys and float32 weights (T, 4) of the heaviest keys of every query (see
    lines.py). A stack that is not the selected one shows the head of the same number, or its last.

    Where the pass on screen is no generation, `steps` is null, and `why_not` says what keeps the
    model from writing, as a title and a detail; null if nothing does.

    Raises
    ------
    Trouble
        If `want` names what does not exist.
    """
    chosen, head = head_of(snapshot, want)
    batch = index(want, "batch", snapshot.batch_size(stack_of(snapshot, want)))
    trouble = why_not(session, snapshot)
    facts: dict[str, Any] = {
        "why_not": [trouble.title, trouble.detail] if trouble else None,
        "steps": None,
    }
    generation = snapshot.generation
    if generation is None:
        return Picture("generation", facts)
    steps, arrays = _steps(session, generation, batch)
    facts |= {
        "start": generation.start,
        "how": generation.how,
        "stopped": generation.stopped,
        "seed": generation.seed,
        "target": _side(_target(session, snapshot, batch)),
        "source": None,
        "steps": steps,
        "maps": {},
        "layers": {},
    }
    if "encoder" in snapshot.stacks:
        facts["source"] = _side(snapshot.sides("encoder", batch).queries)
    for name, stack in _stacks(snapshot, chosen.stack).items():
        calls = snapshot.stacks[stack]
        facts["layers"][name] = [call.layer for call in calls]
        known = [call for call in calls if call.layer == chosen.layer]
        call = (known or calls[-1:])[0]
        heads = [[call.layer, min(head, call.heads - 1)]]
        found, of_map = _map(session, snapshot, stack, heads, batch)
        facts["maps"][name] = {**found, "stack": stack, "heads": heads}
        arrays |= {f"{name}_{part}": array for part, array in of_map.items()}
    return Picture("generation", facts, arrays)


def _stacks(snapshot: Snapshot, selected: str) -> dict[str, str]:
    """The stacks that a generation is drawn from, by what they are for it."""
    writing = [
        name
        for name, calls in snapshot.stacks.items()
        if calls[0].kind == "self" and name != "encoder"
    ]
    found = {"own": selected if selected in writing else writing[0]} if writing else {}
    crossing = [name for name, calls in snapshot.stacks.items() if calls[0].kind != "self"]
    if crossing:
        found["cross"] = selected if selected in crossing else crossing[0]
    if "encoder" in snapshot.stacks:
        found["encoder"] = "encoder"
    return found


def _map(
    session: Session, snapshot: Snapshot, stack: str, heads: list[list[int]], batch: int
) -> tuple[dict[str, Any], Arrays]:
    """Cells of one head, and the heaviest keys of each of its rows."""
    want: Mapping[str, Any] = {
        "stack": stack,
        "heads": heads,
        "batch": batch,
        "reading": Reading().facts,
    }
    whole = {"rows": None, "cols": None, "size": [LARGEST_SIDE, LARGEST_SIDE]}
    cells = _last(tile.paint(session, snapshot, {**want, **whole}))
    heaviest = _last(
        lines.paint(session, snapshot, {**want, "direction": "from", "count": MOST_LINES})
    )
    kept = ("rows", "cols", "block")
    return (
        {name: cells.facts[name] for name in kept},
        {
            "cells": cells.arrays["cells"],
            "flags": cells.arrays["flags"],
            "keys": heaviest.arrays["tokens"],
            "weights": heaviest.arrays["weights"],
        },
    )


def _last(slices: Any) -> Picture:
    *_, last = slices
    if not isinstance(last, Picture):
        raise Trouble("The map of this head could not be drawn.", "Choose another head.")
    return last


def _target(session: Session, snapshot: Snapshot, batch: int) -> list[Token]:
    """Tokens of prompt and output, the last of which nobody has looked at yet."""
    generation = snapshot.generation
    if generation is None:
        return []
    ids = generation.ids[batch, : generation.start + generation.length(batch)].tolist()
    mask = snapshot.pass_tokens.inputs.get("mask")
    known = None
    if "target" not in snapshot.pass_tokens.inputs and mask is not None:
        known = [*mask[batch].tolist(), 1, 1][: len(ids)]
    return labels.read_tokens(session.tokenizer, ids, mask=known)


def _side(tokens: Any) -> dict[str, Any]:
    return {
        "texts": [token.text for token in tokens],
        "gaps": [token.gap for token in tokens],
        "kinds": [token.kind for token in tokens],
    }


def _steps(
    session: Session, generation: Generation, batch: int
) -> tuple[list[dict[str, Any]], Arrays]:
    """For each token that was written its text, its rank and the likeliest texts; and shares."""
    names = Names(session, "next")
    count = generation.length(batch)
    candidates = generation.candidates[batch, :count, :MOST_CANDIDATES]
    shares = generation.shares[batch, :count, :MOST_CANDIDATES].nan_to_num(0.0)
    steps = []
    for at in range(count):
        chosen = int(generation.ids[batch, generation.start + at])
        order = generation.candidates[batch, at].tolist()
        steps.append(
            {
                "text": names.text(chosen),
                "rank": order.index(chosen) if chosen in order else None,
                "candidates": [names.text(one) for one in candidates[at].tolist() if one >= 0],
            }
        )
    chosen_shares = generation.chosen_shares[batch, :count].nan_to_num(-1.0)
    return steps, {"shares": shares.numpy(), "chosen": chosen_shares.numpy()}
