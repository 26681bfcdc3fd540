"""How far predictions have moved: two logits of the same tokens, row by row."""

from __future__ import annotations

from dataclasses import dataclass

import torch

# Of both, the likeliest so many are named.
CANDIDATES = 5
_ROWS_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class Compared:
    """Predictions before and after a change; T is 1 where a text has one prediction.

    Attributes
    ----------
    kl : Tensor
        (T,) Kullback–Leibler divergence of each prediction, in nats; NaN where logits are.
    ids : Tensor
        (T, 2 * CANDIDATES) the likeliest of both, those likeliest before first; -1 beyond.
    before, after : Tensor
        Shares of them, of the shape of `ids`.
    """

    kl: torch.Tensor
    ids: torch.Tensor
    before: torch.Tensor
    after: torch.Tensor


def compared(before: torch.Tensor, after: torch.Tensor, *, one_of: bool) -> Compared:
    """Compare logits (T, V) with others of the same tokens.

    KL(p ‖ q) = Σ p · ln(p / q), p before and q after the change (Kullback & Leibler, "On
    Information and Sufficiency", 1951).

    Parameters
    ----------
    one_of : bool
        Whether one of the candidates is right, as softmax has it; else each is judged by itself,
        by a sigmoid, and the divergences of all of them are summed.
    """
    parts = [
        _rows(before[start : start + _ROWS_AT_ONCE], after[start : start + _ROWS_AT_ONCE], one_of)
        for start in range(0, len(before), _ROWS_AT_ONCE)
    ]
    kl, ids, shares, others = (torch.cat(part) for part in zip(*parts, strict=True))
    return Compared(kl, ids, shares, others)


def _rows(before: torch.Tensor, after: torch.Tensor, one_of: bool) -> tuple[torch.Tensor, ...]:
    x, y = before.double(), after.double()
    if one_of:
        p, q = x.log_softmax(-1), y.log_softmax(-1)
        kl = _term(p, q).sum(-1)
    else:
        p, q = torch.nn.functional.logsigmoid(x), torch.nn.functional.logsigmoid(y)
        not_p, not_q = torch.nn.functional.logsigmoid(-x), torch.nn.functional.logsigmoid(-y)
        kl = (_term(p, q) + _term(not_p, not_q)).sum(-1)
    count = min(CANDIDATES, p.shape[-1])
    union = torch.cat([p.topk(count).indices, q.topk(count).indices], -1)
    # A candidate of both is named once.
    again = (union[:, :, None] == union[:, None, :]).tril(-1).any(-1)
    shares = p.exp().gather(-1, union).masked_fill(again, -1.0)
    order = shares.argsort(dim=-1, descending=True, stable=True)
    ids = union.masked_fill(again, -1).gather(-1, order)
    others = q.exp().gather(-1, union).gather(-1, order)
    # What rounding makes of two equal predictions may lie below 0.
    return kl.clamp(min=0.0).cpu(), ids.cpu(), shares.gather(-1, order).cpu(), others.cpu()


def _term(p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    """exp(p) · (p − q) of logarithms, 0 where p is that of 0."""
    return torch.where(p == -torch.inf, 0.0, p.exp() * (p - q))
