"""Tensors kept from a call: references, never copies unless asked for."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.autograd.graph import get_gradient_edge

from attnwidget.binding.active import active
from attnwidget.binding.caches import Positions


def version(tensor: torch.Tensor) -> int | None:
    """Return how often the storage was written into; not known under torch.inference_mode."""
    return None if tensor.is_inference() else tensor._version


class Place(NamedTuple):
    """Where a tensor lies in memory: address of the storage, and offset and strides in it."""

    storage: int
    offset: int
    strides: tuple[int, ...]


def place_of(tensor: torch.Tensor) -> Place | None:
    """Return where a tensor lies; None where it has no single storage of its own."""
    if tensor.layout is not torch.strided or tensor.is_nested or tensor.device.type == "meta":
        return None
    storage = tensor.untyped_storage().data_ptr()
    return Place(storage, int(tensor.storage_offset()), tensor.stride())


class Kept:
    """A detached reference to a tensor, and whether somebody wrote into it since.

    A detached tensor shares storage and version counter with the original, but not its autograd
    graph, so keeping it keeps no graph alive.
    """

    __slots__ = ("_place", "_version", "tensor")

    def __init__(self, tensor: torch.Tensor, copy: bool = False) -> None:
        if tensor.requires_grad:
            if active.edges is not None:
                active.edges[self] = get_gradient_edge(tensor)
            tensor = tensor.detach()
        self._place = place_of(tensor) if copy else None
        self.tensor = tensor.clone() if copy else tensor
        self._version = None if self.tensor.is_inference() else self.tensor._version

    @property
    def place(self) -> Place | None:
        """Where the tensor lay that was given."""
        return self._place or place_of(self.tensor)

    def overwritten(self) -> bool:
        """Whether an in-place operation has touched the storage since the call, or freed it."""
        if self._version is not None and self.tensor._version != self._version:
            return True
        # FSDP frees the storage of gathered parameters; reading on would read anything.
        is_plain = self.tensor.layout is torch.strided and self.tensor.device.type != "meta"
        return is_plain and bool(self.tensor.numel()) and not self.tensor.untyped_storage().nbytes()

    def untracked(self) -> bool:
        """Whether overwriting would go unnoticed."""
        return self._version is None


def before_dropout(p: float) -> str:
    """Why W @ V cannot meet the output where dropout was active; "" where it was not."""
    if not p > 0.0:
        return ""
    return f"dropout ({p:g}) was active, and the weights shown are before it"


class Keeping:
    """The tensors one piece of evidence rests on, by the names a reader knows them by.

    The output is kept apart: it only serves to check, so overwriting it loses no weights.
    """

    positions: Positions | None = None
    _kept: dict[str, Kept]
    _kept_output: Kept | None
    _unchecked: str

    def overwritten(self) -> list[str]:
        return [name for name, kept in self._kept.items() if kept.overwritten()]

    def untracked(self) -> bool:
        return any(kept.untracked() for kept in self._kept.values())

    def tensors(self) -> list[torch.Tensor]:
        kept = [*self._kept.values(), *([self._kept_output] if self._kept_output else [])]
        return [one.tensor for one in kept]

    @property
    def why_unchecked(self) -> str:
        if self._unchecked:
            return self._unchecked
        if self._kept_output is None:
            return "the output of the call was not seen"
        if self._kept_output.overwritten():
            return "the output was overwritten after the call"
        return ""
