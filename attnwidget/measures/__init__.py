"""Measures of heads: what each is like, as a number."""

from __future__ import annotations

from attnwidget.measures import places, repeats, spread, values
from attnwidget.measures.measure import Band, Measure

__all__ = ["MEASURES", "Band", "Measure"]

# In the order of columns and of the page's list; js/src/measured/names.js is the twin.
MEASURES: dict[str, Measure] = {
    one.name: one
    for one in (
        spread.entropy,
        spread.evenness,
        spread.largest,
        places.distance,
        places.previous,
        places.first,
        places.itself,
        places.window,
        repeats.duplicate,
        repeats.induction,
        values.value_norm,
    )
}
