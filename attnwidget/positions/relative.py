"""Relative keys: a vector for each distance, against which queries are held as against keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch

from attnwidget.steps.projection import ATTENTION, FLOATS

_CALLED = re.compile(r"(^|_)(distances?|rel(ative)?|rel_?pos\w*)(_|$)", re.I)
_CALLED_OTHERWISE = re.compile(
    r"bias|bucket|index|(^|_)ids?$|mask|val(ue)?s?(_|$)|(^|_)v(_|$)", re.I
)


@dataclass(frozen=True, eq=False)
class RelativeKeys:
    """The vectors r of q · (k + r), one for each distance from 0 up, the same for all heads.

    After Shaw et al. (2018, "Self-Attention with Relative Position Representations").

    Attributes
    ----------
    path : str
    owner, name : Module, str
        Whose parameter they are, and which.
    """

    path: str
    owner: torch.nn.Module = field(repr=False)
    name: str

    @property
    def numbers(self) -> torch.Tensor:
        """(P, d), the row of distance 0 first, detached."""
        rows: torch.Tensor = getattr(self.owner, self.name).detach()
        return rows


def relative_keys_of(model: torch.nn.Module) -> Iterator[RelativeKeys]:
    """Tables in attention modules that are called so and are as wide as a head.

    One with an odd number of rows is left out: it has them for distances to both sides, and nothing
    tells in which order.
    """
    for path, module in model.named_modules():
        if not ATTENTION.search(path):
            continue
        widths = [m.in_features for m in module.children() if isinstance(m, torch.nn.Linear)]
        tables = [
            (f"{name}.weight", child, "weight")
            for name, child in module.named_children()
            if isinstance(child, torch.nn.Embedding)
        ]
        tables += [(name, module, name) for name in module._parameters]
        for called, owner, name in tables:
            rows = getattr(owner, name)
            named = called.removesuffix(".weight")
            if not _CALLED.search(named) or _CALLED_OTHERWISE.search(named):
                continue
            if not isinstance(rows, torch.Tensor) or rows.ndim != 2 or rows.dtype not in FLOATS:
                continue
            if rows.shape[0] % 2 == 0 and any(width % rows.shape[1] == 0 for width in widths):
                yield RelativeKeys(f"{path}.{called}", owner, name)
