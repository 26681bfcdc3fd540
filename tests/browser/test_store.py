"""The key-value store in a real JupyterLab: dragged, typed into, driven from Python."""

from __future__ import annotations

import ast

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Lab

CELLS = [
    "import numpy as np, attnwidget as aw\nstore = aw.KeyValueStore()\nstore",
    "store",
    """
shades = np.linspace(0, 1, 8)[None, :, None] * np.ones((8, 1, 3))
own = aw.KeyValueStore([[2, 0], [0, 2]], [shades, shades[:, ::-1]], [1, 1], names=["<b>a</b>", "b"])
own""",
]


@pytest.fixture(autouse=True)
def start(lab: Lab) -> None:
    """Every test starts from the recipe book."""
    lab.python("store.screen = 'numbers'; store.hard = False; store.predict = False")
    lab.python("store.screen = 'recipes'; store.step = 'blend'; store.query_names = ['lasagne']")
    lab.wait_for_sentence("lasagne takes 64 % from Lasagna")


def drag(lab: Lab, x: float, y: float, nth: int = 0) -> None:
    """Drag the selected query by so many pixels."""
    box = lab.widget(nth).locator(".aw-asked circle").bounding_box()
    assert box is not None
    at = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    lab.page.mouse.move(*at)
    lab.page.mouse.down()
    lab.page.mouse.move(at[0] + x, at[1] + y, steps=12)
    lab.page.mouse.up()


def test_the_query_is_dragged_and_python_has_what_the_page_shows(lab: Lab) -> None:
    drag(lab, 250, -60)
    said = lab.wait_for_sentence("from Pancakes")
    assert said.startswith("The query takes")
    name = "print(store.names[int(np.argmax(store.weights))], store.query_names)"
    lab.wait_for_python(name, "Pancakes ['']")
    query = ast.literal_eval(lab.python("print(store.query)"))
    assert query[0][0] > 1
    share = float(lab.python("print(max(store.weights[0]))"))
    assert f"takes {round(100 * share)} % from Pancakes" in said
    result = ast.literal_eval(lab.python("print(store.result)"))
    assert next(iter(result[0])) == "whisk batter, fry"
    assert result[0]["whisk batter, fry"] == pytest.approx(share)
    assert lab.sentence(1) == said, "the second view of the store keeps step"


def test_beta_and_entries_set_in_python_are_followed_by_the_page(lab: Lab) -> None:
    widget = lab.widget()
    lab.python("store.beta = 0")
    lab.wait_for_sentence("lasagne takes 17 % from")
    lab.python("store.beta = float('inf')")
    lab.wait_for_sentence("lasagne takes all from Lasagna.")
    expect(widget.locator(".aw-beta-value")).to_contain_text("β = ∞")
    lab.python("store.set_entries([[1, 0], [1, 0]], [10, 30], ['one', 'two'])")
    lab.wait_for_sentence("takes 50 % from one, 50 % from two: 20 comes back")
    widget.get_by_role("button", name="Hard").click()
    lab.wait_for_sentence("takes all from one: 10 comes back")
    lab.wait_for_python("print(store.hard, store.result)", "True [10.0]")
    lab.python("store = store; store.hard = False; store.beta = None")
    lab.wait_for_sentence("takes 50 % from one")
    lab.python("store._examples = aw.KeyValueStore()._examples")


def test_a_click_into_the_plane_gives_it_the_keys(lab: Lab) -> None:
    lab.widget().locator(".aw-plane svg").click(position={"x": 60, "y": 30})
    lab.wait_for_sentence("The query takes")
    before = ast.literal_eval(lab.python("print(store.query)"))[0]
    lab.press("ArrowRight")
    lab.wait_for_python("print(store.query[0][0])", str(round(before[0] + 0.075, 3)))


def test_slider_keyboard_and_fields_reach_python(lab: Lab) -> None:
    widget = lab.widget()
    cells = lab.page.evaluate("jupyterapp.shell.currentWidget.content.widgets.length")
    widget.locator(".aw-plane").focus()
    lab.press("ArrowRight", "ArrowUp")
    lab.wait_for_python("print(store.query)", "[[-1.725, 1.075]]")
    for step in ("scores", "scale", "softargmax", "blend"):
        lab.press("Space")
        lab.wait_for_python("print(store.step)", step)
    lab.press("h")
    lab.wait_for_python("print(store.hard)", "True")
    lab.press("h")
    widget.get_by_label("Inverse temperature").focus()
    lab.press("End")
    lab.wait_for_python("print(store.beta)", "inf")
    widget.get_by_label("name of entry 2").fill("calzone")
    lab.wait_for_python("print(store.names[1])", "calzone")
    widget.get_by_role("button", name="Duplicate calzone").click()
    lab.wait_for_python("print(len(store.keys), store.names[2])", "7 calzone 2")
    now = lab.page.evaluate("jupyterapp.shell.currentWidget.content.widgets.length")
    assert now == cells, "one of Jupyter's own shortcuts fired"
    lab.leave_by_tab(most=40)


def test_other_screens_bring_their_examples_here_and_in_python(lab: Lab) -> None:
    widget = lab.widget()
    widget.get_by_role("button", name="Numbers").click()
    lab.wait_for_sentence("Query 1 takes all from A: 10 comes back")
    lab.wait_for_python("print(np.round(store.result, 1).tolist())", "[10.0, 30.0, 46.7]")
    widget.get_by_label("value of A").fill("12")
    lab.wait_for_python("print(store.values[0])", "12.0")
    widget.get_by_role("button", name="Regression").click()
    curve = widget.locator(".aw-curve")
    before = curve.get_attribute("d")
    point = widget.locator(".aw-point circle").first.bounding_box()
    assert point is not None
    lab.page.mouse.move(point["x"] + point["width"] / 2, point["y"] + point["height"] / 2)
    lab.page.mouse.down()
    lab.page.mouse.move(point["x"] + 30, point["y"] - 90, steps=6)
    lab.page.mouse.up()
    expect(curve).not_to_have_attribute("d", before or "")
    lab.wait_for_python("print(store.keys[0][0] > 0.3, store.values[0] > 1.3)", "True True")


def test_predict_first_hides_the_answer_until_it_is_given(lab: Lab) -> None:
    widget = lab.widget()
    widget.get_by_role("button", name="Predict first").click()
    lab.wait_for_sentence("Predict: which entry gives most to lasagne?")
    assert "%" not in widget.inner_text()
    widget.locator(".aw-answers").get_by_role("button", name="Pizza").click()
    lab.wait_for_sentence("You said Pizza (33 %). lasagne takes 64 % from Lasagna")
    lab.wait_for_python("print(store.predict)", "True")


def test_pictures_are_blended_in_the_page_as_in_python(lab: Lab) -> None:
    lab.wait_for_sentence("from <b>a</b>", nth=2)
    canvas = lab.widget(2).locator("canvas.aw-blended")
    expect(canvas).to_have_js_property("width", 8)
    lab.page.wait_for_function(
        "(c) => c.getContext('2d').getImageData(0, 0, 1, 1).data[3] === 255",
        arg=canvas.element_handle(),
    )
    shown = lab.pixels(canvas)[..., :3]
    told = ast.literal_eval(lab.python("print((own.result[0] * 255).tolist())"))
    assert abs(shown - told).max() <= 1.5


def test_what_the_page_did_survives_a_reload(lab: Lab) -> None:
    drag(lab, 120, 200)
    said = lab.sentence()
    lab.page.wait_for_timeout(300)
    lab.page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    lab.page.wait_for_timeout(1500)
    lab.page.goto(lab.page.url.replace("?reset", ""))
    lab.wait_for_kernel()
    assert lab.wait_for_sentence("takes") == said
    drag(lab, -60, -60)
    lab.wait_for_python("print(store.query_names)", "['']")
