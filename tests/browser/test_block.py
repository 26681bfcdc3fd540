"""The block view in JupyterLab: lengths on screen are those of the model's own residual stream."""

from __future__ import annotations

import json
import re

import pytest

from tests.browser.lab import Lab

# The kernel measures the stream with hooks of its own, in float64: nothing in `true` has gone
# through attnwidget.
CELLS = [
    """
import copy, json, torch, attnwidget as aw
model, tokenizer = aw.zoo.load("stories")
text = "The animal didn't cross the street because it was too tired, so it slept."
ex = aw.explore(model, tokenizer, text, view="block", layer=1, head=0, query=14)
ex""",
    """
precise, seen = copy.deepcopy(model).double(), {}
for layer, block in enumerate(precise.blocks):
    block.register_forward_hook(
        lambda _, given, made, at=layer: seen.update({at: (given[0][0, 14], made[0, 14])}))
    block.attention.register_forward_hook(
        lambda _, given, made, at=layer: seen.update({("a", at): made[0, 14]}))
with torch.no_grad():
    precise(tokenizer(text)["input_ids"])
def lengths(layer):
    before, after = seen[layer]
    return [float(x.norm()) for x in (before, before + seen["a", layer], after)]
""",
]


@pytest.mark.parametrize("layer", [1, 2])
def test_the_lengths_of_the_stream_are_the_models_own(lab: Lab, layer: int) -> None:
    lab.python(f"ex.layer = {layer}")
    expected = json.loads(lab.python(f"print(json.dumps(lengths({layer})))"))
    view = lab.widget().locator(".aw-block-diagram")
    lab.widget().locator(".aw-block-of", has_text=f"Block {layer}").wait_for()
    shown = [
        float(re.sub(r"[^\d.]", "", text))
        for text in view.locator(".aw-block-length").all_inner_texts()
    ]
    assert shown == pytest.approx(expected, rel=5e-3)
    lab.screenshot(f"block-{layer}")


def test_arrows_go_from_block_to_block_and_from_token_to_token(lab: Lab) -> None:
    lab.python("ex.layer, ex.query = 1, 14")
    lab.widget().locator(".aw-root").focus()
    lab.press("ArrowDown", "ArrowLeft")
    lab.wait_for_python("print(ex.layer, ex.query)", "2 13")
    lab.widget().locator(".aw-block-of", has_text="Block 2").wait_for()
    words = lab.widget().locator(".aw-block-sentence").first.inner_text()
    assert words.startswith("In block 2, at so")
