"""The maps that a model reports itself, each given the call that it is."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from attnwidget.call import EXACT, AttentionCall
from benchmarks.coverage.judged import Judged


def match(judged: Judged, maps: list[tuple[str, Tensor]], calls: list[AttentionCall]) -> None:
    """Give each of the model's maps the call that fits best, each call once."""
    free = [i for i, call in enumerate(calls) if call.status != "unavailable"]
    weights: dict[int, Tensor] = {}
    left: list[tuple[str, Tensor, dict[int, float]]] = []
    last: dict[str, int] = {}
    for path, own in maps:
        errors: dict[int, float] = {}
        for i in free:
            if _fits(own, calls[i]):
                if i not in weights:
                    weights[i] = calls[i].weights()
                errors[i] = _error(own, weights[i], calls[i])
                if errors[i] <= EXACT:
                    break
        best = min(errors, key=errors.__getitem__, default=None)
        if best is not None and errors[best] <= EXACT:
            free.remove(best)
            judged.matched += 1
            among = path.rsplit(".", 1)[0]
            judged.in_order &= last.get(among, -1) < best
            last[among] = best
            judged.own_error = max(judged.own_error or 0.0, errors[best])
        else:
            left.append((path, own, errors))
    for path, own, errors in left:
        best = min((i for i in errors if i in free), key=errors.__getitem__, default=None)
        if best is None:
            judged.strange += 1
            nearest = "no call of this shape"
        else:
            free.remove(best)
            nearest = f"least error {errors[best]:.1e}"
        judged.unmatched.append(f"{path.lstrip('.')} {tuple(own.shape)}: {nearest}")


def _fits(own: Tensor, call: AttentionCall) -> bool:
    if _is_band(own, call):
        return True
    keys = (own.shape[-1], math.prod(own.shape[-2:]))
    each = call.batch_size * call.query_len * call.key_len
    return call.key_len in keys and own.numel() in (each, each * call.heads)


def _error(own: Tensor, weights: Tensor, call: AttentionCall) -> float:
    """Largest difference in rows that see a key, in whatever order the axes are reported."""
    rows = call.visible().any(-1, keepdim=True).expand_as(weights)
    if _is_band(own, call):
        square = (..., slice(own.shape[2]), slice(own.shape[2]))
        return _difference(_unrolled(own.float()), weights[square], rows[square])
    if own.numel() < weights.numel():  # torch.nn reports the mean over heads
        mean = weights.mean(1)
        return _difference(own.float().reshape(mean.shape), mean, rows.all(1))
    return min(_difference(shaped, weights, rows) for shaped in _arrangements(own, weights))


def _is_band(own: Tensor, call: AttentionCall) -> bool:
    """Whether a map has a column per place of a window around the query, without the padding."""
    if own.dim() != 4 or own.shape[:2] != (call.batch_size, call.heads):
        return False
    tokens, places = own.shape[2:]
    return places % 2 == 1 and places < tokens <= call.query_len == call.key_len


def _unrolled(band: Tensor) -> Tensor:
    """(B, H, T, window + 1) to (B, H, T, T)."""
    tokens, places = band.shape[2:]
    whole = torch.zeros(*band.shape[:3], tokens)
    for i in range(tokens):
        for j in range(places):
            key = i + j - places // 2
            if 0 <= key < tokens:
                whole[:, :, i, key] = band[:, :, i, j]
    return whole


def _arrangements(own: Tensor, weights: Tensor) -> Iterator[Tensor]:
    b, h, tq, tk = weights.shape
    own = own.float()
    yield own.reshape(b, h, tq, tk)
    yield own.reshape(h, b, tq, tk).transpose(0, 1)  # heads before the batch
    yield own.reshape(b, tq, h, tk).transpose(1, 2)  # deformable: a query's heads, then points


def _difference(own: Tensor, weights: Tensor, rows: Tensor) -> float:
    difference = (own - weights).abs()[rows]
    if not difference.numel():
        return 0.0
    worst = difference.max().item()
    return math.inf if math.isnan(worst) else worst
