"""The steps of one row in JupyterLab, walked by Space: what is shown is what the model computes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Locator, expect

from tests.browser.lab import Lab

Numbers = NDArray[np.float64]

# The kernel works the row out in float64 from the model's own layers, as a textbook would: nothing
# in `true` has gone through attnwidget.
CELLS = [
    """
import copy, json, math, torch, attnwidget as aw
model, tokenizer = aw.zoo.load("stories")
text = "The animal didn't cross the street because it was too tired, so it slept."
ex = aw.explore(model, tokenizer, text, view="steps", layer=2, head=2, query=14, key=2)
ex""",
    """
precise, seen = copy.deepcopy(model).double(), {}
attention = precise.blocks[2].attention
attention.register_forward_pre_hook(lambda layer, given: seen.update(x=given[0]))
attention.output.register_forward_hook(
    lambda layer, given, made: seen.update(joined=given[0][0, 14], made=made[0, 14]))
with torch.no_grad():
    precise(tokenizer(text)["input_ids"])
    of = {name: attention.split(getattr(attention, name)(seen["x"]))[0, 2]
          for name in ("query", "key", "value")}
    q, k, v = of["query"][14], of["key"], of["value"]
    sums = k @ q
    scores = (sums / math.sqrt(32)).masked_fill(torch.arange(len(k)) > 14, -math.inf)
    weights = scores.softmax(-1)
    part = attention.output.weight[:, 64:96] @ seen["joined"][64:96]
true = {"q": q, "k": k, "v": v, "products": k * q, "sums": sums, "scaled": sums / math.sqrt(32),
        "scores": scores, "minus": scores - scores.max(), "exp": (scores - scores.max()).exp(),
        "weights": weights, "weighted": weights[:, None] * v, "output": weights @ v,
        "heads": seen["joined"].reshape(4, 32), "projected": seen["made"], "part": part}
""",
    """
torch.manual_seed(1)
long = aw.explore(attention=[torch.rand(1, 1, 200, 200).softmax(-1)], view="steps", query=150)
long""",
]
LONG = 1
ANIMAL = 2
# What is shown has seven digits, and float32 has gone into it.
CLOSE = 2e-6


@pytest.fixture(scope="module")
def true(lab: Lab) -> dict[str, Numbers]:
    said = lab.python("print(json.dumps({name: t.tolist() for name, t in true.items()}))")
    return {name: np.array(numbers) for name, numbers in json.loads(said).items()}


def number(text: str) -> float:
    """A number as the page writes it: 46.87, −1.5·10⁻⁷, −∞."""
    plain = text.strip().replace("−", "-").replace("∞", "inf")
    mantissa, _, power = plain.partition("·10")
    digits = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
    return float(f"{mantissa}e{power.translate(digits)}" if power else plain)


def close(found: list[float], expected: Numbers) -> bool:
    """To what is shown of the largest."""
    finite = np.isfinite(expected)
    assert (np.isfinite(found) == finite).all()
    largest = np.abs(expected[finite]).max()
    return bool(np.abs(np.array(found)[finite] - expected[finite]).max() <= CLOSE * largest)


def column(lab: Lab, words: str) -> list[float]:
    """The exact numbers of a column, one for each key."""
    cells = lab.widget().locator(f'.aw-steps-table [data-what^="{words} of "]')
    return [number(cell.get_attribute("title") or "") for cell in cells.all()]


def along(vector: Locator) -> list[float]:
    """All numbers of a vector, one after the other by the arrow key, as they are then said."""
    vector.focus()
    vector.press("Home")
    last = int(vector.get_attribute("aria-valuemax") or 0)
    said = []
    for at in range(last + 1):
        found = re.fullmatch(r"dimension (\d+): (.+)", vector.get_attribute("aria-valuetext") or "")
        assert found is not None
        assert int(found[1]) == at
        said.append(number(found[2]))
        vector.press("ArrowRight")
    return said


def vector(lab: Lab, label: str) -> Locator:
    return lab.widget().locator(f'[role="slider"][aria-label^="{label}, "]').first


def is_along(label: str, name: str, at: Any = ...) -> Callable[[Lab, dict[str, Numbers]], bool]:
    return lambda lab, true: close(along(vector(lab, label)), true[name][at])


def is_column(words: str, name: str) -> Callable[[Lab, dict[str, Numbers]], bool]:
    return lambda lab, true: close(column(lab, words), true[name])


# By stage: what is to be seen there, in the order in which Space leads to them.
STAGES: dict[str, list[Callable[[Lab, dict[str, Numbers]], bool]]] = {
    "q": [is_along("query of it", "q")],
    "keys": [is_along("key of animal", "k", ANIMAL)],
    "q × k": [is_along("query × key of animal", "products", ANIMAL)],
    "sum": [is_column("sum", "sums")],
    "÷ √32": [is_column("÷ √32", "scaled")],
    "mask": [is_column("mask", "scores")],
    "softmax": [
        is_column("− max", "minus"),
        is_column("exp", "exp"),
        is_column("softmax", "weights"),
    ],
    "× v": [
        is_along("value of animal", "v", ANIMAL),
        is_along("weight × value of animal", "weighted", ANIMAL),
    ],
    "output": [is_along("sum = output", "output"), is_along("the model's own", "output")],
    "heads": [is_along(f"output of head {head}", "heads", head) for head in range(4)],
    "project": [
        is_along("output: all heads", "projected"),
        is_along("output: of head 2 alone", "part"),
    ],
}


def test_space_walks_the_stages_and_each_shows_the_models_own_numbers(
    lab: Lab, true: dict[str, Numbers]
) -> None:
    lab.python("ex.stage = 'query'")
    current = lab.widget().locator(".aw-stage[aria-current]")
    for words, checks in STAGES.items():
        expect(current).to_have_attribute("aria-label", words)
        for is_right in checks:
            assert is_right(lab, true), words
        lab.screenshot(f"steps-{list(STAGES).index(words)}")
        lab.widget().locator(".aw-root").focus()
        lab.press("Space")
    expect(current).to_have_attribute("aria-label", "project")
    lab.wait_for_python("print(ex.stage, ex.query)", "projection 14")
    for _ in STAGES:
        lab.press("Shift+Space")
    lab.wait_for_python("print(ex.stage, ex.query)", "query 14")


def test_the_pointer_over_a_bar_or_a_number_says_it_exactly(
    lab: Lab, true: dict[str, Numbers]
) -> None:
    lab.python("ex.stage = 'softmax'")
    exact = lab.widget().locator(".aw-steps-exact")
    box = vector(lab, "query of it").bounding_box()
    assert box is not None
    for at in (0, 9, 31):
        lab.page.mouse.move(box["x"] + (at + 0.5) / 32 * box["width"], box["y"] + 10)
        expect(exact).to_contain_text(f"query of it, dimension {at} of 32")
        assert close([number(exact.inner_text().split(": ")[1])], true["q"][at : at + 1])
    lab.widget().locator('[data-what="sum of animal"]').hover()
    expect(exact).to_contain_text("sum of animal")
    assert close([number(exact.inner_text().split(": ")[1])], true["sums"][ANIMAL : ANIMAL + 1])


def test_clicks_choose_stage_key_and_query_and_the_kernel_knows(lab: Lab) -> None:
    lab.python("ex.stage, ex.query, ex.key = 'softmax', 14, 2")
    lab.widget().locator(".aw-stage", has_text="keys").click()
    lab.wait_for_python("print(ex.stage)", "keys")
    # What was clicked has the focus, and Space still walks on.
    lab.press("Space")
    lab.wait_for_python("print(ex.stage)", "products")
    lab.widget().get_by_role("button", name="street", exact=True).click()
    lab.wait_for_python("print(ex.key)", "6")
    expect(lab.widget().locator(".aw-chosen-key")).to_contain_text("street")
    lab.widget().get_by_label("Query: one token back").click()
    lab.wait_for_python("print(ex.query)", "13")
    expect(vector(lab, "query of so")).to_be_visible()
    lab.python("ex.query = 14")


def test_a_long_row_is_moved_along_and_says_what_is_not_known(lab: Lab) -> None:
    widget = lab.widget(LONG)
    expect(widget.locator(".aw-steps-words")).to_contain_text("Only weights were given.")
    expect(widget.locator(".aw-steps-row")).to_have_count(64)
    others = widget.locator(".aw-other-keys")
    expect(others).to_contain_text("136 other keys, together")
    before = others.inner_text()
    way = "after" if widget.get_by_text("after ›").is_enabled() else "before"
    widget.locator(".aw-other-keys button", has_text=way).click()
    expect(others).not_to_have_text(before)
    expect(widget.locator(".aw-steps-row")).to_have_count(64)
    shown = re.search(r"Keys (\d+) to (\d+) of 200", others.inner_text())
    assert shown is not None
    start, stop = int(shown[1]), int(shown[2]) + 1
    weights = lab.python(
        f"print(1 - float(long.trace.calls[0].weights(0, 150)[0, 0, 0, {start}:{stop}].sum()))"
    )
    assert f"together {round(100 * float(weights))} %" in others.inner_text().replace("\xa0", " ")
    lab.screenshot("steps-long", LONG)


def test_tab_leaves_the_view(lab: Lab) -> None:
    lab.python("ex.stage = 'values'")
    lab.widget().locator(".aw-root").focus()
    lab.leave_by_tab(45)
