"""Relative biases: a number is added to each score for how far the key is from the query."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

_BIAS = re.compile(r"relative_attention_bias|rel(ative)?_pos\w*_bias$", re.I)


@dataclass(frozen=True, eq=False)
class Bias:
    """A number that is added to a score for how far the key is from the query.

    Attributes
    ----------
    path : str
    kind : "learned" or "ALiBi"
    of_distances : callable
        From key − query (n,) to biases (H, n), detached.
    owner, name : Module, str
        Whose parameter holds the numbers, or which method of it makes them.
    """

    path: str
    kind: Literal["learned", "ALiBi"]
    of_distances: Callable[[torch.Tensor], torch.Tensor] = field(repr=False)
    owner: torch.nn.Module = field(repr=False)
    name: str = ""


def biases_of(model: torch.nn.Module) -> Iterator[Bias]:
    """Those of T5 and its kin, whose distances share buckets, and the slopes of ALiBi."""
    for path, module in model.named_modules():
        for name, child in module.named_children():
            buckets = getattr(module, "_relative_position_bucket", None)
            if isinstance(child, torch.nn.Embedding) and _BIAS.search(name) and callable(buckets):
                full = f"{path}.{name}" if path else name
                yield Bias(full, "learned", _bucketed(module, child, buckets), child, "weight")
        make: Any = getattr(module, "build_alibi_tensor", None)
        heads = getattr(module, "num_heads", None)
        takes = any("alibi" in inspect.signature(m.forward).parameters for m in module.modules())
        if callable(make) and isinstance(heads, int) and takes:
            full = f"{path}.build_alibi_tensor" if path else "build_alibi_tensor"
            yield Bias(full, "ALiBi", _alibi(make, heads), module, "build_alibi_tensor")


def _bucketed(
    attention: Any, table: torch.nn.Embedding, buckets: Callable[..., torch.Tensor]
) -> Callable[[torch.Tensor], torch.Tensor]:
    """As T5 has it: distances share buckets that grow with the distance."""

    def of_distances(distances: torch.Tensor) -> torch.Tensor:
        numbers = buckets(
            distances,
            bidirectional=not getattr(attention, "is_decoder", False),
            num_buckets=table.num_embeddings,
            max_distance=getattr(attention, "relative_attention_max_distance", 128),
        )
        return table.weight.detach().cpu()[numbers].T

    return of_distances


def _alibi(make: Callable[..., torch.Tensor], heads: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """As Bloom has it: a slope for each head (Press et al. 2022, "Train Short, Test Long")."""

    def of_distances(distances: torch.Tensor) -> torch.Tensor:
        ones = torch.ones(1, 2, dtype=torch.int64)
        slopes = make(ones, heads, torch.float32).detach().reshape(heads, 2).diff(dim=1)
        # The model adds slope · key: the same for the softmax, as a row's constant cancels out.
        biases: torch.Tensor = slopes.cpu() * distances
        return biases

    return of_distances
