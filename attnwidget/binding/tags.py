"""What is known of the tensors of a forward pass while it runs."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

import torch

from attnwidget.binding.chain import Chain
from attnwidget.binding.course import Course
from attnwidget.binding.folds import Folded
from attnwidget.binding.kept import Kept, version


@dataclass(frozen=True, slots=True)
class Scaled:
    """Tag of a tensor that was just multiplied by a single number."""

    factor: float


@dataclass(frozen=True, slots=True)
class Weights:
    """Tag of what a softmax made of scores.

    Attributes
    ----------
    course : Course
        How it came about.
    scores : Kept or None
        What entered the softmax, where keeping it is cheaper than the chain.
    clean : Kept or None
        The tensor before dropout, once dropout was active.
    pending : int
        How many of the later steps came after that.
    dropout : str
        What to say about dropout.
    """

    course: Course
    scores: Kept | None = None
    clean: Kept | None = None
    pending: int = 0
    dropout: str = ""


@dataclass(frozen=True, slots=True)
class Weighed:
    """Tag of weights times values, element by element: a sum over keys may follow.

    Attributes
    ----------
    of_weights : Weights
        Tag of the weights.
    weights, values : Tensor
        What was multiplied.
    """

    of_weights: Weights
    weights: torch.Tensor
    values: torch.Tensor


Tag = Chain | Weights | Scaled | Folded | Weighed


class Tags:
    """What is known of tensors that are alive, by identity.

    A table beside the tensors, so nothing is left on those that the user gets back.
    """

    def __init__(self) -> None:
        self._table: dict[int, tuple[weakref.ref[torch.Tensor], Tag, int | None]] = {}

    def __bool__(self) -> bool:
        return bool(self._table)

    def put(self, tensor: torch.Tensor, tag: Tag) -> None:
        key, table = id(tensor), self._table

        def forget(gone: weakref.ref[torch.Tensor]) -> None:
            if key in table and table[key][0] is gone:
                del table[key]

        table[key] = (weakref.ref(tensor, forget), tag, version(tensor))

    def of(self, value: object) -> Tag | None:
        found = self._table.get(id(value))
        return found[1] if found is not None and found[0]() is value else None

    def unwritten(self, tensor: torch.Tensor, by: int = 0) -> bool:
        """Whether a tensor still is what its tag says: views of it may have been written into.

        Parameters
        ----------
        by : int
            How often the function that has just been given the tensor wrote into it.
        """
        before, now = self._table[id(tensor)][2], version(tensor)
        return before is None or now is None or now - before == by

    def clear(self) -> None:
        self._table.clear()

    def among(
        self, args: tuple[Any, ...], kwargs: dict[str, Any] | None
    ) -> tuple[torch.Tensor, Tag] | None:
        """Return the argument that is followed, also inside a list as cat takes it.

        Of several it is the first, but weights come before scores.
        """
        first = None
        for value in args if not kwargs else (*args, *kwargs.values()):
            for one in value if type(value) in (list, tuple) else (value,):
                tag = self.of(one)
                if isinstance(tag, Weights):
                    return one, tag
                if first is None and tag is not None and not isinstance(tag, Scaled | Weighed):
                    first = one, tag
        return first
