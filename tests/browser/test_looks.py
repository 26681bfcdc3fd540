"""Screenshots at three widths, light and dark, with checks of what no picture may have."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.lab import Lab

OpenLab = Callable[..., Lab]

CELLS = """
import attnwidget as aw, ipywidgets
ex = aw.explore()
box = ipywidgets.Box([ex], layout=ipywidgets.Layout(width="{width}px", display="block"))
box
"""

# Elements with text of their own that lie outside the widget, or are cut without saying so.
_CUT = """(root) => {
  const frame = root.getBoundingClientRect();
  const bad = [];
  for (const element of root.querySelectorAll('*')) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own) continue;
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    if (box.width === 0 || style.visibility === 'hidden') continue;
    if (box.left < frame.left - 1 || box.right > frame.right + 1
        || box.top < frame.top - 1 || box.bottom > frame.bottom + 1) {
      bad.push(`outside: ${element.className} ${element.textContent}`);
    }
    const cut = element.scrollWidth > element.clientWidth + 1 && style.overflowX !== 'visible';
    if (cut && style.textOverflow !== 'ellipsis' && element.tagName !== 'INPUT') {
      bad.push(`cut: ${element.className} ${element.textContent}`);
    }
  }
  return bad;
}"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [400, 800, 1400])
def test_nothing_is_cut_at_any_width(open_lab: OpenLab, width: int, dark: bool) -> None:
    lab = open_lab([CELLS.format(width=width - 20)], width=max(width + 200, 900), dark=dark)
    lab.run_all()
    lab.wait_until_drawn()
    mode = "dark" if dark else "light"
    lab.screenshot(f"matrix-{width}-{mode}")
    assert lab.widget().evaluate(_CUT) == []
    root = lab.widget()
    assert root.evaluate("(e) => e.scrollWidth <= e.clientWidth + 1")
    ground = root.evaluate("(e) => getComputedStyle(e.firstElementChild ?? e).backgroundColor")
    assert ground
    lab.python("ex.view = 'grid'")
    lab.page.wait_for_timeout(400)
    lab.screenshot(f"grid-{width}-{mode}")
    assert lab.widget().evaluate(_CUT) == []


REAL = """
import attnwidget as aw, os
model, tokenizer = aw.zoo.load("{name}")
ex = aw.explore(model, tokenizer, "The animal didn't cross the street because it was too tired")
ex
"""


@pytest.mark.parametrize("name", ["minilm", "smollm2"])
def test_real_models_look_right(open_lab: OpenLab, name: str) -> None:
    lab = open_lab([REAL.format(name=name)])
    lab.run_all()
    lab.wait_until_drawn()
    lab.screenshot(f"{name}-light")
    assert lab.widget().evaluate(_CUT) == []
    words = lab.widget().locator(".aw-bar").inner_text()
    assert "exact" in words
    if name == "smollm2":
        assert "3 key/value heads" in words
