"""What a reader may choose: several heads, how tokens are read, which pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import traitlets

import attnwidget as aw
from attnwidget.explorer import Explorer
from attnwidget.heads import MOST_HEADS
from attnwidget.session import Session
from attnwidget.trace import Trace
from tests.unit.test_explorer import explorer, listen
from tests.unit.test_session import Tiny, Words


def layered(layers: int = 3, **chosen: Any) -> Explorer:
    """Random maps over five tokens."""
    torch.manual_seed(1)
    maps = [torch.rand(1, 4, 5, 5).softmax(-1) for _ in range(layers)]
    return aw.explore(attention=maps, **{"layer": 1, "head": 2, **chosen})


def pairs() -> Explorer:
    """Two sentences, marked as a tokenizer of BERT does."""
    session = Session(tokenizer=Words())
    inputs = {"source": torch.tensor([[1, 2, 3]]), "segments": torch.tensor([[0, 0, 1]])}
    session.take(Trace.from_arrays([torch.rand(1, 1, 3, 3).softmax(-1)]), inputs)
    return Explorer(session)


def test_what_a_page_opens_with() -> None:
    ex = explorer()
    assert (ex.view, ex.direction, ex.scale, ex.mass) == ("lines", "from", "sqrt", 0.9)
    assert (ex.heads, ex.hide, ex.pair, ex.step) == ([], [], None, None)
    assert (ex.mean, ex.words, ex.renormalise) == (False, False, False)


@pytest.mark.parametrize(
    ("given", "heads"),
    [
        ([2, 0], [[1, 2], [1, 0]]),
        (range(1, 3), [[1, 1], [1, 2]]),
        (((0, 3), (1, 2)), [[0, 3], [1, 2]]),
        ([[1, 2], (1, 2), 2], [[1, 2]]),
        ((h for h in (3, 2)), [[1, 3], [1, 2]]),
        (np.array([[2, 1], [1, 2]]), [[2, 1], [1, 2]]),
        (torch.tensor([2, 3]), [[1, 2], [1, 3]]),
        ([], []),
    ],
)
def test_heads_are_given_in_any_way(given: Any, heads: list[list[int]]) -> None:
    ex = layered()
    ex.heads = given
    assert ex.heads == heads
    assert all(type(number) is int for pair in ex.heads for number in pair)


def test_several_heads_without_the_selected_one_move_the_selection_to_their_first() -> None:
    ex = layered(query=3, key=1)
    ex.heads = [[2, 3], [0, 1]]
    assert (ex.layer, ex.head, ex.query, ex.key) == (2, 3, 3, 1)
    ex.heads = [[0, 0], [2, 3]]
    assert (ex.layer, ex.head) == (2, 3)  # one of them
    ex.head = 0  # none of them: they rest until one of them is selected again
    assert ex.heads == [[0, 0], [2, 3]]
    ex.heads = []
    assert (ex.layer, ex.head) == (2, 0)


def test_the_page_sends_its_own_selection_with_heads() -> None:
    ex = layered()
    ex.set_state({"heads": [[0, 1]]})
    assert ex.heads == [[0, 1]]
    assert (ex.layer, ex.head) == (1, 2)
    ex.set_state({"heads": [[0, 1], [2, 0]], "layer": 2, "head": 0})
    assert (ex.layer, ex.head) == (2, 0)


@pytest.mark.parametrize("heads", [[[0, 99]], "[[0, 1]]", [[]], [{}], 5, None, [[0, None]]])
def test_heads_from_the_page_that_do_not_exist_are_not_taken(heads: Any) -> None:
    ex = layered(heads=[1, 2])
    sent: list[Any] = []
    ex.send_state = lambda key=None: sent.append(key)  # type: ignore[method-assign, assignment]
    ex.set_state({"heads": heads})
    assert ex.heads == [[1, 1], [1, 2]]
    assert {"heads"} in sent  # the page is told


def test_too_many_heads_are_refused() -> None:
    ex = layered(layers=20)
    every = [[layer, head] for layer in range(20) for head in range(4)]
    ex.heads = every[:MOST_HEADS]
    with pytest.raises(traitlets.TraitError, match=r"heads holds 65 heads\. At most 64"):
        ex.heads = every[: MOST_HEADS + 1]


def test_heads_that_a_new_pass_has_not_are_let_go() -> None:
    session = Session()
    session.take(Trace.from_arrays([torch.ones(1, 4, 2, 2) / 2] * 2), {})
    ex = Explorer(session, layer=0, head=0, heads=[[0, 0], [0, 3], [1, 1]])
    session.take(Trace.from_arrays([torch.ones(1, 2, 2, 2) / 2]), {})
    assert ex.heads == [[0, 0]]
    session.take(Trace.from_arrays([torch.ones(1, 4, 2, 2) / 2] * 2), {})
    assert ex.heads == [[0, 0]]


@pytest.mark.parametrize(
    ("chosen", "place", "heads"),
    [
        ({"heads": [[2, 1], [0, 3]]}, (2, 1), [[2, 1], [0, 3]]),
        ({"layer": 0, "heads": [3, 1]}, (0, 3), [[0, 3], [0, 1]]),
        ({"layer": 0, "head": 1, "heads": [3, 1]}, (0, 1), [[0, 3], [0, 1]]),
        ({"layer": 2, "head": 0, "heads": [3, 1]}, (2, 3), [[2, 3], [2, 1]]),
    ],
)
def test_heads_may_be_the_first_selection(
    chosen: dict[str, Any], place: tuple[int, int], heads: list[list[int]]
) -> None:
    maps = [torch.rand(1, 4, 5, 5).softmax(-1) for _ in range(3)]
    ex = aw.explore(attention=maps, **chosen)
    assert (ex.layer, ex.head) == place
    assert ex.heads == heads
    assert ex.query is not None


def test_heads_by_number_alone_belong_to_the_layer_that_is_opened() -> None:
    maps = [torch.full((1, 2, 4, 4), 0.1) for _ in range(3)]
    maps[2][0, 1, 3, 1] = 0.7
    ex = aw.explore(attention=maps, heads=[0, 1])
    assert (ex.layer, ex.head, ex.heads) == (2, 1, [[2, 0], [2, 1]])


def test_what_is_hidden_is_kept_in_order() -> None:
    ex = explorer(hide=("special", "first", "special"))
    assert ex.hide == ["first", "special"]


def test_the_sentences_of_a_pair_are_checked() -> None:
    ex = pairs()
    ex.pair = (0, 1)
    assert ex.pair == [0, 1]
    ex.pair = [1, 1]
    with pytest.raises(traitlets.TraitError, match=r"pair=\[0, 2\] .* two sentences from 0 to 1"):
        ex.pair = [0, 2]
    ex.pair = None
    with pytest.raises(traitlets.TraitError, match="not marked as sentences"):
        explorer(pair=[0, 1])


def test_another_text_that_is_no_pair_is_shown_whole() -> None:
    def tokenizer(text: str) -> dict[str, torch.Tensor]:
        ids = torch.tensor([[len(word) for word in text.split()]])
        return {"input_ids": ids, "token_type_ids": (ids == 7).long().cumsum(1)}

    class Pairs(Tiny):
        def forward(  # type: ignore[override]
            self, input_ids: torch.Tensor, token_type_ids: torch.Tensor
        ) -> torch.Tensor:
            return super().forward(input_ids)

    ex = aw.explore(Pairs(), tokenizer, "a bb sevenxx dddd", pair=[0, 1])
    ex.text = "ccc sevenxx"
    assert ex.pair == [0, 1]
    ex.text = "a bb"
    assert ex.pair is None


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"heads": [[0, 9]]}, "head=9 does not exist in layer 0. Choose from 0 to 1"),
        ({"heads": 3}, "heads=3 is no list of heads"),
        ({"step": 4}, "step=4 is not kept. Choose from the passes 1"),
        ({"view": "list"}, "lines"),
        ({"direction": "away"}, "from"),
        ({"hide": ["every"]}, "special"),
        ({"scale": "cubic"}, "sqrt"),
        ({"mass": -0.1}, "0"),
        ({"head": "two"}, "head"),
        ({"query": "zebra"}, "query='zebra' is not among the tokens"),
    ],
)
def test_a_first_selection_is_checked(chosen: dict[str, Any], message: str) -> None:
    model = Tiny()
    with pytest.raises(traitlets.TraitError, match=message):
        aw.explore(model, Words(), "a bb", **chosen)
    assert "forward" not in vars(model)


def test_all_of_a_first_selection_is_taken() -> None:
    chosen: dict[str, Any] = {
        "view": "text", "mean": True, "direction": "to", "words": True, "hide": ["padding"],
        "renormalise": True, "scale": "row", "mass": 0.5, "step": 1, "heads": [[0, 1], [0, 0]],
        "head": 1, "query": 1, "key": 0, "layer": 0, "batch": 0, "stack": "decoder",
    }  # fmt: skip
    ex = aw.explore(Tiny(), Words(), "a bb", keep=3, max_bytes=10**6, **chosen)
    assert {name: getattr(ex, name) for name in chosen} == chosen
    assert ex._session.paused
    assert (ex._session.keep, ex._session.max_bytes) == (3, 10**6)


def test_before_the_first_pass_anything_goes_and_is_settled_then() -> None:
    model = Tiny()
    ex = aw.explore(model)
    ex.layer, ex.head, ex.query, ex.key = 5, 1, 2, 99
    ex.heads, ex.pair, ex.step, ex.batch = [[0, 1], [7, 7], 0], [0, 1], 12, 3
    model(torch.tensor([[1, 2, 3]]))
    assert (ex.stack, ex.layer, ex.head, ex.query, ex.batch) == ("decoder", 0, 1, 2, 0)
    assert ex.key < 3
    assert (ex.heads, ex.pair, ex.step) == ([], None, None)
    assert ex.status == "exact"
    ex.close()


def test_heads_set_before_the_first_pass_are_those_of_the_layer_it_opens_on() -> None:
    model = Tiny()
    ex = aw.explore(model)
    ex.heads = range(2)
    model(torch.tensor([[1, 2, 3]]))
    assert ex.heads == [[0, 0], [0, 1]]
    ex.close()


def test_saved_state_stays_small_with_all_that_can_be_chosen() -> None:
    ex = layered(layers=16)
    ex.heads = [[layer, head] for layer in range(16) for head in range(4)]
    assert len(str(ex.get_state(["heads", "hide", "pair", "step"]))) < 1000


# -- step ------------------------------------------------------------------------------------------


def test_a_step_is_looked_at_while_new_passes_are_recorded() -> None:
    model = Tiny()
    ex = aw.explore(model, keep=3)
    for length in (3, 4, 5):
        model(torch.ones(1, length, dtype=torch.int64))
    ex.step = 2
    assert len(ex.tokens) == 4
    model(torch.ones(1, 6, dtype=torch.int64))
    assert (ex.step, len(ex.tokens)) == (2, 4)
    assert ex.status == "paused at pass 2 of 4; exact"
    with pytest.raises(traitlets.TraitError, match="Choose from the passes 2 to 4, or None"):
        ex.step = 1
    ex.step = None
    assert len(ex.tokens) == 6
    assert ex.status == "exact"
    ex.close()


def test_setting_a_text_shows_it_and_follows_again() -> None:
    ex = explorer()
    ex.text = "a bb"
    ex.step = 1
    assert ex.text == "a bb ccc dddd"
    assert len(ex.tokens) == 4
    ex.text = "eeeee a bb"
    assert ex.step is None
    assert ex.tokens == ["xxxxx", "x", "xx"]


def test_a_step_back_to_another_text_keeps_the_selection_possible() -> None:
    ex = explorer("a bb")
    ex.text = "a bb ccc dddd eeeee"
    ex.query, ex.key = 4, 3
    ex.step = 1
    assert ex.query < 2
    assert ex.key < 2
    assert ex.text == "a bb"
    assert ex._session.newest is not None
    assert ex._session.newest.number == 2  # stepping back runs nothing


def test_a_step_from_the_page_that_is_not_kept_is_corrected() -> None:
    ex = explorer()
    ex.set_state({"step": 99})
    assert ex.step is None


def test_a_page_that_stops_at_a_pass_that_was_let_go_meanwhile_is_shown_the_nearest() -> None:
    """As it is when it stops during a cell: the kernel hears of it afterwards."""
    model = Tiny()
    ex = aw.explore(model, keep=3)
    for length in range(2, 9):
        model(torch.ones(1, length, dtype=torch.int64))
    ex.set_state({"step": 2})
    assert (ex.step, len(ex.tokens)) == (5, 6)
    assert ex.status.startswith("paused at pass 5 of 7")
    ex.close()


@pytest.mark.parametrize("name", ["tokens", "trace", "status"])
def test_what_is_only_read_cannot_be_set(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(explorer(), name, [])


def test_a_closed_widget_keeps_the_pass_that_was_shown() -> None:
    ex = explorer()
    ex.text = "a bb"
    listen(ex)
    ex.close()
    assert len(ex.tokens) == 2
    assert len(ex._session.passes) == 1
