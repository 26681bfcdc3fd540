"""Models that attend within parts of each input lay these parts along the batch axis."""

from __future__ import annotations

import re
from collections.abc import Iterable

import torch

from attnwidget.binding.attribution import Names
from attnwidget.binding.layout import Fold
from attnwidget.binding.ragged import Ragged
from attnwidget.binding.recompute import DotProduct
from attnwidget.binding.softmax_map import OfSoftmax
from attnwidget.call import AttentionCall

Sizes = list[tuple[int, ...]]

_HEADS = re.compile(r"((n|num)_?)?(att\w*_)?heads?")


def sizes_of(values: Iterable[object]) -> Sizes:
    """The sizes of those arguments of a model that are tensors with a batch axis."""
    tensors = (v for v in values if isinstance(v, torch.Tensor) and v.dim())
    # Of a nested tensor only the first size is a number.
    return [(t.size(0),) if t.is_nested else tuple(t.shape) for t in tensors]


def settle_windows(calls: list[AttentionCall], inputs: Sizes, names: Names) -> None:
    """Say of every call how many items of its batch axis each input of the model has.

    Where its axes are not yet known, the number of heads that its module has tells them.

    Parameters
    ----------
    inputs : list of tuple of int
        The sizes of the model's inputs.
    """
    modules: dict[str, torch.nn.Module] = {}
    for call in calls:
        call.windows, evidence = windows_of(call, inputs), call._evidence
        if not isinstance(evidence, DotProduct | OfSoftmax) or isinstance(evidence, Ragged):
            continue
        leading = evidence.leading
        if leading or (call.windows > 1 and call.heads == 1):
            modules = modules or dict(names.modules())
            heads = _heads_of(modules.get(call.module))
            _settle_heads(evidence.fold, leading, heads, call.windows)
            call.windows = windows_of(call, inputs)


def _settle_heads(fold: Fold, leading: tuple[int, ...], heads: set[int], windows: int) -> None:
    if leading:
        places = [at for at, size in enumerate(leading) if at and size in heads]
        # Two axes of that size do not tell.
        fold.heads_at = places[0] if len(places) == 1 else None
    elif windows > 1 and windows in heads:
        fold.heads = windows


def _heads_of(module: torch.nn.Module | None) -> set[int]:
    said = vars(module).items() if module is not None else ()
    return {value for name, value in said if _HEADS.fullmatch(name) and isinstance(value, int)}


def windows_of(call: AttentionCall, inputs: Sizes) -> int:
    """How many items of the batch axis belong to each input of the model, 1 where none do.

    Parameters
    ----------
    inputs : list of tuple of int
        The sizes of the model's inputs; the batch is the first size of the one with most axes, as
        pictures may come with another number of texts.
    """
    count = call.batch_size
    if call.kind != "self" or not inputs or any(size[0] == count for size in inputs):
        return 1
    if any(size[:2] == (call.query_len, count) for size in inputs):
        return 1  # time before batch
    batch = max(inputs, key=len)[0]
    return count // batch if batch and count % batch == 0 else 1
