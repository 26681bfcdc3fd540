"""The output whose making is asked about: one logit."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Target:
    """A logit of one pass.

    Attributes
    ----------
    item : int
        Item of the batch of logits.
    position : int or None
        Place in the logits (B, T, V); None for one row per text, (B, C).
    id : int
        In the vocabulary, or of the class.
    """

    item: int
    position: int | None
    id: int

    def logit(self, logits: torch.Tensor) -> torch.Tensor:
        """The number itself, out of (B, T, V) or (B, C)."""
        row = logits[self.item]
        return row[self.id] if self.position is None else row[self.position, self.id]
