"""Delivery: which pictures the page wants, and bringing them in order, newest first.

Knows nothing of widgets: it is given a way to draw, a way to send, and the event loop.
"""

from __future__ import annotations

import math
import threading
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from attnwidget import messages
from attnwidget.messages import Message, Picture, Slices, Want, Wants

# The page redraws at most this often; between two pushes the newest pass wins.
SECONDS_BETWEEN_PUSHES = 0.1
# Drawing waits so many times as long as it took, so that a training loop hardly notices it.
WAIT_PER_DRAWING = 120
# When no pass has come for so long, nothing is running that drawing could slow down.
SECONDS_OF_QUIET = 0.25
# A reloaded page cannot take back what it wanted before: only the newest lists are kept.
MOST_VIEWS = 6


# Stands for the view of a page that has not been heard.
_ASSUMED = ""


@dataclass
class Delivery:
    """Keeps the list of wants of every view and answers them.

    Parameters
    ----------
    paint : callable
        Draws a want in slices; what is not yet a picture says how far it has come.
    send : callable
        Sends one message to the page.
    edition : callable
        Edition of what is shown now: pictures of an older one are out of date.
    loop : AbstractEventLoop or None
        Where slices are run. Without one (a plain script) everything is drawn at once.
    assume : callable
        What a page will want that has been opened but not been heard yet: a kernel that is busy
        hears nothing until its cells have ended.
    """

    paint: Callable[[Want], Slices]
    send: Callable[[Message], None]
    edition: Callable[[], int]
    loop: AbstractEventLoop | None = None
    assume: Callable[[], tuple[Want, ...]] = tuple
    _is_heard: bool = False
    _views: dict[str, tuple[Want, ...]] = field(default_factory=dict)
    _brought: dict[str, int] = field(default_factory=dict)
    # Wants that are being drawn, with the edition they are drawn from.
    _at_work: dict[str, tuple[Slices, int]] = field(default_factory=dict)
    _told: float = 0.0
    _turn_is_set: bool = False
    # Of pushes: whether one is due, and on the loop; when the last was, and what it has cost.
    _push_is_due: bool = False
    _push_is_set: bool = False
    _last_asked: float = -math.inf
    _last_push: float = -math.inf
    _spent: float = 0.0
    _worked_at_push: tuple[int, float] = (0, 0.0)
    _is_for_push: bool = False
    # A training thread may push while the event loop draws.
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def want(self, message: Wants) -> None:
        """Take the whole list of what one view shows; what is on it no longer is dropped."""
        with self._lock:
            self._is_heard = True
            self._views.pop(_ASSUMED, None)
            self._views.pop(message.view, None)
            if message.wants:
                self._views[message.view] = message.wants
            for view in list(self._views)[:-MOST_VIEWS]:
                del self._views[view]
            if message.again:
                for want in message.wants:
                    self._brought.pop(want["key"], None)
                    self._at_work.pop(want["key"], None)
            wanted = {want["key"] for want in self._wanted()}
            self._brought = {key: n for key, n in self._brought.items() if key in wanted}
            self._at_work = {key: work for key, work in self._at_work.items() if key in wanted}
            self._is_for_push = False
        self._set_turn()

    def push(self) -> None:
        """Bring what is out of date again, now: a pass has ended, perhaps within a running cell.

        The model's own picture is always drawn anew, as it counts the passes. All this happens at
        most ten times a second, and more rarely where drawing takes long; a pass that comes sooner
        is shown with the next, or when the kernel is free again. Without a page, or without an
        event loop to come back to it, nothing more is done.
        """
        with self._lock:
            if not self._views and not self._is_assuming():
                return
            self._push_is_due = True
            self._last_asked = time.monotonic()
            if self._wait() <= 0:
                self._bring_again()
            else:
                self._set_later_push(0.0)

    def hurry(self) -> None:
        """The reader waits for the push that is due: it need not spare a running loop."""
        with self._lock:
            if self._push_is_due:
                self._last_asked = -math.inf
                since = time.monotonic() - self._last_push
                if self._running_loop() is None or since >= SECONDS_BETWEEN_PUSHES:
                    self._bring_again()

    def drop_all(self) -> None:
        """Forget every view: the widget is closed."""
        self._views.clear()
        self._at_work.clear()

    # -- one picture ------------------------------------------------------------------------------

    def _is_assuming(self) -> bool:
        """Whether there may be a page that could not be heard yet."""
        return not self._is_heard and self._running_loop() is not None

    def _bring_again(self) -> None:
        self._push_is_due = False
        if self._is_assuming():
            self._views[_ASSUMED] = self.assume()
        if not self._wanted():
            return
        self._last_push = time.monotonic()
        self._worked_at_push = threading.get_ident(), time.thread_time()
        self._spent, self._is_for_push = 0.0, True
        for want in self._wanted():
            is_counting = want["kind"] == "model"
            if not want.get("prefetch") and (is_counting or not self._has(want)):
                self._bring_first(want)
        if self._running_loop() is not None:
            self._set_turn()

    def _bring_first(self, want: Want) -> None:
        """Draw up to the first picture; a finer one is left for the event loop, if there is one."""
        number = self.edition()
        slices = self.paint(want)
        try:
            with self._timed():
                for made in slices:
                    if isinstance(made, Picture):
                        self._send(want, number, made)
                        if self._running_loop() is not None:
                            if made.coarse:
                                self._at_work[want["key"]] = (slices, number)
                            return
        except Exception as error:  # shown in the picture's place; the kernel goes on
            self._refuse(want, number, error)

    def _work_one_slice(self) -> None:
        """Go on with the most important want that is missing; a long one waits for it meanwhile."""
        want = next((w for w in self._wanted() if not self._has(w)), None)
        if want is None:
            return
        key, edition = want["key"], self.edition()
        if key not in self._at_work or self._at_work[key][1] != edition:
            self._at_work[key] = (self.paint(want), edition)
            self._told = time.monotonic()
        slices, number = self._at_work[key]
        try:
            with self._timed():
                made = next(slices)
        except StopIteration:
            self._brought[key] = number
            self._at_work.pop(key, None)
        except Exception as error:  # shown in the picture's place; the kernel goes on
            self._at_work.pop(key, None)
            self._refuse(want, number, error)
        else:
            if isinstance(made, Picture):
                self._send(want, number, made)
            elif time.monotonic() - self._told > SECONDS_BETWEEN_PUSHES:
                self._told = time.monotonic()
                self.send(messages.progress(made))

    def _send(self, want: Want, number: int, made: Picture) -> None:
        self.send(messages.picture(want["key"], number, made))
        if not made.coarse:
            self._brought[want["key"]] = number
            self._at_work.pop(want["key"], None)

    def _refuse(self, want: Want, number: int, error: Exception) -> None:
        self._brought[want["key"]] = number
        if not want.get("prefetch"):
            self.send(messages.trouble(want["key"], error))

    def _has(self, want: Want) -> bool:
        return self._brought.get(want["key"]) == self.edition()

    def _wanted(self) -> list[Want]:
        """Wants of all views, what is on screen before what may be looked at next."""
        every = [want for wants in self._views.values() for want in wants]
        in_order = sorted(every, key=lambda want: bool(want.get("prefetch")))
        return list({want["key"]: want for want in reversed(in_order)}.values())[::-1]

    # -- when to push -----------------------------------------------------------------------------

    def _wait(self) -> float:
        """Seconds until the next push may be made while something runs."""
        now = time.monotonic()
        thread, worked = self._worked_at_push
        # Drawing takes nothing from a loop that sleeps or waits most of the time.
        busy = 1.0
        if thread == threading.get_ident() and now > self._last_push:
            busy = min(1.0, (time.thread_time() - worked) / (now - self._last_push))
        pause = max(SECONDS_BETWEEN_PUSHES, self._spent * WAIT_PER_DRAWING * busy)
        return self._last_push + pause - now

    @contextmanager
    def _timed(self) -> Iterator[None]:
        """Count this as time spent on the last push, unless the page has asked for it since."""
        start = time.monotonic()
        try:
            yield
        finally:
            if self._is_for_push:
                self._spent += time.monotonic() - start

    def _set_later_push(self, seconds: float) -> None:
        loop = self._running_loop()
        if loop is not None and not self._push_is_set:
            self._push_is_set = True
            loop.call_soon_threadsafe(loop.call_later, seconds, self._push_later)

    def _push_later(self) -> None:
        """Push what is due, if its time has come or nothing runs any more; else try again."""
        with self._lock:
            self._push_is_set = False
            if not self._push_is_due:
                return
            quiet = max(
                self._last_push + SECONDS_BETWEEN_PUSHES, self._last_asked + SECONDS_OF_QUIET
            )
            wait = min(self._wait(), quiet - time.monotonic())
            if wait <= 0:
                self._bring_again()
            else:
                self._set_later_push(wait)

    # -- turns on the event loop ------------------------------------------------------------------

    def _running_loop(self) -> AbstractEventLoop | None:
        return None if self.loop is None or self.loop.is_closed() else self.loop

    def _set_turn(self) -> None:
        loop = self._running_loop()
        if loop is None:
            while self._has_work():
                self._work_one_slice()
        elif not self._turn_is_set:
            self._turn_is_set = True
            loop.call_soon_threadsafe(self._turn)

    def _turn(self) -> None:
        with self._lock:
            self._turn_is_set = False
            self._work_one_slice()
            more = self._has_work()
        if more:
            self._set_turn()

    def _has_work(self) -> bool:
        return any(not self._has(want) for want in self._wanted())
