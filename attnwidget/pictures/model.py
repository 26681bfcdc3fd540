"""The model in words: its stacks, layers, heads and token texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attnwidget.call import AttentionCall
from attnwidget.messages import Picture
from attnwidget.session import Session, Snapshot


def picture(session: Session, snapshot: Snapshot) -> Picture:
    """Facts about the pass that every view needs first."""
    lists: list[list[list[str]]] = []

    def place(texts: list[list[str]]) -> int:
        if texts not in lists:
            lists.append(texts)
        return lists.index(texts)

    stacks = []
    for name, calls in snapshot.stacks.items():
        sides = [snapshot.sides(name, batch) for batch in range(calls[0].batch_size)]
        stacks.append(
            {
                "name": name,
                "kind": calls[0].kind,
                "causal": bool(calls[0].causal),
                "query_len": calls[0].query_len,
                "key_len": calls[0].key_len,
                "batch_size": calls[0].batch_size,
                "query_tokens": place([[token.text for token in side.queries] for side in sides]),
                "key_tokens": place([[token.text for token in side.keys] for side in sides]),
                "layers": [_layer(call) for call in calls],
            }
        )
    return Picture(
        "model",
        {
            "name": name_of(session),
            "text": snapshot.text,
            "has_tokenizer": session.tokenizer is not None,
            "live": session.following,
            "step": snapshot.trace.calls[-1].step,
            "stacks": stacks,
            "tokens": lists,
        },
    )


def _layer(call: AttentionCall) -> dict[str, Any]:
    return {
        "layer": call.layer,
        "heads": call.heads,
        "kv_heads": call.kv_heads,
        "module": call.module,
        "source": call.source,
        "dtype": str(call.dtype).removeprefix("torch."),
    }


def name_of(session: Session) -> str:
    """How a reader would call the model: its published name where it has one, else its class."""
    if session.model is None:
        return "attention"
    published = getattr(getattr(session.model, "config", None), "name_or_path", None)
    if isinstance(published, str) and published and not Path(published).is_absolute():
        return published.rstrip("/").split("/")[-1]
    return type(session.model).__name__
