"""A product of queries and keys, and the operations that its result went through since."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from attnwidget.binding.kept import Kept
from attnwidget.binding.steps import Cut, Step, cut_like, nbytes
from attnwidget.selection import take

_LETTERS = "abcdefgh"


@dataclass(frozen=True, slots=True)
class Product:
    """The product that scores began as.

    Attributes
    ----------
    step : Step
        The product itself, run on its stored operands.
    left, right : Kept
        The operands as they met.
    prescaled : float
        A single number that the left one had just been multiplied by.
    equation : tuple of str or None
        (left letters, right letters, result letters) of an einsum.
    """

    step: Step
    left: Kept
    right: Kept
    prescaled: float = 1.0
    equation: tuple[str, str, str] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the result."""
        return self.step.after

    @property
    def overwrites(self) -> bool:
        """Whether running it again writes into a tensor that is kept."""
        return self.step.overwrites

    def kept(self) -> list[Kept]:
        """All tensors needed to run it again."""
        return self.step.kept()

    def letters(self) -> tuple[str, str, str]:
        """Name the axes of left, right and result; of a matrix product as an einsum would."""
        if self.equation is not None:
            return self.equation
        n = len(self.step.after)
        leading = _LETTERS[: n - 2]
        of_left = leading[n - self.left.tensor.dim() :] + "ym"
        of_right = leading[n - self.right.tensor.dim() :] + "mz"
        return of_left, of_right, leading + "yz"

    def run(self, cut: Cut) -> torch.Tensor:
        """Compute the product again, or only a part of it."""
        of_left, of_right, of_result = self.letters()

        def part(kept: Kept) -> torch.Tensor:
            if kept is not self.left and kept is not self.right:
                return cut_like(kept.tensor, cut, len(of_result))  # what baddbmm adds
            letters, tensor = of_left if kept is self.left else of_right, kept.tensor
            for place, axis in cut.items():
                if of_result[place] in letters:
                    tensor = take(tensor, letters.index(of_result[place]), axis)
            return tensor

        return self.step.run(None, part)


@dataclass(frozen=True, slots=True)
class Given:
    """Scores that are no product of queries and keys, as in additive attention and in pooling.

    Attributes
    ----------
    scores : Kept
        What entered the softmax.
    """

    scores: Kept

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the scores."""
        return tuple(self.scores.tensor.shape)

    @property
    def overwrites(self) -> bool:
        """Never: nothing is run again."""
        return False

    def kept(self) -> list[Kept]:
        """All tensors needed."""
        return [self.scores]

    def run(self, cut: Cut) -> torch.Tensor:
        """Return the scores, or only a part of them."""
        return cut_like(self.scores.tensor, cut, len(self.shape))


@dataclass(frozen=True, slots=True)
class Chain:
    """A product and the steps since, as a linked list that tensors share.

    Attributes
    ----------
    repeatable : bool
        Whether running it again gives the same and writes into nothing that is kept.
    nbytes : int
        Size of the other tensors that the steps keep (masks, biases).
    """

    product: Product | Given
    repeatable: bool
    before: Chain | None = None
    step: Step | None = None
    nbytes: int = 0

    def then(self, step: Step, seen: bool) -> Chain:
        """Return the chain with one more step.

        Parameters
        ----------
        seen : bool
            Whether all that was written into the tensor before is among the steps.
        """
        repeatable = self.repeatable and seen and step.repeatable
        return Chain(self.product, repeatable, self, step, self.nbytes + nbytes(step.kept()))

    def steps(self) -> list[Step]:
        """Return the steps after the product, in order."""
        found = []
        link: Chain | None = self
        while link is not None and link.step is not None:
            found.append(link.step)
            link = link.before
        return found[::-1]

    def kept(self) -> list[Kept]:
        """All tensors needed to replay."""
        return [one for step in (self.product, *self.steps()) for one in step.kept()]

    def intact(self) -> bool:
        """Whether they can be used, and will be left as they are."""
        steps = (self.product, *self.steps())
        return not any(
            step.overwrites or any(kept.overwritten() for kept in step.kept()) for step in steps
        )

    def scale(self) -> float | None:
        """Return the factor on q · k that single numbers amount to; None without q · k."""
        if isinstance(self.product, Given):
            return None
        scale = self.product.prescaled * float(self.product.step.kwargs.get("alpha", 1.0))
        for step in self.steps():
            factor = step.factor
            if factor is not None:
                scale *= factor
        return scale
