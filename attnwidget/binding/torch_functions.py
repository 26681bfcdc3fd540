"""Attention of hand-written modules, seen in the torch functions they call."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from attnwidget.binding import fused_layers, provenance
from attnwidget.binding.active import active
from attnwidget.binding.evidence import Evidence
from attnwidget.binding.kept import Kept, before_dropout
from attnwidget.binding.layout import Fold
from attnwidget.binding.multi_head import multi_head_attention
from attnwidget.binding.provenance import carry, follow_folded
from attnwidget.binding.ragged import Ragged
from attnwidget.binding.recompute import DotProduct
from attnwidget.binding.recorder import record, trouble
from attnwidget.binding.tags import Tags
from attnwidget.binding.torch_names import (
    ADDED_PRODUCTS,
    DROPOUTS,
    EINSUM,
    MULTIPLICATIONS,
    PRODUCTS,
    SOFTMAXES,
    SUMS,
)

Observer = Callable[["TorchFunctions", Any, tuple[Any, ...], dict[str, Any], Any], None]


class TorchFunctions(TorchFunctionMode):
    """Sees every torch function of the thread while a bound model's forward runs.

    It calls each function unchanged, so results are the same to the last bit; also where a module
    bound the function's name at import, which replacing an attribute would miss.

    Attributes
    ----------
    tags : Tags
        What is known of the tensors alive in this pass.
    source, kind : str or None
        Of calls made inside a larger function that is known, such as multi-head attention.
    """

    def __init__(self) -> None:
        super().__init__()
        self.tags = Tags()
        self.source: str | None = None
        self.kind: str | None = None

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if active.silent:
            return func(*args, **kwargs) if kwargs else func(*args)
        if func is F.multi_head_attention_forward:
            return multi_head_attention(self, func, args, kwargs or {})
        result = func(*args, **kwargs) if kwargs else func(*args)
        observe = OBSERVERS.get(func)
        try:
            if observe is not None:
                observe(self, func, args, kwargs or {}, result)
            elif self.tags and (result is None or isinstance(result, Tensor | tuple | list)):
                carry(self.tags, func, args, kwargs, result)
        except Exception as problem:  # the function itself has succeeded: the model goes on
            trouble(problem)
        return result


def _sdpa(
    mode: TorchFunctions, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any
) -> None:
    fold = Fold()
    source = mode.source or "sdpa"
    record(
        lambda copy: (sdpa_evidence(result, fold, copy, *args, **kwargs), source),
        sys._getframe(2),
        kind=mode.kind,
    )
    follow_folded(mode.tags, result, fold)


def sdpa_evidence(
    output: torch.Tensor,
    fold: Fold,
    copy: bool,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Evidence:
    """Evidence of a call of ``scaled_dot_product_attention``, from its arguments and its result."""
    nested = query.is_nested or key.is_nested
    return (Ragged if nested else DotProduct)(
        Kept(query, copy),
        Kept(key, copy),
        Kept(value, copy),
        Kept(attn_mask, copy) if attn_mask is not None else None,
        Kept(output, copy),
        triangle="top left" if is_causal else "none",
        scale=scale,
        unchecked=before_dropout(dropout_p),
        fold=fold,
    )


OBSERVERS: dict[Any, Observer] = {
    **dict.fromkeys(SOFTMAXES, provenance.softmax),
    **dict.fromkeys(DROPOUTS, provenance.dropout),
    **dict.fromkeys(MULTIPLICATIONS, provenance.multiply),
    **dict.fromkeys(SUMS, provenance.total),
    **dict.fromkeys(PRODUCTS, provenance.product),
    **dict.fromkeys(ADDED_PRODUCTS, provenance.added_product),
    EINSUM: provenance.einsum,
    F.scaled_dot_product_attention: _sdpa,
    torch._native_multi_head_attention: fused_layers.native_attention,
    torch._transformer_encoder_layer_fwd: fused_layers.encoder_layer,
}
