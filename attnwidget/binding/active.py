"""What is listening in this thread: the forward passes being recorded, and when not to listen."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.autograd.graph import GradientEdge

    from attnwidget.binding.bound import Binding
    from attnwidget.binding.kept import Kept
    from attnwidget.binding.recorder import Recorder
    from attnwidget.binding.torch_functions import TorchFunctions


class _Active(threading.local):
    """Per thread: forward passes of other threads are never mixed in.

    Attributes
    ----------
    recorders : tuple of Recorder
        One per bound model whose forward is running, outermost first.
    silent : bool
        True while an attention function that is recorded as a whole runs, and while we compute.
    mode : TorchFunctions or None
        What listens to torch functions, while it does.
    unseen : bool
        True while we run a bound model for ourselves: that is no pass of anybody's.
    alone : Binding or None
        The only one that sees passes then, if one does.
    edges : dict of Kept to GradientEdge, or None
        Where kept tensors stand in the graph, while a pass is run for its gradients.
    """

    def __init__(self) -> None:
        self.recorders: tuple[Recorder, ...] = ()
        self.silent = False
        self.mode: TorchFunctions | None = None
        self.unseen = False
        self.alone: Binding | None = None
        self.edges: dict[Kept, GradientEdge] | None = None


active = _Active()


@contextmanager
def silence() -> Iterator[None]:
    """Record nothing in this thread meanwhile."""
    before = active.silent
    active.silent = True
    try:
        yield
    finally:
        active.silent = before


@contextmanager
def unseen() -> Iterator[None]:
    """Let forward passes of this thread go by unrecorded meanwhile, whoever has bound the model."""
    before = active.unseen, active.recorders
    active.unseen, active.recorders = True, ()
    try:
        with silence():
            yield
    finally:
        active.unseen, active.recorders = before


@contextmanager
def alone(binding: Binding) -> Iterator[None]:
    """Let forward passes of this thread be recorded by one binding only, whoever has others."""
    before = active.unseen, active.recorders, active.silent, active.alone
    active.unseen, active.recorders, active.silent, active.alone = True, (), False, binding
    try:
        yield
    finally:
        active.unseen, active.recorders, active.silent, active.alone = before
