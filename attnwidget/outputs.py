"""What a forward pass returned, as far as a reader wants to see it: its logits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import torch

from attnwidget.binding.kept import version as version_of
from attnwidget.trouble import Trouble


@dataclass(frozen=True, eq=False)
class Logits:
    """Logits of one forward pass: a reference, which keeps neither graph nor other outputs alive.

    Attributes
    ----------
    kept : Tensor
        Detached, of the model's dtype: (B, T, V) one row per token, or (B, C) one per text.
    version : int or None
        How often its storage had been written into when the pass ended; None where that is not
        known, under ``torch.inference_mode``.
    named : bool
        Whether the model calls them logits. A bare tensor may be hidden states as well.
    """

    kept: torch.Tensor = field(repr=False)
    version: int | None
    named: bool = True

    @property
    def tensor(self) -> torch.Tensor:
        """The logits as the model returned them.

        Raises
        ------
        Trouble
            If somebody has written into them since, as loops that sample do.
        """
        if self.version is not None and version_of(self.kept) != self.version:
            raise Trouble(
                "The logits were overwritten after the pass.",
                "Make a new tensor: logits = logits / temperature, not logits /= temperature.",
            )
        return self.kept


def logits_of(output: Any) -> Logits | None:
    """Logits among what a forward returned, or None.

    Parameters
    ----------
    output : object
        Something with ``logits``, by attribute or by key; or a floating tensor; or a tuple or list
        whose first such tensor of two or three axes is meant, as in ``(loss, logits)``.

    Notes
    -----
    A model without a head returns hidden states, and nothing tells these from logits if they come
    as a bare tensor.
    """
    found, named = logits_in(output)
    return None if found is None else Logits(found.detach(), version_of(found), named=named)


def logits_in(output: Any) -> tuple[torch.Tensor | None, bool]:
    """The tensor of logits itself, with its graph, and whether the model calls it logits."""
    named = output.get("logits") if isinstance(output, Mapping) else None
    if named is None and not isinstance(output, torch.Tensor):
        named = getattr(output, "logits", None)
    found = named
    if found is None and isinstance(output, tuple | list):
        found = next((one for one in output if _is_per_item(one)), None)
    elif found is None:
        found = output
    return (found if _is_floating(found) else None), named is not None


def _is_floating(value: object) -> TypeGuard[torch.Tensor]:
    return isinstance(value, torch.Tensor) and value.is_floating_point()


def _is_per_item(value: object) -> bool:
    return _is_floating(value) and value.dim() in (2, 3)
