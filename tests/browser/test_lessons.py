"""Every lesson as it is given: by keyboard alone, from the first stop to the last."""

from __future__ import annotations

import pytest

import attnwidget as aw
from tests.browser.lab import Lab
from tests.browser.test_looks import CUT

CELLS = [
    "import attnwidget as aw",
    *(f"aw.lesson({name!r})" for name in aw.lessons()),
]


@pytest.mark.parametrize(("nth", "name"), list(enumerate(aw.lessons())))
def test_a_lesson_is_given_by_keyboard_alone(lab: Lab, nth: int, name: str) -> None:
    widget = lab.widget(nth)
    widget.locator(".aw-tour").wait_for()
    widget.scroll_into_view_if_needed()
    widget.locator(".aw-root").focus()
    opened = aw.lesson(name)  # the same here as there: its answers are known
    stops = list(opened.tour)
    opened.close()
    assert len(stops) >= 8
    number = widget.locator(".aw-tour-number")
    for at, stop in enumerate(stops):
        number.get_by_text(f"{at + 1} of {len(stops)}", exact=True).wait_for()
        lab.page.wait_for_timeout(150)
        lab.screenshot(f"lesson-{name}-{at + 1:02}", nth)
        assert widget.locator(".aw-trouble").count() == 0, f"stop {at + 1}"
        if stop.ask is not None:
            answer(lab, nth, stop.ask)
        lab.page.keyboard.press("Space" if at % 2 else "PageDown")
    assert widget.get_by_role("button", name="The end").is_visible()
    for at in range(len(stops) - 1, 0, -1):
        number.get_by_text(f"{at + 1} of", exact=False).wait_for()
        lab.page.keyboard.press("Shift+Space" if at % 2 else "PageUp")
    number.get_by_text(f"1 of {len(stops)}", exact=True).wait_for()


# Texts of a widget that are seen and drawn smaller than so many pixels; formulas have small parts.
_SMALL = """(widget, least) => {
  const found = [];
  const walk = document.createTreeWalker(widget, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode.textContent.trim();
    const element = walk.currentNode.parentElement;
    if (!text || element.closest('math, sub, sup, option')) continue;
    if (!element.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
    if (element.getClientRects().length === 0) continue;
    const size = parseFloat(getComputedStyle(element).fontSize) * element.currentCSSZoom;
    if (size > 0 && size < least) found.push(`${element.getAttribute('class')}: ${text} ${size}`);
  }
  return found;
}"""


@pytest.mark.parametrize(("nth", "name"), list(enumerate(aw.lessons())))
def test_a_lesson_can_be_read_from_the_last_row(lab: Lab, nth: int, name: str) -> None:
    """Lecture mode: no text of any stop is smaller than 20 px."""
    widget = lab.widget(nth)
    widget.locator(".aw-root").focus()
    lab.page.keyboard.press("f")
    widget.locator(".aw-lecture").wait_for()
    stops = widget.locator(".aw-tour-progress button")
    for at in range(stops.count()):
        stops.nth(at).click()
        lab.page.wait_for_timeout(400)
        lab.screenshot(f"lecture-{name}-{at + 1:02}", nth)
        assert widget.evaluate(_SMALL, 20) == [], f"stop {at + 1}"
    lab.page.keyboard.press("f")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [800, 1400])
def test_nothing_of_a_lesson_is_cut(lab: Lab, width: int, dark: bool) -> None:
    lab.page.set_viewport_size({"width": width + 220, "height": 1000})
    lab.theme(dark)
    for nth, name in enumerate(aw.lessons()):
        widget = lab.widget(nth)
        widget.evaluate("(e, width) => { e.parentElement.style.width = `${width}px`; }", width)
        stops = widget.locator(".aw-tour-progress button")
        for at in range(stops.count()):
            stops.nth(at).click()
            lab.page.wait_for_timeout(250)
            mode = "dark" if dark else "light"
            lab.screenshot(f"stop-{name}-{at + 1:02}-{width}-{mode}", nth)
            assert widget.evaluate(CUT) == [], f"{name}, stop {at + 1}"
            assert abs(widget.evaluate("(e) => e.clientWidth") - width) <= 2


def answer(lab: Lab, nth: int, ask: aw.Choose | aw.Estimate) -> None:
    """Space is held back; then the right answer, as a reader gives it."""
    widget = lab.widget(nth)
    lab.page.keyboard.press("Space")
    widget.locator(".aw-nudge").wait_for()
    if isinstance(ask, aw.Choose):
        lab.page.keyboard.press(str(ask.answer + 1))
    else:
        lab.page.keyboard.press("Tab")
        lab.page.keyboard.type(f"{ask.answer}")
        lab.page.keyboard.press("Enter")
    widget.locator(".aw-verdict", has_text="Right.").wait_for()
