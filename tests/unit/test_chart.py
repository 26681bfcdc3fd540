"""Charts in tours: numbers that were measured, checked where they are written."""

from __future__ import annotations

import math
from typing import Any

import pytest

import attnwidget as aw

SHARES = {"with": [1.0, 0.9, None], "without": [0.8, 0.4, 0.1]}


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: aw.Chart([1, 2], SHARES), "'with' has 3 numbers, x has 2"),
        (lambda: aw.Chart([], {}), "0 series over 0 places"),
        (lambda: aw.Chart([1], {str(n): [0.0] for n in range(7)}), "7 series"),
        (lambda: aw.Chart(["a", 1.0], {"s": [1.0, 2.0]}), "mixes names and numbers"),
        (lambda: aw.Chart([1, 2], {"s": [1.0, math.nan]}), "the number nan"),
        (lambda: aw.Chart([1, math.inf], {"s": [1.0, 2.0]}), "the number inf"),
        (lambda: aw.Stop("x", chart={"s": [1]}), "chart is a dict.*aw.Chart"),
    ],
)
def test_what_cannot_be_drawn_fails_where_it_is_written(make: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()


def test_a_stop_with_a_chart_shows_it_in_place_of_the_picture() -> None:
    chart = aw.Chart([4, 8, 12], SHARES, x_title="words", y_title="right", unit="%", top=1)
    ex = aw.explore()
    ex.tour = [aw.Stop("Look.", view="matrix"), aw.Stop("So many.", chart=chart), aw.Stop("On.")]
    first, second, third = ex.get_state("tour")["tour"]["stops"]
    assert (first["chart"], third["chart"]) == (None, None)
    assert second["chart"] == {
        "x": [4.0, 8.0, 12.0],
        "series": [{"name": name, "numbers": numbers} for name, numbers in SHARES.items()],
        "x_title": "words", "y_title": "right", "unit": "%", "top": 1,
    }  # fmt: skip
    assert [stop["set"]["view"] for stop in (first, second, third)] == ["matrix", "chart", "chart"]
    ex.stop = 1
    assert ex.view == "chart"
    ex.close()


def test_a_stop_may_show_something_else_beside_its_chart() -> None:
    chart = aw.Chart(["a", "b"], {"s": [1.0, 2.0]})
    assert aw.Stop("x", chart=chart).traits == {"view": "chart"}
    assert aw.Stop("x", chart=chart, view="lines").traits == {"view": "lines"}
