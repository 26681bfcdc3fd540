"""What the model predicts without a head, or without knowing where its tokens stand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from attnwidget.blocks.measure import measure
from attnwidget.call import AttentionCall
from attnwidget.changed.compared import Compared
from attnwidget.changed.heads import check_order, entering, head_muted
from attnwidget.changed.places import SEED, positions_removed, positions_shuffled
from attnwidget.changed.rerun import Rerun, rerun_of
from attnwidget.changed.residuals import branch_ends, residuals_cut
from attnwidget.messages import Picture, Progress, Slices, Want
from attnwidget.pictures.positions import longest, positions_in
from attnwidget.pictures.predictions import (
    Names,
    What,
    check_fit,
    is_multi_label,
    logits_to_read,
    may_be_hidden_states,
    what_of,
)
from attnwidget.pictures.where import head_of, index, place_of, quoted, stack_of
from attnwidget.positions.finder import LOOKED_FOR, Positions
from attnwidget.session import Session, Snapshot
from attnwidget.trouble import Trouble

CHANGES = ("head", "residual", "positions", "order")
# All heads of a layer are muted in turn where that is quick.
MOST_HEADS, MOST_TOKENS = 16, 256
# An order of so many tokens is told.
LONGEST_ORDER = 256


def paint(session: Session, snapshot: Snapshot, want: Want) -> Slices:
    """Predictions at one token before and after a change, and how far all of them have moved.

    float32 arrays: ``kl`` (T,), the divergence at each token, in nats, -1 where there are no
    numbers; and in the finer picture ``kl_of_heads`` (H,), that at the token asked for, were each
    head of the layer muted instead.

    Raises
    ------
    Trouble
        If nothing is predicted, the pass cannot be made once more, or there is nothing of the kind
        that is to be taken away.
    """
    change = want.get("what")
    if change not in CHANGES:
        raise Trouble(f"what={quoted(change)} was asked for.", f"It must be one of {CHANGES}.")
    stack = stack_of(snapshot, want)
    call, head = head_of(snapshot, want)
    batch = index(want, "batch", snapshot.batch_size(stack))
    logits = logits_to_read(session, snapshot)
    check_fit(snapshot, stack, logits)
    what: What = "classes" if logits.dim() == 2 else what_of(session, snapshot, stack, logits)
    if logits.shape[-1] < 2 or may_be_hidden_states(
        session, snapshot.logits, what, logits.shape[-1]
    ):
        raise Trouble(
            "The model's predictions cannot be named.",
            "It returns a single number or hidden states: load it with the head that predicts.",
        )
    at = index(want, "at", call.query_len)
    row = 0 if what == "classes" else at
    one_of = not ("classes" in what and is_multi_label(session))
    rerun = rerun_of(session, snapshot, batch, one_of=one_of)

    if change == "residual":
        made, facts = _without_residuals(rerun, session, snapshot, call, batch)
    else:
        made, facts = _changed(rerun, snapshot, call, head, change)
    namer = Names(session, what)
    facts = {
        **place_of(snapshot, want, call, head),
        "batch": batch,
        "heads": call.heads,
        "change": change,
        "what": what,
        "at": at,
        "of": logits.shape[-1],
        "candidates": _candidates(made, row, namer),
        "most": int(_finite(made.kl).argmax()),
        "remark": rerun.remark,
        **facts,
    }
    arrays = {"kl": _finite(made.kl)}
    if change != "head" or call.heads > MOST_HEADS or len(rerun.before) > MOST_TOKENS:
        yield Picture("without", facts, arrays)
        return
    if not all(rerun.has(("head", call.module, one)) for one in range(call.heads)):
        yield Picture("without", facts, arrays, coarse=True)
    each = []
    for one in range(call.heads):
        each.append(_muted(rerun, call, one)[0].kl[row])
        yield Progress("muting each head in turn", one + 1, call.heads)
    yield Picture("without", facts, {**arrays, "kl_of_heads": _finite(torch.stack(each))})


def _finite(kl: torch.Tensor) -> np.ndarray[Any, np.dtype[np.float32]]:
    """NaN as -1, and infinity as the largest number there is."""
    return np.asarray(torch.nan_to_num(kl.float(), nan=-1.0).numpy(), np.float32)


def _candidates(made: Compared, row: int, namer: Names) -> list[dict[str, Any]]:
    """Texts with their shares before and after; none where there are no numbers."""
    if bool(made.kl[row].isnan()):
        return []
    columns = (made.ids[row], made.before[row], made.after[row])
    return [
        {"text": namer.text(number), "before": before, "after": after}
        for number, before, after in zip(*(c.tolist() for c in columns), strict=True)
        if number >= 0
    ]


# -- what is changed -----------------------------------------------------------------------------


def _changed(
    rerun: Rerun, snapshot: Snapshot, call: AttentionCall, head: int, change: str
) -> tuple[Compared, dict[str, Any]]:
    if change == "head":
        made, path = _muted(rerun, call, head)
        return made, {"parts": [path], "order": [], "seed": None, "said": _shared(snapshot, call)}
    found = positions_in(rerun.model, rerun.encoded, snapshot)
    if not found:
        raise Trouble("No positions were found in this model.", LOOKED_FOR)
    kinds = _in_words(found, change)
    if change == "positions":
        made, _ = rerun.compare("positions", lambda: positions_removed(found))
        return made, {"parts": found.paths, "order": [], "seed": None, "said": kinds}
    made, order = rerun.compare(
        "order", lambda: positions_shuffled(found, lambda path: _length(snapshot, path))
    )
    return made, {
        "parts": found.paths,
        "order": list(order[:LONGEST_ORDER]),
        "seed": SEED,
        "said": kinds,
    }


def _without_residuals(
    rerun: Rerun, session: Session, snapshot: Snapshot, call: AttentionCall, batch: int
) -> tuple[Compared, dict[str, Any]]:
    blocks = measure(session, snapshot, call.stack, batch).blocks
    place = [one.layer for one in snapshot.stacks[call.stack]].index(call.layer)
    ends = branch_ends(blocks[place].facts)
    made, _ = rerun.compare(
        ("residual", call.stack, call.layer), lambda: residuals_cut(rerun.model, ends)
    )
    said = f"Nothing of x goes on beside f(x) in layer {call.layer}, whose branches end in"
    return made, {"parts": ends, "order": [], "seed": None, "said": said}


def _muted(rerun: Rerun, call: AttentionCall, head: int) -> tuple[Compared, str]:
    @contextmanager
    def changed() -> Iterator[str]:
        with (
            head_muted(rerun.model, call, head) as found,
            entering(rerun.model, found.path) as seen,
        ):
            yield found.path
        # A pass with dropout, or of other weights, cannot be compared.
        if len(seen) == 1 and not rerun.remark:
            check_order(call, found.path, seen[0])

    return rerun.compare(("head", call.module, head), changed)


def _shared(snapshot: Snapshot, call: AttentionCall) -> str:
    """Which other layers are the same module, in words."""
    others = [
        other.layer
        for other in snapshot.stacks[call.stack]
        if other.module == call.module and other.layer != call.layer
    ]
    if not others:
        return ""
    listed = ", ".join(str(layer) for layer in others)
    return f"Layers {listed} are the same module: the head is muted in them as well."


def _length(snapshot: Snapshot, path: str) -> int:
    """How many tokens go through the part of the model at `path`."""
    for name in ("decoder", "encoder"):
        if name in path.split(".") and name in snapshot.stacks:
            return snapshot.stacks[name][0].query_len
    return longest(snapshot)


def _in_words(found: Positions, change: str) -> str:
    """What is done with what was found."""
    is_gone = change == "positions"
    said = []
    if found.tables:
        said.append(
            "zeros are added in place of positions"
            if is_gone
            else "each token is given the position of another one"
        )
    if found.rotary:
        said.append(
            "queries and keys are turned by no angle"
            if is_gone
            else "queries and keys are turned by the angle of another position"
        )
    if found.biases:
        said.append(
            "nothing is added for the distance"
            if is_gone
            else "each distance is given the bias of another one"
        )
    if found.relative_keys:
        said.append(
            "queries are held against keys alone, not against distances"
            if is_gone
            else "each distance is given the vector of another one"
        )
    text = "; ".join(said)
    return f"{text[:1].upper()}{text[1:]}."
