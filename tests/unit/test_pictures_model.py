"""The model in words: stacks, passes, and the tokens as they are read."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from attnwidget.labels import Token
from attnwidget.messages import Picture
from attnwidget.session import Session
from attnwidget.trace import Trace
from attnwidget.trouble import Trouble
from tests.unit.test_pictures import draw, give_tokens, session_of, session_over

WORDS = {"words": True, "hide": ["special"], "renormalise": False, "pair": None}
PAIR = [
    Token("[CLS]", "", "special", 0, 0),
    Token("un", "", "", 1, 0),
    Token("do", "", "", 1, 0),
    Token("[SEP]", " ", "special", 2, 0),
    Token("it", " ", "", 3, 1),
    Token("[PAD]", "", "padding", 4),
]


def model(session: Session, **want: Any) -> dict[str, Any]:
    (made,) = draw(session, **{"kind": "model", **want})
    assert isinstance(made, Picture)
    assert not made.arrays
    return made.facts


def test_it_names_stacks_layers_and_passes() -> None:
    session = session_of(2, 3, 4, 5)
    facts = model(session)
    (stack,) = facts["stacks"]
    assert [layer["heads"] for layer in stack["layers"]] == [3, 3]
    assert (stack["query_len"], stack["key_len"], stack["batch_size"]) == (4, 5, 2)
    assert facts["passes"] == {"shown": 1, "newest": 1, "kept": [1], "paused": False}
    assert (facts["name"], facts["has_tokenizer"], facts["live"]) == ("attention", False, False)


def test_the_plain_reading_has_an_entry_for_every_token() -> None:
    session = session_of(1, 1, 6, 6)
    give_tokens(session, PAIR)
    tokens = model(session)["tokens"]
    assert tokens["queries"] == {
        "texts": ["[CLS]", "un", "do", "[SEP]", "it", "[PAD]"],
        "gaps": ["", "", "", " ", " ", ""],
        "spans": [[i, i + 1] for i in range(6)],
        "kinds": ["special", "", "", "special", "", "padding"],
        "segments": [0, 0, 0, 0, 1, -1],
        "patches": None,
    }
    assert tokens["keys"] is None
    assert tokens["pairs"]
    assert tokens["reading"] == {
        "words": False, "hide": [], "renormalise": False, "pair": None,
    }  # fmt: skip
    assert tokens["notes"] == []


def test_a_reading_leaves_items_that_say_which_tokens_they_are() -> None:
    session = session_of(1, 1, 6, 6)
    give_tokens(session, PAIR)
    tokens = model(session, reading={**WORDS, "pair": [0, 1]})["tokens"]
    assert tokens["queries"]["texts"] == ["undo"]
    assert tokens["queries"]["spans"] == [[1, 3]]
    assert tokens["keys"]["texts"] == ["it"]
    assert tokens["keys"]["segments"] == [1]
    assert tokens["pairs"]  # there are two, also while one is shown
    with pytest.raises(Trouble, match="Nothing is left"):
        model(session, reading={**WORDS, "pair": [0, 9]})


def test_tokens_without_sentences_have_no_segments() -> None:
    session = session_of(1, 1, 2, 2)
    give_tokens(session, [Token("a"), Token("b")])
    tokens = model(session)["tokens"]
    assert tokens["queries"]["segments"] is None
    assert not tokens["pairs"]


@pytest.mark.parametrize("gone", [{"stack": "gone"}, {"batch": 9}, {"stack": 7, "batch": "x"}])
def test_a_stack_or_batch_item_that_is_gone_gives_way_to_the_first(gone: dict[str, Any]) -> None:
    tokens = model(session_of(2, 1, 3, 3), **gone)["tokens"]
    assert (tokens["stack"], tokens["batch"]) == ("attention", 0)


def test_an_item_of_nothing_but_padding_is_said_to_be_one() -> None:
    session = session_of(1, 1, 2, 2)
    give_tokens(session, [Token("", "", "padding"), Token("", "", "padding")])
    assert model(session)["tokens"]["notes"] == ["This item of the batch holds only padding."]


def test_ids_on_screen_are_said_to_be_ids() -> None:
    maps = [torch.ones(1, 1, 3, 3)]
    session = Session()
    session.take(Trace.from_arrays(maps), {"source": torch.tensor([[7, 8, 9]])})
    tokens = model(session)["tokens"]
    assert tokens["queries"]["texts"] == ["7", "8", "9"]
    (note,) = tokens["notes"]
    assert "ids are shown" in note
    # Positions are no ids.
    assert model(session_over(maps))["tokens"]["notes"] == []
    session = Session(tokens=["a", "b", "c"])
    session.take(Trace.from_arrays(maps), {"source": torch.tensor([[7, 8, 9]])})
    assert model(session)["tokens"]["notes"] == []
