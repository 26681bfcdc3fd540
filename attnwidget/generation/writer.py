"""Writing for a widget: in a cell, or for a page in between the turns of the event loop."""

from __future__ import annotations

import time
from asyncio import AbstractEventLoop
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

from attnwidget import messages
from attnwidget.generation.random_numbers import OwnNumbers
from attnwidget.generation.record import Recording
from attnwidget.generation.turns import Turns
from attnwidget.messages import Message
from attnwidget.running import as_between_cells, quietly
from attnwidget.session import Session
from attnwidget.trouble import Trouble

# While a model writes, what there is so far is shown this often at most.
SECONDS_BETWEEN_LOOKS = 0.5
# Nor may that take a larger share of the time.
SHARE_OF_LOOKS = 0.02
SECONDS_BETWEEN_WORDS = 0.1


class Writer:
    """Records one generation at a time of a session.

    Parameters
    ----------
    session : Session
        Whose model writes. Its mode, random numbers and graph stay as they were.
    send : callable
        Sends a message to the page.
    loop : AbstractEventLoop or None
        Where a page is heard. Without one, what the page asks for is written at once.
    """

    def __init__(
        self, session: Session, send: Callable[[Message], None], loop: AbstractEventLoop | None
    ) -> None:
        self._session = session
        self._send = send
        self._loop = loop
        self._recording: Recording | None = None
        self._turns: Turns | None = None
        self._is_asked_to_stop = False
        self._looked = self._told = 0.0
        self._pause = SECONDS_BETWEEN_LOOKS

    @property
    def is_writing(self) -> bool:
        """Whether a generation is under way."""
        return self._recording is not None

    def write(self, text: str | None, max_new_tokens: object, **arguments: Any) -> None:
        """Write now; see `Recording` for the arguments.

        Raises
        ------
        Trouble
            If it cannot begin, or a page has it write already.
        KeyboardInterrupt
            If it is interrupted; what was written so far is shown.
        Exception
            Whatever the model raises.
        """
        recording = self._begin(text, max_new_tokens, arguments)
        try:
            with quietly(recording.asked.model), OwnNumbers(recording.asked.seed).drawn():
                recording.write(self._look)
        except BaseException as error:
            self._end(error)
            raise
        self._end(None)

    def begin(self, text: str | None, max_new_tokens: object, **arguments: Any) -> None:
        """Write token by token whenever the event loop is free, so that `stop` can be heard.

        Raises what `write` raises before it begins.
        """
        loop = self._loop
        if loop is None or loop.is_closed():
            self.write(text, max_new_tokens, **arguments)
            return
        recording = self._begin(text, max_new_tokens, arguments)
        self._turns = Turns(lambda pause: self._write_in_turns(recording, pause))
        loop.call_soon(self._take_turn)

    def stop(self) -> None:
        """Write no more after the token that is being written."""
        self._is_asked_to_stop = True

    def close(self) -> None:
        """Stop, and wait for the token that is being written."""
        self.stop()
        while self._turns is not None:
            self._take_turn()

    # -- one generation ---------------------------------------------------------------------------

    def _begin(self, text: str | None, most: object, arguments: dict[str, Any]) -> Recording:
        if self._recording is not None:
            raise Trouble(
                "The model is writing already.", "Wait until it has ended, or stop it on the page."
            )
        try:
            recording = Recording(self._session, text, most, **arguments)
        except Trouble as trouble:
            self._session.fail(trouble)
            raise
        self._recording = recording
        self._is_asked_to_stop = False
        self._looked, self._pause = time.monotonic(), SECONDS_BETWEEN_LOOKS
        self._say(over=False)
        return recording

    def _look(self) -> bool:
        """A token was written: show it, now and then; return whether to stop."""
        recording, now = self._recording, time.monotonic()
        if recording is not None and now - self._looked >= self._pause:
            with as_between_cells(), suppress(Trouble):  # said at the end, if it is still so
                recording.take()
            self._looked = time.monotonic()
            self._pause = max(SECONDS_BETWEEN_LOOKS, (self._looked - now) / SHARE_OF_LOOKS)
        if now - self._told >= SECONDS_BETWEEN_WORDS:
            self._say(over=False)
        return self._is_asked_to_stop

    def _end(self, error: BaseException | None) -> None:
        recording, self._recording, self._turns = self._recording, None, None
        try:
            is_interrupt = isinstance(error, KeyboardInterrupt)
            if recording is not None and (error is None or (is_interrupt and recording.done)):
                recording.take()
            elif isinstance(error, Exception):
                self._session.fail(error)
        except Trouble as trouble:
            self._session.fail(trouble)
            if error is None:
                raise
        finally:
            self._say(over=True, recording=recording)

    def _say(self, over: bool, recording: Recording | None = None) -> None:
        recording = recording or self._recording
        if recording is not None:
            self._told = time.monotonic()
            self._send(messages.writing(recording.done, recording.asked.most, over))

    # -- in turns ---------------------------------------------------------------------------------

    def _write_in_turns(self, recording: Recording, pause: Callable[[], None]) -> None:
        """In the other thread: model and random numbers are the user's own while it waits."""
        model = recording.asked.model
        numbers = OwnNumbers(recording.asked.seed)
        with ExitStack() as inside:

            def enter() -> None:
                inside.enter_context(quietly(model))
                inside.enter_context(numbers.drawn())

            def each() -> bool:
                inside.close()
                pause()
                enter()
                return self._is_asked_to_stop

            enter()
            recording.write(each)

    def _take_turn(self) -> None:
        """On the event loop: have the next token written, then let others have their turn."""
        turns = self._turns
        if turns is None:
            return
        turns.go_on()
        if turns.is_over:
            with suppress(Trouble):  # the session has kept it and told the page
                self._end(turns.error)
        else:
            self._look()
            if self._loop is not None and not self._is_asked_to_stop:
                self._loop.call_soon(self._take_turn)
            elif self._is_asked_to_stop:
                self._take_turn()
