"""What a saved notebook holds of a widget."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.browser.lab import Lab

OpenLab = Callable[..., Lab]

BUDGET = 20_000


def saved(lab: Lab) -> dict[str, dict[str, object]]:
    """Widget states in the notebook file, after saving with widget state."""
    lab.page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    lab.page.wait_for_timeout(3000)
    (path,) = lab.server.folder.glob(lab.page.url.split("/")[-1].split("?")[0])
    notebook = json.loads(path.read_text())
    states = notebook["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    return {
        key: entry["state"] for key, entry in states.items() if "_esm" in entry.get("state", {})
    }


def test_a_notebook_saved_with_widget_state_stays_small(open_lab: OpenLab) -> None:
    """The script once, and at most 20 kB beside it, whatever the number of tokens."""
    sizes = []
    for tokens in (12, 400):
        lab = open_lab([
            "import torch, attnwidget as aw\n"
            f"maps = [torch.rand(1, 12, {tokens}, {tokens}).softmax(-1) for _ in range(4)]\n"
            "ex = aw.explore(attention=maps)\nex",
        ])
        lab.run_all()
        lab.wait_until_drawn()
        (state,) = saved(lab).values()
        assert len(str(state.pop("_esm"))) <= 100_000
        state.pop("_css")
        sizes.append(len(json.dumps(state)))
    assert max(sizes) <= BUDGET
    assert abs(sizes[0] - sizes[1]) < 100, "the state grows with the text"
