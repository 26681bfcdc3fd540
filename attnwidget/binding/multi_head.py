"""nn.MultiheadAttention where it does not take its fused path."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from attnwidget.binding.torch_functions import TorchFunctions


def multi_head_attention(
    mode: TorchFunctions, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Run ``F.multi_head_attention_forward`` so that what it calls is seen too.

    Its code asks ``has_torch_function`` first and would hand over to us again; a copy of the
    function that is always told no runs the same code, and so gives the same result.
    """
    asks = func.__globals__["has_torch_function"]
    tensors = [a for a in (*args, *kwargs.values()) if a is None or isinstance(a, torch.Tensor)]
    if asks(tensors):  # another mode or a tensor subclass wants to see it whole
        return func(*args, **kwargs)
    world = {**func.__globals__, "has_torch_function": lambda tensors: False}
    inner = types.FunctionType(
        func.__code__, world, func.__name__, func.__defaults__, func.__closure__
    )
    inner.__kwdefaults__ = func.__kwdefaults__
    query, key = args[:2]
    before = mode.source, mode.kind
    # Self-attention hands one tensor over twice.
    mode.source, mode.kind = "multi_head_attention", "self" if _same(query, key) else "cross"
    try:
        with mode:
            return inner(*args, **kwargs)
    finally:
        mode.source, mode.kind = before


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one is other or (one.data_ptr() == other.data_ptr() and one.shape == other.shape)
