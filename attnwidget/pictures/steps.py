"""How one row of one head came about: the numbers of every step, from query and keys to output."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnwidget.call import AttentionCall
from attnwidget.messages import Picture, Want
from attnwidget.pictures.row import flags_of
from attnwidget.pictures.where import head_of, index, item_of, place_of, span
from attnwidget.session import Session, Snapshot
from attnwidget.steps.added import names_of_added
from attnwidget.steps.named_numbers import Named
from attnwidget.steps.outputs import RowOutputs, row_outputs, sentence
from attnwidget.steps.projection import module_at, projection_of
from attnwidget.steps.row import (
    At,
    Numbers,
    RowSteps,
    changed_afterwards,
    in_float64,
    is_softmax,
    row_steps,
)
from attnwidget.steps.vectors import why_no_vectors

# Keys whose vectors are sent unless others are asked for, and most numbers of all of them together.
KEYS_SHOWN = 64
MOST_NUMBERS = 32_768
# Of longer vectors the first numbers are sent, of longer rows a part around the keys shown.
LONGEST_VECTOR = 512
LONGEST_ROW = 4_096


def picture(session: Session, snapshot: Snapshot, want: Want) -> Picture:
    """Every step of one row, in tokens, whatever the reading is.

    float32 arrays, each there only where it is known: q (d,), k (n, d) and v (n, dv) of the keys in
    ``window``; dot, scaled, capped, added, scores, softmax and weights (m,), with uint8 masked (m,)
    as in a row, of the keys in ``row``; output (dv,) over all keys and own_output (dv,) of the
    model; heads_out (H, dv), and what the output projection makes of it: projected (E,) and, of
    this head alone and without bias, part (E,).

    Raises
    ------
    Trouble
        If `want` names what does not exist, or the weights cannot be read.
    """
    call, at = _asked(snapshot, want)
    with np.errstate(all="ignore"):  # a model may compute NaN and infinities
        return _picture(session, snapshot, want, call, at)


def _picture(
    session: Session, snapshot: Snapshot, want: Want, call: AttentionCall, at: At
) -> Picture:
    named = Named.of(module_at(session.model, call.module), call.heads, at.head)
    steps = row_steps(call, at, named)
    outputs = row_outputs(call, at, steps)
    window = _window(want, steps, outputs.values)
    row = _row(window, len(steps.weights))
    shown, keys = slice(*row), slice(*window)

    per_key = {
        "dot": steps.dot,
        "scaled": steps.scaled,
        "capped": None if steps.softcap is None else steps.capped,
        "added": steps.added,
        "scores": steps.scores,
        "softmax": None if is_softmax(steps, call) else steps.softmax,
        "weights": np.nan_to_num(steps.weights, nan=0.0),
    }
    of_keys = {
        "q": steps.q,
        "k": None if steps.k is None else steps.k[keys],
        "v": None if outputs.values is None else outputs.values[keys],
    }
    facts, projected = _projected(session, snapshot, call, at, steps, outputs)
    arrays = {
        **of_keys,
        **{name: None if one is None else one[shown] for name, one in per_key.items()},
        "output": outputs.worked_out,
        "own_output": outputs.own,
        "heads_out": outputs.heads,
        **projected,
    }
    sent = {
        name: np.asarray(one[..., :LONGEST_VECTOR] if name not in per_key else one, np.float32)
        for name, one in arrays.items()
        if one is not None
    }
    flags = flags_of(np.isnan(steps.weights), steps.visible)[shown]
    return Picture(
        "steps",
        {
            **_place(snapshot, want, call, at),
            **_sizes(call, steps, outputs),
            "window": list(window),
            "row": list(row),
            **_softmax(call, at, steps, named),
            "error": _number(outputs.error),
            "why_no_output": outputs.why,
            **facts,
        },
        {**sent, "masked": flags},
    )


def _asked(snapshot: Snapshot, want: Want) -> tuple[AttentionCall, At]:
    call, head = head_of(snapshot, want)
    item = item_of(snapshot, want, call)
    return call, At(head, index(want, "query", call.query_len), item)


def _place(snapshot: Snapshot, want: Want, call: AttentionCall, at: At) -> dict[str, Any]:
    return {
        **place_of(snapshot, want, call, at.head),
        "query": at.query,
        "batch": want["batch"],
        "module": call.module,
        "attention": call.kind,
        "dtype": str(call.dtype).removeprefix("torch."),
    }


# -- which keys ----------------------------------------------------------------------------------


def _window(want: Want, steps: RowSteps, values: Numbers | None) -> tuple[int, int]:
    """Keys whose vectors are sent: those asked for, or those around the heaviest."""
    length = len(steps.weights)
    sizes = [min(one.shape[1], LONGEST_VECTOR) for one in (steps.k, values) if one is not None]
    most = max(1, MOST_NUMBERS // max(1, sum(sizes)))
    if want.get("keys") is not None:
        asked = span(want, "keys", length)
        return asked.start, min(asked.stop, asked.start + most)
    heaviest = int(np.nan_to_num(steps.weights, nan=0.0).argmax())
    return _around(heaviest, min(KEYS_SHOWN, most), length)


def _row(window: tuple[int, int], length: int) -> tuple[int, int]:
    """Keys whose numbers are sent: all, or as many as fit around the window."""
    return _around((window[0] + window[1]) // 2, LONGEST_ROW, length)


def _around(middle: int, count: int, length: int) -> tuple[int, int]:
    start = max(0, min(middle - count // 2, length - count))
    return start, min(length, start + count)


# -- the numbers in words ------------------------------------------------------------------------


def _sizes(call: AttentionCall, steps: RowSteps, outputs: RowOutputs) -> dict[str, Any]:
    kv_heads = call.kv_heads
    shared = call.heads // kv_heads if kv_heads and call.heads % kv_heads == 0 else 1
    d = None if steps.q is None else len(steps.q)
    known = outputs.values if outputs.worked_out is None else outputs.worked_out
    dv = None if known is None else known.shape[-1]
    if dv is None and outputs.own is not None:
        dv = len(outputs.own)
    return {
        "heads": call.heads,
        "kv_heads": kv_heads,
        "kv_head": outputs.head // shared,
        "query_len": call.query_len,
        "key_len": call.key_len,
        "d": d,
        "dv": dv,
    }


def _softmax(call: AttentionCall, at: At, steps: RowSteps, named: Named) -> dict[str, Any]:
    unchecked = call._evidence.why_unchecked
    weights = np.nan_to_num(steps.weights, nan=0.0)
    return {
        "has_products": steps.dot is not None,
        "why_no_products": "" if steps.dot is not None else why_no_vectors(call),
        "why_no_scores": steps.why_no_scores,
        "scale": _number(steps.scale),
        "softcap": _number(steps.softcap),
        "added_is": names_of_added(steps, call, at, named),
        "max": _number(steps.max),
        "sum": _number(steps.sum),
        "sink": _number(steps.sink),
        "sink_is_known": steps.sink_is_known,
        "weights_sum": float(weights.sum()),
        "heaviest": int(weights.argmax()),
        "sees_nothing": not bool(steps.visible.any()),
        "dropout": sentence(unchecked) if unchecked.startswith("dropout") else "",
        "after_softmax": _after_softmax(call, steps),
    }


def _after_softmax(call: AttentionCall, steps: RowSteps) -> str:
    if is_softmax(steps, call):
        return ""
    return changed_afterwards(call) or "The weights are not the softmax of these scores alone."


def _number(value: float | None) -> float | None:
    """JSON knows no NaN."""
    return value if value is not None and math.isfinite(value) else None


# -- after the heads -----------------------------------------------------------------------------


def _projected(
    session: Session,
    snapshot: Snapshot,
    call: AttentionCall,
    at: At,
    steps: RowSteps,
    outputs: RowOutputs,
) -> tuple[dict[str, Any], dict[str, NDArray[Any] | None]]:
    """What becomes of all heads' outputs together, and this head's part in it."""
    facts: dict[str, Any] = {
        "projection": None,
        "why_no_projection": "",
        "heads_out_are_own": outputs.is_own,
    }
    if outputs.heads is None:
        return {**facts, "why_no_projection": "The heads' outputs are not known."}, {}
    joined = outputs.heads.reshape(-1)
    if steps.sink is not None and not steps.sink_is_known:
        why = "A part of the weights is missing here: these may not be the heads' whole outputs."
        return {**facts, "why_no_projection": why}, {}
    found, why = projection_of(session.model, call, len(joined))
    if found is None:
        return {**facts, "why_no_projection": why}, {}
    dv = outputs.heads.shape[1]
    own = slice(at.head * dv, (at.head + 1) * dv)
    weight = in_float64(found.weight[:LONGEST_VECTOR])
    projected, part = weight @ joined, weight[:, own] @ joined[own]
    if found.bias is not None:
        projected = projected + in_float64(found.bias[:LONGEST_VECTOR])
    remark = found.remark
    if not remark and session.newest is not snapshot:
        remark = "The weights are those of now, and this is an earlier pass."
    facts["projection"] = {
        "name": found.name,
        "path": found.path,
        "size": found.weight.shape[0],
        "bias": found.bias is not None,
        "remark": remark,
    }
    return facts, {"projected": projected, "part": part}
