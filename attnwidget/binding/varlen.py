"""What flash attention lets see where it is told the lengths of sequences packed in one row."""

from __future__ import annotations

import functools
from typing import Any

import torch

_LENGTHS = ("cu_seq_lens_q", "cu_seq_lens_k", "max_length_q", "max_length_k")


def packed_remark(count: int) -> str:
    """What a reader of a map of `count` packed sequences should know."""
    return f"Packed: {count} sequences one behind the other, each looks at itself only."


class Packed:
    """Blocks on the diagonal, one for each sequence; read like a BlockMask of flex attention.

    Sources: ``_flash_attention_forward`` of transformers, for when it cuts into sequences, and the
    documentation of ``flash_attn_varlen_func``, which aligns causal masks at the bottom right.

    Parameters
    ----------
    ends : tuple of Tensor
        Where the sequences of queries, and of keys, begin in all rows of the batch laid one behind
        the other, and where the last ends, (n + 1,).
    lengths : tuple of int
        Tq and Tk.
    batch : int
        B.
    causal : bool
        Whether no query sees a later key of its sequence.
    """

    def __init__(
        self,
        ends: tuple[torch.Tensor, torch.Tensor],
        lengths: tuple[int, int],
        batch: int,
        causal: bool,
    ) -> None:
        self._ends = ends
        self._lengths = lengths
        self._causal = causal
        self.shape = (batch, 1, *lengths)

    @functools.cached_property
    def _places(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """For queries and keys: which sequence each is of, and how far from its end, (B * T,)."""
        places = []
        for ends, length in zip(self._ends, self._lengths, strict=True):
            number = torch.arange(self.shape[0] * length, device=ends.device)
            sequence = torch.searchsorted(ends[1:].long().contiguous(), number, right=True)
            last = ends.long()[1:].clamp_max(len(number))
            places.append((sequence, last[sequence.clamp_max(len(last) - 1)] - number))
        return places

    @property
    def remark(self) -> str:
        """What a reader of the map should know."""
        return packed_remark(len(self._ends[0]) - 1)

    def mask_mod(
        self, batch: torch.Tensor, head: torch.Tensor, query: torch.Tensor, key: torch.Tensor
    ) -> torch.Tensor:
        """Whether a query may look at a key, in the manner of flex attention."""
        (of_query, query_left), (of_key, key_left) = self._places
        query, key = batch * self._lengths[0] + query, batch * self._lengths[1] + key
        seen = of_query[query] == of_key[key]
        return seen & (key_left[key] >= query_left[query]) if self._causal else seen


def packed(
    kwargs: dict[str, Any], query: torch.Tensor, key: torch.Tensor, causal: bool
) -> Packed | None:
    """Return how a call of flash attention without a mask is cut into sequences, if it is.

    Parameters
    ----------
    kwargs : dict
        What the attention function was given besides.
    query, key : Tensor
        (B, H, T, d).
    """
    batch, lengths = query.shape[0], (query.shape[2], key.shape[2])
    if all(kwargs.get(name) is not None for name in _LENGTHS):
        ends = kwargs["cu_seq_lens_q"], kwargs["cu_seq_lens_k"]
        return Packed(ends, lengths, batch, causal)
    positions = kwargs.get("position_ids")
    if not isinstance(positions, torch.Tensor) or batch != 1 or lengths[0] < 2:
        return None
    if positions.numel() != lengths[0] or lengths[0] != lengths[1]:
        return None
    positions = positions.flatten()
    # Not where a row merely begins later, as after a cache.
    begins = (positions == positions.min()).nonzero().flatten()
    if len(begins) < 2:
        return None
    alike = torch.cat([begins, begins.new_tensor([lengths[0]])])
    return Packed((alike, alike), lengths, batch, causal)
