"""Attention over nested tensors: every sample has a length of its own."""

from __future__ import annotations

import functools

import torch

from attnwidget.binding.masks import Mask
from attnwidget.binding.recompute import DotProduct
from attnwidget.selection import Pick


class Ragged(DotProduct):
    """softmax(scale * q @ k^T) over nested q, k and v, (B, H, T of each sample, d).

    Filled up with zeros to the longest sample. Rows and columns beyond a sample's length are not
    visible; no kernel computes them, so their weights are 0.
    """

    @functools.cached_property
    def shape(self) -> tuple[int, int, int, int]:
        q, k = self._four("q"), self._four("k")
        return q.shape[0], max(q.shape[1], k.shape[1]), q.shape[2], k.shape[2]

    def _four(self, name: str) -> torch.Tensor:
        return _filled(self._kept[name].tensor)

    @property
    def output(self) -> torch.Tensor | None:
        if self._kept_output is None or self._kept_output.overwritten():
            return None
        return _filled(self._kept_output.tensor)

    @property
    def _mask(self) -> Mask:
        queries, keys = (
            torch.arange(length) < torch.tensor(_lengths(self._kept[name].tensor))[:, None]
            for name, length in zip("qk", self.shape[2:], strict=True)
        )
        there = (queries[:, :, None] & keys[:, None, :])[:, None].to(self.device)
        return Mask(there, self._triangle, self.shape)

    def _weights(self, pick: Pick) -> torch.Tensor:
        whole = Pick(pick.batch, pick.heads, pick.queries, slice(0, self.shape[3], 1))
        blind = ~self.visible(whole).any(-1, keepdim=True)
        return super()._weights(pick).masked_fill(blind, 0.0)

    def tensors(self) -> list[torch.Tensor]:
        found = super().tensors()
        return [t.values() if t.layout is torch.jagged else t for t in found]


def _filled(tensor: torch.Tensor) -> torch.Tensor:
    """View as (B, H, T, d), short samples filled up with zeros."""
    if not tensor.is_nested:
        return tensor
    samples = tensor.unbind()
    heads, _, d = samples[0].shape
    result = samples[0].new_zeros(len(samples), heads, max(_lengths(tensor)), d)
    for one, sample in zip(result, samples, strict=True):
        one[:, : sample.shape[1]] = sample
    return result


def _lengths(tensor: torch.Tensor) -> list[int]:
    """T of each sample."""
    return [sample.shape[1] for sample in tensor.unbind()]
