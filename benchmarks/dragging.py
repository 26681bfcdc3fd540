"""In a real browser: what dragging in the key-value store costs, while the kernel is busy."""

from __future__ import annotations

import json
import statistics
from bisect import bisect_right
from collections.abc import Iterator

from playwright.sync_api import Browser, Page

from benchmarks.hover import most
from benchmarks.in_browser import opened
from tests.browser.lab import Lab

# The kernel sleeps while the page is dragged: whatever is drawn then is the page's own.
CELLS = [
    """
import time
import numpy as np, attnwidget as aw
store = aw.KeyValueStore()
store""",
    """
angles = 2.4 * np.arange(200)
rays = np.sqrt(np.arange(200) / 200)
many = aw.KeyValueStore(3 * np.stack([rays * np.cos(angles), rays * np.sin(angles)], 1),
                        np.arange(200.0), [[2, 1], [-1, 2]])
many""",
    "time.sleep(60)",
]
MOVES = 60
# Events of a trace in which script runs.
_SCRIPT = frozenset(
    ("EventDispatch", "FunctionCall", "RunMicrotasks", "FireAnimationFrame", "TimerFire")
)


def dragging() -> Iterator[tuple[str, str, str]]:
    """A query and β, among 6 entries and among 200."""
    with opened() as (server, browser):
        lab = Lab.open(server, browser, CELLS)
        for cell in (0, 1):
            lab.begin(cell)
            lab.widget(cell).locator(".aw-plane svg").wait_for()
        lab.begin(2)
        for nth, entries in enumerate((6, 200)):
            widget = lab.widget(nth)
            widget.scroll_into_view_if_needed()
            for what, handle in (
                ("query", ".aw-asked circle"),
                ("β", ".aw-beta input[type=range]"),
            ):
                box = widget.locator(handle).bounding_box()
                assert box is not None
                said = lab.sentence(nth)
                costs = _dragged(lab.page, browser, box, is_slider=what == "β")
                assert lab.sentence(nth) != said, "the page has followed the hand"
                figures = (
                    f"median {statistics.median(costs):.1f} ms, 95 % below {most(costs):.1f} ms"
                )
                yield (
                    f"store of {entries} entries, dragging {what}, script per move",
                    "≤ 16 ms",
                    figures,
                )
        assert lab.kernel_status() == "busy", "and nobody has answered it"


def _dragged(
    page: Page, browser: Browser, box: dict[str, float], *, is_slider: bool
) -> list[float]:
    """Milliseconds of script that followed each move, from a trace of the browser."""
    middle = box["y"] + box["height"] / 2
    x = box["x"] + (2 if is_slider else box["width"] / 2)
    stride = (box["width"] - 8) / MOVES if is_slider else -1.5
    page.mouse.move(x, middle)
    page.mouse.down()
    browser.start_tracing(page=page, categories=["devtools.timeline"])
    for n in range(1, MOVES + 1):
        page.mouse.move(x + n * stride, middle + (0 if is_slider else (n * 7) % 20))
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    events = json.loads(browser.stop_tracing())["traceEvents"]
    page.mouse.up()
    scripts = sorted(
        (event["ts"], event["ts"] + event.get("dur", 0))
        for event in events
        if event["ph"] == "X" and event["name"] in _SCRIPT
    )
    moves = sorted(
        event["ts"]
        for event in events
        if event["name"] == "EventDispatch" and event["args"]["data"]["type"] == "pointermove"
    )
    costs = [0.0] * len(moves)
    ended = 0
    for begin, end in scripts:
        nth = bisect_right(moves, begin) - 1
        if nth >= 0:  # what runs within another event counts once
            costs[nth] += max(0, end - max(begin, ended)) / 1000
        ended = max(ended, end)
    return costs
