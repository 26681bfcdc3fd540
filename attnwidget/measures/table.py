"""Measures of heads as a table: a row for each head."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, SupportsIndex, overload

from attnwidget.measures import MEASURES, Measure
from attnwidget.trouble import Trouble

_PLACE = ("stack", "layer", "head")
# Notebooks show the whole of a list that is the last line of a cell.
_MOST_SHOWN = 256


@dataclass(frozen=True)
class HeadRow:
    """One head; NaN where a measure has no value or was not asked for. See `MEASURES`."""

    stack: str
    layer: int
    head: int
    entropy: float = math.nan
    evenness: float = math.nan
    largest: float = math.nan
    distance: float = math.nan
    previous: float = math.nan
    first: float = math.nan
    itself: float = math.nan
    window: float = math.nan
    duplicate: float = math.nan
    induction: float = math.nan
    value_norm: float = math.nan


class HeadTable(list[HeadRow]):
    """Rows that print as a table.

    Attributes
    ----------
    measures : tuple of str
        Names of the measures that were asked for, in the order of the columns.
    notes : tuple of str
        What to know of the numbers, in sentences.
    """

    def __init__(
        self, rows: Iterable[HeadRow] = (), measures: Iterable[str] = (), notes: Iterable[str] = ()
    ) -> None:
        super().__init__(rows)
        self.measures = tuple(measures) or tuple(MEASURES)
        self.notes = tuple(notes)

    @overload
    def __getitem__(self, at: SupportsIndex) -> HeadRow: ...
    @overload
    def __getitem__(self, at: slice) -> HeadTable: ...
    def __getitem__(self, at: Any) -> HeadRow | HeadTable:
        found = super().__getitem__(at)
        return self._of(found) if isinstance(at, slice) else found

    def _of(self, rows: Iterable[HeadRow]) -> HeadTable:
        return HeadTable(rows, self.measures, self.notes)

    def sort_by(self, measure: str) -> HeadTable:
        """The same rows, from the largest number down; heads without one come last.

        Raises
        ------
        Trouble
            If this table has no such measure.
        """
        if measure not in self.measures:
            raise Trouble(
                f"There is no column {measure!r}.", f"Choose from {', '.join(self.measures)}."
            )

        def rank(row: HeadRow) -> float:
            value: float = getattr(row, measure)
            return math.inf if math.isnan(value) else -value

        return self._of(sorted(self, key=rank))

    def to_pandas(self) -> Any:
        """The table as a ``pandas.DataFrame``.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("pandas is not installed: pip install pandas") from error
        columns = (*_PLACE, *self.measures)
        return pd.DataFrame({name: [getattr(row, name) for row in self] for name in columns})

    def _cells(self) -> list[list[str]]:
        """A head line and a line for each of the rows that are shown, as texts."""
        lines = [[*_PLACE, *self.measures]]
        for row in list(self)[:_MOST_SHOWN]:
            numbers = [_in_words(getattr(row, name)) for name in self.measures]
            lines.append([row.stack, str(row.layer), str(row.head), *numbers])
        return lines

    def _remarks(self) -> list[str]:
        more = len(self) - _MOST_SHOWN
        return [*([f"… and {more} more."] if more > 0 else []), *self.notes]

    def __str__(self) -> str:
        lines = self._cells()
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
        table = []
        for line in lines:
            cells = [line[0].ljust(widths[0])]
            cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
            table.append("  ".join(cells))
        return "\n".join([*table, *self._remarks()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head, *lines = self._cells()
        titles = {name: MEASURES[name] for name in self.measures}
        marks = "".join(
            f'<th title="{html.escape(_explained(titles.get(name)))}">{html.escape(name)}</th>'
            for name in head
        )
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in line) + "</tr>"
            for line in lines
        )
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self._remarks())
        return f"<table><thead><tr>{marks}</tr></thead><tbody>{body}</tbody></table>{notes}"


def _explained(measure: Measure | None) -> str:
    if measure is None:
        return ""
    return f"{measure.title}: {measure.said}." + (f" In {measure.unit}." if measure.unit else "")


def _in_words(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"
