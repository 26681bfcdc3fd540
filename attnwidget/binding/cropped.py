"""Evidence from a static cache, of whose buffers only the part with tokens in it is kept."""

from __future__ import annotations

import torch

from attnwidget.binding.own_eager import OwnEager
from attnwidget.selection import Pick


class Cropped(OwnEager):
    """The model's own eager attention, with the spare room of the buffers put into account.

    A query that sees no key, as left padding makes them, spreads evenly over all there is where the
    mask is made of finite numbers: over the spare room, too.

    Attributes
    ----------
    spare : int
        How many keys of the buffer are not kept; nothing was ever written to them.
    """

    spare = 0

    def weights(self, pick: Pick) -> torch.Tensor:
        weights = super().weights(pick)
        every_key = Pick(pick.batch, pick.heads, pick.queries, slice(0, self.shape[3], 1))
        blind = ~self.visible(every_key).any(-1, keepdim=True)
        kept = self.shape[3] / (self.shape[3] + self.spare)
        return torch.where(blind, weights * kept, weights)
