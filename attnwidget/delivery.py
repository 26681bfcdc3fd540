"""Delivery: which pictures the page wants, and bringing them in order, newest first.

Knows nothing of widgets: it is given a way to draw, a way to send, and the event loop.
"""

from __future__ import annotations

import threading
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable
from dataclasses import dataclass, field

from attnwidget import messages
from attnwidget.messages import Message, Picture, Slices, Want, Wants

# The page redraws at most this often; between two pushes the newest pass wins.
SECONDS_BETWEEN_PUSHES = 0.1
# A reloaded page cannot take back what it wanted before: only the newest lists are kept.
MOST_VIEWS = 6


@dataclass
class Delivery:
    """Keeps the list of wants of every view and answers them.

    Parameters
    ----------
    paint : callable
        Draws a want in slices; what is not yet a picture says how far it has come.
    send : callable
        Sends one message to the page.
    pass_number : callable
        Number of the pass that pictures are drawn from now.
    loop : AbstractEventLoop or None
        Where slices are run. Without one (a plain script) everything is drawn at once.
    """

    paint: Callable[[Want], Slices]
    send: Callable[[Message], None]
    pass_number: Callable[[], int]
    loop: AbstractEventLoop | None = None
    _views: dict[str, tuple[Want, ...]] = field(default_factory=dict)
    _brought: dict[str, int] = field(default_factory=dict)
    _at_work: tuple[Want, Slices, int] | None = None
    _told: float = 0.0
    _turn_is_set: bool = False
    _last_push: float = -1.0
    _push_is_set: bool = False
    # A training thread may push while the event loop draws.
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def want(self, message: Wants) -> None:
        """Take the whole list of what one view shows; what is on it no longer is dropped."""
        with self._lock:
            self._views.pop(message.view, None)
            if message.wants:
                self._views[message.view] = message.wants
            for view in list(self._views)[:-MOST_VIEWS]:
                del self._views[view]
            if message.again:
                for want in message.wants:
                    self._brought.pop(want["key"], None)
            wanted = {want["key"] for want in self._wanted()}
            self._brought = {key: n for key, n in self._brought.items() if key in wanted}
            if self._at_work is not None and self._at_work[0]["key"] not in wanted:
                self._at_work = None
        self._set_turn()

    def push(self) -> None:
        """Bring all wanted pictures again, now: a pass has ended, perhaps within a running cell.

        At most ten times a second; a pass that comes sooner is shown with the next, or when the
        kernel is free again.
        """
        with self._lock:
            now = time.monotonic()
            if now - self._last_push < SECONDS_BETWEEN_PUSHES:
                self._set_later_push()
                return
            self._last_push = now
            self._at_work = None
            self._brought.clear()
            for want in self._wanted():
                if not want.get("prefetch"):
                    self._bring_first(want)
        self._set_turn()

    def drop_all(self) -> None:
        """Forget every view: the widget is closed."""
        self._views.clear()
        self._at_work = None

    # -- one picture ------------------------------------------------------------------------------

    def _bring_first(self, want: Want) -> None:
        """Draw up to the first picture; a finer one is left for the event loop."""
        slices = self.paint(want)
        number = self.pass_number()
        try:
            for made in slices:
                if isinstance(made, Picture):
                    self._send(want, number, made)
                    if made.coarse and self._at_work is None:
                        self._at_work = (want, slices, number)
                    return
        except Exception as error:  # shown in the picture's place; the kernel goes on
            self._refuse(want, number, error)

    def _work_one_slice(self) -> None:
        if self._at_work is None:
            want = next((w for w in self._wanted() if not self._has(w)), None)
            if want is None:
                return
            self._at_work = (want, self.paint(want), self.pass_number())
            self._told = time.monotonic()
        want, slices, number = self._at_work
        if number != self.pass_number():
            self._at_work = None
            return
        try:
            made = next(slices)
        except StopIteration:
            self._brought[want["key"]] = number
            self._at_work = None
        except Exception as error:  # shown in the picture's place; the kernel goes on
            self._at_work = None
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

    def _refuse(self, want: Want, number: int, error: Exception) -> None:
        self._brought[want["key"]] = number
        if not want.get("prefetch"):
            self.send(messages.trouble(want["key"], error))

    def _has(self, want: Want) -> bool:
        return self._brought.get(want["key"]) == self.pass_number()

    def _wanted(self) -> list[Want]:
        """Wants of all views, what is on screen before what may be looked at next."""
        every = [want for wants in self._views.values() for want in wants]
        in_order = sorted(every, key=lambda want: bool(want.get("prefetch")))
        return list({want["key"]: want for want in reversed(in_order)}.values())[::-1]

    # -- turns on the event loop ------------------------------------------------------------------

    def _set_turn(self) -> None:
        if self.loop is None:
            while self._has_work():
                self._work_one_slice()
        elif not self._turn_is_set:
            self._turn_is_set = True
            self.loop.call_soon_threadsafe(self._turn)

    def _turn(self) -> None:
        with self._lock:
            self._turn_is_set = False
            self._work_one_slice()
            more = self._has_work()
        if more:
            self._set_turn()

    def _has_work(self) -> bool:
        return self._at_work is not None or any(not self._has(w) for w in self._wanted())

    def _set_later_push(self) -> None:
        if self.loop is None or self._push_is_set:
            return
        self._push_is_set = True
        loop, wait = self.loop, SECONDS_BETWEEN_PUSHES

        def later() -> None:
            self._push_is_set = False
            self.push()

        loop.call_soon_threadsafe(lambda: loop.call_later(wait, later))
