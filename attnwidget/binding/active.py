"""What is listening in this thread: the forward passes being recorded, and when not to listen."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
    """

    def __init__(self) -> None:
        self.recorders: tuple[Recorder, ...] = ()
        self.silent = False
        self.mode: TorchFunctions | None = None
        self.unseen = False


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
