"""The whole way from queries and keys to the weights a product with values used."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from attnwidget.binding.chain import Chain
from attnwidget.binding.kept import Kept
from attnwidget.binding.steps import Cut, Step, nbytes
from attnwidget.binding.torch_names import LAYOUTS


@dataclass(frozen=True, slots=True)
class Course:
    """A product, the steps to a softmax, the softmax, and the steps since; dropout left out.

    Attributes
    ----------
    chain : Chain
        How the softmax's input came about.
    softmax : Step
        The softmax.
    repeatable : bool
        Whether running it all again gives the same and writes into nothing that is kept.
    later : tuple of Step
        What was done to the result of the softmax.
    """

    chain: Chain
    softmax: Step
    repeatable: bool
    later: tuple[Step, ...] = ()

    def then(self, step: Step, seen: bool) -> Course:
        """Return the course with one more step; see `Chain.then`."""
        repeatable = self.repeatable and seen and step.repeatable
        return replace(self, later=(*self.later, step), repeatable=repeatable)

    def kept(self) -> list[Kept]:
        """All tensors needed to run it again."""
        return [
            *self.chain.kept(),
            *self.softmax.kept(),
            *(one for step in self.later for one in step.kept()),
        ]

    @property
    def nbytes(self) -> int:
        """Size of those tensors."""
        chain = nbytes(self.chain.product.kept()) + self.chain.nbytes
        return chain + sum(nbytes(step.kept()) for step in self.later)

    def intact(self) -> bool:
        """Whether none of them was overwritten."""
        return not any(one.overwritten() for one in self.kept())

    def scores(self, cut: Cut | None = None) -> torch.Tensor:
        """What enters the softmax, moved about as the weights are later; all or a part of it.

        Parameters
        ----------
        cut : dict, optional
            Part asked for, along axes of the product that `divides`.
        """
        return self.moved(self._run(self.chain.steps(), cut or {}))

    def moved(self, scores: torch.Tensor) -> torch.Tensor:
        """Scores in the axes of the weights."""
        for step in self.later:
            if step.func in LAYOUTS:
                scores = step.apply(scores)
        return scores

    def weights(self, cut: Cut | None = None) -> torch.Tensor:
        """What met the values; all or a part of it."""
        return self._run([*self.chain.steps(), self.softmax, *self.later], cut or {})

    def _run(self, steps: list[Step], cut: Cut) -> torch.Tensor:
        tensor = self.chain.product.run(cut)
        for step in steps:
            tensor = step.apply(tensor, cut)
            # Only axes that can be followed are ever cut.
            cut = {step.follow(place): axis for place, axis in cut.items()}  # type: ignore[misc]
        return tensor

    def ends(self) -> dict[int, int]:
        """Axes of the product by where they are in the weights, as far as that can be told."""
        found = {}
        for axis in range(len(self.chain.product.shape)):
            place: int | None = axis
            for step in (*self.chain.steps(), self.softmax, *self.later):
                place = None if place is None else step.follow(place)
            if place is not None:
                found[place] = axis
        return found

    def normalised_axis(self) -> int | None:
        """Axis of the weights along which the softmax made them sum to 1, if that is clear."""
        args, kwargs = self.softmax.args, self.softmax.kwargs
        dim = kwargs.get("dim", args[1] if len(args) > 1 else None)
        if not isinstance(dim, int):
            return None
        axes: tuple[int, ...] = (dim % len(self.softmax.before),)
        for step in self.later:
            axes = step.follow_all(axes) if axes else ()
        return axes[0] if len(axes) == 1 else None

    def divides(self, axis: int) -> bool:
        """Whether a part along an axis of the product can be computed by itself."""
        place: int | None = axis
        for step in (*self.chain.steps(), self.softmax, *self.later):
            if place is None or not step.divides(place):
                return False
            place = step.follow(place)
        return True
