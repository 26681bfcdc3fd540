"""Attention weights times the size of the value: a_ij ‖v_j‖."""

from __future__ import annotations

import torch

from attnwidget.binding.layout import kv_axis
from attnwidget.call import AttentionCall
from attnwidget.selection import Axis, Pick, Selector, size, take
from attnwidget.steps.vectors import why_no_vectors
from attnwidget.trouble import Trouble
from attnwidget.weighing.weights import OfCall


class TimesValues(OfCall):
    """a_ij ‖v_j‖, with the values of the head (or of the group that shares them).

    Raises
    ------
    Trouble
        When numbers are asked for, if the values are not known or each query has its own.
    """

    def weights(
        self,
        head: Selector = None,
        queries: Selector = None,
        keys: Selector = None,
        batch: Selector = None,
    ) -> torch.Tensor:
        """float32, as `AttentionCall.weights`; never negative."""
        call = self.call
        pick = self._pick(head, queries, keys, batch)
        sizes = torch.linalg.vector_norm(values_of(call, pick).double(), dim=-1)
        return times(call.weights(head, queries, keys, batch), sizes[:, :, None])


def values_of(call: AttentionCall, pick: Pick) -> torch.Tensor:
    """Values (B', H', Tk', dv) of a selection, those of a group repeated for each of its heads.

    Raises
    ------
    Trouble
        If they are not known.
    """
    values = call.v
    if values is None or values.shape[2] != call.key_len or call.heads % values.shape[1]:
        why = why_no_vectors(call) if call.source == "array" else "No single value of each key."
        raise Trouble(f"The values of layer {call.layer} are not known.", why)
    group = call.heads // values.shape[1]
    heads: Axis = pick.heads
    if values.shape[0] > 1:
        values = take(values, 0, pick.batch)
    values = take(take(values, 1, kv_axis(heads, group)), 2, pick.keys)
    return values.expand(-1, size(heads), -1, -1) if values.shape[1] == 1 else values


def times(weights: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    """The product in float32; what is not looked at counts nothing, whatever stands there."""
    return torch.where(weights == 0, weights, weights * factors.to(weights))
