"""A widget whose trait `keys` is the reader's own.

ipywidgets keeps the names of a widget's synced traits in a trait of that name. They can be told
from the traits themselves; so the methods that look them up there (ipywidgets 8, ``Widget``) look
here instead. tests/unit/test_key_value_store.py notices if a release looks them up elsewhere.
"""

from __future__ import annotations

from typing import Any

import anywidget
import traitlets
from ipywidgets.widgets import widget as of_ipywidgets


class FreeKeys(anywidget.AnyWidget):
    """An ``AnyWidget`` that does not use its `keys`."""

    def _is_synced(self, name: str) -> bool:
        return bool(self.has_trait(name) and self.trait_metadata(name, "sync"))

    def add_traits(self, **traits: Any) -> None:
        """Add traits to this object alone."""
        traitlets.HasTraits.add_traits(self, **traits)

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        """The synced traits, all or some, as JSON."""
        names = list(self.traits(sync=True)) if key is None else key
        state: dict[str, Any] = super().get_state(names, drop_defaults)
        return state

    def notify_change(self, change: Any) -> None:
        """Tell the page of a change, unless it came from there; then all observers."""
        name = change["name"]
        is_open = self.comm is not None and getattr(self.comm, "kernel", True) is not None
        if is_open and self._is_synced(name) and self._should_send_property(name, change["new"]):
            self.send_state(key=name)
        super().notify_change(change)

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what the page set, as one change."""
        known = {name: value for name, value in sync_data.items() if self._is_synced(name)}
        if of_ipywidgets.JUPYTER_WIDGETS_ECHO and known:
            echo = {"method": "echo_update", "state": known, "buffer_paths": []}
            self._send(echo, buffers=[])
        with self._lock_property(**known), self.hold_trait_notifications():
            for name, value in known.items():
                self.set_trait(name, value)
