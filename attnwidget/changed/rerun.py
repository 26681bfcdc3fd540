"""A pass made once more, as it was and with one thing changed."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch

from attnwidget.changed.compared import Compared, compared
from attnwidget.outputs import logits_of
from attnwidget.passes import Snapshot
from attnwidget.running import Encoded, on_the_side
from attnwidget.session import Session
from attnwidget.trouble import Trouble

T = TypeVar("T")

# How far what is computed again may lie from what the pass returned.
_ROUNDING = 1e-4


@dataclass(eq=False)
class Rerun:
    """A pass that can be made once more.

    Attributes
    ----------
    model : Module
    encoded : Encoded
        What it is called with.
    item : int
        The item of the batch whose predictions are compared.
    one_of : bool
        See `compared`.
    before : Tensor
        (T, V) logits of the model as it stands, or (1, C).
    remark : str
        What to know of them, in words.
    """

    model: torch.nn.Module = field(repr=False)
    encoded: Encoded = field(repr=False)
    item: int
    one_of: bool
    before: torch.Tensor = field(repr=False)
    remark: str = ""
    _versions: tuple[int, ...] = ()
    _compared: dict[Hashable, tuple[Compared, Any]] = field(default_factory=dict)

    def compare(
        self, name: Hashable, changed: Callable[[], AbstractContextManager[T]]
    ) -> tuple[Compared, T]:
        """Make the pass with something changed, and say how far its predictions have moved.

        Parameters
        ----------
        name : hashable
            Names the change: the same is made only once.
        changed : callable
            Makes a context within which the model is changed.

        Returns
        -------
        Compared, and what the context gave.
        """
        if name not in self._compared:
            with changed() as given:
                after = run_again(self.model, self.encoded, self.item)
            made = compared(self.before, after, one_of=self.one_of)
            self._compared[name] = made, given
        return self._compared[name]

    def has(self, name: Hashable) -> bool:
        """Whether the pass has been made so already."""
        return name in self._compared

    @property
    def is_current(self) -> bool:
        """Whether the model's parameters are those of `before`, as far as can be known."""
        return self._versions == _versions(self.model)


def rerun_of(session: Session, snapshot: Snapshot, batch: int, *, one_of: bool) -> Rerun:
    """The pass once more, kept until another is asked for or the model changes.

    Raises
    ------
    Trouble
        If there is no model, or what it was called with is not known.
    """
    model = session.model
    if model is None:
        raise Trouble(
            "There is no model that could be run once more.",
            "Only its attention was given: run the model itself, aw.explore(model, ...).",
        )
    kept: Rerun | None = snapshot.measured.get("rerun")
    if kept is not None and kept.item == batch and kept.is_current:
        return kept
    for other in session.passes:  # a reader looks at one at a time, and logits are large
        other.measured.pop("rerun", None)
    encoded, versions = _inputs(snapshot), _versions(model)
    before = run_again(model, encoded, batch)
    remark = _remark(snapshot, batch, before)
    made = Rerun(model, encoded, batch, one_of, before, remark, versions)
    snapshot.measured["rerun"] = made
    return made


def run_again(model: torch.nn.Module, encoded: Encoded, item: int) -> torch.Tensor:
    """Logits (T, V) or (1, C) of one item of the batch."""
    with on_the_side(model):
        logits = logits_of(model(*encoded.args, **encoded.kwargs))
        if logits is None:
            raise Trouble("Run once more, the model returned no logits.", "It did so before.")
        return logits.tensor[item] if logits.tensor.dim() == 3 else logits.tensor[item, None]


def _inputs(snapshot: Snapshot) -> Encoded:
    """What to call the model with."""
    given = snapshot.given
    if given is None or given.encoded is None:
        why = "what the model was called with is not known" if given is None else given.why_not
        raise Trouble(
            f"This pass cannot be made once more: {why}.",
            "Run the whole text at once, without a cache: its predictions are then compared at "
            "every token.",
        )
    if given.is_overwritten:
        raise Trouble(
            "This pass cannot be made once more: its inputs were overwritten afterwards.",
            "Give the model tensors that are not written into, or run it again.",
        )
    given.check_alone()
    return given.encoded


def _remark(snapshot: Snapshot, batch: int, before: torch.Tensor) -> str:
    """Whether the pass itself had other predictions, in words."""
    if snapshot.logits is None:
        return ""
    own = snapshot.logits.tensor[batch]
    own = own if own.dim() == 2 else own[None]
    if own.shape == before.shape:
        largest = float(before.abs().nan_to_num().max()) or 1.0
        apart = float((own.to(before.device).float() - before.float()).abs().nan_to_num().max())
        if apart <= _ROUNDING * largest:
            return ""
    return (
        "The pass itself predicted otherwise: both are of the model as it is now, without dropout."
    )


def _versions(model: torch.nn.Module) -> tuple[int, ...]:
    """How often each parameter has been written into, where that is known."""
    return tuple(0 if p.is_inference() else p._version for p in model.parameters())
