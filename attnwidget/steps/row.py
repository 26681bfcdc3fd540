"""How one row of one head came about, number by number, in float64.

The kernel hands out queries, keys, scores and weights, but not what is between them. Each number in
between is worked out from those before it, and called what it is only if it leads to those after.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from attnwidget.call import EXACT, AttentionCall
from attnwidget.steps.named_numbers import Named
from attnwidget.trouble import Trouble

Numbers = NDArray[np.float64]

LOWEST = float(np.finfo(np.float32).min)  # stands for -inf, which is no number to draw with
# Of a float32 sum of products against the sum of their sizes.
ROUNDING = 4e-6
_FEWEST_KEYS = 3  # with fewer, any numbers lie on a line


@dataclass(frozen=True)
class At:
    """One row of one head."""

    head: int
    query: int
    batch: int


@dataclass(frozen=True)
class RowSteps:
    """The steps of a row over all its keys; None where they are not known.

    Attributes
    ----------
    weights, visible : ndarray
        (Tk,) what the model used, and bool: whether the query may look there.
    q, k : ndarray or None
        (d,) and (Tk, d), of the head and its key-value head.
    dot, scaled, capped, added, scores : ndarray or None
        (Tk,). ``scores`` without -inf and NaN; ``added`` is what they have beyond ``capped``.
    scale, softcap, sink : float or None
        ``sink`` is the score of a key that has no value, in the frame of the scores.
    sink_is_known : bool
        Whether the sink is a number of the module, or 0 as where 1 is added to the softmax's sum.
        Else only a part of the softmax is missing: it may have gone to other values.
    noise : float
        How much of the scores may be rounding.
    why_no_scores : str
        In words.
    """

    weights: Numbers
    visible: NDArray[np.bool_]
    q: Numbers | None = None
    k: Numbers | None = None
    dot: Numbers | None = None
    scaled: Numbers | None = None
    capped: Numbers | None = None
    added: Numbers | None = None
    scores: Numbers | None = None
    scale: float | None = None
    softcap: float | None = None
    sink: float | None = None
    sink_is_known: bool = False
    noise: float = 0.0
    why_no_scores: str = ""

    @property
    def max(self) -> float | None:
        """What is subtracted before the exponentials: the largest score, a sink's included."""
        if self.scores is None:
            return None
        largest = float(self.scores.max())
        return largest if self.sink is None else max(largest, self.sink)

    @property
    def sum(self) -> float | None:
        """Of the exponentials, a sink's included."""
        if self.scores is None or self.max is None:
            return None
        made = float(np.exp(self.scores - self.max).sum())
        return made if self.sink is None else made + float(np.exp(self.sink - self.max))

    @property
    def softmax(self) -> Numbers | None:
        """(Tk,) what the scores alone would give."""
        if self.scores is None or self.max is None or self.sum is None:
            return None
        made: Numbers = np.exp(self.scores - self.max) / self.sum
        return made


def row_steps(call: AttentionCall, at: At, named: Named) -> RowSteps:
    """Work out the steps of one row.

    Raises
    ------
    Trouble
        If the weights cannot be read.
    """
    where = {"head": at.head, "queries": at.query, "batch": at.batch}
    weights = in_float64(call.weights(**where)[0, 0, 0])
    visible = call.visible(**where)[0, 0, 0].cpu().numpy()
    steps = RowSteps(weights, visible)
    try:
        scores = in_float64(call.scores(**where)[0, 0, 0])
    except Trouble as trouble:
        steps = replace(steps, why_no_scores=str(trouble))
        return _with_products(steps, call, at, None, named)
    # Where a score is NaN, so is the weight, which says so.
    finite = np.clip(np.nan_to_num(scores, nan=0.0), LOWEST, -LOWEST)
    steps = replace(steps, scores=finite)
    if call.source == "probed":  # whose scores are the logarithms of its weights
        steps = _with_products(steps, call, at, finite, named)
        if steps.dot is not None:
            return steps
        return replace(steps, scores=None, why_no_scores="Scores stand in another layout here.")
    if changed_afterwards(call):
        return _with_products(steps, call, at, finite, named)
    steps = replace(steps, sink=_sink(steps, call))
    return _with_known_sink(_with_products(steps, call, at, finite, named), call, named)


def in_float64(tensor: torch.Tensor) -> Numbers:
    """A part of a call's tensors as an array, whatever dtype and device it has."""
    array: Numbers = tensor.detach().cpu().double().numpy()
    return array


def of_head(tensor: torch.Tensor, at: At, heads: int) -> torch.Tensor | None:
    """The (T, d) that one of `heads` query heads uses of (B, Hkv, T, d); sizes of 1 are shared."""
    if heads % tensor.shape[1]:
        return None
    group = heads // tensor.shape[1]
    return tensor[at.batch if tensor.shape[0] > 1 else 0, at.head // group]


def changed_afterwards(call: AttentionCall) -> str:
    """What the call itself says of changes to its weights after the softmax, or ""."""
    return next(
        (said for said in call._evidence.remarks if "changes the weights after" in said), ""
    )


def is_softmax(steps: RowSteps, call: AttentionCall) -> bool:
    """Whether the weights are what the scores alone would give, as far as the row can tell."""
    made = steps.softmax
    if made is None or not steps.visible.any():
        return True
    return bool((np.abs(made - steps.weights) <= _tolerance(steps, call)).all())


def _rounding(call: AttentionCall) -> float:
    """Relative error that the dtype of a call explains."""
    if call.dtype in (torch.float16, torch.bfloat16):
        return 2 * torch.finfo(call.dtype).eps
    return EXACT


def _tolerance(steps: RowSteps, call: AttentionCall) -> float:
    """How far weights may be from the softmax of scores, both rounded to float32."""
    scores = 0.0 if steps.scores is None else np.abs(steps.scores[steps.visible]).max(initial=0.0)
    relative = _rounding(call) + 4 * float(np.finfo(np.float32).eps) * float(scores)
    return relative * float(np.abs(np.nan_to_num(steps.weights)).max(initial=0.0))


def _sink(steps: RowSteps, call: AttentionCall) -> float | None:
    """The score of a key without a value, where a part of the softmax is missing in the weights.

    weights = softmax(scores) * share and share = e^s / (e^s + e^sink) with s the logarithm of the
    scores' exponentials, so that sink = s + log((1 - share) / share).
    """
    share = float(steps.weights.sum())
    made, total, largest = steps.softmax, steps.sum, steps.max
    if made is None or total is None or largest is None or not steps.visible.any():
        return None
    if not 0.0 < share < 1.0 - _rounding(call):
        return None
    if not (np.abs(made * share - steps.weights) <= _tolerance(steps, call)).all():
        return None
    return largest + float(np.log(total) + np.log1p(-share) - np.log(share))


def _with_known_sink(steps: RowSteps, call: AttentionCall, named: Named) -> RowSteps:
    """The sink as the module has it: where it takes nearly nothing, the weights tell little."""
    if not steps.visible.any():
        return steps
    sinks = named.sinks if steps.sink is None else (*named.sinks, 0.0)
    known = (replace(steps, sink=sink, sink_is_known=True) for sink in sinks)
    return next((one for one in known if is_softmax(one, call)), steps)


def _with_products(
    steps: RowSteps, call: AttentionCall, at: At, scores: Numbers | None, named: Named
) -> RowSteps:
    """The steps from queries and keys on, if they lead to the scores."""
    queries, keys = call.q, call.k
    if queries is None or keys is None:
        return steps
    q_head, k_head = of_head(queries, at, call.heads), of_head(keys, at, call.heads)
    if q_head is None or k_head is None or len(k_head) != len(steps.weights):
        return steps
    q, k = in_float64(q_head[at.query]), in_float64(k_head)
    dot = k @ q
    relative = max(ROUNDING, 2 * torch.finfo(call.dtype).eps)
    sizes = (np.abs(k) @ np.abs(q))[steps.visible]
    scale = call.scale if call.scale is not None else _fitted(steps, dot, relative)
    if scale is None:
        return steps
    noise = relative * abs(scale) * float(np.nan_to_num(sizes).max(initial=0.0))
    scaled = dot * scale
    steps = replace(steps, q=q, k=k, dot=dot, scale=scale, scaled=scaled, noise=noise)
    if scores is None:
        return replace(steps, capped=scaled)
    softcap = next((cap for cap in named.caps if _is_capped(steps, cap)), None)
    capped = scaled if softcap is None else softcap * np.tanh(scaled / softcap)
    steps = replace(steps, softcap=softcap, capped=capped)
    return _with_added(steps, call)


def _with_added(steps: RowSteps, call: AttentionCall) -> RowSteps:
    """What the scores have beyond what was worked out.

    Some models subtract the row's largest score themselves, which changes no weight: that is the
    same for all keys, and is taken back.
    """
    scores, capped = steps.scores, steps.capped
    if scores is None or capped is None:
        return steps
    rest = np.nan_to_num(scores - capped)
    seen = rest[steps.visible]
    if len(seen) and np.ptp(seen) <= 2 * steps.noise:
        shift = float(seen.mean())
        largest = float(scores[steps.visible].max())
        if steps.sink is not None or abs(largest) <= steps.noise or call.scale is None:
            scores = np.clip(scores - shift, LOWEST, -LOWEST)
            sink = None if steps.sink is None else steps.sink - shift
            steps = replace(steps, scores=scores, sink=sink)
            rest = np.nan_to_num(scores - capped)
    if np.abs(rest[steps.visible]).max(initial=0.0) <= steps.noise:
        rest = np.where(steps.visible, 0.0, rest)
    return replace(steps, added=np.clip(rest, LOWEST, -LOWEST))


def _fitted(steps: RowSteps, dot: Numbers, relative: float) -> float | None:
    """The scale that turns products into scores but for a constant, where there is one."""
    x, y = dot[steps.visible], None if steps.scores is None else steps.scores[steps.visible]
    if y is None or len(x) < _FEWEST_KEYS or not np.isfinite(x).all():
        return None
    spread = x - x.mean()
    if not spread.any():
        return None
    scale = float(spread @ (y - y.mean()) / (spread @ spread))
    error = np.abs(y - y.mean() - scale * spread).max()
    largest = max(np.abs(y).max(), abs(scale) * np.abs(x).max())
    return scale if error <= 4 * relative * largest else None


def _is_capped(steps: RowSteps, cap: float) -> bool:
    """Whether the scores are better explained with a cap than without, or as well."""
    if steps.scores is None or steps.scaled is None or not cap > 0:
        return False
    without = steps.scaled[steps.visible]
    seen = steps.scores[steps.visible]
    if not len(seen):
        return False
    # A shift of the whole row changes nothing.
    with_cap = np.ptp(seen - cap * np.tanh(without / cap))
    return bool(with_cap <= max(2 * steps.noise, float(np.ptp(seen - without))))
