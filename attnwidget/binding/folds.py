"""Whether the leading axis of a three-axis attention is batch, or batch times heads.

The map itself does not say. What the model does with the result does: heads that were folded into
the leading axis are laid side by side again before they are used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from attnwidget.binding.layout import Fold
from attnwidget.binding.steps import Step
from attnwidget.binding.torch_names import CHUNKS, RESHAPES


@dataclass(frozen=True, slots=True)
class Folded:
    """Tag of an attention output (N, Tq, dv), followed until its heads come apart.

    Attributes
    ----------
    fold : Fold
        Told what is found.
    size : tuple of int
        N, Tq, dv.
    places : tuple of int
        Axes where N, Tq and dv are now.
    batch : int or None
        First size of the model's first input, to tell (B, H) from (H, B).
    """

    fold: Fold
    size: tuple[int, int, int]
    places: tuple[int, int, int]
    batch: int | None

    def after(self, func: Any, args: tuple[Any, ...], step: Step) -> Folded | None:
        """Return the tag of the result of one operation; None when nothing more can be learnt."""
        n, _, d = self.size
        if func in CHUNKS:
            numbers = [a for a in (*args[1:], *step.kwargs.values()) if isinstance(a, int)]
            axis = numbers[1] % 3 if len(numbers) > 1 else 0
            if axis == self.places[0] and numbers:
                is_count = getattr(func, "__name__", "") == "chunk"
                self.fold.heads = numbers[0] if is_count else n // numbers[0]
                self.fold.head_major = True
            return None
        if func in RESHAPES and len(step.before) == 3:
            self._read(step.after, n, d)
            return None
        if len(step.after) != 3:
            return None
        moved = [step.follow(place) for place in self.places]
        if None in moved:
            return None
        return Folded(self.fold, self.size, tuple(moved), self.batch)  # type: ignore[arg-type]

    def _read(self, shape: tuple[int, ...], n: int, d: int) -> None:
        order = sorted(range(3), key=lambda i: self.places[i])  # which of N, Tq, dv comes first
        last = shape[-1]
        if order[2] == 2 and order[1] == 0 and last != d:
            heads = last // d
            if last % d == 0 and n % heads == 0:
                self.fold.heads = heads
        elif order[0] == 0 and len(shape) >= 4 and shape[0] * shape[1] == n:
            self.fold.head_major = shape[1] == self.batch != shape[0]
            self.fold.heads = shape[0] if self.fold.head_major else shape[1]


def folded(output: torch.Tensor, fold: Fold, batch: int | None) -> Folded | None:
    """Return the tag for an attention output, if it has three axes."""
    if output.dim() != 3 or output.shape[0] == 1:
        return None
    n, t, d = output.shape
    return Folded(fold, (n, t, d), (0, 1, 2), batch)
