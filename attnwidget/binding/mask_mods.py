"""Rules of flex attention, written for one query and one key, applied to the part asked for."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from attnwidget.binding.masks import no_later_key
from attnwidget.selection import Axis, Pick, indices

Rule = Callable[..., torch.Tensor]


def applied(rule: Rule, pick: Pick, device: torch.device, *scores: torch.Tensor) -> torch.Tensor:
    """Return what a ``mask_mod`` or ``score_mod`` gives for a selection.

    Parameters
    ----------
    rule : callable
        (batch, head, query, key) to bool or, with `scores`, (score, batch, head, query, key) to
        score; all of them single numbers.
    scores : Tensor
        (B', H', Tq', Tk') in the shape of the selection; none for a ``mask_mod``.

    Returns
    -------
    Tensor
        (B', H', Tq', Tk').

    Notes
    -----
    Source of the order of axes and of the handling of captured tensors: ``create_mask`` in
    ``torch.nn.attention.flex_attention``.
    """
    from torch._dynamo._trace_wrapped_higher_order_op import TransformGetItemToIndex

    for axis in (3, 2, 1, 0):
        places = tuple(0 if place == axis else None for place in range(4))
        rule = torch.vmap(rule, in_dims=(0,) * len(scores) + places)
    axes = (pick.batch, pick.heads, pick.queries, pick.keys)
    # Where a rule looks something up (document[query]), the index is a tensor.
    with torch.no_grad(), TransformGetItemToIndex():
        return rule(*scores, *(_numbers(axis, device) for axis in axes))


def _numbers(axis: Axis, device: torch.device) -> torch.Tensor:
    return torch.tensor(indices(axis), dtype=torch.long, device=device)


class RuleMask:
    """What a ``mask_mod`` lets a query see; evaluated only where asked. Has the ways of `Mask`.

    Parameters
    ----------
    rule : callable
        The ``mask_mod``.
    shape : tuple of int
        (B, H, Tq, Tk).
    leading : tuple of int
        How many batch items and heads the rule tells apart, 1 for "all alike".
    device : device
        Of the tensors the rule looks things up in.
    """

    def __init__(
        self,
        rule: Rule,
        shape: tuple[int, int, int, int],
        leading: tuple[int, int],
        device: torch.device,
    ) -> None:
        self._rule = rule
        self._shape = shape
        self._leading = leading
        self._device = device

    def visible(self, pick: Pick, device: torch.device) -> torch.Tensor:
        """Return True where a query may look at a key, bool, in the shape of the selection."""
        return applied(self._rule, pick, self._device).to(device)

    def added(
        self, pick: Pick, forbid: float, dtype: torch.dtype, device: torch.device
    ) -> torch.Tensor:
        """Return 0 for the visible keys of a selection and `forbid` for the others."""
        seen = self.visible(pick, device)
        return torch.zeros(seen.shape, dtype=dtype, device=device).masked_fill_(~seen, forbid)

    def causal(self) -> bool:
        """Whether no query sees a later key, judged by evenly spread queries."""
        looked_at = (*self._leading, *self._shape[2:])
        return no_later_key(lambda pick: self.visible(pick, self._device), looked_at)


def both(mask_mod: Rule, score_mod: Rule) -> Rule:
    """Return the ``mask_mod`` that hides what either hides; a ``score_mod`` does so by -inf."""

    def rule(*place: torch.Tensor) -> torch.Tensor:
        score = score_mod(place[0].new_zeros((), dtype=torch.float32), *place)
        return mask_mod(*place) & (score != -math.inf)

    return rule
