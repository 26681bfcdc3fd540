"""The model in words: its stacks, layers and heads, the passes kept, and the tokens on screen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attnwidget import labels
from attnwidget.call import AttentionCall
from attnwidget.generation.asked import why_not
from attnwidget.messages import Picture, Want
from attnwidget.pictures import image, roll
from attnwidget.pictures.shown import items_in
from attnwidget.pictures.target import target_of
from attnwidget.reading import Item, Reading
from attnwidget.session import Session, Snapshot
from attnwidget.trouble import Trouble

# So many ids tell whether a tokenizer has texts for them.
_TRIED = 32


def picture(session: Session, snapshot: Snapshot, want: Want) -> Picture:
    """Facts about the pass that every view needs first.

    A stack or batch item that the pass does not have is no error, as live passes change: then its
    first one is shown.

    Raises
    ------
    Trouble
        If the reading leaves no token.
    """
    stack, batch = want.get("stack"), want.get("batch")
    if not isinstance(stack, str) or stack not in snapshot.stacks:
        stack = next(iter(snapshot.stacks))
    if not isinstance(batch, int) or not 0 <= batch < snapshot.batch_size(stack):
        batch = 0
    return Picture(
        "model",
        {
            "name": name_of(session),
            "text": snapshot.text,
            "has_tokenizer": session.tokenizer is not None,
            "live": session.following,
            "step": snapshot.trace.calls[-1].step,
            "passes": {
                "shown": snapshot.number,
                "newest": session.newest.number if session.newest else snapshot.number,
                "kept": [one.number for one in session.passes],
                "paused": session.paused,
            },
            "stacks": [_stack(snapshot, name) for name in snapshot.stacks],
            "offers": _offers(session, snapshot, stack, int(batch)),
            "tokens": _tokens(session, snapshot, stack, int(batch), Reading.of(want)),
        },
    )


def _offers(session: Session, snapshot: Snapshot, stack: str, batch: int) -> list[str]:
    """The views of which only some passes have a picture."""
    offers = ["image"] if image.shows(snapshot, stack, batch) else []
    if roll.shows(session, snapshot, stack, batch):
        offers.append("roll")
    if {"encoder", "decoder", "cross"} <= set(snapshot.stacks):
        offers.append("joined")
    if snapshot.generation is not None or why_not(session, snapshot) is None:
        offers.append("generation")
    return offers


def _stack(snapshot: Snapshot, name: str) -> dict[str, Any]:
    calls = snapshot.stacks[name]
    return {
        "name": name,
        "kind": calls[0].kind,
        "causal": bool(calls[0].causal),
        "query_len": calls[0].query_len,
        "key_len": calls[0].key_len,
        "batch_size": snapshot.batch_size(name),
        "layers": [_layer(call) for call in calls],
    }


def _layer(call: AttentionCall) -> dict[str, Any]:
    return {
        "layer": call.layer,
        "heads": call.heads,
        "kv_heads": call.kv_heads,
        "module": call.module,
        "source": call.source,
        "dtype": str(call.dtype).removeprefix("torch."),
    }


def _tokens(
    session: Session, snapshot: Snapshot, stack: str, batch: int, reading: Reading
) -> dict[str, Any]:
    sides = snapshot.sides(stack, batch)
    queries, keys = items_in(snapshot, stack, batch, reading)
    sentences = {token.segment for token in (*sides.queries, *sides.keys)} - {None}
    return {
        "stack": stack,
        "batch": batch,
        "reading": reading.facts,
        "queries": _side(queries),
        "keys": None if keys == queries else _side(keys),
        "pairs": len(sentences) > 1,
        "notes": _notes(session, snapshot, stack, batch),
        **_target(session, snapshot, stack, batch, reading),
    }


def _target(
    session: Session, snapshot: Snapshot, stack: str, batch: int, reading: Reading
) -> dict[str, Any]:
    """The logit that a reading asks about, for its sentences; null where there is none."""
    if reading.weigh != "gradient":
        return {}
    try:
        return {"target": target_of(session, snapshot, stack, batch, reading.target).facts}
    except Trouble:  # the picture of the head says why
        return {"target": None}


def _side(items: Sequence[Item]) -> dict[str, Any]:
    segments = [item.segment for item in items]
    patches = [None if item.patch is None else list(item.patch) for item in items]
    return {
        "texts": [item.text for item in items],
        "gaps": [item.gap for item in items],
        "spans": [[item.start, item.stop] for item in items],
        "kinds": [item.kind for item in items],
        # Padding belongs to no sentence.
        "segments": None if set(segments) == {None} else [-1 if s is None else s for s in segments],
        "patches": patches if any(patches) else None,
    }


def _notes(session: Session, snapshot: Snapshot, stack: str, batch: int) -> list[str]:
    """What the reader should know of the tokens, in sentences."""
    sides = snapshot.sides(stack, batch)
    notes = []
    if any(all(t.kind == "padding" for t in side) for side in (sides.queries, sides.keys)):
        notes.append("This item of the batch holds only padding.")
    if snapshot.pass_tokens.windows(snapshot.stacks[stack], batch):
        notes.append("Rows and columns count within a window, which is a batch item of its own.")
    call = snapshot.stacks[stack][0]
    given = snapshot.pass_tokens
    for name in ("source", "target") if given.given is None else ():
        ids = given.inputs.get(name)
        if ids is not None and ids.shape[1] in (call.query_len, call.key_len):
            notes.append(labels.unknown_texts(session.tokenizer, ids.flatten()[:_TRIED].tolist()))
            break
    return [note for note in notes if note]


def name_of(session: Session) -> str:
    """How a reader would call the model: its published name where it has one, else its class."""
    if session.model is None:
        return "attention"
    published = getattr(getattr(session.model, "config", None), "name_or_path", None)
    if isinstance(published, str) and published and not Path(published).is_absolute():
        return published.rstrip("/").split("/")[-1]
    return type(session.model).__name__
