"""torch's fused inference kernels: a whole encoder layer, or a whole multi-head attention, at once.

They hand out neither queries nor weights. Both follow from the input and the parameters, which is
worked out when somebody asks; the rest of the layer is then computed as well, to see whether its
output is met.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
import torch.nn.functional as F

from attnwidget.binding.active import active, silence
from attnwidget.binding.kept import Keeping, Kept
from attnwidget.binding.masks import Mask
from attnwidget.binding.patches import Patch
from attnwidget.binding.recompute import DotProduct
from attnwidget.binding.recorder import record
from attnwidget.selection import Pick

if TYPE_CHECKING:
    from attnwidget.binding.torch_functions import TorchFunctions


def patch() -> Patch:
    """Return the patch that keeps the fused kernels in use while we listen.

    torch.nn asks ``torch.overrides.has_torch_function`` whether anybody wants to see single
    functions, and if so takes another path, with other last bits. We want to see, but not that.
    """
    return Patch(torch.overrides, "has_torch_function", _as_if_alone)


def _as_if_alone(original: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def has_torch_function(relevant_args: Any) -> bool:
        mode = active.mode
        modes = torch.overrides._get_current_function_mode_stack()  # type: ignore[no-untyped-call]
        if mode is None or not modes or modes[-1] is not mode:
            return original(relevant_args)
        with torch.overrides._pop_mode_temporarily():
            return original(relevant_args)

    return has_torch_function


class Layer(NamedTuple):
    """Arguments of ``torch._transformer_encoder_layer_fwd``, in its order."""

    src: torch.Tensor
    embed_dim: int
    num_heads: int
    qkv_weight: torch.Tensor
    qkv_bias: torch.Tensor
    proj_weight: torch.Tensor
    proj_bias: torch.Tensor
    use_gelu: bool
    norm_first: bool
    eps: float
    norm_weight_1: torch.Tensor
    norm_bias_1: torch.Tensor
    norm_weight_2: torch.Tensor
    norm_bias_2: torch.Tensor
    ffn_weight_1: torch.Tensor
    ffn_bias_1: torch.Tensor
    ffn_weight_2: torch.Tensor
    ffn_bias_2: torch.Tensor
    mask: torch.Tensor | None = None
    mask_type: int | None = None

    def normed(self, x: torch.Tensor) -> torch.Tensor:
        """What attention is given."""
        return self._norm_1(x) if self.norm_first else x

    def rest(self, x: torch.Tensor, attended: torch.Tensor) -> torch.Tensor:
        """What the layer makes of its input and its attention."""
        x = x + attended
        if self.norm_first:
            return x + self._feed_forward(self._norm_2(x))
        x = self._norm_1(x)
        return self._norm_2(x + self._feed_forward(x))

    def _norm_1(self, x: torch.Tensor) -> torch.Tensor:
        return F.layer_norm(x, x.shape[-1:], self.norm_weight_1, self.norm_bias_1, self.eps)

    def _norm_2(self, x: torch.Tensor) -> torch.Tensor:
        return F.layer_norm(x, x.shape[-1:], self.norm_weight_2, self.norm_bias_2, self.eps)

    def _feed_forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = F.linear(x, self.ffn_weight_1, self.ffn_bias_1)
        hidden = F.gelu(hidden) if self.use_gelu else F.relu(hidden)
        return F.linear(hidden, self.ffn_weight_2, self.ffn_bias_2)


class Attention(NamedTuple):
    """Arguments of ``torch._native_multi_head_attention``, in its order."""

    src: torch.Tensor
    key: torch.Tensor
    value: torch.Tensor
    embed_dim: int
    num_heads: int
    qkv_weight: torch.Tensor
    qkv_bias: torch.Tensor
    proj_weight: torch.Tensor
    proj_bias: torch.Tensor
    mask: torch.Tensor | None = None
    need_weights: bool = True
    average_attn_weights: bool = True
    mask_type: int | None = None

    def normed(self, x: torch.Tensor) -> torch.Tensor:
        """What attention is given: the input itself."""
        return x

    def rest(self, x: torch.Tensor, attended: torch.Tensor) -> torch.Tensor:
        """What comes after attention: nothing."""
        return attended


class FusedLayer(Keeping):
    """Evidence of a fused call: its input and parameters.

    Parameters
    ----------
    call : Layer or Attention
        The arguments.
    output : Tensor
        Of the whole call, (B, T, E) or nested.
    """

    recomputed = True
    why_unseen = ""
    output: torch.Tensor | None = None  # of the attention alone: the kernel never hands it out

    def __init__(self, call: Layer | Attention, output: torch.Tensor, copy: bool) -> None:
        self._call = call
        self._kept = {
            "the layer's input": Kept(call.src, copy),
            "the projection weight": Kept(call.qkv_weight, copy),
            "the projection bias": Kept(call.qkv_bias, copy),
        }
        if isinstance(call, Layer) and call.norm_first:
            self._kept["the norm's weight"] = Kept(call.norm_weight_1, copy)
            self._kept["the norm's bias"] = Kept(call.norm_bias_1, copy)
            weight, bias = (self._kept[f"the norm's {name}"].tensor for name in ("weight", "bias"))
            self._call = call = call._replace(norm_weight_1=weight, norm_bias_1=bias)
        # What comes after attention only serves to check.
        after = [value for value in call if isinstance(value, torch.nn.Parameter | torch.Tensor)]
        self._rest = [Kept(value) for value in after]
        if call.mask is not None:
            self._kept["mask"] = Kept(call.mask, copy)
        self._kept_output = Kept(output, copy)
        self._unchecked = ""
        self.remarks = ["torch ran the layer as one fused kernel; q, k and v are worked out anew."]
        self.dtype = call.src.dtype
        self.device = call.src.device
        self.head_dim: int | None = call.embed_dim // call.num_heads
        self.kv_heads = call.num_heads
        self.scale: float | None = self.head_dim**-0.5
        if call.src.is_nested:
            self.remarks.append("Padding had been cut off before.")
            self._lengths = [one.shape[0] for one in call.src.unbind()]
            length = max(self._lengths, default=0)
            self.shape = (len(self._lengths), call.num_heads, length, length)
        else:
            b, t, _ = call.src.shape
            self._lengths = [t] * b
            self.shape = (b, call.num_heads, t, t)

    @property
    def why_unchecked(self) -> str:
        if any(kept.overwritten() for kept in self._rest) and not self.overwritten():
            return "the layer's parameters changed after the call"
        return super().why_unchecked

    def _input(self) -> torch.Tensor:
        """The input (B, T, E), short texts of a nested one filled up with zeros."""
        src = self._kept["the layer's input"].tensor
        return torch.nested.to_padded_tensor(src, 0.0) if src.is_nested else src

    def _visible(self) -> torch.Tensor | None:
        """Where the kernel looks, bool, broadcasts to (B, H, T, T); None for everywhere."""
        t = self.shape[2]
        if min(self._lengths, default=t) < t:
            lengths = torch.tensor(self._lengths, device=self.device)
            there = torch.arange(t, device=self.device) < lengths[:, None]
            return (there[:, :, None] & there[:, None, :])[:, None]
        if "mask" not in self._kept:
            return None
        # The kernel turns any mask into bool: what is not 0 is hidden.
        hidden = self._kept["mask"].tensor.bool()
        if self._call.mask_type == 1:
            hidden = hidden[:, None, None, :]
        elif hidden.dim() == 2:
            hidden = hidden[None, None]
        return ~hidden

    def _attention(self) -> DotProduct:
        weight, bias = (self._kept[f"the projection {name}"].tensor for name in ("weight", "bias"))
        with torch.no_grad(), silence():
            projected = F.linear(self._call.normed(self._input()), weight, bias)
            q, k, v = (
                part.reshape(*part.shape[:2], self._call.num_heads, -1).transpose(1, 2)
                for part in projected.chunk(3, dim=-1)
            )
            visible = self._visible()
        mask = None if visible is None else Kept(visible)
        # Padding that was cut off is never computed; a mask over all keys makes it give NaN.
        blind = 0.0 if self._call.src.is_nested else math.nan
        return DotProduct(Kept(q), Kept(k), Kept(v), mask, None, blind=blind)

    @property
    def q(self) -> torch.Tensor:
        return self._attention().q

    @property
    def k(self) -> torch.Tensor:
        return self._attention().k

    @property
    def v(self) -> torch.Tensor:
        return self._attention().v

    @property
    def causal(self) -> bool:
        return Mask(self._visible(), "none", self.shape).causal()

    def weights(self, pick: Pick) -> torch.Tensor:
        return self._attention().weights(pick)

    def scores(self, pick: Pick) -> torch.Tensor:
        return self._attention().scores(pick)

    def visible(self, pick: Pick) -> torch.Tensor:
        return Mask(self._visible(), "none", self.shape).visible(pick, self.device)

    def check(self, rows: list[int]) -> float:
        """Compare the whole layer, computed step by step, with what the kernel gave."""
        if self._kept_output is None:
            return math.nan
        attention, call = self._attention(), self._call
        given = self._kept_output.tensor
        with torch.no_grad(), silence():
            real = torch.nested.to_padded_tensor(given, 0.0) if given.is_nested else given
            weights = attention.weights(Pick.of(self.shape, queries=rows)).to(self.dtype)
            attended = (weights @ attention.v).transpose(1, 2).flatten(2)
            attended = F.linear(attended, call.proj_weight, call.proj_bias)
            made = call.rest(self._input()[:, rows], attended)
            there = torch.tensor([[i < n for i in rows] for n in self._lengths])
            made, real = made[there].float(), real[:, rows][there].float()
        if not real.numel():
            return 0.0
        both_nan = made.isnan() & real.isnan()
        error = (made - real).abs().masked_fill(both_nan, 0.0).nan_to_num(nan=math.inf)
        return float(error.max() / real.abs().nan_to_num(nan=0.0).max().clamp_min(1e-30))


def encoder_layer(
    mode: TorchFunctions, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any
) -> None:
    """After ``torch._transformer_encoder_layer_fwd``."""
    call = Layer(*_detached(args), **dict(zip(kwargs, _detached(kwargs.values()), strict=True)))
    record(lambda copy: (FusedLayer(call, result, copy), "fused"), sys._getframe(2))


def native_attention(
    mode: TorchFunctions, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any
) -> None:
    """After ``torch._native_multi_head_attention``."""
    call = Attention(*_detached(args), **dict(zip(kwargs, _detached(kwargs.values()), strict=True)))
    record(lambda copy: (FusedLayer(call, result[0], copy), "fused"), sys._getframe(2))


def _detached(values: Iterable[Any]) -> list[Any]:
    return [value.detach() if isinstance(value, torch.Tensor) else value for value in values]
