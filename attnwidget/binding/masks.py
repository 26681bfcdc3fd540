"""Masks in all the forms models hand over, read for the part of the map that is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch

from attnwidget.selection import Axis, Pick, crop, indices, size

# Additive masks forbid by -inf, by the dtype's minimum, or by a round number: -1e9, -1e4 (which
# bfloat16 rounds to -9984). Biases that merely weaken (ALiBi) stay well above.
FORBIDDEN = -9.9e3

Triangle = Literal["none", "top left", "bottom right"]
VisibleOf = Callable[[Pick], torch.Tensor]

_ROWS_LOOKED_AT = 64


class Mask:
    """Which keys a query may look at, and what is added to its scores.

    Parameters
    ----------
    tensor : Tensor or None
        Broadcasts to (B, H, Tq, Tk). bool: True may look. Numbers: added to the scores. Longer
        than the call where a cache has spare room: the rest is cut off.
    triangle : str
        "top left": query i sees keys 0..i, torch's ``is_causal``. "bottom right": the last query
        sees all keys, as with a cache of earlier keys.
    shape : tuple of int
        (B, H, Tq, Tk).
    """

    def __init__(
        self, tensor: torch.Tensor | None, triangle: Triangle, shape: tuple[int, int, int, int]
    ) -> None:
        self._shape = shape
        self._triangle = triangle
        if tensor is not None:
            tensor = tensor[..., : max(shape[2], 1), : max(shape[3], 1)]
        self._tensor = tensor

    def added(
        self, pick: Pick, forbid: float, dtype: torch.dtype, device: torch.device
    ) -> torch.Tensor | None:
        """What is added to the scores of a selection, or None for nothing.

        Parameters
        ----------
        forbid : float
            The number that stands for "may not look".
        """
        added = None
        if self._tensor is not None:
            part = crop(self._tensor, pick).to(device)
            if part.dtype is torch.bool:
                added = torch.zeros(part.shape, dtype=dtype, device=device)
                added.masked_fill_(~part, forbid)
            else:
                added = part.to(dtype)
        if self._triangle != "none":
            hidden = ~self._below(pick.queries, pick.keys, device)
            if added is None:
                added = torch.zeros(hidden.shape, dtype=dtype, device=device)
            added = added.masked_fill(hidden, forbid)
        return added

    def visible(self, pick: Pick, device: torch.device) -> torch.Tensor:
        """Return True where a query may look at a key, bool, in the shape of the selection."""
        shape = [size(a) for a in (pick.batch, pick.heads, pick.queries, pick.keys)]
        seen = torch.ones((1, 1, 1, 1), dtype=torch.bool, device=device)
        if self._tensor is not None:
            part = crop(self._tensor, pick).to(device)
            seen = part if part.dtype is torch.bool else part > FORBIDDEN
        if self._triangle != "none":
            seen = seen & self._below(pick.queries, pick.keys, device)
        return seen.expand(shape)

    def _below(self, queries: Axis, keys: Axis, device: torch.device) -> torch.Tensor:
        i = torch.tensor(indices(queries), device=device)[:, None]
        j = torch.tensor(indices(keys), device=device)[None, :]
        past = self._shape[3] - self._shape[2] if self._triangle == "bottom right" else 0
        return (j <= i + past)[None, None]

    def causal(self) -> bool:
        """Whether no query sees a later key, judged by evenly spread queries.

        With fewer queries than keys the queries are taken to be the last ones.
        """
        if self._triangle != "none":
            return True
        tensor = self._tensor
        if tensor is None or self._shape[2] < 2 or tensor.shape[-2] < 2:
            return False
        return no_later_key(
            lambda pick: self.visible(pick, torch.device("cpu")),
            (tensor.shape[0], tensor.shape[1], self._shape[2], self._shape[3]),
        )


def no_later_key(visible: VisibleOf, shape: tuple[int, int, int, int]) -> bool:
    """Whether the visible keys of every query looked at end at the query itself."""
    _, _, tq, tk = shape
    if tq < 2:
        return False
    count = min(tq, _ROWS_LOOKED_AT)
    rows = sorted({round(i * (tq - 1) / (count - 1)) for i in range(count)})
    seen = visible(Pick.of(shape, queries=rows))
    i = torch.tensor(rows, device=seen.device)[:, None] + (tk - tq)
    later = torch.arange(tk, device=seen.device)[None, :] > i
    return bool(later.any()) and not bool((seen & later).any())
