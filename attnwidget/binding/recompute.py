"""Weights worked out from q, k and v when they are asked for, in pieces of bounded size."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from attnwidget.binding.active import silence
from attnwidget.binding.kept import Keeping, Kept
from attnwidget.binding.layout import Fold, broadcast_axes, four_axes, kv_axis
from attnwidget.binding.masks import Mask, Triangle
from attnwidget.binding.torch_names import DROPOUTS
from attnwidget.selection import Pick, parts, size, take

# Scores held at a time while computing; the result asked for comes on top.
SCORES_BYTES = 64 * 2**20


class NoDropout(TorchFunctionMode):
    """Leaves dropout out of what is run again."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in DROPOUTS:
            return args[0] if args else (kwargs or {})["input"]
        return func(*args, **(kwargs or {}))


def rows_at_a_time(batch: int, heads: int, keys: int) -> int:
    """Number of query rows whose float32 scores fit the budget."""
    return max(1, SCORES_BYTES // max(1, 4 * batch * heads * keys))


def by_rows(
    pick: Pick,
    key_len: int,
    compute: Callable[[Pick], torch.Tensor],
    device: torch.device,
    heads: int | None = None,
) -> torch.Tensor:
    """Fill the selection chunk by chunk of queries, as float32.

    Parameters
    ----------
    compute : callable
        Gives (B', H', rows, Tk') for a Pick whose queries are one chunk.
    heads : int, optional
        Number of heads that have to be computed for those asked for.
    """
    shape = (size(pick.batch), size(pick.heads), size(pick.queries), size(pick.keys))
    chunks = parts(pick.queries, rows_at_a_time(shape[0], heads or shape[1], key_len))
    result = torch.empty(shape, dtype=torch.float32, device=device)
    start = 0
    with torch.no_grad(), silence():
        for rows in chunks if result.numel() else ():
            stop = start + size(rows)
            result[:, :, start:stop] = compute(pick.with_queries(rows))
            start = stop
    return result


def weighted_sum_error(
    weights: Callable[[Pick], torch.Tensor],
    v: torch.Tensor,
    output: torch.Tensor,
    shape: tuple[int, int, int, int],
    rows: list[int],
) -> float:
    """max|W @ V - output| / max|output| over the given query rows.

    Parameters
    ----------
    v : Tensor
        (B, Hkv, Tk, dv).
    output : Tensor
        (B, H, Tq, dv).

    Notes
    -----
    A number that is NaN on both sides agrees; NaN on one side only is an infinite error.
    """
    batch, heads, _, keys = shape
    worst = largest = 0.0
    whole = Pick.of(shape)
    dtype = torch.float64 if v.dtype is torch.float64 else torch.float32
    with torch.no_grad(), silence():
        values = v.to(dtype)
        if v.shape[1] not in (1, heads):
            values = values.repeat_interleave(heads // v.shape[1], dim=1)
        for chunk in parts(rows, rows_at_a_time(batch, heads, keys)):
            made = weights(whole.with_queries(chunk)).to(dtype) @ values
            real = take(output, 2, chunk).to(dtype)
            if not made.numel():
                continue
            one_sided = made.isnan() != real.isnan()
            if bool(one_sided.any()):
                return math.inf
            worst = max(worst, float((made - real).abs().nan_to_num(nan=0.0).max()))
            largest = max(largest, float(real.abs().nan_to_num(nan=0.0).max()))
    if largest == 0.0:
        return 0.0 if worst == 0.0 else math.inf
    return worst / largest


def settle_blind_rows(
    weights: torch.Tensor,
    visible: torch.Tensor,
    output: torch.Tensor | None,
    otherwise: float = 0.0,
) -> torch.Tensor:
    """Give queries that may see no key the weights their kernel gave them.

    Kernels differ: zeros (scaled_dot_product_attention), NaN (softmax over nothing but -inf), or
    uniform (masks of finite numbers). The output row tells which; without an output, rows over
    which no softmax can be taken get the number `otherwise`.
    """
    blind = ~visible.any(-1, keepdim=True)
    if not bool(blind.any()):
        return weights
    if output is None:
        return weights.masked_fill(blind & weights.isnan(), otherwise)
    zero = (output == 0).all(-1, keepdim=True)
    nan = output.isnan().all(-1, keepdim=True)
    weights = weights.masked_fill(blind & zero, 0.0)
    return weights.masked_fill(blind & nan, math.nan)


class DotProduct(Keeping):
    """softmax(scale * q @ k^T + mask), as scaled_dot_product_attention defines it.

    Source of the formula: the documentation of ``torch.nn.functional
    .scaled_dot_product_attention``; ``is_causal`` aligns at the top left.

    Parameters
    ----------
    q, k, v : Kept
        (B, H, Tq, d), (B, Hkv, Tk, d), (B, Hkv, Tk, dv), or other axes that `fold` explains.
    mask : Kept or None
        bool (True may look) or added to the scores; broadcasts to the scores.
    output : Kept or None
        In the axes of q.
    triangle : str
        See Mask.
    scale : float or None
        None means 1 / sqrt(d).
    unchecked : str
        Why W @ V cannot meet the output (dropout), or "".
    fold : Fold, optional
        How a single leading axis divides.
    blind : float
        What the kernel gives queries that may see no key, where no output tells.
    """

    why_unseen = ""
    recomputed = True

    def __init__(
        self,
        q: Kept,
        k: Kept,
        v: Kept,
        mask: Kept | None,
        output: Kept | None,
        *,
        triangle: Triangle = "none",
        scale: float | None = None,
        unchecked: str = "",
        fold: Fold | None = None,
        blind: float = 0.0,
    ) -> None:
        self._kept = {"q": q, "k": k, "v": v, **({"mask": mask} if mask else {})}
        self._kept_output = output
        self._unchecked = unchecked
        self._triangle = triangle
        self._given_scale = scale
        self.fold = fold or Fold()
        self._blind = blind
        self.remarks: list[str] = []
        self.dtype = q.tensor.dtype
        self.device = q.tensor.device
        self.head_dim: int | None = q.tensor.size(-1)

    @property
    def q(self) -> torch.Tensor:
        batch = self.shape[0]
        q = self._four("q")
        return q if q.shape[0] == batch else q.expand(batch, -1, -1, -1)

    @property
    def k(self) -> torch.Tensor:
        return self._four("k")

    @property
    def v(self) -> torch.Tensor:
        return self._four("v")

    @property
    def output(self) -> torch.Tensor | None:
        if self._kept_output is None or self._kept_output.overwritten():
            return None
        return four_axes(self._kept_output.tensor, self.fold)

    def _four(self, name: str) -> torch.Tensor:
        return four_axes(self._kept[name].tensor, self.fold)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        q, k = self._four("q"), self._four("k")
        heads = max(q.shape[1], k.shape[1])
        return max(q.shape[0], k.shape[0]), heads, q.shape[2], k.shape[2]

    @property
    def leading(self) -> tuple[int, ...]:
        """Sizes of the axes before queries and keys, where there are more than two, all alike."""
        if self._kept["q"].tensor.dim() <= 4:
            return ()  # every pass asks
        sizes = {tuple(self._kept[name].tensor.shape[:-2]) for name in ("q", "k", "v")}
        return sizes.pop() if len(sizes) == 1 and "mask" not in self._kept else ()

    @property
    def kv_heads(self) -> int:
        return self._four("k").shape[1]

    @property
    def scale(self) -> float:
        if self._given_scale is not None:
            return self._given_scale
        return 1.0 / math.sqrt(self.head_dim or 1)

    @property
    def _mask(self) -> Mask:
        kept = self._kept.get("mask")
        tensor = None
        if kept is not None:
            tensor = broadcast_axes(kept.tensor, self._kept["q"].tensor.dim(), self.fold)
        return Mask(tensor, self._triangle, self.shape)

    @property
    def causal(self) -> bool:
        return self._mask.causal()

    def visible(self, pick: Pick) -> torch.Tensor:
        return self._mask.visible(pick, self.device)

    def scores(self, pick: Pick) -> torch.Tensor:
        return by_rows(pick, self.shape[3], self._scores, self.device)

    def weights(self, pick: Pick) -> torch.Tensor:
        return by_rows(pick, self.shape[3], self._weights, self.device)

    def check(self, rows: list[int]) -> float:
        output = self.output
        if output is None:
            return math.nan
        return weighted_sum_error(self.weights, self.v, output, self.shape, rows)

    def _scores(self, pick: Pick) -> torch.Tensor:
        """Scores of one chunk, (B', H', rows, Tk'), float32 or, for a float64 model, float64."""
        dtype = torch.float64 if self.dtype is torch.float64 else torch.float32
        group = self.shape[1] // self.kv_heads
        q = take(take(take(self._four("q"), 0, pick.batch), 1, pick.heads), 2, pick.queries)
        k = take(self._four("k"), 0, pick.batch)
        k = take(take(k, 1, kv_axis(pick.heads, group)), 2, pick.keys)
        scores = (q.to(dtype) * self.scale) @ k.to(dtype).transpose(-2, -1)
        added = self._mask.added(pick, -math.inf, dtype, self.device)
        return scores if added is None else scores + added

    def _weights(self, pick: Pick) -> torch.Tensor:
        every_key = Pick(pick.batch, pick.heads, pick.queries, slice(0, self.shape[3], 1))
        weights = torch.softmax(self._scores(every_key), dim=-1)
        if "mask" in self._kept:
            output = self.output
            if output is not None:
                output = take(take(take(output, 0, pick.batch), 1, pick.heads), 2, pick.queries)
            weights = settle_blind_rows(weights, self.visible(every_key), output, self._blind)
        return take(weights, 3, pick.keys)
