"""Modules whose maps are not laid out as queries × keys: bands, blocks, hash buckets, landmarks.

Their softmax runs over a few keys of each query, which stand at other places in every row. What
they compute is linear in the values all the same, so the whole map can be read off their answers.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from attnwidget.binding.active import active, silence
from attnwidget.binding.patches import Patch
from attnwidget.binding.probed_map import ProbedMap
from attnwidget.binding.recorder import record


class SparseLayout(NamedTuple):
    """A class of transformers, and what has to be known to read its map.

    Attributes
    ----------
    library, name : str
        Module of transformers.models, and class.
    heads : str
        Attribute with the number of heads.
    remark : str
        What a reader should know.
    time_first : bool
        Whether its projections are given (T, B, D).
    """

    library: str
    name: str
    heads: str
    remark: str
    time_first: bool = False


_WINDOW = "A sliding window with a few global tokens; places outside are 0."
_BLOCKS = "Sparse in blocks (window, global and random ones); places outside are 0."
_BUCKETS = "Only keys of the same hash bucket and its neighbour are met; places outside are 0."
_CHUNKS = "Only keys of the same chunk and its neighbour are met; places outside are 0."
_LANDMARKS = (
    "Nyström attention: what three smaller maps and a convolution over the values amount to, so"
    " rows need not sum to 1."
)

LAYOUTS = (
    SparseLayout("longformer", "LongformerSelfAttention", "num_heads", _WINDOW, time_first=True),
    SparseLayout("led", "LEDEncoderSelfAttention", "num_heads", _WINDOW, time_first=True),
    SparseLayout("big_bird", "BigBirdBlockSparseAttention", "num_attention_heads", _BLOCKS),
    SparseLayout(
        "bigbird_pegasus", "BigBirdPegasusBlockSparseAttention", "num_attention_heads", _BLOCKS
    ),
    SparseLayout("reformer", "LSHSelfAttention", "num_attention_heads", _BUCKETS),
    SparseLayout("reformer", "LocalSelfAttention", "num_attention_heads", _CHUNKS),
    SparseLayout("nystromformer", "NystromformerSelfAttention", "num_attention_heads", _LANDMARKS),
)


def patches() -> list[Callable[[], Patch | None]]:
    """Return one maker of a patch for each of these classes; None while it is not loaded."""
    return [functools.partial(_patch, layout) for layout in LAYOUTS]


def _patch(layout: SparseLayout) -> Patch | None:
    path = f"transformers.models.{layout.library}.modeling_{layout.library}"
    owner = getattr(sys.modules.get(path), layout.name, None)
    if owner is None or "forward" not in vars(owner):
        return None
    return Patch(owner, "forward", functools.partial(_listening, layout))


def _listening(layout: SparseLayout, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def forward(self: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
        if not active.recorders or active.silent:
            return original(self, *args, **kwargs)
        with silence():
            result = original(self, *args, **kwargs)
        with torch._C.DisableTorchFunction():
            record(
                lambda copy: (
                    ProbedMap(original, self, layout, args, kwargs, result, copy),
                    "probed",
                ),
                sys._getframe(1),
                module=self,
            )
        return result

    return forward
