"""In a real browser: from the end of the forward pass to pixels, and one step by key."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from benchmarks.in_browser import opened
from tests.browser.lab import Lab

EXPLORE = """
ex = aw.explore(model, inputs=inputs)
ex"""
CELLS = [
    """
import time, attnwidget as aw
from benchmarks.models import gpt2, ids
model, inputs = gpt2(), ids({tokens})
ended = 0.0
def note_end(*_):
    global ended
    ended = time.time()
model.register_forward_hook(note_end)
aw.explore""",
    EXPLORE,
    EXPLORE,
]

# Milliseconds since 1970 when the picture has first more than one colour.
_FIRST_PAINT = """(nth) => new Promise((done) => {
  const look = () => {
    const widget = document.querySelectorAll('.attnwidget')[nth];
    const canvas = widget?.querySelector('canvas.aw-cells, canvas.aw-links');
    const words = widget?.querySelector('.aw-sentence')?.textContent ?? '';
    if (canvas?.width && words.includes('%')) {
      const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      const pixels = new Uint32Array(data.buffer);
      if (pixels.some((pixel) => pixel !== pixels[0])) { done(Date.now()); return; }
    }
    requestAnimationFrame(look);
  };
  look();
})"""

# Milliseconds from a key to the frame after the sentence has changed, the median of many.
_STEPS = """async ([key, back, rounds]) => {
  const root = document.querySelector('.attnwidget .aw-root');
  const line = root.querySelector('.aw-sentence');
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const times = [];
  for (let n = 0; n < rounds; n++) {
    const before = line.textContent;
    const start = performance.now();
    root.dispatchEvent(new KeyboardEvent('keydown', {key: n % 2 ? back : key, bubbles: true}));
    while (line.textContent === before || !line.textContent.includes('%')) await frame();
    times.push(performance.now() - start);
    await new Promise((done) => setTimeout(done, 400));
  }
  return times.sort((a, b) => a - b)[times.length >> 1];
}"""


def page() -> Iterator[tuple[str, str, str]]:
    """JupyterLab and Chromium on this machine."""
    with opened() as (server, browser):
        times: list[tuple[float, float]] = []
        for _ in range(3):
            lab = Lab.open(server, browser, _cells(128))
            lab.begin(0)
            lab.wait_for_kernel()
            times.append((_first(lab, 0), _first(lab, 1)))
            lab.close()
        for which, column in (("first widget of a page", 0), ("another widget", 1)):
            yield (
                f"first picture in the browser after the forward pass, {which}",
                "≤ 300 ms",
                f"{statistics.median(row[column] for row in times):.0f} ms",
            )
        lab = Lab.open(server, browser, _cells(512))
        lab.run_all()
        for what, budget, keys in (
            ("token step (key to new frame), T = 512", "≤ 16 ms", ("ArrowLeft", "ArrowRight")),
            ("head step (key to new frame), T = 512", "≤ 50 ms", ("[", "]")),
        ):
            lab.head(6, 6).click()
            lab.page.wait_for_timeout(3000)
            took = lab.page.evaluate(_STEPS, [*keys, 15])
            yield what, budget, f"{took:.0f} ms"
        lab.close()


def _cells(tokens: int) -> list[str]:
    return [cell.replace("{tokens}", str(tokens)) for cell in CELLS]


def _first(lab: Lab, nth: int) -> float:
    """Milliseconds from the end of the forward pass to pixels of the nth widget."""
    lab.page.wait_for_timeout(2000)
    lab.begin(1 + nth)
    painted = float(lab.page.evaluate(_FIRST_PAINT, nth))
    lab.wait_for_kernel()
    return painted - float(lab.python("print(ended * 1000)"))
