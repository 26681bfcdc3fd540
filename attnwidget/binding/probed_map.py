"""A map read off what a module answers when its values are replaced by unit vectors."""

from __future__ import annotations

import copy as copying
import inspect
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from attnwidget.binding.active import silence
from attnwidget.binding.kept import Keeping, Kept
from attnwidget.binding.recompute import NoDropout, weighted_sum_error
from attnwidget.selection import Pick, crop, indices

if TYPE_CHECKING:
    from attnwidget.binding.sparse_layouts import SparseLayout

# A whole map of at most this size is kept once it was read.
_BYTES_KEPT = 64 * 2**20
_VALUES = ("value", "value_global")
# Arguments that would read from or write into a cache, or make more output.
_LEFT_OUT = ("past_buckets_states", "use_cache", "output_attentions")


class ProbedMap(Keeping):
    """Evidence of a module whose output is linear in its values.

    With the value of key j set to a unit vector and all others to 0, the output at query i is the
    weight of j for i. A head of size dv takes dv keys at a time, so a whole map costs Tk / dv runs
    of the module, for all heads at once.

    Parameters
    ----------
    forward : callable
        The class's own forward.
    module : Module
        With projections "query" and "key", or "query_key", and "value".
    layout : SparseLayout
        What is known of the class.
    args, kwargs : tuple, dict
        What it was called with, hidden states (B, T, D) first.
    result : Any
        What it returned, output (B, T, H * dv) first.
    """

    recomputed = True

    def __init__(
        self,
        forward: Callable[..., Any],
        module: torch.nn.Module,
        layout: SparseLayout,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        result: Any,
        copy: bool,
    ) -> None:
        given = inspect.signature(forward).bind(module, *args, **kwargs).arguments
        given = {**given, **given.pop("kwargs", {})}
        given.pop("self")
        hidden = given.pop("hidden_states")
        buckets = getattr(result, "buckets", None)
        if buckets is not None:  # hashing draws random directions: take the buckets it found
            given["buckets"] = buckets
        output = result[0] if isinstance(result, tuple) else result.hidden_states
        self._forward = forward
        self._module = module
        self._layout = layout
        self._given = {
            name: Kept(value, copy) if isinstance(value, torch.Tensor) else value
            for name, value in given.items()
            if name not in _LEFT_OUT
        }
        self._kept = {"the layer's input": Kept(hidden, copy)}
        self._kept |= {name: v for name, v in self._given.items() if isinstance(v, Kept)}
        # Queries and keys are projected again: the layer's parameters must be as they were.
        self._kept |= {
            f"the parameter {name}": Kept(parameter, copy)
            for name, parameter in module.named_parameters()
            if not name.startswith("value")
        }
        self._kept_output = Kept(output, copy)
        self._unchecked = ""
        self.why_unseen = ""
        past = given.get("past_buckets_states")
        at = vars(module).get("layer_idx", 0)
        if output.shape[:2] != hidden.shape[:2] or (past is not None and len(past) > at):
            self.why_unseen = "Decoding from a cache of hash buckets is not read."
        if module.training and getattr(module, "dropout", None):
            self._unchecked = "dropout may have been active, and the weights shown are before it"
        self.remarks = [layout.remark]
        self.dtype = output.dtype
        self.device = output.device
        heads = int(getattr(module, layout.heads))
        self.shape = (hidden.shape[0], heads, hidden.shape[1], hidden.shape[1])
        self.kv_heads = heads
        self.head_dim: int | None = output.shape[-1] // heads
        self.scale: float | None = None
        self._map: torch.Tensor | None = None

    @property
    def q(self) -> torch.Tensor | None:
        return self._projected("query")

    @property
    def k(self) -> torch.Tensor | None:
        return self._projected("key")

    @property
    def v(self) -> torch.Tensor:
        """The usual values; tokens with global attention may use a projection of their own."""
        with torch.no_grad(), silence():
            return self._heads(self._module.value(self._hidden))  # type: ignore[operator]

    @property
    def output(self) -> torch.Tensor | None:
        kept = self._kept_output
        return None if kept is None or kept.overwritten() else self._heads(kept.tensor)

    @property
    def _hidden(self) -> torch.Tensor:
        return self._kept["the layer's input"].tensor

    def _projected(self, name: str) -> torch.Tensor | None:
        projection = getattr(self._module, name, None) or getattr(self._module, "query_key", None)
        if projection is None:
            return None
        with torch.no_grad(), silence():
            return self._heads(projection(self._hidden))

    def _heads(self, tensor: torch.Tensor) -> torch.Tensor:
        """(B, T, H * d) as (B, H, T, d)."""
        return tensor.reshape(*tensor.shape[:2], self.shape[1], -1).transpose(1, 2)

    def weights(self, pick: Pick) -> torch.Tensor:
        if self._map is not None:
            return crop(self._map, pick)
        batch, heads, _, keys = self.shape
        whole = Pick.of(self.shape)
        if 4 * batch * heads * keys * keys <= _BYTES_KEPT:
            self._map = torch.cat([part for _, part in self._columns(indices(whole.keys))], -1)
            return crop(self._map, pick)
        wanted = indices(pick.keys)
        found: dict[int, torch.Tensor] = {}
        for columns, part in self._columns(sorted(set(wanted))):
            some = Pick(pick.batch, pick.heads, pick.queries, slice(0, len(columns), 1))
            found.update(zip(columns, crop(part, some).unbind(-1), strict=True))
        return torch.stack([found[key] for key in wanted], dim=-1)

    def scores(self, pick: Pick) -> torch.Tensor:
        """The logarithm of the weights: the scores themselves stand in another layout."""
        return self.weights(pick).log()

    def visible(self, pick: Pick) -> torch.Tensor:
        return self.weights(pick) != 0

    @property
    def causal(self) -> bool:
        return bool(getattr(self._module, "is_causal", getattr(self._module, "is_decoder", False)))

    def check(self, rows: list[int]) -> float:
        output = self.output
        if output is None:
            return math.nan
        is_global = self._given.get("is_index_global_attn")
        if not isinstance(is_global, Kept) or not bool(is_global.tensor.any()):
            return weighted_sum_error(self.weights, self.v, output, self.shape, rows)
        with torch.no_grad(), silence():
            # Rows of tokens with global attention weigh values of their own.
            globally = self._heads(self._module.value_global(self._hidden))  # type: ignore[operator]
            weights = self.weights(Pick.of(self.shape, queries=rows)).to(globally.dtype)
            of_global = is_global.tensor[:, None, rows, None]
            made = torch.where(of_global, weights @ globally, weights @ self.v).float()
            real = output[:, :, rows].float()
            return float((made - real).abs().max() / real.abs().max().clamp_min(1e-30))

    def _columns(self, keys: list[int]) -> Iterator[tuple[list[int], torch.Tensor]]:
        """Weights (B, H, Tq, n) of a few keys at a time, float32."""
        step = self.head_dim or 1
        for start in range(0, len(keys), step):
            some = keys[start : start + step]
            with torch.no_grad(), silence(), NoDropout(), _numpy_untouched():
                result = self._forward(self._probing(some), self._hidden, **self._arguments())
            answer = result[0] if isinstance(result, tuple) else result.hidden_states
            yield some, self._heads(answer)[..., : len(some)].float()

    def _probing(self, keys: list[int]) -> torch.nn.Module:
        """A twin of the module, sharing all but the projections of values."""
        twin = copying.copy(self._module)
        twin._modules = dict(self._module._modules)
        size = self.shape[1] * (self.head_dim or 1)
        for name in _VALUES:
            if name in twin._modules:
                twin._modules[name] = _UnitValues(
                    keys, self.shape[1], size, self._layout.time_first
                )
        return twin

    def _arguments(self) -> dict[str, Any]:
        return {n: v.tensor if isinstance(v, Kept) else v for n, v in self._given.items()}


class _UnitValues(torch.nn.Module):
    """In the place of a projection: key n of those asked for gets the unit vector n."""

    def __init__(self, keys: list[int], heads: int, size: int, time_first: bool) -> None:
        super().__init__()
        self.keys, self.heads, self.size, self.time_first = keys, heads, size, time_first

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        values = hidden.new_zeros(*hidden.shape[:-1], self.heads, self.size // self.heads)
        for n, key in enumerate(self.keys):
            (values[key] if self.time_first else values[:, key])[..., n] = 1.0
        return values.flatten(-2)


@contextmanager
def _numpy_untouched() -> Iterator[None]:
    """BigBird seeds numpy's random numbers to choose its blocks."""
    numpy = sys.modules.get("numpy")
    state = numpy.random.get_state() if numpy is not None else None
    try:
        yield
    finally:
        if numpy is not None:
            numpy.random.set_state(state)
