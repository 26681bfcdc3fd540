"""The lines view in JupyterLab, by mouse and by keyboard alone."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import expect

from tests.browser.lab import Lab

CELLS = [
    """
import json, torch, attnwidget as aw
torch.manual_seed(5)
words = "the cat sat on the mat because it was warm".split()
maps = [torch.randn(1, 3, 10, 10).mul(2).softmax(-1) for _ in "ab"]
maps[1][0, 2] = 0.02
maps[1][0, 2, 7, 1] = 0.82  # it -> cat
ex = aw.explore(attention=maps, tokens=words)
ex""",
    """
long = aw.explore(attention=[torch.randn(1, 12, 512, 512).mul(3).softmax(-1)], query=300)
long""",
]
LONG = 1


@pytest.fixture(autouse=True)
def start(lab: Lab) -> None:
    lab.python(
        "ex.view, ex.direction, ex.mean, ex.heads, ex.mass = 'lines', 'from', False, [], 0.9\n"
        "ex.layer, ex.head, ex.query, ex.key = 1, 2, 7, None"
    )
    lab.page.mouse.move(5, 5)
    lab.wait_for_sentence("it looks 82 % at cat")
    lab.wait_until_drawn()


def links(lab: Lab, nth: int = 0) -> NDArray[np.uint8]:
    """Pixels (height, width, 4) of the strong lines; where nothing is drawn alpha is 0."""
    lab.page.wait_for_timeout(150)
    return lab.pixels(lab.widget(nth).locator("canvas.aw-links"))


def ends(lab: Lab, side: str) -> list[float]:
    """Heights, in rows, at which lines reach the left or the right edge of the canvas."""
    pixels = links(lab)
    column = pixels[:, 1 if side == "query" else -2, 3].astype(int)
    runs = np.flatnonzero(np.diff(np.concatenate([[0], column > 90, [0]]).astype(int)))
    row = pixels.shape[0] / 10
    return [(a + b) / 2 / row - 0.5 for a, b in zip(runs[::2], runs[1::2], strict=True)]


def test_the_strong_line_runs_from_the_query_to_the_key(lab: Lab) -> None:
    assert ends(lab, "query") == pytest.approx([7], abs=0.1)
    assert ends(lab, "key") == pytest.approx([1], abs=0.1)
    assert "82 %" in lab.row("key", "cat").inner_text()
    lab.screenshot("lines")


def test_the_line_is_as_wide_as_its_weight(lab: Lab) -> None:
    def width() -> int:
        return int((links(lab)[:, -2, 3] > 60).sum())

    wide = width()
    lab.python("maps[1][0, 2, 7] = 0.02; maps[1][0, 2, 7, 1] = 0.4")
    lab.python(
        "other = aw.explore(attention=maps, tokens=words); ex._session.take(other.trace, {})"
    )
    lab.wait_for_sentence("it looks 40 % at cat")
    narrow = width()
    lab.python("maps[1][0, 2, 7, 1] = 0.82")
    lab.python(
        "other = aw.explore(attention=maps, tokens=words); ex._session.take(other.trace, {})"
    )
    assert 0.35 < narrow / wide < 0.7


def test_hover_peeks_and_a_click_locks_and_frees(lab: Lab) -> None:
    before = links(lab)
    lab.row("query", "sat").hover()
    peeked = links(lab)
    assert (peeked != before).any()
    assert lab.python("print(ex.query)") == "7", "hover must not select"
    lab.page.mouse.move(5, 5)
    np.testing.assert_array_equal(links(lab), before)
    lab.row("query", "sat").click()
    lab.wait_for_sentence(": sat looks")
    assert lab.python("print(ex.query, ex.direction)") == "2 from"
    lab.row("query", "sat").click()
    lab.page.mouse.move(5, 5)
    lab.wait_for_sentence("Select a token")
    assert lab.python("print(ex.query)") == "None"
    assert not links(lab)[..., 3].any(), "freed: no line is strong"


def test_who_looks_at_me(lab: Lab) -> None:
    lab.row("key", "cat").click()
    lab.page.mouse.move(5, 5)
    lab.wait_for_sentence("cat is looked at 82 % by it")
    assert lab.python("print(ex.direction, ex.query, ex.key)") == "to None 1"
    assert ends(lab, "key") == pytest.approx([1], abs=0.1)
    assert "82 %" in lab.row("query", "it").inner_text()
    lab.screenshot("lines-to")
    lab.widget().get_by_role("button", name="looks at", exact=True).click()
    lab.wait_for_sentence(": cat looks")
    assert lab.python("print(ex.direction, ex.query)") == "from 1"


def test_by_keyboard_alone(lab: Lab) -> None:
    lab.widget().locator(".aw-root").focus()
    for keys, words, python in (
        (["ArrowRight"], ": was looks", "8 None from"),
        (["ArrowLeft", "ArrowLeft"], ": because looks", "6 None from"),
        (["Space"], ": it looks", "7 None from"),
        (["Shift+ArrowRight"], "at the", "7 0 from"),
        (["Shift+ArrowRight"], "at cat", "7 1 from"),
        (["d"], "cat is looked at 82 % by it", "7 1 to"),
        (["PageDown"], ": sat is looked at", "7 2 to"),
        (["PageUp"], ": cat is looked at", "7 1 to"),
        (["d"], ": it looks 82 % at cat", "7 1 from"),
        (["Escape"], ": it looks 82 % at cat", "7 None from"),
        (["Escape"], "Select a token", "None None from"),
        (["End"], ": warm looks", "9 None from"),
        (["Shift+Space"], ": was looks", "8 None from"),
    ):
        lab.press(*keys)
        lab.wait_for_sentence(words)
        lab.wait_for_python("print(ex.query, ex.key, ex.direction)", python)


def test_several_heads_in_colours(lab: Lab) -> None:
    lab.head(0, 1).click(modifiers=["Shift"])
    expect(lab.widget().locator(".aw-head-chip")).to_have_count(2)
    assert json.loads(lab.python("print(json.dumps(ex.heads))")) == [[0, 1], [1, 2]]
    colours = (
        lab.widget()
        .locator(".aw-head-chip i")
        .evaluate_all("(all) => all.map((e) => getComputedStyle(e).backgroundColor)")
    )
    drawn = links(lab)
    for colour in colours:
        rgb = np.array([int(n) for n in colour.strip("rgb()").split(",")])
        near = np.abs(drawn[..., :3].astype(int) - rgb).max(-1) < 24
        assert (near & (drawn[..., 3] > 60)).sum() > 30, colour
    lab.screenshot("lines-two-heads")
    # The swatch of a thumbnail is its lower right corner.
    box = lab.head(1, 0).bounding_box()
    assert box is not None
    lab.page.mouse.click(box["x"] + box["width"] - 3, box["y"] + box["height"] - 3)
    expect(lab.widget().locator(".aw-head-chip")).to_have_count(3)
    lab.widget().get_by_role("button", name="Mean").click()
    lab.wait_for_sentence("The mean of 3 heads: it looks")
    mean = float(
        lab.python(
            "print(sum(ex.trace.stacks[ex.stack][l].weights(head=h, queries=7, keys=1).item()"
            " for l, h in ex.heads) / 3)"
        )
    )
    assert f"{mean:.0%}".replace("%", " %") in lab.row("key", "cat").inner_text()
    lab.head(1, 0).dblclick()
    expect(lab.widget().locator(".aw-head-chip")).to_have_count(0)
    assert lab.python("print(ex.heads, ex.layer, ex.head)") == "[] 1 0"


def test_heads_are_set_from_python(lab: Lab) -> None:
    lab.python("ex.heads = [0, 2]")
    expect(lab.widget().locator(".aw-head-chip")).to_have_count(2)
    assert lab.widget().locator(".aw-head-chip").all_inner_texts() == ["1.0", "1.2"]
    lab.widget().locator(".aw-root").focus()
    lab.press("ArrowUp")
    lab.wait_for_sentence("Layer 0, head 2")
    assert lab.widget().locator(".aw-head-chip").all_inner_texts() == ["0.0", "0.2"]


def test_the_slider_draws_the_fewest_lines_that_hold_the_share(lab: Lab) -> None:
    slider = lab.widget().get_by_role("slider")
    slider.focus()
    for _ in range(20):
        lab.page.keyboard.press("ArrowLeft")
    lab.wait_for_python("print(ex.mass)", "0.1")
    assert len(ends(lab, "key")) == 1, "82 % in one line"
    few = int((links(lab)[..., 3] > 0).sum())
    lab.python("ex.mass = 1.0")
    lab.page.wait_for_timeout(300)
    assert int((links(lab)[..., 3] > 0).sum()) > 1.5 * few


def test_a_long_text_scrolls_and_keeps_its_lines_right(lab: Lab) -> None:
    lab.wait_until_drawn(LONG)
    widget = lab.widget(LONG)
    column = widget.locator(".aw-column-query")
    expect(column.locator(".aw-shown bdi")).to_have_text("300")
    assert column.get_by_role("option").count() < 40, "only what is in sight is on the page"
    lab.screenshot("lines-512", LONG)

    def left_end() -> float:
        """Where the strong lines start, in pixels from the top of the column."""
        pixels = links(lab, LONG)
        rows = np.flatnonzero(pixels[:, 1, 3] > 60)
        return float(rows.mean())

    def label_at() -> float:
        return float(
            column.locator(".aw-shown").evaluate(
                "(e) => { const a = e.getBoundingClientRect(),"
                " b = e.closest('.aw-column').getBoundingClientRect();"
                " return (a.top + a.bottom) / 2 - b.top; }"
            )
        )

    assert abs(left_end() - label_at()) < 3
    column.evaluate("(e) => { e.scrollTop += 60; }")
    lab.page.wait_for_timeout(200)
    assert abs(left_end() - label_at()) < 3
    above = widget.locator(".aw-unseen", has_text="above")
    keys = widget.locator(".aw-column-key")
    before = keys.evaluate("(e) => e.scrollTop")
    above.click()
    lab.page.wait_for_timeout(200)
    assert keys.evaluate("(e) => e.scrollTop") < before


def test_twelve_heads_of_a_long_text(lab: Lab) -> None:
    lab.python("long.heads = range(12)")
    widget = lab.widget(LONG)
    expect(widget.locator(".aw-head-chip")).to_have_count(12)
    lab.wait_until_drawn(LONG)
    lab.screenshot("lines-512-twelve", LONG)
    row = json.loads(
        lab.python(
            "w = long.trace.calls[0].weights(queries=300)[0, :, 0]\n"
            "print(json.dumps([w.max().item(), int(w.max(0).values.argmax())]))"
        )
    )
    share, key = row
    label = widget.locator(".aw-column-key .aw-row", has=lab.page.locator(f"text=/^{key}$/"))
    if label.count():
        assert f"{share:.0%}".replace("%", " %") in label.first.inner_text()
    lab.python("long.heads = []")
