"""flex_attention of hand-written modules: its calls, and weights worked out from its rules."""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch

from attnwidget.binding.active import active, silence
from attnwidget.binding.evidence import Evidence
from attnwidget.binding.kept import Kept
from attnwidget.binding.mask_mods import Rule, RuleMask, applied, both
from attnwidget.binding.patches import Patch
from attnwidget.binding.recompute import DotProduct
from attnwidget.binding.recorder import record
from attnwidget.binding.transformers_registry import as_if_alone
from attnwidget.selection import Pick, take

_MODULE = "torch.nn.attention.flex_attention"


def patch() -> Patch | None:
    """Return the patch of the operator that every call of flex_attention ends in.

    None while the user's code has not loaded flex attention: loading it is slow.
    """
    module = sys.modules.get(_MODULE)
    operator = getattr(module, "flex_attention_hop", None)
    if operator is None or not hasattr(module, "flex_attention"):
        return None
    return Patch(type(operator), "__call__", _listening)


def _listening(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return the operator that is run as it would run without us, and recorded.

    ``flex_attention`` compiles itself, or was compiled by the user; while a model is bound nothing
    is compiled. So the compiled call that led to the operator is made once more, outside of that:
    run uncompiled, the operator gives other last bits, takes memory for all scores, and loses the
    gradients of what the rules look up.
    """

    @functools.wraps(original)
    def attention(self: Any, query: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        if not active.recorders or active.silent or torch.compiler.is_compiling():
            return original(self, query, *args, **kwargs)
        frame = sys._getframe(1)
        alone = _alone(frame) or functools.partial(original, self)
        with silence(), as_if_alone():
            result = alone(query, *args, **kwargs)
        # Attributes of tensors are torch functions too: without this a mode would see each of them.
        with torch._C.DisableTorchFunction():
            record(lambda copy: (_evidence(result[0], copy, query, *args, **kwargs), "flex"), frame)
        return result

    return attention


def _alone(frame: FrameType | None) -> Callable[..., Any] | None:
    """Return the compiled call that led to the operator, to be given the operator's arguments."""
    flex = sys.modules[_MODULE].flex_attention.__code__
    inner: dict[str, Any] | None = None
    while frame is not None and frame.f_code is not flex:
        inner = inner or _compiled(frame)
        frame = frame.f_back
    frame = frame.f_back if frame is not None else None
    while frame is not None and frame.f_globals.get("__name__") == "torch._dynamo.external_utils":
        frame = frame.f_back
    outer = _compiled(frame) if frame is not None else None
    if outer is not None:
        return functools.partial(_by_the_user, outer)
    return inner["self"](inner["fn"]) if inner is not None else None


def _compiled(frame: FrameType) -> dict[str, Any] | None:
    """Return the variables of the function that ``torch.compile`` gives, if this is its frame."""
    if frame.f_globals.get("__name__") != "torch._dynamo.eval_frame":
        return None
    found = frame.f_locals
    return found if {"self", "fn", "args", "kwargs"} <= found.keys() else None


def _by_the_user(call: dict[str, Any], *args: Any, **kwargs: Any) -> tuple[Any, ...]:
    """Make a call of ``torch.compile(flex_attention)`` and give its result as the operator does."""
    made = call["self"](call["fn"])(*call["args"], **call["kwargs"])
    made, more = made if isinstance(made, tuple) else (made, None)
    lse, most = (more, None) if isinstance(more, torch.Tensor) else (more or (None, None))
    return made, _Statistic(lse), _Statistic(most)


class _Statistic:
    """Passes through flex_attention, which turns what the operator gives into natural logarithms.

    A division by that factor would not be undone by the multiplication to the last bit.
    """

    def __init__(self, final: torch.Tensor | None) -> None:
        self._final = final

    def numel(self) -> int:
        return 0 if self._final is None else self._final.numel()

    def __mul__(self, factor: float) -> torch.Tensor | None:
        return self._final


def _evidence(
    output: torch.Tensor,
    copy: bool,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    score_mod: Rule,
    block_mask: tuple[Any, ...],
    scale: float,
    *_: Any,
    **__: Any,
) -> Evidence:
    kept = [Kept(one, copy) for one in (query, key, value, output)]
    # The numbers of blocks lie in (B or 1, H or 1, ...).
    blocks = next(one for one in block_mask if isinstance(one, torch.Tensor))
    leading = (int(blocks.shape[0]), int(blocks.shape[1]))
    return Flex(*kept, score_mod=score_mod, mask_mod=block_mask[-1], leading=leading, scale=scale)


class Flex(DotProduct):
    """softmax(score_mod(scale * q @ k^T)) over the keys that ``mask_mod`` lets a query see.

    Source of the formula: ``math_attention`` in ``torch._higher_order_ops.flex_attention``. A
    query that may see no key gets zeros.

    Parameters
    ----------
    q, k, v, output : Kept
        (B, H, Tq, d), (B or 1, Hkv, Tk, d), (B or 1, Hkv, Tk, dv), (B, H, Tq, dv).
    score_mod, mask_mod : callable
        As flex_attention takes them.
    leading : tuple of int
        How many batch items and heads the rules tell apart, 1 for "all alike".
    scale : float
        Factor on q · k.
    """

    def __init__(
        self,
        q: Kept,
        k: Kept,
        v: Kept,
        output: Kept,
        *,
        score_mod: Rule,
        mask_mod: Rule,
        leading: tuple[int, int],
        scale: float,
    ) -> None:
        super().__init__(q, k, v, None, output, scale=scale)
        self._score_mod, self._mask_mod = score_mod, mask_mod
        self._rules = RuleMask(both(mask_mod, score_mod), self.shape, leading, self.device)

    @property
    def causal(self) -> bool:
        return self._rules.causal()

    def visible(self, pick: Pick) -> torch.Tensor:
        with silence():
            return self._rules.visible(pick, self.device)

    def _scores(self, pick: Pick) -> torch.Tensor:
        scores = applied(self._score_mod, pick, self.device, super()._scores(pick))
        hidden = ~applied(self._mask_mod, pick, self.device)
        return scores.masked_fill(hidden, -math.inf)

    def _weights(self, pick: Pick) -> torch.Tensor:
        every_key = Pick(pick.batch, pick.heads, pick.queries, slice(0, self.shape[3], 1))
        scores = self._scores(every_key)
        blind = (scores == -math.inf).all(-1, keepdim=True)
        return take(torch.softmax(scores, dim=-1).masked_fill(blind, 0.0), 3, pick.keys)
