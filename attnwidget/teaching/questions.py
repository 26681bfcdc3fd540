"""What a stop of a tour may ask: predict first, then see."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from attnwidget.teaching.markup import parse
from attnwidget.trouble import Trouble

MOST_OPTIONS = 9  # one for each digit key


@dataclass(frozen=True)
class Choose:
    """A question with one right option.

    Parameters
    ----------
    options : sequence of 2 to 9 str
        In Markdown with formulas, as a stop's text.
    answer : int
        Index of the right one.
    why : str
        Said once the reader has answered.

    Raises
    ------
    Trouble
        (a ValueError) If there are too few or too many options, or `answer` is none of them.
    """

    options: Sequence[str]
    answer: int
    why: str = ""

    def __post_init__(self) -> None:
        count = len(self.options)
        if isinstance(self.options, str) or not 2 <= count <= MOST_OPTIONS:
            raise Trouble(
                f"options={self.options!r} were given.",
                f"Give a list of 2 to {MOST_OPTIONS} texts.",
            )
        if not 0 <= self.answer < count:
            raise Trouble(
                f"answer={self.answer} is none of {count} options.",
                f"Give the index of the right one, 0 to {count - 1}.",
            )
        self.on_page()  # a formula that cannot be read is told here

    def on_page(self) -> dict[str, Any]:
        """As the page takes it."""
        options = [parse(option) for option in self.options]
        return {"kind": "choose", "options": options, "answer": self.answer, "why": parse(self.why)}


@dataclass(frozen=True)
class Estimate:
    """A question for a number.

    Parameters
    ----------
    answer : float
        The right number.
    within : float
        How far off an answer may be and still count as right; in the same unit.
    unit : str
        Said behind the number, such as ``"%"``.
    why : str
        Said once the reader has answered; in Markdown with formulas.

    Raises
    ------
    Trouble
        (a ValueError) If `answer` or `within` is no finite number, or `within` is negative.
    """

    answer: float
    within: float
    unit: str = ""
    why: str = ""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.answer) and math.isfinite(self.within) and self.within >= 0):
            raise Trouble(
                f"answer={self.answer!r} and within={self.within!r} were given.",
                "Give two finite numbers, the second not below 0.",
            )
        self.on_page()

    def on_page(self) -> dict[str, Any]:
        """As the page takes it."""
        facts = {"answer": float(self.answer), "within": float(self.within), "unit": self.unit}
        return {"kind": "estimate", **facts, "why": parse(self.why)}


Question = Choose | Estimate
