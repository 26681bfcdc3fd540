"""Why scores are divided by √d: what the scale of one head does to its scores and its weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from attnwidget.call import AttentionCall
from attnwidget.messages import Picture, Want
from attnwidget.pictures.where import head_of, item_of, place_of
from attnwidget.session import Session, Snapshot
from attnwidget.steps.row import Numbers, in_float64
from attnwidget.steps.softmax import is_rounding, softmax_of_rows
from attnwidget.steps.vectors import NO_SCALE, queries_and_keys, scale_of, why_no_vectors

# Of a long text, queries spread evenly over it are measured.
MOST_PAIRS = 262_144
# So many scores show how they are spread.
SCORES_SHOWN = 512


def picture(session: Session, snapshot: Snapshot, want: Want) -> Picture:
    """What the scale does to one head, measured in float64 on the queries and keys of the pass.

    ``products`` are q_i · k_j of all pairs that the mask lets see each other, ``scaled`` the same
    times the scale of the model: their means and variances (the mean squared distance from the
    mean). ``q_squared`` and ``k_squared`` are the means of |q_i|² and |k_j|² over the queries
    measured and over all keys.

    ``rows`` are the means, over the rows that see at least two keys, of a row's entropy in bits and
    of its largest weight, where a row is softmax(c q_i · K) over the keys it may see: with the
    model's scale as c, with c = 1, and with c = 1/√d. Whatever else a model adds to its scores is
    left out of all three, and ``differs`` is how far the first is from the weights that the model
    used, at most. float32 scores (n,) are up to 512 of the products, evenly spread over the pairs.

    Raises
    ------
    Trouble
        If `want` names what does not exist, or the weights cannot be read.
    """
    call, head = head_of(snapshot, want)
    item = item_of(snapshot, want, call)
    facts: dict[str, Any] = {
        **place_of(snapshot, want, call, head),
        "d": None,
        "scale": None,
        "measured": None,
        "why_not": "",
    }
    with np.errstate(all="ignore"):  # a model may compute NaN and infinities
        vectors = _vectors(call, head, item)
        if vectors is None:
            return Picture("scaling", {**facts, "why_not": why_no_vectors(call)})
        facts["d"] = vectors.q.shape[1]
        scale = scale_of(session.model, call, head, item)
        if scale is None:
            return Picture("scaling", {**facts, "why_not": NO_SCALE})
        facts["scale"] = scale
        measured, scores = _measured(call, vectors, scale)
    if measured is None:
        why = "No query here sees two keys whose products with it are numbers."
        return Picture("scaling", {**facts, "why_not": why})
    return Picture(
        "scaling", {**facts, "measured": measured}, {"scores": scores.astype(np.float32)}
    )


@dataclass(frozen=True)
class _Vectors:
    """Queries (n, d), which they are, all keys (Tk, d), what they may see and saw (n, Tk)."""

    queries: list[int]
    of: int
    q: Numbers
    k: Numbers
    visible: NDArray[np.bool_]
    weights: Numbers


def _vectors(call: AttentionCall, head: int, item: int) -> _Vectors | None:
    found = queries_and_keys(call, head, item)
    if found is None:
        return None
    queries, keys = found
    most = max(1, MOST_PAIRS // call.key_len)
    chosen = list(range(call.query_len))
    if len(chosen) > most:
        chosen = np.linspace(0, call.query_len - 1, most).round().astype(int).tolist()
    where: dict[str, Any] = {"head": head, "queries": chosen, "batch": item}
    return _Vectors(
        queries=chosen,
        of=call.query_len,
        q=in_float64(queries[torch.tensor(chosen, device=queries.device)]),
        k=in_float64(keys),
        visible=call.visible(**where)[0, 0].cpu().numpy(),
        weights=in_float64(call.weights(**where)[0, 0]),
    )


def _measured(
    call: AttentionCall, of: _Vectors, scale: float
) -> tuple[dict[str, Any] | None, Numbers]:
    d = of.q.shape[1]
    products = of.q @ of.k.T
    # A row with a NaN in it has no softmax.
    whole = np.logical_and.reduce(np.isfinite(products) | ~of.visible, axis=1)
    rows = whole & (of.visible.sum(axis=1) >= 2)
    if not rows.any():
        return None, np.zeros(0)
    seen = products[of.visible & whole[:, None]]
    dots, visible = products[rows], of.visible[rows]
    own = softmax_of_rows(dots * scale, visible)
    differs = float(np.abs(own - np.nan_to_num(of.weights[rows])).max())
    shown = np.linspace(0, len(seen) - 1, min(SCORES_SHOWN, len(seen))).round().astype(int)
    return {
        "queries": [len(of.queries), of.of],
        "pairs": len(seen),
        "products": _spread(seen),
        "scaled": _spread(seen * scale),
        "q_squared": _squared(of.q),
        "k_squared": _squared(of.k),
        "rows": {
            "count": int(rows.sum()),
            "own": _sharpness(own),
            "unscaled": _sharpness(softmax_of_rows(dots, visible)),
            "root_d": _sharpness(softmax_of_rows(dots * (1 / math.sqrt(d)), visible)),
        },
        "differs": differs,
        "is_whole_score": is_rounding(differs, call),
    }, seen[shown]


def _sharpness(rows: Numbers) -> dict[str, float]:
    logarithms = np.log2(rows, where=rows > 0, out=np.zeros_like(rows))
    entropy = -(rows * logarithms).sum(axis=1)
    return {"entropy": float(entropy.mean()), "largest": float(rows.max(axis=1).mean())}


def _spread(numbers: Numbers) -> dict[str, float]:
    return {"mean": float(numbers.mean()), "variance": float(numbers.var())}


def _squared(vectors: Numbers) -> float | None:
    made = float((vectors**2).sum(axis=1).mean())
    return made if math.isfinite(made) else None
