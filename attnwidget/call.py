"""AttentionCall: one attention computation of one forward pass, read exactly and only when asked.

Shape letters: B batch, H query heads, Hkv key-value heads, Tq queries, Tk keys, d and dv the sizes
of one head's keys and values.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import torch

from attnwidget.selection import Pick, Selector
from attnwidget.trouble import Trouble

if TYPE_CHECKING:
    from attnwidget.binding.caches import Positions
    from attnwidget.binding.evidence import Evidence

KIND_REMARKS = {
    "additive": "Additive attention: its scores are no products of queries and keys.",
    "pooling": "Pooling: a learned query, or none, weighs the tokens.",
    "channel": "Channel attention: rows and columns are features, not tokens.",
    "deformable": "Deformable attention: keys are points sampled from the image, not tokens.",
}
KERNEL_LEVEL = "Kernel level: which module made this call is not known."
EXACT = 1e-5  # largest relative error of W @ V against the output that still counts as exact

# Long texts and large batches are checked in a sample of rows: W @ V over every row would cost
# as much as the layer.
_MOST_ROWS_CHECKED, _FEWEST_ROWS_CHECKED = 256, 16
_ROWS_CHECKED_IN_BATCH = 1024


class AttentionCall:
    """One attention computation: which module made it, and its numbers on demand.

    Attributes
    ----------
    module : str
        Dotted path of the module inside the bound model; "" for the model itself.
    kind : str
        "self"; "cross" (to another sequence); "additive" (scores that are no q · k, as in recurrent
        models); "pooling" (a learned query, or none); "channel" (features attend to features);
        "deformable" (over points sampled from an image).
    stack : str
        Group of like calls: "encoder", "decoder", "cross", "vision", "attention" (no better word).
    layer : int
        Number within the stack. There may be gaps where a layer has no attention.
    source : str
        How the call was seen: "transformers", "sdpa", "softmax", "multi_head_attention", "fused",
        "flex", "probed" (read off a sparse layer's answers), "kernel" inside a scripted, traced or
        exported module, or "array" for maps given from elsewhere.
    step : int
        Which forward pass since binding it belongs to, from 0.
    windows : int
        How many items of the batch axis each input of the model has; 1 where the batch is the
        model's own. Item n is window n % windows of input n // windows. A window may be any part
        that attends within itself: a square of a picture, a frame, one of several answers.
    """

    def __init__(
        self,
        evidence: Evidence,
        *,
        module: str,
        source: str,
        kind: str = "self",
        step: int = 0,
        stack: str = "attention",
        layer: int = 0,
        windows: int = 1,
    ) -> None:
        self.module = module
        self.kind = kind
        self.stack = stack
        self.layer = layer
        self.source = source
        self.step = step
        self.windows = windows
        self._evidence = evidence
        self._checked: float | None = None

    @property
    def batch_size(self) -> int:
        """B."""
        return self._evidence.shape[0]

    @property
    def heads(self) -> int:
        """H, the number of query heads."""
        return self._evidence.shape[1]

    @property
    def query_len(self) -> int:
        """Tq, the number of queries."""
        return self._evidence.shape[2]

    @property
    def key_len(self) -> int:
        """Tk, the number of keys."""
        return self._evidence.shape[3]

    @property
    def query_positions(self) -> torch.Tensor:
        """Token index of each query in its sequence, from 0, LongTensor (Tq,) on the CPU.

        It counts places in the padded row that the model was given since its cache was empty, not
        rotary positions. Without a cache that tells, the last query stands at the last key it may
        look at, and queries of other kinds than "self" begin at 0.
        """
        known = self._positions
        if known is not None:
            first = known.queries
        else:
            first = 0 if self.kind != "self" else max(0, self._last_seen + 1 - self.query_len)
        return torch.arange(first, first + self.query_len)

    @property
    def key_positions(self) -> torch.Tensor:
        """Token index of each key in its sequence, from 0, LongTensor (Tk,) on the CPU.

        Begins above 0 where a sliding window has dropped keys. See `query_positions`.
        """
        first = self._positions.keys if self._positions is not None else 0
        return torch.arange(first, first + self.key_len)

    @functools.cached_property
    def _last_seen(self) -> int:
        """The last key that the last query may look at: a cache may have spare room behind."""
        if self.query_len not in (0, self.key_len) and not self._why_unreadable():
            seen = self.visible(queries=-1).flatten(0, 2).any(0).nonzero()
            if len(seen):
                return int(seen[-1])
        return self.key_len - 1

    @property
    def _positions(self) -> Positions | None:
        known = self._evidence.positions
        if known is not None and self.kind != "self" and not known.cross:
            return None  # a decoder's cache that holds the keys of an image counts those
        return known

    @property
    def kv_heads(self) -> int:
        """Number of key-value heads; fewer than `heads` with grouped queries."""
        return self._evidence.kv_heads

    @property
    def head_dim(self) -> int | None:
        """d, the size of one head's queries and keys; None where it is not known."""
        return self._evidence.head_dim

    @property
    def scale(self) -> float | None:
        """Factor on q · k before bias, mask and softmax; None where it is not known."""
        return self._evidence.scale

    @property
    def dtype(self) -> torch.dtype:
        """Dtype the model computes in."""
        return self._evidence.dtype

    @property
    def device(self) -> torch.device:
        """Where its tensors are."""
        return self._evidence.device

    @property
    def causal(self) -> bool:
        """Whether no query may look at a later key."""
        return self._evidence.causal

    @property
    def q(self) -> torch.Tensor | None:
        """Queries as they meet the keys, after rotation, (B, H, Tq, d) in the model's dtype."""
        return self._evidence.q

    @property
    def k(self) -> torch.Tensor | None:
        """Keys as they meet the queries, (B, Hkv, Tk, d)."""
        return self._evidence.k

    @property
    def v(self) -> torch.Tensor | None:
        """Values, (B, Hkv, Tk, dv)."""
        return self._evidence.v

    @property
    def output(self) -> torch.Tensor | None:
        """Weighted sums of the values as the model computed them, (B, H, Tq, dv)."""
        return self._evidence.output

    def weights(
        self,
        head: Selector = None,
        queries: Selector = None,
        keys: Selector = None,
        batch: Selector = None,
    ) -> torch.Tensor:
        """Return the attention weights the model used.

        Parameters
        ----------
        head, queries, keys, batch : int, slice, sequence of int or 1-D LongTensor, optional
            Which part; None means all. One row or one head costs only that.

        Returns
        -------
        Tensor
            float32, (B, H, Tq, Tk) cut to the selection. An int keeps its axis with size 1.

        Raises
        ------
        Trouble
            If an index does not exist, or if the tensors were overwritten after the call.
        """
        pick = self._pick(head, queries, keys, batch)
        return self._evidence.weights(pick)

    def scores(
        self,
        head: Selector = None,
        queries: Selector = None,
        keys: Selector = None,
        batch: Selector = None,
    ) -> torch.Tensor:
        """Return what enters the softmax: scaled q · k with bias and mask, float32.

        Takes and returns the same axes as `weights`. Masked places are -inf or very negative,
        as the model has them.
        """
        pick = self._pick(head, queries, keys, batch)
        return self._evidence.scores(pick)

    def visible(
        self,
        head: Selector = None,
        queries: Selector = None,
        keys: Selector = None,
        batch: Selector = None,
    ) -> torch.Tensor:
        """Return True where a query may look at a key, bool, with the same axes as `weights`."""
        pick = self._pick(head, queries, keys, batch)
        return self._evidence.visible(pick)

    def _pick(self, head: Selector, queries: Selector, keys: Selector, batch: Selector) -> Pick:
        pick = Pick.of(self._evidence.shape, batch, head, queries, keys)
        why = self._why_unreadable()
        if why:
            raise Trouble(f"The weights of {self._called()} cannot be read.", why)
        return pick

    def check(self) -> float:
        """Return max|W @ V - output| / max|output|, nan where it cannot be computed.

        W are the weights this object gives and output is what the model computed, so this measures
        whether the picture is what the model did. At most 256 evenly spread queries are compared,
        and in batches of more than 4 items at least 16, at most 1024 in all items together.
        """
        if self._why_unreadable() or self._evidence.why_unchecked:
            return math.nan
        if self._checked is None:
            self._checked = self._evidence.check(self._rows_to_check())
        return self._checked

    def _rows_checked(self) -> int:
        """How many rows of each batch item are compared at most."""
        fair = _ROWS_CHECKED_IN_BATCH // max(1, self.batch_size)
        return min(max(fair, _FEWEST_ROWS_CHECKED), _MOST_ROWS_CHECKED)

    def _rows_to_check(self) -> list[int]:
        if self.query_len <= self._rows_checked():
            return list(range(self.query_len))
        spread = torch.linspace(0, self.query_len - 1, self._rows_checked())
        return [int(i) for i in spread.round().tolist()]

    @property
    def status(self) -> str:
        """How far the weights can be trusted.

        "exact": the model's own tensor, or recomputed and W @ V meets the output within 1e-5.
        "checked": recomputed, and W @ V meets the output within the rounding of the model's dtype.
        "approximate": recomputed, and `note` says why it could not be confirmed.
        "unavailable": `note` says why the weights cannot be read.
        """
        return self._verdict()[0]

    @property
    def note(self) -> str:
        """Why the status is what it is, and what else to know, in words; may be empty."""
        kernel = KERNEL_LEVEL if self.source == "kernel" else ""
        kind = KIND_REMARKS.get(self.kind, "")
        parts = ""
        if self.windows > 1:
            parts = f"The batch axis counts parts of each input: {self.windows}."
        sentences = [self._verdict()[1], kernel, kind, *self._evidence.remarks, parts]
        return " ".join(s for s in sentences if s)

    def _verdict(self) -> tuple[str, str]:
        why = self._why_unreadable()
        if why:
            return "unavailable", why
        evidence = self._evidence
        if not evidence.recomputed and not evidence.untracked():
            return "exact", ""
        if evidence.why_unchecked:
            return "approximate", f"Recomputed, not checked: {evidence.why_unchecked}."
        error = self.check()
        if evidence.why_unseen:  # found out by trying
            return "unavailable", evidence.why_unseen
        sample = ""
        if self.query_len > self._rows_checked():
            sample = f" on {self._rows_checked()} of {self.query_len} queries"
        if error <= EXACT:
            return "exact", f"Checked{sample}." if sample else ""
        # Under autocast the kernel computes in another dtype than q and k have.
        output = evidence.output
        dtype = self.dtype if output is None else max(self.dtype, output.dtype, key=_rounding)
        if _rounding(dtype) > EXACT and error <= _rounding(dtype) * self._cancelled():
            return "checked", (
                f"Recomputed; meets the {_name(dtype)} output within its rounding"
                f" ({error:.0e}){sample}."
            )
        if math.isinf(error):
            return "approximate", "W @ V and the output are not NaN in the same places."
        if math.isnan(error):
            return "approximate", "Recomputed, not checked: the output has no numbers in it."
        return (
            "approximate",
            f"W @ V differs from the output by {error:.1e} of its maximum{sample}.",
        )

    def _cancelled(self) -> float:
        """max|V| / max|output|, at least 1: values that cancel out leave their rounding behind."""
        v, output = self._evidence.v, self._evidence.output
        if v is None or output is None or not v.numel():
            return 1.0
        largest = float(output.abs().nan_to_num().max())
        return max(1.0, float(v.abs().nan_to_num().max()) / max(largest, 1e-30))

    def _why_unreadable(self) -> str:
        gone = self._evidence.overwritten()
        if gone:
            names = " and ".join(gone)
            was = "was" if len(gone) == 1 else "were"
            return f"{names} {was} overwritten after the call: capture with copy=True."
        return self._evidence.why_unseen

    def _called(self) -> str:
        return f"{self.module!r} (step {self.step})"

    def with_evidence(self, evidence: Evidence) -> AttentionCall:
        """Return a call of the same module at the same place, with other numbers."""
        return AttentionCall(
            evidence,
            module=self.module,
            source=self.source,
            kind=self.kind,
            step=self.step,
            stack=self.stack,
            layer=self.layer,
        )

    def at_layer(self, layer: int) -> AttentionCall:
        """Return the same call under another number within its stack."""
        if layer == self.layer:
            return self
        moved = self.with_evidence(self._evidence)
        moved.layer, moved.windows = layer, self.windows
        return moved

    def tensors(self) -> list[torch.Tensor]:
        """All tensors this call keeps alive, for counting memory."""
        return self._evidence.tensors()

    def __repr__(self) -> str:
        b, h, tq, tk = self._evidence.shape
        return (
            f"AttentionCall({self.module!r}, {self.kind}, source={self.source!r}, "
            f"B={b}, H={h}, Tq={tq}, Tk={tk}, step={self.step})"
        )


def _rounding(dtype: torch.dtype) -> float:
    """Error of W @ V that the arithmetic of a half-precision dtype explains.

    The kernel rounds weights and sums to the dtype: two roundings of up to one unit each.
    """
    if dtype in (torch.float16, torch.bfloat16):
        return 2 * torch.finfo(dtype).eps
    return EXACT


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
