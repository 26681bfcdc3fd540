"""nn.MultiheadAttention where it does not take its fused path."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any

import torch
from torch.utils._device import DeviceContext

if TYPE_CHECKING:
    from attnwidget.binding.torch_functions import TorchFunctions


def multi_head_attention(
    mode: TorchFunctions, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Run ``F.multi_head_attention_forward`` so that what it calls is seen too.

    Its code asks ``has_torch_function`` first and would hand over to us again; a copy of the
    function that is always told no runs the same code, and so gives the same result.
    """
    tensors = [a for a in (*args, *kwargs.values()) if isinstance(a, torch.Tensor)]
    if _others_listen(tensors):
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


def _others_listen(tensors: list[torch.Tensor]) -> bool:
    """Whether another mode or a tensor subclass may want to see the function whole."""
    modes = torch.overrides._get_current_function_mode_stack()  # type: ignore[no-untyped-call]
    # torch.set_default_device is a mode too, but only looks at functions that make tensors.
    if any(not isinstance(mode, DeviceContext) for mode in modes):
        return True
    return any(type(one) not in (torch.Tensor, torch.nn.Parameter) for one in tensors)


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one is other or (one.data_ptr() == other.data_ptr() and one.shape == other.shape)
