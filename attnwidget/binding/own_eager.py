"""Weights from the model's own eager attention function, whatever kernel the model itself runs."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch.nn.utils.stateless import _reparametrize_module

from attnwidget.binding.active import silence
from attnwidget.binding.kept import Keeping, Kept
from attnwidget.binding.mask_mods import RuleMask
from attnwidget.binding.masks import Mask, Triangle
from attnwidget.binding.recompute import (
    NoDropout,
    by_rows,
    settle_blind_rows,
    weighted_sum_error,
)
from attnwidget.binding.torch_names import SOFTMAXES
from attnwidget.binding.varlen import Packed
from attnwidget.selection import Axis, Pick, crop, indices, size, take
from attnwidget.trouble import Trouble

# A slice that the eager function computes on its own may differ from the same slice of the whole
# by the order of float32 sums, not by more.
_SAME = 1e-5


class _Reading(NoDropout):
    """Catches what enters the softmax, and leaves dropout out."""

    def __init__(self) -> None:
        super().__init__()
        self.scores: torch.Tensor | None = None
        self.weights: torch.Tensor | None = None

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = super().__torch_function__(func, types, args, kwargs)
        if func in SOFTMAXES:
            self.scores = args[0] if args else (kwargs or {})["input"]
            self.weights = result
        return result


class OwnEager(Keeping):
    """Evidence from the transformers registry: q, k, v and the model's own way to attend.

    Running that function again with dropout off gives the weights with all that is particular to
    the model: sinks, soft caps, biases, the dtype of its softmax.

    Parameters
    ----------
    eager : callable
        ``eager_attention_forward`` of the model's file.
    module : Module
        The attention module, its first argument.
    q, k, v : Kept
        (B, H, Tq, d), (B, Hkv, Tk, d), (B, Hkv, Tk, dv), after rotation and cache.
    mask : Kept or None
        As the model handed it over, made 4-D: bool or added; or, with `blocks`, nothing.
    blocks : object
        A BlockMask of flex attention, or None.
    output : Kept or None
        (B, Tq, H, dv).
    triangle : str
        The causal mask that the kernel implies where none is given.
    kwargs : dict
        The remaining arguments of the call.
    parameters : dict of Kept, optional
        The module's own parameters by name, not those of its children.
    """

    recomputed = True

    def __init__(
        self,
        eager: Callable[..., Any],
        module: torch.nn.Module,
        q: Kept,
        k: Kept,
        v: Kept,
        mask: Kept | None,
        output: Kept | None,
        *,
        blocks: Any = None,
        triangle: Triangle = "none",
        kwargs: dict[str, Any],
        bias: Kept | None = None,
        parameters: dict[str, Kept] | None = None,
        unchecked: str = "",
        why_unseen: str = "",
    ) -> None:
        self._kept = {"q": q, "k": k, "v": v}
        if mask is not None:
            self._kept["mask"] = mask
        if bias is not None:
            self._kept["position_bias"] = bias
        # Sinks and the like: small, and trained on while the call is kept.
        self._parameters = parameters or {}
        self._kept |= {f"the parameter {name}": kept for name, kept in self._parameters.items()}
        self._kept_output = output
        self._unchecked = unchecked
        self.why_unseen = why_unseen
        self._eager = eager
        self._module = module
        self._blocks = blocks
        self._triangle: Triangle = triangle
        self._kwargs = kwargs
        self._sink_is_late = False
        # Whether the function may be asked for (some heads, some rows) alone, as far as tried.
        self._divides: dict[tuple[bool, bool], bool] = {}

    @functools.cached_property
    def shape(self) -> tuple[int, int, int, int]:
        b, h, tq, _ = self.q.shape
        return b, h, tq, self.k.shape[2]

    @property
    def kv_heads(self) -> int:
        return self.k.shape[1]

    @property
    def head_dim(self) -> int:
        return self.q.shape[3]

    @property
    def dtype(self) -> torch.dtype:
        return self.q.dtype

    @property
    def device(self) -> torch.device:
        return self.q.device

    @property
    def remarks(self) -> list[str]:
        said = [self._blocks.remark] if isinstance(self._blocks, Packed) else []
        if self._sink_is_late:
            said.append(
                "The sink scales the output after the softmax; the weights shown are those after."
            )
        return said

    @property
    def why_unchecked(self) -> str:
        b, h, tq, _ = self.shape
        kept = self._kept_output
        if kept is not None and kept.tensor.shape != (b, tq, h, self.v.shape[-1]):
            return f"the output has the shape {tuple(kept.tensor.shape)}"
        return super().why_unchecked

    @property
    def q(self) -> torch.Tensor:
        return self._kept["q"].tensor

    @property
    def k(self) -> torch.Tensor:
        return self._kept["k"].tensor

    @property
    def v(self) -> torch.Tensor:
        return self._kept["v"].tensor

    @property
    def output(self) -> torch.Tensor | None:
        if self._kept_output is None or self.why_unchecked.startswith("the output"):
            return None
        return self._kept_output.tensor.transpose(1, 2)

    @property
    def scale(self) -> float | None:
        scaling = self._kwargs.get("scaling")
        return float(scaling) if scaling is not None else 1.0 / math.sqrt(self.head_dim)

    @property
    def _mask(self) -> Mask | RuleMask:
        if self._blocks is not None:
            leading = int(self._blocks.shape[0]), int(self._blocks.shape[1])
            return RuleMask(self._blocks.mask_mod, self.shape, leading, self.device)
        kept = self._kept.get("mask")
        return Mask(kept.tensor if kept else None, self._triangle, self.shape)

    @property
    def causal(self) -> bool:
        if self.shape[2] == 1:  # a decoding step sees all keys there are: only the module knows
            return bool(self._kwargs.get("is_causal", getattr(self._module, "is_causal", False)))
        return self._mask.causal()

    def visible(self, pick: Pick) -> torch.Tensor:
        return self._mask.visible(pick, self.device)

    def weights(self, pick: Pick) -> torch.Tensor:
        return self._by_rows(pick, scores=False)

    def scores(self, pick: Pick) -> torch.Tensor:
        return self._by_rows(pick, scores=True)

    def check(self, rows: list[int]) -> float:
        output = self.output
        if output is None:
            return math.nan
        try:
            return weighted_sum_error(self.weights, self.v, output, self.shape, rows)
        except Trouble as trouble:
            self.why_unseen = str(trouble)
            return math.nan

    def _by_rows(self, pick: Pick, scores: bool) -> torch.Tensor:
        heads = self._whole_groups(pick.heads)
        places = [indices(heads).index(h) for h in indices(pick.heads)]
        mask = self._mask

        def chunk(part: Pick) -> torch.Tensor:
            wide = Pick(part.batch, heads, part.queries, slice(0, self.shape[3], 1))
            found = self._part(wide, mask, scores)
            return take(take(found, 1, places), 3, part.keys)

        return by_rows(pick, self.shape[3], chunk, self.device, heads=size(heads))

    def _whole_groups(self, heads: Axis) -> Axis:
        """Return the heads asked for, widened to all that share their key-value heads."""
        group = self.shape[1] // self.kv_heads
        if group == 1:
            return heads
        groups = sorted({h // group for h in indices(heads)})
        return [g * group + i for g in groups for i in range(group)]

    def _part(self, pick: Pick, mask: Mask | RuleMask, scores: bool) -> torch.Tensor:
        """Weights or scores of a selection, computed for more than that if it must be."""
        whole = Pick.of(self.shape)
        every_head = Pick(pick.batch, whole.heads, pick.queries, pick.keys)
        for wider in (pick, every_head):
            if self._can_divide(wider, mask):
                found = self._run(wider, mask, scores)[0]
                return found if wider == pick else take(found, 1, pick.heads)
        return crop(self._run(whole, mask, scores)[0], pick)

    def _can_divide(self, pick: Pick, mask: Mask | RuleMask) -> bool:
        """Whether the eager function gives the same for a part as for the whole; tried once.

        It may hold a parameter for all heads, or count positions from the number of queries.
        """
        kind = size(pick.heads) < self.shape[1], size(pick.queries) < self.shape[2]
        if kind not in self._divides:
            self._divides[kind] = not any(kind) or self._gives_the_same(pick, mask)
        return self._divides[kind]

    def _gives_the_same(self, pick: Pick, mask: Mask | RuleMask) -> bool:
        try:
            weights, made = self._run(pick, mask, scores=False)
        except Trouble:
            return False
        if not self.why_unchecked and self.output is not None and made is not None:
            real = take(take(take(self.output, 0, pick.batch), 1, pick.heads), 2, pick.queries)
            sees = mask.visible(pick, self.device).any(-1, keepdim=True)
            error = ((made - real).abs() * sees).nan_to_num(nan=math.inf).max()
            rounding = max(_SAME, 2 * torch.finfo(self.dtype).eps)
            if bool(error <= rounding * real.abs().max()):
                return True
        full = self._run(Pick.of(self.shape), mask, scores=False)[0]
        return torch.allclose(weights, crop(full, pick), rtol=0, atol=_SAME, equal_nan=True)

    def _run(
        self, pick: Pick, mask: Mask | RuleMask, scores: bool
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Weights or scores of whole rows (B', H', rows, Tk), and W @ V (B', H', rows, dv)."""
        wide = torch.float64 if self.dtype is torch.float64 else torch.float32
        for dtype in dict.fromkeys((wide, self.dtype)):
            reading = _Reading()
            arguments = self._arguments(pick, mask, dtype)
            named = self._named(pick, dtype)
            try:
                with torch.no_grad(), silence(), reading, self._as_called():
                    result = self._eager(*arguments, **named)
            except Exception as problem:  # the function is the model's own: anything may happen
                error = problem
                continue
            found, made = self._read(result, reading, pick, mask, scores)
            if not scores and made is not None and "s_aux" in self._kwargs:
                found = self._with_late_sink(found, made, arguments[3])
            return found, made
        raise Trouble(
            "The model's own eager attention could not be run again:"
            f" {type(error).__name__}: {error}.",
            "The weights of this call cannot be recomputed; switch the model to another attention"
            " implementation to see them.",
        )

    def _as_called(self) -> AbstractContextManager[Any]:
        """Give the module its parameters back meanwhile: they may be offloaded since."""
        if not self._parameters:
            return nullcontext()
        parameters = {name: kept.tensor for name, kept in self._parameters.items()}
        return _reparametrize_module(self._module, parameters)

    def _arguments(self, pick: Pick, mask: Mask | RuleMask, dtype: torch.dtype) -> tuple[Any, ...]:
        group = self.shape[1] // self.kv_heads
        kv = pick.heads if group == 1 else sorted({h // group for h in indices(pick.heads)})
        q = take(take(take(self.q, 0, pick.batch), 1, pick.heads), 2, pick.queries)
        k, v = (take(take(t, 0, pick.batch), 1, kv) for t in (self.k, self.v))
        added = mask.added(pick, torch.finfo(dtype).min, dtype, self.device)
        return self._module, q.to(dtype), k.to(dtype), v.to(dtype), added

    def _named(self, pick: Pick, dtype: torch.dtype) -> dict[str, Any]:
        named = {**self._kwargs, "dropout": 0.0}
        if "position_bias" in self._kept:
            bias = self._kept["position_bias"].tensor[..., : self.shape[3]]
            named["position_bias"] = crop(bias, pick).to(dtype)
        return named

    def _with_late_sink(
        self, weights: torch.Tensor, made: torch.Tensor, values: torch.Tensor
    ) -> torch.Tensor:
        """Weights as the output used them where the sink scales the output instead (granite_swa).

        Its factor, one for each query and head, is what W @ V has to be multiplied by.
        """
        if bool((weights.sum(-1) < 1 - _SAME).any()):
            return weights  # the sink was in the softmax
        weighed = weights @ values.repeat_interleave(weights.shape[1] // values.shape[1], dim=1)
        factor = (made * weighed).sum(-1) / weighed.square().sum(-1).clamp_min(1e-30)
        self._sink_is_late = not torch.allclose(factor, torch.ones(()).to(factor), atol=_SAME)
        return weights * factor.unsqueeze(-1) if self._sink_is_late else weights

    def _read(
        self, result: Any, reading: _Reading, pick: Pick, mask: Mask | RuleMask, scores: bool
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        made, weights = result if isinstance(result, tuple) else (result, None)
        shape = (size(pick.batch), size(pick.heads), size(pick.queries), self.shape[3])
        if made is not None:
            made = made.transpose(1, 2)
        found = reading.scores if scores else weights
        if found is None:
            found = reading.weights
        # A sink is one more column, behind the keys.
        if found is not None and found.dim() == 4:
            found = found[..., : self.shape[3]]
        if found is None or found.shape != shape:
            raise Trouble(
                "The model's own eager attention gives no map that can be read:"
                f" {None if found is None else tuple(found.shape)} where {shape} was expected.",
                "The weights of this call cannot be recomputed.",
            )
        if scores:
            return found, made
        output = self.output
        if output is not None:
            output = take(take(take(output, 0, pick.batch), 1, pick.heads), 2, pick.queries)
        return settle_blind_rows(found, mask.visible(pick, self.device), output), made
