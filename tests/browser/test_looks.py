"""Screenshots at three widths, light and dark, with checks of what no picture may have."""

from __future__ import annotations

import pytest

from tests.browser.lab import Lab

CELLS = [
    """
import attnwidget as aw, ipywidgets, torch
from torch import nn
sentence = "The animal didn't cross the street because it was too tired"
ex = aw.explore()
box = ipywidgets.Box([ex], layout=ipywidgets.Layout(width="1000px", display="block"))
box""",
    """
minilm = aw.explore(*aw.zoo.load("minilm"), sentence, query="it", key="animal")
minilm""",
    """
smollm2 = aw.explore(*aw.zoo.load("smollm2"), sentence)
smollm2""",
    """
waiting = nn.TransformerEncoderLayer(16, 4, batch_first=True).eval()
live = aw.explore(waiting)
live""",
    """
torch.manual_seed(0)
words = "when the old lighthouse keeper climbed down he found that his boat was gone".split() * 40
seen = torch.ones(512, 512, dtype=torch.bool).tril()
maps = [torch.randn(1, 4, 512, 512).mul(3).masked_fill(~seen, -torch.inf) for _ in range(3)]
long = aw.explore(attention=[map_.softmax(-1) for map_ in maps], tokens=words[:512], query=300)
long_box = ipywidgets.Box([long], layout=ipywidgets.Layout(width="1000px", display="block"))
long_box""",
]
VIEWS = ("lines", "text", "matrix", "grid")
LONG = 4

# Elements with text of their own that lie outside the widget, or are cut without saying so; what is
# scrolled is neither.
CUT = """(root) => {
  const frame = root.getBoundingClientRect();
  const bad = [];
  const is_scrolled = (element) => {
    for (let e = element.parentElement; e && e !== root; e = e.parentElement) {
      const {overflowX, overflowY} = getComputedStyle(e);
      if (/auto|scroll/.test(overflowX + overflowY)) return true;
    }
    return false;
  };
  for (const element of root.querySelectorAll('*')) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || is_scrolled(element)) continue;
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
def test_nothing_is_cut_at_any_width(lab: Lab, width: int, dark: bool) -> None:
    lab.page.set_viewport_size({"width": max(width + 200, 900), "height": 1000})
    lab.theme(dark)
    mode = "dark" if dark else "light"
    for box in ("box", "long_box"):
        lab.python(f"{box}.layout.width = '{width - 20}px'")
    for nth, name, tokens in ((0, "ex", 17), (LONG, "long", 512)):
        for view in VIEWS:
            lab.python(f"{name}.view = '{view}'")
            lab.page.wait_for_timeout(500)
            lab.wait_for_sentence("%", nth)
            lab.screenshot(f"{view}-{tokens}-{width}-{mode}", nth)
            assert lab.widget(nth).evaluate(CUT) == [], (name, view)
            assert lab.widget(nth).evaluate("(e) => e.scrollWidth <= e.clientWidth + 1")
    ground = lab.widget().evaluate(
        "(e) => getComputedStyle(e.querySelector('.aw-root') ?? e).backgroundColor"
    )
    level = sum(int(n) for n in ground.strip("rgba()").split(",")[:3]) / 3
    assert (level < 80) == dark, f"the ground is {ground}"


@pytest.mark.parametrize(("nth", "name"), [(1, "minilm"), (2, "smollm2")])
def test_real_models_look_right(lab: Lab, nth: int, name: str) -> None:
    lab.page.set_viewport_size({"width": 1400, "height": 1000})
    lab.theme(dark=False)
    lab.wait_until_drawn(nth)
    lab.screenshot(name, nth)
    assert lab.widget(nth).evaluate(CUT) == []
    words = lab.widget(nth).locator(".aw-bar").inner_text()
    assert "exact" in words
    expected = {"minilm": "6 layers × 12 heads", "smollm2": "3 key/value heads"}
    assert expected[name] in words


def test_a_widget_made_before_any_forward_pass_waits_in_words(lab: Lab) -> None:
    trouble = lab.widget(3).locator(".aw-trouble", has_text="Nothing has run yet")
    trouble.wait_for()
    lab.screenshot("waiting", 3)
    lab.python("with torch.no_grad(): waiting(torch.randn(2, 7, 16))")
    lab.wait_until_drawn(3)
    assert lab.sentence(3).startswith("Layer 0, head")
    lab.screenshot("live-fast-path", 3)
