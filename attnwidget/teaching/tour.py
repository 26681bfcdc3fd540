"""Tours: a teacher's own steps through a widget, as Python data."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from attnwidget.teaching.chart import Chart
from attnwidget.teaching.markup import Node, parse
from attnwidget.teaching.questions import Choose, Estimate, Question
from attnwidget.trouble import Trouble


@dataclass(frozen=True, init=False)
class Stop:
    """One step of a tour: words, and what the widget then shows.

    Parameters
    ----------
    words : str
        Markdown, with formulas between ``$`` as LaTeX writes them.
    highlight : str, optional
        A part of the widget to point at: of an explorer "text", "bar", "status", "views", "heads",
        "picture", "sentence" or "predictions"; of a key-value store "screens", "flow", "plane",
        "table", "blend", "beta", "arithmetic" or "sentence".
    ask : Choose or Estimate, optional
        A question that is answered before the reader goes on.
    chart : Chart, optional
        Numbers to show in the place of the picture; of an explorer it then is the view.
    **traits
        Traits of the widget to set, as ``layer=4, head=2, query="it", view="lines"``, also its
        ``text``, which runs the model. What a stop does not name stays as the stops before it had
        it.

    Raises
    ------
    Trouble
        (a ValueError) If the words are empty or a formula in them cannot be read.
    """

    words: str
    highlight: str | None
    ask: Question | None
    chart: Chart | None
    traits: dict[str, Any]
    nodes: list[Node]

    def __init__(
        self,
        words: str,
        /,
        *,
        highlight: str | None = None,
        ask: Question | None = None,
        chart: Chart | None = None,
        **traits: Any,
    ) -> None:
        if not words.strip():
            raise Trouble("A stop has no words.", "Give a sentence to show.")
        if ask is not None and not isinstance(ask, Choose | Estimate):
            raise Trouble(
                f"ask is a {type(ask).__name__}.",
                'Give aw.Choose(["this", "that"], answer=0) or aw.Estimate(0.5, within=0.1).',
            )
        if chart is not None and not isinstance(chart, Chart):
            raise Trouble(
                f"chart is a {type(chart).__name__}.", "Give aw.Chart(x, {name: numbers})."
            )
        if chart is not None:
            traits = {"view": "chart", **traits}
        words = inspect.cleandoc(words)
        shown = {"words": words, "highlight": highlight, "ask": ask, "chart": chart}
        given: dict[str, Any] = {**shown, "traits": traits}
        for name, value in {**given, "nodes": parse(words)}.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        more = {"highlight": self.highlight, "ask": self.ask, "chart": self.chart}
        said = {name: value for name, value in more.items() if value is not None}
        listed = "".join(f", {name}={value!r}" for name, value in {**said, **self.traits}.items())
        return f"Stop({self.words!r}{listed})"


@dataclass(frozen=True)
class Tour:
    """Stops in order. Set it as ``ex.tour = aw.Tour([...])``: then every stop is tried.

    Parameters
    ----------
    stops : sequence of Stop
        At least one.
    title : str
        Said above them.

    Raises
    ------
    Trouble
        (a ValueError) If there is no stop, or one is not a `Stop`.
    """

    stops: Sequence[Stop]
    title: str = ""

    def __post_init__(self) -> None:
        if not self.stops:
            raise Trouble("The tour has no stops.", 'Give some: aw.Tour([aw.Stop("Look.")]).')
        for number, stop in enumerate(self.stops):
            if not isinstance(stop, Stop):
                raise Trouble(
                    f"Stop {number} of the tour is a {type(stop).__name__}.",
                    'Write it as aw.Stop("Look at **it**.", query="it").',
                )

    def __len__(self) -> int:
        return len(self.stops)

    def __iter__(self) -> Iterator[Stop]:
        return iter(self.stops)
