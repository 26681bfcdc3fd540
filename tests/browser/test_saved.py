"""What a saved notebook holds of its widgets."""

from __future__ import annotations

import json

from tests.browser.lab import SECONDS, Lab

CELLS = [
    """
import torch, attnwidget as aw
maps = {n: [torch.rand(1, 12, n, n).softmax(-1) for _ in range(4)] for n in (12, 400)}
short = aw.explore(attention=maps[12])
short""",
    """
long = aw.explore(attention=maps[400])
long""",
]
BUDGET = 20_000


def test_a_notebook_saved_with_widget_state_stays_small(lab: Lab) -> None:
    """The script once, and at most 20 kB beside it, whatever the number of tokens."""
    for nth in (0, 1):
        lab.wait_until_drawn(nth)
    lab.page.evaluate(
        "jupyterapp.commands.execute('@jupyter-widgets/jupyterlab-manager:saveWidgetState')"
    )
    lab.page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    path = lab.server.folder / lab.name
    for _ in range(100):
        widgets = json.loads(path.read_text())["metadata"].get("widgets")
        if widgets:
            break
        lab.page.wait_for_timeout(SECONDS / 10)
    assert widgets, "the widget state was not saved"
    (states,) = (entry["state"] for entry in widgets.values())
    explorers = [entry["state"] for entry in states.values() if "_esm" in entry["state"]]
    assert len(explorers) == 2
    sizes = []
    for state in explorers:
        assert len(state.pop("_esm")) <= 100_000
        state.pop("_css")
        sizes.append(len(json.dumps(state)))
    assert max(sizes) <= BUDGET
    assert abs(sizes[0] - sizes[1]) < 100, "the state grows with the text"
