"""Numbers of a module that may have had a part in its softmax, found by what they are called."""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch

_CAP = re.compile(r"soft_?cap|logits?_?cap", re.I)
_SINK = re.compile(r"sink|s_aux", re.I)


@dataclass(frozen=True)
class Named:
    """Numbers of a module that are called like something in its softmax; believed if they fit.

    Attributes
    ----------
    caps : tuple of float
        Scores are cap * tanh(scaled / cap).
    sinks : tuple of float
        Scores of a key that has no value.
    """

    caps: tuple[float, ...] = ()
    sinks: tuple[float, ...] = ()

    @classmethod
    def of(cls, module: torch.nn.Module | None, heads: int, head: int) -> Named:
        """What a module has of them for one of its heads."""
        if module is None:
            return cls()
        caps, sinks = [], []
        for name, value in {**vars(module), **module._buffers, **module._parameters}.items():
            if _CAP.search(name):
                caps += _numbers(value, 1)
            elif _SINK.search(name):
                sinks += _numbers(value, heads)[head : head + 1]
        return cls(tuple(caps), tuple(sinks))


def _numbers(value: object, count: int) -> list[float]:
    """A number or a tensor as so many numbers; none if it has more or fewer."""
    if isinstance(value, torch.Tensor):
        is_there = value.numel() == count and value.device.type != "meta"
        return [float(one) for one in value.detach().flatten().tolist()] if is_there else []
    return [float(value)] if isinstance(value, int | float) and count == 1 else []
