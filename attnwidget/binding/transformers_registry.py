"""Attention of transformers models, seen where the library looks up its attention functions.

Nearly all its models ask ``AttentionInterface.get_interface`` at every forward, whatever kernel
they are set to, and hand the function they get their queries, keys and values after rotation and
cache. One patched method therefore sees them all, with exact module, true key-value heads and mask.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from types import FrameType
from typing import Any, NamedTuple

import torch

from attnwidget.binding.active import active
from attnwidget.binding.caches import Cached, cached
from attnwidget.binding.cropped import Cropped
from attnwidget.binding.dispatch import not_listening
from attnwidget.binding.evidence import Evidence
from attnwidget.binding.kept import Kept, before_dropout
from attnwidget.binding.masks import Triangle
from attnwidget.binding.own_eager import OwnEager
from attnwidget.binding.patches import Patch
from attnwidget.binding.recorder import record
from attnwidget.binding.varlen import packed

AttentionFunction = Callable[..., Any]

_NOTHING = nullcontext()

# A cache kept alive would keep the keys and values of all layers, and no eager function reads it.
# The bias is kept apart, as it is cut to the rows asked for.
_NOT_KEPT = frozenset({"past_key_value", "past_key_values", "cache", "position_bias"})


def patch() -> Patch | None:
    """Return the patch of the registry, or None while transformers is not loaded."""
    modeling = sys.modules.get("transformers.modeling_utils")
    interface = getattr(modeling, "AttentionInterface", None)
    if interface is None or not hasattr(interface, "get_interface"):
        return None
    return Patch(interface, "get_interface", _listening_interface)


def _listening_interface(original: Callable[..., Any]) -> Callable[..., Any]:
    def get_interface(self: Any, attn_implementation: Any, default: Any = None) -> Any:
        function = original(self, attn_implementation, default)
        if not active.recorders or active.silent:
            return function
        return _listening(function, default)

    return get_interface


def _listening(function: AttentionFunction, eager: AttentionFunction) -> AttentionFunction:
    def attention(
        module: torch.nn.Module,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attention_mask: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        active.silent = True
        try:
            # Flex attention compiles itself and gives other last bits where it may not.
            with as_if_alone() if "flex" in getattr(function, "__name__", "") else _NOTHING:
                result = function(module, query, key, value, attention_mask, *args, **kwargs)
        finally:
            active.silent = False
        # Attributes of tensors are torch functions too: without this a mode would see each of them.
        with torch._C.DisableTorchFunction():
            call = _Call(function, eager, module, query, key, value, attention_mask, result)
            frame = sys._getframe(1)
            record(
                lambda copy: (call.evidence(args, kwargs, copy, frame), "transformers"),
                frame,
                module=module,
            )
        return result

    return attention


@contextmanager
def as_if_alone() -> Iterator[None]:
    """Compile as usual meanwhile: without our modes, and without the stance that `capture` sets."""
    with ExitStack() as stack:
        stack.enter_context(not_listening())
        modes = torch.overrides._get_current_function_mode_stack()  # type: ignore[no-untyped-call]
        if modes and modes[-1] is active.mode:
            stack.enter_context(torch.overrides._pop_mode_temporarily())
        if hasattr(torch.compiler, "set_stance"):
            stack.enter_context(torch.compiler.set_stance("default"))
        yield


class _Call(NamedTuple):
    """One call of a registered function, as the model made it."""

    function: AttentionFunction
    eager: AttentionFunction
    module: torch.nn.Module
    query: torch.Tensor
    key: torch.Tensor
    value: torch.Tensor
    mask: Any
    result: Any

    def evidence(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], copy: bool, frame: FrameType
    ) -> Evidence:
        # This runs inside the user's forward: only what cannot wait is done here.
        if args:
            kwargs = {**self._named(args), **kwargs}
        triangle = self._triangle(kwargs)
        cache = self._cached(kwargs, frame)
        key, value, buffers = self.key, self.value, cache is not None and cache.buffers
        # The spare room of a static cache is kept out of the softmax. The rule of a BlockMask reads
        # the cache's counter when it runs, so it says nothing here.
        hides = isinstance(self.mask, torch.Tensor) or triangle != "none"
        if cache is not None and hides:
            key, value = key[:, :, : cache.key_len], value[:, :, : cache.key_len]
        mask, blocks = self.mask, None
        if mask is not None and not isinstance(mask, torch.Tensor):
            mask, blocks = None, mask
        if self.mask is None and "flash" in getattr(self.function, "__name__", ""):
            blocks = packed(kwargs, self.query, key, causal=triangle != "none")
        dropout = (kwargs.get("dropout") or 0.0) if self.module.training else 0.0
        bias = kwargs.get("position_bias")
        why_unseen = ""
        if kwargs.get("cache") is not None:
            why_unseen = "Keys and values of continuous batching live in pages that are not read."
        output = self.result[0] if isinstance(self.result, tuple) else self.result
        spare = self.key.shape[2] - key.shape[2]
        evidence = (Cropped if spare else OwnEager)(
            self.eager,
            self.module,
            Kept(self.query, copy),
            Kept(key, copy or buffers),
            Kept(value, copy or buffers),
            Kept(_four_axes(mask), copy) if mask is not None else None,
            Kept(output, copy) if isinstance(output, torch.Tensor) else None,
            blocks=blocks,
            triangle=triangle,
            kwargs={name: value for name, value in kwargs.items() if name not in _NOT_KEPT},
            bias=Kept(bias, copy) if bias is not None else None,
            parameters={
                name: Kept(parameter, copy)
                for name, parameter in self.module._parameters.items()
                if parameter is not None
            },
            unchecked=before_dropout(dropout),
            why_unseen=why_unseen,
        )
        evidence.positions = cache.positions if cache else None
        if isinstance(evidence, Cropped):
            evidence.spare = spare
        return evidence

    def _cached(self, kwargs: dict[str, Any], frame: FrameType) -> Cached | None:
        # A cache may be anybody's class; without its word the call can still be read.
        try:
            return cached(frame, self.module, kwargs, self.key, self.query.shape[2])
        except Exception:
            return None

    def _named(self, args: tuple[Any, ...]) -> dict[str, Any]:
        """Positional arguments after the mask; their order differs from function to function."""
        if not args:
            return {}
        names = list(inspect.signature(self.function).parameters)
        return dict(zip(names[5:], args, strict=False))

    def _triangle(self, kwargs: dict[str, Any]) -> Triangle:
        """Return the causal mask a kernel applies by itself where the model gave none."""
        name = getattr(self.function, "__name__", "")
        if "sdpa" in name and self.mask is not None:
            return "none"
        if not ("sdpa" in name or "flash" in name) or self.query.shape[2] < 2:
            return "none"
        given = kwargs.get("is_causal")
        causal = given if given is not None else getattr(self.module, "is_causal", True)
        if not causal:
            return "none"
        return "top left" if "sdpa" in name else "bottom right"


def _four_axes(mask: torch.Tensor) -> torch.Tensor:
    """View a mask as (B, H, Tq, Tk); flash attention is given (B, Tk), true for real tokens."""
    if mask.dim() == 4:
        return mask
    if mask.dim() == 2:
        return mask.bool()[:, None, None, :]
    return mask[(None,) * (4 - mask.dim())]
