"""Attributes of other libraries replaced while models are bound, and put back after the last."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol


class Undoable(Protocol):
    """Something that was changed for the whole process, and can be put back."""

    def undo(self) -> None: ...


class Patch:
    """An attribute replaced by a function made from the original.

    Parameters
    ----------
    owner : object
        A module or class.
    name : str
        The attribute.
    make : callable
        Gives the replacement for the original.
    """

    def __init__(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        self._owner = owner
        self._name = name
        self._original = vars(owner)[name]
        self._replacement = make(self._original)
        setattr(owner, name, self._replacement)

    def undo(self) -> None:
        """Put the original back, unless somebody else has replaced the attribute since."""
        if vars(self._owner).get(self._name) is self._replacement:
            setattr(self._owner, self._name, self._original)


class SharedPatches:
    """Patches that all bindings share: made for the first, undone with the last.

    Parameters
    ----------
    makers : callables
        Each makes one patch or another change, or returns None while its library is not loaded; it
        is asked again at every forward pass.
    """

    def __init__(self, *makers: Callable[[], Undoable | None]) -> None:
        self._makers = makers
        self._made: dict[int, Undoable] = {}
        self._users = 0
        # A binding may be collected, and release, while another is being made.
        self._lock = threading.RLock()

    def acquire(self) -> None:
        """Patch for one more binding."""
        with self._lock:
            self._users += 1
        self.complete()

    def complete(self) -> None:
        """Make the patches whose library was loaded since."""
        if len(self._made) == len(self._makers):
            return
        with self._lock:
            for i, make in enumerate(self._makers):
                if self._users and i not in self._made and (patch := make()) is not None:
                    self._made[i] = patch

    def release(self) -> None:
        """Undo the patches if this was the last binding."""
        with self._lock:
            self._users -= 1
            if self._users == 0:
                for patch in self._made.values():
                    patch.undo()
                self._made.clear()
