"""Attention of hand-written modules, seen in the torch functions they call."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

from attnwidget.binding.active import active
from attnwidget.binding.kept import Kept
from attnwidget.binding.layout import Fold
from attnwidget.binding.recompute import DotProduct
from attnwidget.binding.recorder import record
from attnwidget.call import Evidence

Handler = Callable[["TorchFunctions", Any, tuple[Any, ...], dict[str, Any]], Any]


class TorchFunctions(TorchFunctionMode):
    """Sees every torch function of the thread while a bound model's forward runs.

    It calls each function unchanged, so results are the same to the last bit; also where a module
    bound the function's name at import, which replacing an attribute would miss.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        handle = None if active.silent else HANDLERS.get(func)
        if handle is None:
            return func(*args, **kwargs) if kwargs else func(*args)
        return handle(self, func, args, kwargs or {})


def _sdpa(mode: TorchFunctions, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    output = func(*args, **kwargs)
    record(lambda copy: _sdpa_evidence(output, copy, *args, **kwargs), sys._getframe(2))
    return output


def _sdpa_evidence(
    output: torch.Tensor,
    copy: bool,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> tuple[Evidence, str]:
    unchecked = ""
    if dropout_p > 0.0:
        unchecked = f"dropout ({dropout_p:g}) was active, and the weights shown are before it"
    return DotProduct(
        Kept(query, copy),
        Kept(key, copy),
        Kept(value, copy),
        Kept(attn_mask, copy) if attn_mask is not None else None,
        Kept(output, copy),
        triangle="top left" if is_causal else "none",
        scale=scale,
        unchecked=unchecked,
        fold=Fold(),
    ), "sdpa"


HANDLERS: dict[Any, Handler] = {F.scaled_dot_product_attention: _sdpa}
