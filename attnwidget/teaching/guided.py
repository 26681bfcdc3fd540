"""Guided: a widget that a tour leads through."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import traitlets

from attnwidget.teaching.tour import Stop, Tour
from attnwidget.trouble import Trouble, in_words


@dataclass(frozen=True)
class Tried:
    """What a stop shows, found out when its tour was set.

    Attributes
    ----------
    traits : dict
        Values of all traits that this stop or one before it has set, as they are synced.
    text : str or None
        The text they hold for; None where the widget has none.
    entries : dict or None
        What a key-value store then holds: large, and the same at many stops.
    """

    traits: dict[str, Any]
    text: str | None = None
    entries: dict[str, Any] | None = None


class _TourTrait(traitlets.TraitType[Any, Any]):
    default_value = None

    def validate(self, _obj: Any, value: Any) -> Tour | None:
        if value is None or isinstance(value, Tour):
            return value
        if isinstance(value, Sequence) and not isinstance(value, str):
            try:
                return Tour(value)
            except Trouble as trouble:
                raise traitlets.TraitError(str(trouble)) from None
        raise traitlets.TraitError(
            f"tour is a {type(value).__name__}. Give aw.Tour([aw.Stop(...), ...]), such a list, or "
            "None for no tour."
        )


def _to_page(tour: Tour | None, widget: Any) -> dict[str, Any] | None:
    if tour is None:
        return None
    tried: list[Tried] = widget._tried
    entries: list[dict[str, Any]] = []
    numbers: dict[str, int] = {}
    stops = []
    for stop, shown in zip(tour, tried, strict=True):
        number = None
        if shown.entries is not None:
            number = numbers.setdefault(json.dumps(shown.entries), len(numbers))
            if number == len(entries):
                entries.append(shown.entries)
        stops.append(
            {
                "words": stop.nodes,
                "highlight": stop.highlight,
                "ask": stop.ask and stop.ask.on_page(),
                "chart": stop.chart and stop.chart.on_page(),
                "set": shown.traits,
                "text": shown.text,
                "entries": number,
            }
        )
    return {"title": tour.title, "stops": stops, "entries": entries}


class Guided(traitlets.HasTraits):
    """The traits of a tour. Setting one tries every stop, and opens the first."""

    PARTS: ClassVar[tuple[str, ...]] = ()

    # The page only reads it.
    tour = _TourTrait().tag(sync=True, to_json=_to_page, from_json=lambda _, widget: widget.tour)
    """A `Tour`, or None. May be set to a list of stops."""
    stop = traitlets.Int(0).tag(sync=True)
    """Number of the stop that is shown, from 0."""

    _tried: Sequence[Tried] = ()

    def _try(self, tour: Tour) -> list[Tried]:
        """What each stop shows; raises Trouble where one names what does not exist."""
        raise NotImplementedError

    def _show(self, shown: Tried) -> None:
        """Show a stop."""
        raise NotImplementedError

    @traitlets.validate("tour")
    def _try_stops(self, proposal: dict[str, Any]) -> Tour | None:
        tour: Tour | None = proposal["value"]
        try:
            for number, stop in enumerate(tour or ()):
                _check_part(number, stop, self.PARTS)
            self._tried = self._try(tour) if tour else ()
        except Trouble as trouble:
            raise traitlets.TraitError(str(trouble)) from None
        return tour

    @traitlets.validate("stop")
    def _is_in_tour(self, proposal: dict[str, Any]) -> int:
        stop: int = proposal["value"]
        if not 0 <= stop < max(1, len(self._tried)):
            raise traitlets.TraitError(
                f"stop={stop} does not exist. "
                + (
                    f"Choose from 0 to {len(self._tried) - 1}."
                    if self._tried
                    else "There is no tour: set one first, ex.tour = aw.Tour([...])."
                )
            )
        return stop

    @traitlets.observe("tour")
    def _open_tour(self, _change: object) -> None:
        if self.stop != 0:
            self.stop = 0
        elif self._tried:
            self._show(self._tried[0])

    @traitlets.observe("stop")
    def _show_stop(self, change: dict[str, Any]) -> None:
        if self._tried:
            self._show(self._tried[change["new"]])


def _check_part(number: int, stop: Stop, parts: Sequence[str]) -> None:
    if stop.highlight is not None and stop.highlight not in parts:
        raise Trouble(
            f"Stop {number} of the tour: there is no part {stop.highlight!r}.",
            f"highlight may be one of {', '.join(parts)}.",
        )


def in_stop(number: int, error: Exception) -> Trouble:
    """`error`, saying which stop has it."""
    is_of_traitlets = isinstance(error, traitlets.TraitError)
    title, detail = (str(error), "") if is_of_traitlets else in_words(error)
    return Trouble(f"Stop {number} of the tour: {title}", detail)
