"""A piece of work in a thread of its own that goes on only while somebody waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Turns:
    """Work that pauses in the middle, so that an event loop can hear messages in between.

    The two threads never run at the same time: what the work uses, as a model, is free for others
    whenever `go_on` has returned.

    Parameters
    ----------
    work : callable
        Is given `pause`, which it calls wherever it may wait.

    Attributes
    ----------
    is_over : bool
        Whether it has ended.
    error : BaseException or None
        What it raised.
    """

    def __init__(self, work: Callable[[Callable[[], None]], None]) -> None:
        self.is_over = False
        self.error: BaseException | None = None
        self._work = work
        self._may_go = threading.Semaphore(0)
        self._has_paused = threading.Semaphore(0)
        threading.Thread(target=self._run, name="attnwidget writing", daemon=True).start()

    def go_on(self) -> None:
        """Wait until the work has paused again, or ended."""
        if not self.is_over:
            self._may_go.release()
            self._has_paused.acquire()

    def _pause(self) -> None:
        self._has_paused.release()
        self._may_go.acquire()

    def _run(self) -> None:
        self._may_go.acquire()
        try:
            self._work(self._pause)
        except BaseException as error:
            self.error = error
        finally:
            self.is_over = True
            self._has_paused.release()
