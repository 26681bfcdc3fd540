"""Where a call's queries and keys stand in the sequence, as the cache of transformers knows it.

A cache may hold fewer keys than there were tokens (sliding windows) or more than there are (static
ones, whose buffers are longer than what is written and are written again by the next step).
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any, NamedTuple

import torch

# The cache is a local of the attention's forward, or of the method of the same module around it.
_MOST_FRAMES = 4


class Positions(NamedTuple):
    """First token index of the queries and of the keys; both go on one by one.

    Attributes
    ----------
    queries, keys : int
        Index in the padded row of the generation, from 0. Keys of another sequence count from its
        own beginning.
    cross : bool
        Whether the keys are those of another sequence, as far as the cache shows.
    """

    queries: int
    keys: int
    cross: bool = False


class Cached(NamedTuple):
    """What the cache says of one call.

    Attributes
    ----------
    positions : Positions
        Of the queries and keys that are valid.
    key_len : int
        How many keys are valid; those behind are buffer that nothing was written to.
    buffers : bool
        Whether keys and values are the cache's own, to be written again by later steps.
    """

    positions: Positions
    key_len: int
    buffers: bool


def cached(
    frame: FrameType,
    module: torch.nn.Module,
    kwargs: dict[str, Any],
    key: torch.Tensor,
    query_len: int,
) -> Cached | None:
    """Read the cache a module got its keys from.

    Parameters
    ----------
    frame : frame
        Of the code that called the attention function.
    kwargs : dict
        What that function was given besides.
    key : Tensor
        (B, Hkv, Tk, d), as the cache gave them.

    Returns
    -------
    Cached or None
        None without a cache, or with one of a form that is not known.
    """
    if 1 < query_len == key.shape[2]:
        return None  # a first pass, whose queries and keys both begin at 0: nothing to look up
    cache = _find(frame, module, kwargs)
    if hasattr(cache, "self_attention_cache"):
        other = _layer(cache.cross_attention_cache, module)
        cache = cache.self_attention_cache
        if _holds(other, key):
            positions = Positions(_length(cache, module) - query_len, 0, cross=True)
            return Cached(positions, key.shape[2], hasattr(other, "max_cache_len"))
    if not hasattr(cache, "layers"):
        return None
    own = _layer(cache, module)
    layers = cache.layers if own is None else [own]
    buffers = any(hasattr(layer, "max_cache_len") and _holds(layer, key) for layer in layers)
    seen = _length(cache, module)
    if seen < query_len or (seen < key.shape[2] and not buffers):
        return None  # the keys are not, or not alone, those of the cache
    valid = min(key.shape[2], seen)
    return Cached(Positions(seen - query_len, seen - valid), valid, buffers)


def _find(frame: FrameType | None, module: torch.nn.Module, kwargs: dict[str, Any]) -> Any:
    """The cache among the arguments, or among the locals of the module's own methods."""
    library = sys.modules.get("transformers.cache_utils")
    kind = getattr(library, "Cache", None)
    if kind is None:
        return None
    values = kwargs
    for _ in range(_MOST_FRAMES):
        found = [value for value in values.values() if isinstance(value, kind)]
        if found:
            # A module of a decoder may have taken one half out of the pair it was given.
            pairs = (cache for cache in found if hasattr(cache, "self_attention_cache"))
            return next(pairs, found[0])
        if frame is None:
            break
        values, frame = frame.f_locals, frame.f_back
        if values.get("self", module) is not module:
            break
    return None


def _layer(cache: Any, module: torch.nn.Module) -> Any:
    """The cache's layer of a module, None where it has none of its own (it shares another's)."""
    at = vars(module).get("layer_idx")
    layers = getattr(cache, "layers", ())
    if not isinstance(at, int) or not 0 <= at < len(layers):
        return None
    return layers[at] if hasattr(layers[at], "get_seq_length") else None


def _length(cache: Any, module: torch.nn.Module) -> int:
    """Number of tokens so far. A static cache counts them in a tensor: on a GPU this waits."""
    layer = _layer(cache, module)
    return int(cache.get_seq_length() if layer is None else layer.get_seq_length())


def _holds(layer: Any, key: torch.Tensor) -> bool:
    keys = getattr(layer, "keys", None)
    return isinstance(keys, torch.Tensor) and keys.data_ptr() == key.data_ptr()
