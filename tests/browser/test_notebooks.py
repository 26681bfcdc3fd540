"""The other notebooks, from top to bottom: no cell fails, every widget draws, findings hold."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.lab import ROOT, Lab, Server
from tests.browser.test_tour import OUTPUT_ERRORS

_OUTPUTS = """() => jupyterapp.shell.currentWidget.content.widgets
  .filter((cell) => cell.model.type === 'code')
  .flatMap((cell) => cell.model.outputs.toJSON())
  .map((output) => output.text ?? '').join('')"""


@pytest.fixture
def lab(
    request: pytest.FixtureRequest, server: Server, browser: Browser, tmp_path: Path
) -> Iterator[Lab]:
    """A notebook by its name, with some of its text replaced, run to its end."""
    name, *replaced = request.param
    text = (ROOT / "notebooks" / f"{name}.ipynb").read_text()
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    copy = tmp_path / "copy.ipynb"
    copy.write_text(text)
    opened = Lab.open(server, browser, copy)
    opened.run_all()
    yield opened
    opened.close()


def run(lab: Lab, names: list[str], notebook: str) -> str:
    """Nothing failed and every widget has drawn; all that was printed."""
    assert lab.page.evaluate(OUTPUT_ERRORS) == []
    # Cells far down are made only when scrolled to.
    lab.page.evaluate(
        "jupyterapp.shell.currentWidget.content.widgets.forEach((c) => c.node.scrollIntoView())"
    )
    for nth, name in enumerate(names):
        lab.widget(nth).locator(".aw-sentence", has_text="ayer").wait_for()
        lab.page.wait_for_timeout(500)
        lab.screenshot(f"{notebook}-{nth}-{name}", nth)
    return str(lab.page.evaluate(_OUTPUTS))


@pytest.mark.parametrize("lab", [("01-gallery",)], indirect=True)
def test_the_gallery_finds_three_heads(lab: Lab) -> None:
    said = run(lab, ["before", "again", "sung", "pronoun"], "gallery")
    before, again = (float(n) for n in re.findall(r"(0\.\d\d) of (?:each|a) row", said))
    assert before > 0.7, "a head that looks at the word before"
    assert again > 0.7, "a head that looks at what came next"
    found = re.findall(r"(\d+)% at (\w+)", said)
    assert [noun for _, noun in found[:3]] == ["trophy", "dog", "kite"]
    assert lab.widget(1).locator(".aw-head-chip").count() == 4
    lab.wait_for_sentence("at animal", 3)


@pytest.mark.parametrize(
    "lab",
    [("02-live-training", ("train.step < 2500", "train.step < 60"), ("train(30)", "train(8)"))],
    indirect=True,
)
def test_the_training_is_followed(lab: Lab) -> None:
    """A short training: that the head forms takes minutes, and is seen by running the notebook."""
    said = run(lab, ["live", "probe"], "training")
    assert "step 8: loss" in said
    assert "step 68: layer" in said
    assert lab.python("print(live._session.newest.number)") == "8"
    kept = json.loads(lab.python("print([s.number for s in probe._session.passes])"))
    assert kept[0] == 1, "all passes of the probe are kept, to step back to"
    lab.python("probe.step = 2")
    lab.widget(1).locator(".aw-passes", has_text="pass 2 of").wait_for()


@pytest.mark.parametrize("lab", [("03-linking",)], indirect=True)
def test_linked_explorers_go_together(lab: Lab) -> None:
    run(lab, ["tired", "wide", "encoder", "decoder"], "linking")
    lab.head(1, 1, nth=0).click()
    lab.wait_for_sentence("Layer 1, head 1", 1)
    assert lab.python("print(wide.layer, wide.head)") == "1 1"
    lab.row("query", "street", 0).click()
    lab.wait_for_sentence(": street looks", 1)
    lab.widget(2).get_by_role("button", name="Text", exact=True).click()
    lab.widget(3).locator(".aw-paper").wait_for()
    lab.python("layer.value = 2")
    lab.wait_for_sentence("Layer 2, head 1", 0)
    lab.python("mass.value = 0.5")
    assert "50 % of each row" in lab.widget(0).locator(".aw-mass").inner_text()
