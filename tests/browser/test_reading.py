"""How tokens are read: words, hidden tokens, pairs of sentences, search; by switch and by key."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Lab

CELLS = [
    """
import os
os.environ["HF_HUB_OFFLINE"] = "1"
import json, torch, attnwidget as aw
minilm, wordpieces = aw.zoo.load("minilm")
pair = wordpieces(
    ["The calm naïveté", "Short"], ["They waddled unhurriedly", "one"],
    return_tensors="pt", padding=True,
)
ex = aw.explore(minilm, wordpieces, inputs=dict(pair), layer=3, head=2)
ex""",
    """
long_word = "x" * 95 + "-middle-" + "y" * 97
hostile = aw.explore(
    attention=[torch.rand(1, 2, 5, 5).softmax(-1)],
    tokens=["<img src=x onerror=alert(1)>", "مرحبا", long_word, "", "\\n"], query=2,
)
hostile""",
]
HOSTILE = 1


@pytest.fixture(autouse=True)
def start(lab: Lab) -> None:
    lab.python(
        "ex.view, ex.direction, ex.batch = 'lines', 'from', 0\n"
        "ex.words, ex.hide, ex.renormalise, ex.pair = False, [], False, None\n"
        "ex.layer, ex.head, ex.query, ex.key = 3, 2, 3, None"
    )
    lab.page.mouse.move(5, 5)
    lab.wait_for_sentence("Layer 3, head 2: ")
    lab.wait_until_drawn()


def labels(lab: Lab, side: str) -> list[str]:
    return lab.widget().locator(f".aw-column-{side} bdi").all_inner_texts()


def switch(lab: Lab, words: str) -> None:
    """Flip a switch behind the Tokens button."""
    button = lab.widget().locator(".aw-menu-button")
    if button.get_attribute("aria-expanded") != "true":
        button.click()
    lab.widget().get_by_label(words).click()


def shares(lab: Lab) -> list[float]:
    """The selected query's row as Python has it, over tokens."""
    said = lab.python(
        "print(json.dumps(ex.trace.stacks[ex.stack][3].weights(head=2, queries=ex.query,"
        " batch=ex.batch)[0, 0, 0].tolist()))"
    )
    return [float(x) for x in json.loads(said)]


def test_words_are_merged_by_a_switch_and_a_key_and_it_is_said(lab: Lab) -> None:
    pieces = labels(lab, "key")
    assert len(pieces) == int(lab.python("print(len(ex.tokens))"))
    switch(lab, "Merge pieces to words")
    lab.wait_for_sentence("Layer 3, head 2: ")
    expect(lab.widget().locator(".aw-reading-note")).to_contain_text(
        "weights of a key's pieces are added, of a query's averaged"
    )
    merged = labels(lab, "key")
    assert "unhurriedly" in merged
    assert "naivete" in merged
    assert len(merged) < len(pieces)
    assert lab.python("print(ex.words)") == "True"
    lab.screenshot("reading-words")
    lab.page.keyboard.press("Escape")
    lab.widget().locator(".aw-root").focus()
    lab.press("w")
    expect(lab.widget().locator(".aw-reading-note")).to_have_count(0)
    assert labels(lab, "key") == pieces


def test_a_merged_key_shows_the_sum_of_its_pieces(lab: Lab) -> None:
    tokens = json.loads(lab.python("print(json.dumps(ex.tokens))"))
    start = next(i for i, text in enumerate(tokens) if text.startswith("un"))
    stop = tokens.index("[SEP]", start)
    lab.python(f"ex.words = True; ex.query = 'calm'; ex.key = {start + 1}")
    lab.wait_for_sentence("at unhurriedly")
    row = shares(lab)
    expected = sum(row[start:stop])
    percent = f"{expected:.0%}".replace("%", " %") if expected >= 0.005 else "<1 %"
    assert f"{percent} at unhurriedly" in lab.sentence()


def test_hidden_tokens_with_and_without_scaling(lab: Lab) -> None:
    assert "[CLS]" in labels(lab, "key")
    row = shares(lab)
    tokens = json.loads(lab.python("print(json.dumps(ex.tokens))"))
    kept = [w for w, t in zip(row, tokens, strict=True) if t not in ("[CLS]", "[SEP]")]
    switch(lab, "Hide special tokens")
    note = lab.widget().locator(".aw-reading-note")
    expect(note).to_contain_text("Hidden: special tokens; rows are left as they are")
    assert "[CLS]" not in labels(lab, "key")
    assert "[CLS]" not in labels(lab, "query")
    hidden = 1 - sum(kept)
    lab.wait_for_sentence(f"{hidden:.0%}".replace("%", " %") + " goes to hidden tokens")
    switch(lab, "Scale rows to 1 again")
    expect(note).to_contain_text("scaled to sum 1 again")
    largest = max(kept) / sum(kept)
    lab.wait_for_sentence(f"looks {largest:.0%}".replace("%", " %"))
    assert "hidden tokens" not in lab.sentence()
    lab.screenshot("reading-hidden")
    assert lab.python("print(ex.hide, ex.renormalise)") == "['special'] True"


def test_sentences_are_coloured_and_filtered(lab: Lab) -> None:
    first = lab.row("query", "calm")
    expect(first).to_have_class(with_class("aw-segment-a"))
    expect(lab.row("query", "they")).to_have_class(with_class("aw-segment-b"))
    lab.widget().locator(".aw-menu-button").click()
    lab.widget().get_by_label("Sentences: from, to").select_option("A → B")
    expect(lab.widget().locator(".aw-reading-note")).to_contain_text("other sentences")
    assert "calm" in labels(lab, "query")
    assert "they" not in labels(lab, "query")
    assert "they" in labels(lab, "key")
    assert "calm" not in labels(lab, "key")
    assert lab.python("print(list(ex.pair))") == "[0, 1]"
    lab.screenshot("reading-pair")
    lab.python("ex.pair = None")


def with_class(name: str) -> re.Pattern[str]:
    return re.compile(rf"(^|\s){name}(\s|$)")


def test_items_of_a_batch_are_stepped_and_padding_is_grey(lab: Lab) -> None:
    lab.widget().get_by_role("button", name="Item: one more").click()
    lab.widget().locator(".aw-padding").first.wait_for()
    assert lab.python("print(ex.batch)") == "1"
    assert "short" in labels(lab, "key")
    padded = lab.widget().locator(".aw-column-key .aw-padding").count()
    assert padded == int(lab.python("print(int((pair['attention_mask'][1] == 0).sum()))"))
    lab.screenshot("reading-padding")
    switch(lab, "Hide padding")
    expect(lab.widget().locator(".aw-column-key .aw-padding")).to_have_count(0)


def test_search_counts_and_steps(lab: Lab) -> None:
    lab.widget().locator(".aw-root").focus()
    lab.press("/")
    field = lab.widget().get_by_label("Find a token")
    expect(field).to_be_focused()
    lab.page.keyboard.type("he")
    count = lab.widget().locator(".aw-search-count")
    expect(count).to_have_text("2 found")
    lab.press("Enter")
    expect(count).to_have_text("2 of 2")
    lab.wait_for_sentence(": they looks")
    lab.press("Enter")
    expect(count).to_have_text("1 of 2")
    lab.wait_for_sentence(": the looks")
    expect(lab.widget().locator(".aw-column-query .aw-found")).to_have_count(2)
    lab.screenshot("reading-search")
    assert lab.python("print(ex.words)") == "False", "typing must not press the widget's keys"
    lab.press("Escape")
    expect(field).to_have_count(0)
    expect(lab.widget().locator(".aw-root")).to_be_focused()


def test_token_texts_are_text_in_their_own_direction(lab: Lab) -> None:
    lab.wait_until_drawn(HOSTILE)
    widget = lab.widget(HOSTILE)
    assert widget.locator("img").count() == 0
    texts = widget.locator(".aw-column-key bdi")
    assert texts.nth(0).inner_text().startswith("<img")
    assert texts.nth(1).get_attribute("dir") == "auto"
    assert texts.nth(1).evaluate("(e) => e.matches(':dir(rtl)')")
    long_word = lab.python("print(long_word)")
    cut = texts.nth(2).inner_text()
    assert "…" in cut
    assert cut.startswith("x")
    assert cut.endswith("y")
    row = widget.locator(".aw-column-key .aw-row").nth(2)
    assert str(row.get_attribute("title")).startswith(long_word)
    assert texts.nth(3).inner_text() == "∅"
    assert texts.nth(4).inner_text() == "↵"
