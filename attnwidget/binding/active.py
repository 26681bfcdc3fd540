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
    """

    def __init__(self) -> None:
        self.recorders: tuple[Recorder, ...] = ()
        self.silent = False
        self.mode: TorchFunctions | None = None


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
