"""Rotary positions: queries and keys are turned by an angle that grows with the position."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch

from attnwidget.positions.names import names_of

_ROTARY = re.compile(r"rotary|rope$|^rope|_rope", re.I)


@dataclass(frozen=True, eq=False)
class Rotary:
    """A module that tells how far queries and keys are turned at each position.

    Attributes
    ----------
    path : str
    module : Module
    inv_freq : Tensor
        (d / 2,), angle per position of each pair of numbers, in radians.
    """

    path: str
    module: torch.nn.Module = field(repr=False)
    inv_freq: torch.Tensor = field(repr=False)


def rotary_of(model: torch.nn.Module) -> Iterator[Rotary]:
    """Modules called rotary with an inv_freq, or with other angles that fall."""
    for path, module in model.named_modules():
        buffers = {name: b for name, b in module._buffers.items() if b is not None and b.dim() == 1}
        name = next((n for n in buffers if n.endswith("inv_freq") and "original" not in n), None)
        if name is None and _is_rotary(path, module):
            name = next((n for n, b in buffers.items() if _falls(b)), None)
        elif name is not None and not _is_rotary(path, module):
            continue  # XLNet makes sines of it
        if name is not None and buffers[name].device.type != "meta":
            yield Rotary(path, module, buffers[name].detach())


def _is_rotary(path: str, module: torch.nn.Module) -> bool:
    return any(_ROTARY.search(name) for name in names_of(path, module))


def _falls(numbers: torch.Tensor) -> bool:
    is_float = numbers.is_floating_point() and numbers.numel() > 1
    return is_float and bool((numbers.diff() < 0).all()) and bool((numbers > 0).all())
