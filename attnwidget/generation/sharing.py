"""Keys and values that steps have in common are kept once: those of a step begin the next one's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from attnwidget.binding.kept import Kept
from attnwidget.call import AttentionCall


def only_grows(cache: Any) -> bool:
    """Whether a cache of transformers joins new keys to the old ones and changes none of these."""
    layers: Any = getattr(getattr(cache, "self_attention_cache", cache), "layers", None) or ()
    return len(layers) > 0 and all(type(layer).__name__ == "DynamicLayer" for layer in layers)


def share(passes: Sequence[list[AttentionCall]]) -> None:
    """Let the self-attention of all passes see its keys and values within those of the last one.

    Else a generation of T tokens would hold T² of them.
    """
    if len(passes) < 2:
        return
    last = {(call.module, call.stack): call for call in passes[-1] if call.kind == "self"}
    for calls in passes[:-1]:
        for call in calls:
            newest = last.get((call.module, call.stack))
            if newest is not None and call.kind == "self":
                _share(call, newest)


def _share(call: AttentionCall, newest: AttentionCall) -> None:
    kept, longer = (getattr(one._evidence, "_kept", {}) for one in (call, newest))
    for name in ("k", "v"):
        held, all_of_them = kept.get(name), longer.get(name)
        if held is None or all_of_them is None or held.overwritten() or all_of_them.overwritten():
            continue
        old, new = held.tensor, all_of_them.tensor
        length = old.shape[2]
        is_longer = old.dim() == new.dim() and length < new.shape[2] and len(old) == len(new)
        # Not all are compared: it is known that the cache only grows.
        if is_longer and torch.equal(old[:, :, -1], new[:, :, length - 1]):
            kept[name] = Kept(new[:, :, :length])
