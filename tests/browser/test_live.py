"""Passes that others run: followed, paused, stepped through; and what goes wrong on the way."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.lab import SCREENSHOTS, SECONDS, Lab

CELLS = [
    """
import threading, time, torch, attnwidget as aw
torch.set_num_threads(1)  # two that wait for each other are slow on a machine in use
from torch import nn
torch.manual_seed(0)
model, tokenizer = aw.zoo.load("stories")
ex = aw.explore(model, tokenizer, view="lines")
ex""",
    """
with torch.no_grad():
    for step in range(60):
        model(torch.randint(5, 60, (2, 9)))
        time.sleep(0.05)""",
    """
layer = nn.TransformerEncoderLayer(16, 4, batch_first=True)
classifier = nn.Sequential(layer, nn.Flatten(), nn.Linear(80, 3)).eval()
classifier.config = type("Config", (), {"id2label": {0: "calm", 1: "windy", 2: "stormy"}})()
sorts = aw.explore(classifier, inputs=torch.randn(1, 5, 16))
sorts""",
]


@pytest.fixture(autouse=True)
def start(lab: Lab) -> None:
    lab.python("ex.step = None; ex.view = 'lines'")
    lab.python("with torch.no_grad(): out = model(torch.randint(5, 60, (2, 9)))")
    newest = lab.python("print(ex._session.newest.number)")
    tokens = lab.python("print('|'.join(ex.tokens))").split("|")
    if newest != "1":  # the counter is shown from the second pass on
        expect(lab.widget().locator(".aw-passes")).to_contain_text(f"live · pass {newest}")
    expect(lab.widget().locator(".aw-column-key bdi")).to_have_text(tokens)


def passes(lab: Lab) -> str:
    return lab.widget().locator(".aw-passes").inner_text()


def test_pause_step_back_and_follow_again(lab: Lab) -> None:
    newest = int(lab.python("print(ex._session.newest.number)"))
    lab.widget().get_by_role("button", name="Pause").click()
    expect(lab.widget().locator(".aw-passes")).to_contain_text("paused")
    assert lab.python("print(ex.step)") == str(newest)
    sentence = lab.sentence()
    lab.python("with torch.no_grad(): out = model(torch.randint(5, 60, (2, 9)))")
    # The counter goes on, the picture stays.
    expect(lab.widget().locator(".aw-passes")).to_contain_text(f"pass {newest} of {newest + 1}")
    assert lab.sentence() == sentence
    lab.widget().get_by_role("button", name="The pass before").click()
    expect(lab.widget().locator(".aw-passes")).to_contain_text(f"pass {newest - 1} of")
    tokens = lab.python("print(ex.tokens)")
    shown = lab.widget().locator(".aw-column-key bdi").all_inner_texts()
    assert str(shown) == tokens
    assert f"paused at pass {newest - 1} of {newest + 1}" in lab.python("print(ex.status)")
    lab.screenshot("live-paused")
    lab.widget().locator(".aw-root").focus()
    lab.press("Space")
    expect(lab.widget().locator(".aw-passes")).to_contain_text(f"pass {newest} of")
    lab.press("p")
    expect(lab.widget().locator(".aw-passes")).to_contain_text(f"live · pass {newest + 1}")
    assert lab.python("print(ex.step)") == "None"


def test_a_pass_that_is_not_kept_is_refused_in_words(lab: Lab) -> None:
    said = lab.python("try:\n    ex.step = 9999\nexcept Exception as error:\n    print(error)")
    assert "step=9999" in said


def test_the_picture_follows_a_running_cell_and_the_page_stays_free(lab: Lab) -> None:
    lab.begin(cell=1)
    seen = set()
    for _ in range(12):
        lab.page.wait_for_timeout(200)
        if lab.kernel_status() == "busy":
            seen.add(passes(lab))
    assert len(seen) >= 4, "the counter stands still while the cell runs"
    lab.wait_for_kernel()
    newest = lab.python("print(ex._session.newest.number)")
    expect(lab.widget().locator(".aw-passes")).to_contain_text(f"pass {newest}")


def test_a_pass_of_another_thread_is_followed(lab: Lab) -> None:
    before = int(lab.python("print(ex._session.newest.number)"))
    lab.python(
        "thread = threading.Thread(target=lambda: model(torch.randint(5, 60, (1, 6))))\n"
        "thread.start(); thread.join()"
    )
    expect(lab.widget().locator(".aw-passes")).to_contain_text(f"pass {before + 1}")
    assert lab.python("print(len(ex.tokens))") == "6"


def test_a_forward_pass_that_fails_leaves_the_picture_and_says_why(lab: Lab) -> None:
    shown = lab.widget().locator(".aw-column-key bdi").all_inner_texts()
    said = lab.python("model(torch.full((1, 4), 10**6))")
    assert "IndexError" in said, "the error reaches its caller unchanged"
    trouble = lab.widget().locator(".aw-trouble", has_text="The forward pass raised IndexError")
    trouble.wait_for(timeout=20 * SECONDS)
    assert lab.widget().locator(".aw-column-key bdi").all_inner_texts() == shown
    lab.screenshot("live-failed")
    lab.python("with torch.no_grad(): out = model(torch.randint(5, 60, (2, 9)))")
    expect(lab.widget().locator(".aw-trouble")).to_have_count(0)


def test_what_comes_next_is_said_from_the_same_pass(lab: Lab) -> None:
    lab.python("ex.text = 'Tom dropped the cup near the bell , and it'; ex.query = 10")
    line = lab.widget().locator(".aw-predictions")
    expect(line).to_contain_text(re.compile("Next after it"))
    best, share = lab.python(
        "p = model(**tokenizer(ex.text))[0, 10].softmax(-1).detach()\n"
        "print(tokenizer.convert_ids_to_tokens([int(p.argmax())])[0], round(float(p.max()) * 100))"
    ).split()
    expect(line).to_contain_text(re.compile(rf"{re.escape(best)} {share} %"))
    expect(line).to_contain_text("of 401")


def test_classes_are_said_by_their_names(lab: Lab) -> None:
    line = lab.widget(1).locator(".aw-predictions")
    expect(line).to_contain_text(re.compile("calm|windy|stormy"))
    expect(line).to_contain_text("of 3")


def test_lecture_mode_is_large_and_leaves_by_key(lab: Lab) -> None:
    root = lab.widget().locator(".aw-root")
    size = "(e) => parseFloat(getComputedStyle(e).fontSize)"
    before = lab.widget().locator(".aw-sentence").evaluate(size)
    width = lab.widget().evaluate("(e) => e.getBoundingClientRect().width")
    root.focus()
    lab.press("f")
    expect(root).to_have_class(re.compile("aw-lecture"))
    lab.page.wait_for_timeout(300)
    assert lab.widget().locator(".aw-sentence").evaluate(size) > 1.6 * before
    assert lab.widget().evaluate("(e) => e.getBoundingClientRect().width") > width
    expect(lab.widget().locator(".aw-heads")).to_have_count(0)
    query = lab.python("print(ex.query)")
    lab.press("PageUp")
    lab.page.wait_for_timeout(300)
    assert lab.python("print(ex.query)") != query
    lab.page.screenshot(path=SCREENSHOTS / "lecture.png")
    lab.press("f")
    expect(root).not_to_have_class(re.compile("aw-lecture"))
    expect(lab.widget().locator(".aw-heads")).to_have_count(1)
