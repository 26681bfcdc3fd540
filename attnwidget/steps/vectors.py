"""The queries and keys of one head, and the factor on their products."""

from __future__ import annotations

import torch

from attnwidget.call import KIND_REMARKS, AttentionCall
from attnwidget.steps.named_numbers import Named
from attnwidget.steps.projection import module_at
from attnwidget.steps.row import At, of_head, row_steps

NO_SCALE = "The factor that turns its products q·k into scores is not known."


def queries_and_keys(
    call: AttentionCall, head: int, batch: int
) -> tuple[torch.Tensor, torch.Tensor] | None:
    """(Tq, d) and (Tk, d) of a head, as they meet; None where the call has none."""
    if call.q is None or call.k is None:
        return None
    at = At(head, 0, batch)
    q, k = of_head(call.q, at, call.heads), of_head(call.k, at, call.heads)
    return None if q is None or k is None or len(k) != call.key_len else (q, k)


def why_no_vectors(call: AttentionCall) -> str:
    """Why a call has no queries and keys that its scores are made of, in words."""
    if call.source == "array":
        return "Only weights were given."
    if call.q is None and call.kind in KIND_REMARKS:
        return KIND_REMARKS[call.kind]
    return "How the scores came from queries and keys could not be followed."


def scale_of(
    model: torch.nn.Module | None, call: AttentionCall, head: int, batch: int
) -> float | None:
    """The call's own factor; where it says none, what fits the row that sees most."""
    if call.scale is not None:
        return call.scale
    named = Named.of(module_at(model, call.module), call.heads, head)
    return row_steps(call, At(head, call.query_len - 1, batch), named).scale
