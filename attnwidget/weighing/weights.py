"""What every way of weighing has to offer; a call itself offers it for the pattern."""

from __future__ import annotations

from typing import Protocol

import torch

from attnwidget.call import AttentionCall
from attnwidget.selection import Pick, Selector


class Weights(Protocol):
    """Numbers between the tokens of one layer, read where they are asked for.

    `weights` and `visible` are those of `AttentionCall`, (B, H, Tq, Tk) cut to the selection.
    """

    @property
    def heads(self) -> int:
        """H."""
        ...

    def weights(
        self,
        head: Selector = None,
        queries: Selector = None,
        keys: Selector = None,
        batch: Selector = None,
    ) -> torch.Tensor:
        """As `AttentionCall.weights`."""
        ...

    def visible(
        self,
        head: Selector = None,
        queries: Selector = None,
        keys: Selector = None,
        batch: Selector = None,
    ) -> torch.Tensor:
        """As `AttentionCall.visible`."""
        ...


class OfCall:
    """Weighed numbers of a call: as many heads, and visible where the pattern is.

    Parameters
    ----------
    call : AttentionCall
        Whose pattern is weighed.
    """

    def __init__(self, call: AttentionCall) -> None:
        self.call = call
        self.heads = call.heads

    def _pick(self, head: Selector, queries: Selector, keys: Selector, batch: Selector) -> Pick:
        call = self.call
        shape = (call.batch_size, call.heads, call.query_len, call.key_len)
        return Pick.of(shape, batch, head, queries, keys)

    def visible(
        self,
        head: Selector = None,
        queries: Selector = None,
        keys: Selector = None,
        batch: Selector = None,
    ) -> torch.Tensor:
        """As `AttentionCall.visible`."""
        return self.call.visible(head, queries, keys, batch)
