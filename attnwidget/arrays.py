"""Attention maps that come from elsewhere, read as if they had been captured."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from attnwidget.binding.kept import Keeping, Kept
from attnwidget.binding.masks import no_later_key
from attnwidget.call import AttentionCall
from attnwidget.selection import Pick, crop, indices, size
from attnwidget.trouble import Trouble

_EXPECTED = "Each layer must be an array of shape (B, H, Tq, Tk): batch, heads, queries, keys."


class GivenMap(Keeping):
    """Evidence that consists of the weights themselves, (B, H, Tq, Tk)."""

    recomputed = False
    why_unseen = ""
    head_dim: int | None = None
    scale: float | None = None
    q: torch.Tensor | None = None
    k: torch.Tensor | None = None
    v: torch.Tensor | None = None
    output: torch.Tensor | None = None

    def __init__(self, weights: torch.Tensor) -> None:
        self._kept = {"the given map": Kept(weights)}
        self._kept_output = None
        self._unchecked = "only weights were given"
        b, h, tq, tk = weights.shape
        self.shape = (b, h, tq, tk)
        self.kv_heads = h
        self.dtype = weights.dtype
        self.device = weights.device
        self.remarks = ["Given as an array."]
        self._causal: bool | None = None

    @property
    def _weights(self) -> torch.Tensor:
        return self._kept["the given map"].tensor

    @property
    def causal(self) -> bool:
        if self._causal is None:
            self._causal = no_later_key(lambda pick: crop(self._weights, pick) != 0, self.shape)
        return self._causal

    def untracked(self) -> bool:
        return False

    def weights(self, pick: Pick) -> torch.Tensor:
        return crop(self._weights, pick).float()

    def scores(self, pick: Pick) -> torch.Tensor:
        raise Trouble(
            "The scores of a given map are not known.",
            "Only weights were given; capture the model to see what enters its softmax.",
        )

    def visible(self, pick: Pick) -> torch.Tensor:
        """Return True everywhere, but for keys behind the query where no query looks there."""
        shape = [size(axis) for axis in (pick.batch, pick.heads, pick.queries, pick.keys)]
        if not self.causal:
            return torch.ones(shape, dtype=torch.bool, device=self.device)
        i = torch.tensor(indices(pick.queries), device=self.device)[:, None]
        j = torch.tensor(indices(pick.keys), device=self.device)[None, :]
        return (j <= i + self.shape[3] - self.shape[2]).expand(shape)

    def check(self, rows: list[int]) -> float:
        return math.nan


def calls_from_arrays(attention: Iterable[Any]) -> list[AttentionCall]:
    """Make one call per layer.

    Parameters
    ----------
    attention : sequence over layers
        Arrays or tensors (B, H, Tq, Tk); None where a layer has no attention.

    Raises
    ------
    Trouble
        Naming the layer and its shape, if one is not of that form.
    """
    if isinstance(attention, str | bytes | dict) or not isinstance(attention, Iterable):
        raise Trouble(
            f"attention is a {type(attention).__name__}.",
            f"Expected a sequence with one entry per layer. {_EXPECTED}",
        )
    calls = []
    for layer, given in enumerate(attention):
        if given is None:
            continue
        evidence = GivenMap(_four_axes(given, layer))
        _, _, tq, tk = evidence.shape
        kind = "self" if tq == tk else "cross"
        stack = "cross" if kind == "cross" else "decoder" if evidence.causal else "attention"
        calls.append(
            AttentionCall(
                evidence,
                module=f"layer {layer}",
                source="array",
                kind=kind,
                stack=stack,
                layer=layer,
            )
        )
    if not calls:
        raise Trouble("attention holds no maps.", f"Expected at least one layer. {_EXPECTED}")
    return calls


def _four_axes(given: Any, layer: int) -> torch.Tensor:
    if not isinstance(given, torch.Tensor):
        try:
            given = torch.as_tensor(np.ascontiguousarray(given))
        except (TypeError, ValueError) as problem:
            raise Trouble(
                f"Layer {layer} of attention cannot be read as an array: {problem}.", _EXPECTED
            ) from None
    if given.dim() != 4 or 0 in given.shape:
        raise Trouble(f"Layer {layer} of attention has shape {tuple(given.shape)}.", _EXPECTED)
    if given.is_complex():
        raise Trouble(f"Layer {layer} of attention has dtype {given.dtype}.", _EXPECTED)
    weights: torch.Tensor = given if given.is_floating_point() else given.float()
    return weights
