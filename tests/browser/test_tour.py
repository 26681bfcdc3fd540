"""The tour notebook, run from top to bottom as a newcomer would."""

from __future__ import annotations

from tests.browser.lab import ROOT, Lab

CELLS = ROOT / "notebooks" / "00-tour.ipynb"

OUTPUT_ERRORS = """() => jupyterapp.shell.currentWidget.content.widgets
  .filter((cell) => cell.model.type === 'code')
  .flatMap((cell) => cell.model.outputs.toJSON())
  .filter((output) => output.output_type === 'error')
  .map((output) => output.evalue)"""


def test_the_tour_runs_and_every_widget_draws(lab: Lab) -> None:
    assert lab.page.evaluate(OUTPUT_ERRORS) == []
    names = ["ex", "own", "real", "one", "two"]
    # Cells far down are made only when scrolled to.
    lab.page.evaluate(
        "jupyterapp.shell.currentWidget.content.widgets.forEach((c) => c.node.scrollIntoView())"
    )
    for nth, name in enumerate(names):
        lab.wait_until_drawn(nth)
        layer, head = lab.python(f"print({name}.layer, {name}.head)").split()
        assert lab.sentence(nth).startswith(f"Layer {layer}, head {head}:")
        lab.screenshot(f"tour-{nth}-{name}", nth)
    lab.head(1, 1, nth=3).click()
    lab.wait_for_sentence("Layer 1, head 1:", 4)
    assert lab.python("print(two.layer, two.head)") == "1 1"
