"""A chart in a tour: numbers that were measured, as lines or as bars."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from attnwidget.trouble import Trouble

MOST_SERIES = 6
MOST_POINTS = 400


@dataclass(frozen=True)
class Chart:
    """Numbers over numbers are lines, numbers over names are bars.

    Shown in the place of the picture at the stop that has it: ``aw.Stop("Look.", chart=chart)``.

    Parameters
    ----------
    x : sequence of float, or of str
        Where the numbers stand.
    series : mapping of str to sequence of float or None
        By name, one number for each of `x`; None where there is none.
    x_title, y_title : str
        What is told along the two axes, with its unit.
    unit : str
        "%" writes shares as percentages; any other is written behind the numbers.
    top : float, optional
        Where the axis ends, as 1 for shares; else a little above the largest number.

    Raises
    ------
    Trouble
        (a ValueError) If the lengths differ, or a number is not finite.
    """

    x: Sequence[float] | Sequence[str]
    series: Mapping[str, Sequence[float | None]]
    x_title: str = ""
    y_title: str = ""
    unit: str = ""
    top: float | None = None

    def __post_init__(self) -> None:
        if not 1 <= len(self.series) <= MOST_SERIES or not 1 <= len(self.x) <= MOST_POINTS:
            raise Trouble(
                f"The chart has {len(self.series)} series over {len(self.x)} places.",
                f"Give 1 to {MOST_SERIES} series over 1 to {MOST_POINTS} places.",
            )
        for name, numbers in self.series.items():
            if len(numbers) != len(self.x):
                raise Trouble(
                    f"The series {name!r} has {len(numbers)} numbers, x has {len(self.x)}.",
                    "Give one number for each of x, or None where there is none.",
                )
        names = [isinstance(at, str) for at in self.x]
        if any(names) and not all(names):
            raise Trouble("x mixes names and numbers.", "Give names for bars, numbers for lines.")
        every = [number for numbers in self.series.values() for number in numbers]
        places = [at for at in self.x if not isinstance(at, str)]
        for number in (*every, *places, self.top):
            if number is not None and not math.isfinite(number):
                raise Trouble(f"The chart has the number {number}.", "Give finite ones, or None.")

    def on_page(self) -> dict[str, Any]:
        """As the page is sent it."""
        return {
            "x": [at if isinstance(at, str) else float(at) for at in self.x],
            "series": [
                {"name": name, "numbers": [None if n is None else float(n) for n in numbers]}
                for name, numbers in self.series.items()
            ],
            "x_title": self.x_title,
            "y_title": self.y_title,
            "unit": self.unit,
            "top": self.top,
        }
