"""Attention is about a set: what a page needs to shuffle the tokens of one head."""

from __future__ import annotations

from typing import Any

import numpy as np

from attnwidget.call import AttentionCall
from attnwidget.messages import Picture, Want
from attnwidget.pictures.where import head_of, item_of, place_of
from attnwidget.session import Session, Snapshot
from attnwidget.steps.row import At, Numbers, in_float64, of_head
from attnwidget.steps.softmax import is_rounding, softmax_of_rows
from attnwidget.steps.vectors import NO_SCALE, queries_and_keys, scale_of, why_no_vectors

# Cards that fit beside each other; fewer of very long vectors.
MOST_TOKENS = 24
MOST_NUMBERS = 131_072


def picture(session: Session, snapshot: Snapshot, want: Want) -> Picture:
    """Queries, keys and values of the first tokens of one head, and what the model does beyond.

    float32 q (n, d), k (m, d) and v (m, dv) of the first 24 queries and keys at most, as tokens
    whatever the reading is. ``among_themselves`` says that queries and keys are of the same tokens,
    so that both are shuffled; else only the keys are, with their values. ``causal`` and ``masked``
    say what the model's mask does among those sent, and ``adds_more`` whether the weights that the
    model used are not the softmax of products, scale and mask alone (over all keys), as where a
    bias or positions are added to the scores.

    Raises
    ------
    Trouble
        If `want` names what does not exist, or the weights cannot be read.
    """
    call, head = head_of(snapshot, want)
    item = item_of(snapshot, want, call)
    facts: dict[str, Any] = {
        **place_of(snapshot, want, call, head),
        "tokens": [call.query_len, call.key_len],
        "counts": [0, 0],
        "among_themselves": call.kind == "self" and call.query_len == call.key_len,
        "causal": call.causal,
        "masked": False,
        "adds_more": False,
        "scale": None,
        "why_not": "",
    }
    with np.errstate(all="ignore"):  # a model may compute NaN and infinities
        found = _vectors(call, head, item)
        if found is None:
            return Picture("order", {**facts, "why_not": why_no_vectors(call)})
        scale = scale_of(session.model, call, head, item)
        if scale is None:
            return Picture("order", {**facts, "why_not": NO_SCALE})
        q, k, v = found
        most = min(MOST_TOKENS, max(1, MOST_NUMBERS // (2 * q.shape[1] + v.shape[1])))
        sent = {"q": q[:most], "k": k[:most], "v": v[:most]}
        if not all(np.isfinite(part).all() for part in sent.values()):
            why = "Not all of its queries, keys and values are numbers."
            return Picture("order", {**facts, "why_not": why})
        visible = _visible(call, head, item, len(sent["q"]))
        facts |= {
            "counts": [len(sent["q"]), len(sent["k"])],
            "scale": scale,
            "masked": not bool(visible[:, :most].all()),
            "adds_more": _adds_more(call, head, item, sent["q"] @ k.T * scale, visible),
        }
    return Picture("order", facts, {name: part.astype(np.float32) for name, part in sent.items()})


def _vectors(call: AttentionCall, head: int, item: int) -> tuple[Numbers, Numbers, Numbers] | None:
    """The first queries (n, d), and all keys (Tk, d) and values (Tk, dv) of a head."""
    found = queries_and_keys(call, head, item)
    values = None if call.v is None else of_head(call.v, At(head, 0, item), call.heads)
    if found is None or values is None or len(values) != call.key_len:
        return None
    return in_float64(found[0][:MOST_TOKENS]), in_float64(found[1]), in_float64(values)


def _visible(call: AttentionCall, head: int, item: int, count: int) -> Any:
    where: dict[str, Any] = {"head": head, "queries": slice(0, count), "batch": item}
    return call.visible(**where)[0, 0].cpu().numpy()


def _adds_more(call: AttentionCall, head: int, item: int, scores: Numbers, visible: Any) -> bool:
    """Whether the softmax of these scores (n, Tk) is not what the model used."""
    own = in_float64(call.weights(head, slice(0, len(scores)), None, item)[0, 0])
    made = softmax_of_rows(scores, visible)
    # A row that sees nothing has no softmax.
    difference = np.abs(np.nan_to_num(made) - np.nan_to_num(own)).max(initial=0.0)
    return not is_rounding(float(difference), call)
