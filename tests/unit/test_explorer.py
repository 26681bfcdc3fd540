"""The widget's Python side: traits both ways, messages, and errors that name the valid range."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
import traitlets
from torch import nn

import attnwidget as aw
from attnwidget.explorer import Explorer
from attnwidget.trouble import Trouble
from tests.unit.test_session import Tiny, Words

Sent = list[tuple[dict[str, Any], list[bytes]]]


def explorer(text: str = "a bb ccc dddd", **chosen: Any) -> Explorer:
    return aw.explore(Tiny(), Words(), text, **chosen)


def listen(ex: Explorer) -> Sent:
    """What the widget sends to the page from now on."""
    sent: Sent = []
    ex.send = lambda content, buffers=None: sent.append((content, buffers or []))  # type: ignore[method-assign]
    return sent


def say(ex: Explorer, content: object) -> None:
    """A message from the page."""
    ex._handle_custom_msg(content, [])


READING = {"words": False, "hide": [], "renormalise": False, "pair": None}
WANTS = [
    {"key": "model", "kind": "model", "stack": "", "batch": 0, "reading": READING},
    {"key": "t", "kind": "tile", "stack": "decoder", "heads": [[0, 1]], "batch": 0,
     "rows": None, "cols": None, "size": [64, 64], "reading": READING},
]  # fmt: skip


def test_explore_alone_opens_on_a_pronoun_that_finds_its_noun() -> None:
    ex = aw.explore()
    card = aw.zoo.card("stories")
    at = card["selection"]
    assert ex.text == card["text"]
    assert (ex.layer, ex.head, ex.query, ex.key) == (
        at["layer"], at["head"], at["query"], at["key"],
    )  # fmt: skip
    weights = ex.trace.calls[ex.layer].weights(head=ex.head, queries=ex.query)[0, 0, 0]
    assert int(weights.argmax()) == ex.key
    assert float(weights[ex.key]) > 0.5
    ex.close()


def test_the_selection_is_readable_and_settable() -> None:
    ex = explorer()
    ex.head, ex.query, ex.key = 1, 2, 0
    assert (ex.stack, ex.layer, ex.head, ex.query, ex.key) == ("decoder", 0, 1, 2, 0)
    ex.query = None
    assert ex.query is None


def test_tokens_may_be_named_by_their_text() -> None:
    ex = explorer()
    ex.query, ex.key = "xxx", "X"
    assert (ex.query, ex.key) == (2, 0)
    assert explorer(query="xxxx").query == 3


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("layer", 1, "layer=1 does not exist in 'decoder'. Choose from 0"),
        ("head", 2, "head=2 does not exist. Choose from 0 to 1"),
        ("head", -1, "head=-1 does not exist. Choose from 0 to 1"),
        ("query", 4, "query=4 does not exist. Choose from 0 to 3"),
        ("key", 4, "key=4 does not exist. Choose from 0 to 3"),
        ("key", "cat", "key='cat' is not among the tokens. .*0 to 3, or one of 'x', 'xx'"),
        ("batch", 1, "batch=1 does not exist. Choose from 0"),
        ("stack", "encoder", "stack='encoder' does not exist. Choose from 'decoder'"),
        ("view", "list", "lines.*matrix.*text.*grid"),
        ("head", "first", "head"),
        ("heads", [0, 2], "head=2 does not exist in layer 0. Choose from 0 to 1"),
        ("heads", [[1, 0]], "layer=1 does not exist in 'decoder'. Choose from 0"),
        ("heads", [[0, 1, 2]], r"heads holds \[0, 1, 2\]. Give heads of the selected layer"),
        ("heads", "01", "heads='01' is no list of heads"),
        ("heads", [0.5], "heads holds 0.5"),
        ("heads", {0: 1}, "is no list of heads"),
        ("heads", None, "heads=None is no list of heads"),
        ("mean", "both", "mean"),
        ("direction", "up", "from.*to"),
        ("words", None, "words"),
        ("hide", ["mark"], "first.*padding.*special"),
        ("renormalise", "yes", "renormalise"),
        ("pair", [0], "length 2"),
        ("pair", [0, 1], "not marked as sentences of a pair"),
        ("scale", "root", "linear.*sqrt.*log.*row"),
        ("mass", 1.5, "1.0"),
        ("mass", float("nan"), "mass=nan is no share. Choose from 0.0 to 1.0"),
        ("step", 7, "step=7 is not kept. Choose from the passes 1, or None"),
        ("step", "last", "step"),
    ],
)
def test_what_does_not_exist_is_refused_with_the_valid_range(
    name: str, value: Any, message: str
) -> None:
    ex = explorer()
    before = getattr(ex, name)
    with pytest.raises(traitlets.TraitError, match=message):
        setattr(ex, name, value)
    assert getattr(ex, name) == before


def test_a_choice_that_does_not_exist_is_refused_at_the_start() -> None:
    with pytest.raises(traitlets.TraitError, match="head=7"):
        explorer(head=7)
    model = Tiny()
    with pytest.raises(traitlets.TraitError):
        aw.explore(model, Words(), "a bb", layer=3)
    assert "forward" not in vars(model)


def test_an_unknown_argument_is_named() -> None:
    with pytest.raises(TypeError, match="no argument 'haed'"):
        explorer(haed=1)


def test_a_text_where_the_tokenizer_belongs_is_named() -> None:
    with pytest.raises(TypeError, match="where the tokenizer belongs"):
        aw.explore(Tiny(), "a bb")


def test_a_model_and_a_trace_do_not_go_together() -> None:
    with pytest.raises(TypeError, match="Give one of these"):
        aw.explore(Tiny(), attention=[torch.ones(1, 1, 1, 1)])


def test_setting_the_text_runs_the_model_and_chooses_anew() -> None:
    ex = explorer()
    ex.query = 3
    ex.text = "a bb"
    assert ex.tokens == ["x", "xx"]
    assert ex.query < 2
    assert ex.key < 2


def test_a_text_that_cannot_be_run_raises_and_keeps_the_picture() -> None:
    ex = explorer()
    sent = listen(ex)
    trace = ex.trace
    with pytest.raises(Trouble, match="20 tokens, but the model has 16 positions"):
        ex.text = "a " * 20
    assert ex.trace is trace
    assert "20 tokens" in ex.status
    troubles = [content for content, _ in sent if content["type"] == "trouble"]
    assert troubles[0]["key"] is None
    assert "16 positions" in troubles[0]["title"]
    ex.text = "a bb ccc dddd"  # the text on screen: run again, as it is no longer in the box
    assert ex.status == "exact"
    ex.text = "a bb ccc"
    assert ex.tokens == ["x", "xx", "xxx"]


def test_wants_are_answered_with_pictures() -> None:
    ex = explorer()
    sent = listen(ex)
    say(ex, {"type": "wants", "view": "v", "wants": WANTS})
    assert [content["key"] for content, _ in sent] == ["model", "t"]
    tile, (cells, *_) = sent[1]
    drawn = torch.frombuffer(bytearray(cells), dtype=torch.float32).reshape(4, 4)
    assert torch.equal(drawn, ex.trace.calls[0].weights(head=1)[0, 0])
    assert tile["pass"] == sent[0][0]["pass"]


def test_a_forward_pass_by_anyone_is_pushed() -> None:
    model = Tiny()
    ex = aw.explore(model)
    sent = listen(ex)
    say(ex, {"type": "wants", "view": "v", "wants": WANTS})
    assert sent[0][0]["type"] == "trouble"
    assert "Nothing has run yet" in sent[0][0]["title"]
    sent.clear()
    model(torch.tensor([[1, 2, 3]]))
    pushed = [(c["type"], c["key"]) for c, _ in sent if c["type"] == "picture"]
    assert pushed == [("picture", "model"), ("picture", "t")]
    assert ex.tokens == ["1", "2", "3"]


def test_a_choice_made_before_the_first_pass_is_kept_for_it() -> None:
    model = Tiny()
    ex = aw.explore(model, head=1, query=0, view="grid")
    with pytest.raises(traitlets.TraitError, match="cannot be found yet"):
        ex.query = "cat"
    model(torch.tensor([[1, 2, 3]]))
    assert (ex.stack, ex.head, ex.query, ex.view) == ("decoder", 1, 0, "grid")
    ex.close()


def test_a_choice_that_the_first_pass_has_not_is_said_and_the_forward_goes_on() -> None:
    model = Tiny()
    ex = aw.explore(model, head=7)
    assert model(torch.tensor([[1, 2, 3]])).shape == (1, 2, 3, 4)
    assert "head=7 does not exist. Choose from 0 to 1." in ex.status
    ex.close()


def test_a_query_and_key_alone_choose_the_head_with_the_strongest_link() -> None:
    maps = [torch.full((1, 2, 4, 4), 0.1) for _ in range(3)]
    maps[2][0, 1, 3, 1] = 0.7
    ex = aw.explore(attention=maps, query=3, key=1)
    assert (ex.layer, ex.head, ex.query, ex.key) == (2, 1, 3, 1)


def test_a_stack_alone_chooses_what_exists_in_it() -> None:
    """The source is longer than the target, so a place of the encoder need not exist in cross."""
    model = nn.Transformer(16, 4, 2, 2, 32, batch_first=True).eval()
    for seed in range(4):
        torch.manual_seed(seed)
        both = torch.randn(1, 9, 16), torch.randn(1, 3, 16)
        ex = aw.explore(model, inputs=both, stack="cross")
        weights = ex.trace.stacks["cross"][ex.layer].weights(head=ex.head, queries=ex.query)
        assert int(weights.argmax()) == ex.key


def test_run_from_the_page() -> None:
    ex = explorer()
    sent = listen(ex)
    say(ex, {"type": "run", "text": "a bb ccc dddd eeeee"})
    assert ex.text == "a bb ccc dddd eeeee"
    number = ex._session.snapshot.number
    say(ex, {"type": "run", "text": "a bb ccc dddd eeeee"})
    assert ex._session.snapshot.number == number + 1
    say(ex, {"type": "run", "text": " "})
    assert sent[-1][0]["title"] == "The text is empty."
    assert len(ex.tokens) == 5


@pytest.mark.parametrize(
    "content", [None, 3, {}, {"type": "wants"}, {"type": "wants", "view": "v", "wants": [1]}]
)
def test_an_unreadable_message_is_answered_with_trouble(content: object) -> None:
    ex = explorer()
    sent = listen(ex)
    say(ex, content)
    assert [c["type"] for c, _ in sent] == ["trouble"]


def test_a_selection_from_the_page_that_came_too_late_is_corrected() -> None:
    ex = explorer()
    ex.set_state({"query": 99})
    assert ex.query < 4


def test_a_detached_or_closed_widget_leaves_the_model_as_it_was() -> None:
    model = Tiny()
    before = set(vars(model))
    ex = aw.explore(model)
    assert set(vars(model)) != before
    ex.detach()
    assert set(vars(model)) == before
    ex.attach()
    assert set(vars(model)) != before
    ex.close()
    assert set(vars(model)) == before


def test_a_widget_with_a_text_shows_that_text_until_it_is_asked_to_follow() -> None:
    model = Tiny()
    before = set(vars(model))
    one, two = (aw.explore(model, Words(), text) for text in ("a bb ccc", "dddd eeeee"))
    assert set(vars(model)) == before
    model(torch.tensor([[1, 1, 1, 1]]))
    two.text = "a bb"
    assert one.tokens == ["x", "xx", "xxx"]
    assert two.tokens == ["x", "xx"]
    one.attach()
    model(torch.tensor([[1, 1, 1, 1]]))
    assert one.tokens == ["x", "x", "x", "x"]
    one.detach()
    assert set(vars(model)) == before


def test_a_tokenizer_without_a_text_opens_on_a_sentence_and_follows() -> None:
    model = Tiny(64)
    ex = aw.explore(model, Words())
    assert ex.text.startswith("The animal")
    model(torch.tensor([[1, 2]]))
    assert ex.tokens == ["x", "xx"]
    ex.close()


def test_a_failing_start_leaves_the_model_as_it_was() -> None:
    model = Tiny(positions=4)
    before = set(vars(model))
    with pytest.raises(Trouble):
        aw.explore(model, Words())
    assert set(vars(model)) == before


def test_saved_state_holds_the_selection_and_no_arrays() -> None:
    ex = explorer()
    state = {k: v for k, v in ex.get_state().items() if k not in ("_esm", "_css")}
    assert len(json.dumps(state, default=str)) < 2_000
    assert not any(isinstance(value, bytes | memoryview) for value in state.values())
    assert [name for name, value in state.items() if isinstance(value, list) and value] == []


def test_maps_from_elsewhere_are_shown_with_their_tokens() -> None:
    maps = torch.rand(2, 1, 2, 3, 3).softmax(-1)
    ex = aw.explore(attention=maps, tokens=["a", "b", "c"])
    assert ex.tokens == ["a", "b", "c"]
    ex.layer = 1
    assert ex.status.startswith("exact")
    assert torch.equal(ex.trace.calls[1].weights(), maps[1])


def test_a_trace_of_ones_own_is_shown() -> None:
    model = Tiny()
    with aw.capture(model) as trace:
        model(torch.tensor([[4, 5, 6]]))
    ex = aw.explore(trace=trace, tokens=["d", "e", "f"])
    assert ex.tokens == ["d", "e", "f"]
    assert ex.trace is trace


def test_two_explorers_can_be_linked() -> None:
    one, two = explorer(), explorer()
    traitlets.link((one, "query"), (two, "query"))
    one.query = 3
    assert two.query == 3


def test_a_smaller_layer_keeps_what_exists_of_the_selection() -> None:
    maps = [torch.rand(1, 4, 3, 3).softmax(-1), torch.rand(1, 2, 3, 3).softmax(-1)]
    ex = aw.explore(attention=maps, layer=0, head=3)
    ex.layer = 1
    assert ex.layer == 1
    assert ex.head < 2


def test_a_model_without_attention_is_refused() -> None:
    with pytest.raises(Trouble, match="No attention was found in Linear"):
        aw.explore(nn.Linear(4, 4), inputs=torch.ones(1, 4))


def test_a_live_model_without_attention_says_so_in_the_widget() -> None:
    model = nn.Linear(4, 4)
    ex = aw.explore(model)
    sent = listen(ex)
    assert model(torch.ones(1, 4)).shape == (1, 4)
    assert "No attention was found in Linear" in sent[0][0]["title"]
    assert "modules were looked at" in ex.status
    ex.close()


def test_importing_is_light() -> None:
    import subprocess
    import sys

    code = (
        "import sys, attnwidget; "
        "print([m for m in ('IPython', 'transformers', 'ipywidgets') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
