"""In a real browser: what hovering and stepping cost the page, and what the kernel hears of it."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from playwright.sync_api import CDPSession, Page

from benchmarks.in_browser import opened
from tests.browser.lab import Lab

CELLS = [
    """
import attnwidget as aw
from benchmarks.models import gpt2, ids
ex = aw.explore(gpt2(), inputs=ids(512), query=300, layer=6, head=6)
ex""",
]
MOVES = 60

# Milliseconds between frames while the pointer goes up and down over the tokens.
_FRAMES = """() => new Promise((done) => {
  const times = [];
  const look = (now) => {
    times.push(now);
    if (times.length < 120) requestAnimationFrame(look);
    else done(times.slice(1).map((t, i) => t - times[i]));
  };
  requestAnimationFrame(look);
})"""


def hover() -> Iterator[tuple[str, str, str]]:
    """Lines of one head and of twelve, T = 512."""
    with opened() as (server, browser):
        lab = Lab.open(server, browser, CELLS)
        lab.run_all()
        session = lab.page.context.new_cdp_session(lab.page)
        session.send("Performance.enable")
        session.send("Network.enable")
        sent: list[object] = []

        def note_sent(frame: object) -> None:
            sent.append(frame)

        session.on("Network.webSocketFrameSent", note_sent)
        for heads in (1, 12):
            lab.python(f"ex.heads = range({heads}); ex.query = 300")
            lab.wait_until_drawn()
            lab.page.wait_for_timeout(3000)
            rows = lab.widget().locator(".aw-column-query")
            box = rows.bounding_box()
            assert box is not None
            which = f"T = 512, heads: {heads}"

            before = len(sent)
            script, frames = _moved(lab.page, session, box)
            yield f"hover over lines, script per move, {which}", "≤ 16 ms", f"{script:.1f} ms"
            yield (
                f"hover over lines, time between frames, {which}",
                "≤ 17 ms",
                f"median {statistics.median(frames):.1f} ms, 95 % below {most(frames):.1f} ms",
            )
            yield f"messages sent while hovering, {which}", "0", str(len(sent) - before)

            lab.widget().locator(".aw-root").focus()
            script = _stepped(lab.page, session)
            yield f"token step over lines, script, {which}", "≤ 16 ms", f"{script:.1f} ms"
        lab.close()


def _moved(page: Page, session: CDPSession, box: dict[str, float]) -> tuple[float, list[float]]:
    """Milliseconds of script per pointer move, and milliseconds between frames meanwhile."""
    x, height = box["x"] + box["width"] - 12, box["height"] - 4
    page.evaluate(f"() => {{ window.frames_seen = ({_FRAMES})(); }}")
    start = _script(session)
    for n in range(MOVES):
        page.mouse.move(x, box["y"] + 2 + height * abs((n * 7) % 120 - 60) / 60)
    seconds = _script(session) - start
    frames: list[float] = page.evaluate("window.frames_seen")
    page.mouse.move(2, 2)
    return 1000 * seconds / MOVES, frames


def _stepped(page: Page, session: CDPSession) -> float:
    """Milliseconds of script per token step, the median of many."""
    costs = []
    for n in range(20):
        start = _script(session)
        page.keyboard.press("ArrowLeft" if n % 2 else "ArrowRight")
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
        costs.append(1000 * (_script(session) - start))
        page.wait_for_timeout(300)
    return statistics.median(costs)


def _script(session: CDPSession) -> float:
    """Seconds of script the page has run so far."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(float(m["value"]) for m in metrics if m["name"] == "ScriptDuration")


def most(values: list[float]) -> float:
    return sorted(values)[int(0.95 * len(values))]
