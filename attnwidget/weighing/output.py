"""Attention weights times the size of what the head adds for it: a_ij ‖W_O^h v_j‖."""

from __future__ import annotations

import torch

from attnwidget.call import AttentionCall
from attnwidget.selection import Selector, take
from attnwidget.steps.projection import Projection, projection_of
from attnwidget.trouble import Trouble
from attnwidget.weighing.values import times, values_of
from attnwidget.weighing.weights import OfCall


class TimesOutput(OfCall):
    """a_ij ‖W_O^h v_j‖: G. Kobayashi et al., "Attention is Not Only a Weight", EMNLP 2020.

    Parameters
    ----------
    model : Module or None
        Where the output projection is looked for.
    call : AttentionCall

    Raises
    ------
    Trouble
        When numbers are asked for, if no projection is found in which each head has a slice.
    """

    def __init__(self, model: torch.nn.Module | None, call: AttentionCall) -> None:
        super().__init__(call)
        self._model = model
        self._found: Projection | None = None

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
        values = values_of(call, pick).double()
        slices = slices_of(self._projection(values.shape[-1]), call.heads).to(values.device)
        slices = take(slices, 1, pick.heads).double()
        # ‖W v‖² = vᵀ (Wᵀ W) v: the width of the stream is gone through once, not for every key.
        grams = torch.einsum("ehd,ehc->hdc", slices, slices)
        squares = torch.einsum("bhkd,hdc,bhkc->bhk", values, grams, values)
        sizes = squares.clamp_min(0).sqrt()
        return times(call.weights(head, queries, keys, batch), sizes[:, :, None])

    def _projection(self, width: int) -> Projection:
        if self._found is None:
            self._found = projection_with_slices(self._model, self.call, width)
        return self._found


def projection_with_slices(
    model: torch.nn.Module | None, call: AttentionCall, width: int
) -> Projection:
    """The layer that each head of `call` goes through by a slice of so many columns.

    Raises
    ------
    Trouble
        If there is none; says why.
    """
    found, why = projection_of(model, call, call.heads * width)
    if found is None:
        raise Trouble(f"What the heads of layer {call.layer} add is not known.", why)
    return found


def slices_of(found: Projection, heads: int) -> torch.Tensor:
    """W_O of each head, (E, H, dv)."""
    return found.weight.reshape(found.weight.shape[0], heads, -1)
