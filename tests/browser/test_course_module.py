"""A course notebook's own MultiHeadAttention: its H and A are on screen as its cells are run."""

from __future__ import annotations

import json

import numpy as np

from tests.browser.lab import ROOT, Lab
from tests.browser.test_steps import along, vector


def _cells() -> list[str]:
    """From the notebook of lesson 3: the module, bound; and the cell that calls it."""
    notebook = json.loads((ROOT / "notebooks" / "lesson-3-heads.ipynb").read_text())
    sources = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    defined = next(source for source in sources if "class MultiHeadAttention" in source)
    called = next(source for source in sources if source.startswith("x = torch.randn"))
    return [f"import attnwidget as aw\n{defined}", called]


CELLS = _cells()


def test_the_attention_that_a_cell_returned_is_on_screen(lab: Lab) -> None:
    lab.python("live.view = 'matrix'; live.head = 2; live.query = 1; live.key = 4")
    lab.wait_until_drawn()
    for _ in range(2):  # run the cell again: another x, another picture
        share = float(lab.python("print(A[0, 2, 1, 4].item())"))
        lab.widget().locator(".aw-number", has_text=f"{share:.3g}").wait_for()
        before = lab.cells()
        lab.begin(1)
        lab.wait_until_redrawn(before)
        lab.wait_for_kernel()
    assert lab.python("print(live.status.split(':')[0])") == "exact"


def test_the_result_that_a_cell_returned_is_where_the_steps_end(lab: Lab) -> None:
    lab.python("import json; live.view, live.stage, live.query = 'steps', 'projection', 3")
    expected = np.array(json.loads(lab.python("print(json.dumps(H[0, 3].tolist()))")))
    lab.widget().locator(".aw-steps-view").wait_for()
    found = np.array(along(vector(lab, "W_h: all heads")))
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-5
