"""What each head of a stack adds to the chosen logit directly."""

from __future__ import annotations

import numpy as np

from attnwidget.messages import Picture, Want
from attnwidget.pictures.target import target_of
from attnwidget.pictures.where import index, stack_of
from attnwidget.reading import Reading
from attnwidget.session import Session, Snapshot
from attnwidget.weighing.direct import direct_of


def picture(session: Session, snapshot: Snapshot, want: Want) -> Picture:
    """Signed float32 ``heads`` (L, H), 0 where a layer has fewer heads.

    ``logit`` is the logit itself, ``of_heads`` what all of these add, ``rest`` all else: the other
    layers, the embeddings and biases.

    Raises
    ------
    Trouble
        If there is no such logit, or what a head adds does not reach it unchanged.
    """
    stack = stack_of(snapshot, want)
    batch = index(want, "batch", snapshot.batch_size(stack))
    named = target_of(session, snapshot, stack, batch, Reading.of(want).target)
    found = direct_of(session, snapshot, named.target)
    calls = snapshot.stacks[stack]
    heads = np.zeros((len(calls), max(call.heads for call in calls)), np.float32)
    total = 0.0
    for row, call in enumerate(calls):
        number = next(n for n, one in enumerate(snapshot.trace.calls) if one is call)
        if number in found.why_not:
            raise found.why_not[number]
        heads[row, : call.heads] = found.heads[number].cpu().numpy()
        total += float(found.heads[number].sum())
    return Picture(
        "direct",
        {
            "layers": [call.layer for call in calls],
            "target": named.facts,
            "logit": found.logit,
            "of_heads": total,
            "rest": found.logit - total,
            "norm": found.norm,
        },
        {"heads": heads},
    )
