"""Chooser: a selection that always exists in the pass on screen. It knows nothing of pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import traitlets

from attnwidget import ranges
from attnwidget.choice import Place, first_choice, place_in
from attnwidget.heads import check_heads, heads_in, listed
from attnwidget.opening import opening
from attnwidget.pictures.target import check_target
from attnwidget.session import Session, Snapshot
from attnwidget.traits import OF_A_PASS, Choice, is_set_by_link
from attnwidget.trouble import Trouble


class Chooser(Choice):
    """The traits of a reader's choice, kept within what the session shows.

    Parameters
    ----------
    session : Session
        Whose passes are looked at.
    **chosen
        Traits to begin with. Those that say where to look are settled at the first pass.
    """

    def __init__(self, session: Session, **chosen: Any) -> None:
        self._session = session
        self._chosen = frozenset(chosen)
        # What was set before the first pass; unlike what was chosen, it is let go if need be.
        self._wished = set(chosen)
        self._is_made = self._is_open = False
        self._text_shown: str | None = None
        super().__init__(**chosen)
        self._is_made = True
        self.observe(lambda _: self._settle(), ["stack", "layer"])
        self.observe(lambda change: self._enter(change["new"]), "heads")

    # -- in another pass --------------------------------------------------------------------------

    def _settle_in_pass(self) -> None:
        """Keep the selection; look for a telling token where the text is another."""
        snapshot = self._session.snapshot
        if snapshot is None:
            return
        is_new_text = snapshot.text not in (None, self._text_shown)
        if snapshot.text is not None:
            self._text_shown = self.text = snapshot.text
        if not self._is_open:
            self._open(snapshot)
        elif is_new_text:
            place = place_in(snapshot, self._place(), tokens="new")
            self.target = None
            self._go(snapshot, place, pair=ranges.pair_in(snapshot, place, self.pair))
        else:
            # While a loop runs, no weights are computed to find a place.
            near = snapshot.text is None
            place = place_in(snapshot, self._place(), tokens="near" if near else "same")
            self._go(snapshot, place)
            self._settle_target(must=False)

    def _open(self, snapshot: Snapshot) -> None:
        """Take what was chosen before the first pass; what it leaves open goes with it."""
        wished = {name: getattr(self, name) for name in OF_A_PASS if name in self._wished}
        self._is_open = True
        try:
            place, more = opening(self._session, snapshot, wished, self._chosen)
        except Trouble as trouble:
            anywhere = first_choice(snapshot, next(iter(snapshot.stacks)))
            self._go(snapshot, anywhere, heads=[], pair=None, step=None)
            raise traitlets.TraitError(str(trouble)) from None
        self._go(snapshot, place, **more)
        self._settle_target(must="target" in self._chosen)
        self._session.look_at(self.step)

    def _settle(self) -> None:
        """Make the selection one that exists, keeping as much of it as does."""
        with self._session.lock:
            snapshot = self._session.snapshot
            if snapshot is not None and self._is_open:
                self._go(snapshot, place_in(snapshot, self._place()))

    def _place(self) -> Place:
        return Place(self.stack, self.layer, self.head, self.query, self.key, self.batch)

    def _go(self, snapshot: Snapshot, place: Place, **more: Any) -> None:
        """Move to `place`, and set what else is named; heads that are gone are let go."""
        if "heads" not in more:
            more["heads"] = heads_in(snapshot, place.stack, self.heads)
        self._set_changed({**vars(place), **more})

    def _set_changed(self, wished: Mapping[str, Any]) -> None:
        """Set those of these that are others now."""
        changed = {name: value for name, value in wished.items() if getattr(self, name) != value}
        if changed:
            self._set(changed)

    def _set(self, changed: Mapping[str, Any]) -> None:
        """Set all of these at once."""
        with self._session.lock, self.hold_trait_notifications():
            for name, value in changed.items():
                setattr(self, name, value)

    def _enter(self, heads: list[list[int]]) -> None:
        """Move the selection to the first of several heads if it is none of them."""
        snapshot = self._session.snapshot
        if snapshot is None or not self._is_open or not heads:
            return
        if [self.layer, self.head] not in heads:
            layer, head = heads[0]
            self._go(snapshot, replace(self._place(), layer=layer, head=head), heads=heads)

    # -- only what exists -------------------------------------------------------------------------

    @traitlets.validate(*OF_A_PASS)
    def _valid(self, proposal: dict[str, Any]) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        try:
            return self._checked(name, value) if self._is_open else self._wish(name, value)
        except Trouble as trouble:
            if is_set_by_link():
                return getattr(self, name)
            raise traitlets.TraitError(str(trouble)) from None

    @traitlets.validate("target")
    def _as_logit(self, proposal: dict[str, Any]) -> Any:
        value, snapshot = proposal["value"], self._session.snapshot
        if value is None or snapshot is None or not self._is_open:
            return value
        try:
            return check_target(self._session, snapshot, self.stack, self.batch, self.query, value)
        except Trouble as trouble:
            if is_set_by_link():
                return self.target
            raise traitlets.TraitError(str(trouble)) from None

    def _settle_target(self, must: bool) -> None:
        """Let go of a logit that this pass does not have, unless it must have it."""
        snapshot, value = self._session.snapshot, self.target
        if snapshot is None or value is None:
            return
        try:
            value = check_target(self._session, snapshot, self.stack, self.batch, self.query, value)
        except Trouble as trouble:
            if must:
                raise traitlets.TraitError(str(trouble)) from None
            value = None
        self.target = value

    @traitlets.validate("written")
    def _as_far_as_it_goes(self, proposal: dict[str, Any]) -> int:
        written: int = proposal["value"]
        snapshot = self._session.snapshot
        most = snapshot.generation.steps if snapshot and snapshot.generation else written
        if written <= most or is_set_by_link():
            return min(written, most)
        raise traitlets.TraitError(f"written={written} does not exist. Choose from 0 to {most}.")

    def _checked(self, name: str, value: Any) -> Any:
        snapshot = self._session.snapshot
        if snapshot is None:
            return value
        if name == "heads":
            return check_heads(snapshot, self.stack, self.layer, value)
        if name == "pair":
            return ranges.check_pair(snapshot, self._place(), value)
        if name == "step":
            return self._session.check_step(value)
        return ranges.check(snapshot, self._place(), name, value)

    def _wish(self, name: str, value: Any) -> Any:
        """Before the first pass any number will do."""
        if self._is_made and isinstance(value, str) and name != "stack":
            raise Trouble(f"{name}={value!r} cannot be found yet.", "No pass has brought tokens.")
        self._wished.add(name)
        return listed(value) if name == "heads" else value
