"""Explorers and sliders linked by traits: no loops, and no errors where one has less."""

from __future__ import annotations

from typing import Any

import ipywidgets
import pytest
import torch
import traitlets

import attnwidget as aw
from attnwidget.explorer import Explorer
from tests.unit.test_explorer import explorer

ALL = (
    "stack", "layer", "head", "heads", "mean", "query", "key", "batch", "step", "view", "direction",
    "words", "hide", "renormalise", "scale", "mass",
)  # fmt: skip


def layered(length: int = 5, layers: int = 3, heads: int = 4) -> Explorer:
    maps = [torch.rand(1, heads, length, length).softmax(-1) for _ in range(layers)]
    return aw.explore(attention=maps)


def linked(one: Explorer, two: Explorer, *names: str) -> None:
    for name in names:
        traitlets.link((one, name), (two, name))


def test_all_traits_of_two_explorers_can_be_linked() -> None:
    one, two = layered(), layered()
    linked(one, two, *ALL)
    changes: list[str] = []
    for ex in (one, two):
        ex.observe(lambda change: changes.append(change["name"]), ALL)
    settings: dict[str, Any] = {
        "layer": 2, "head": 3, "query": 4, "key": 1, "heads": [[2, 3], [0, 1]], "mean": True,
        "view": "grid", "direction": "to", "words": True, "hide": ["first"], "renormalise": True,
        "scale": "log", "mass": 0.25, "step": 1,
    }  # fmt: skip
    for n, (name, value) in enumerate(settings.items()):
        before = getattr(one, name)
        setattr((one, two)[n % 2], name, value)
        assert getattr(one, name) == getattr(two, name) == value
        if before != value:
            assert changes.count(name) >= 2
    assert len(changes) <= 3 * len(settings)


def test_heads_that_move_the_selection_move_both() -> None:
    one, two = layered(), layered()
    linked(one, two, "layer", "head", "heads", "query", "key")
    one.heads = [[2, 1], [1, 0]]
    assert (one.layer, one.head) == (two.layer, two.head) == (2, 1)
    assert one.heads == two.heads == [[2, 1], [1, 0]]
    two.heads = [3]
    assert (one.layer, one.head) == (two.layer, two.head) == (2, 3)
    assert one.heads == two.heads == [[2, 3]]


def test_a_token_that_the_other_text_has_not_leaves_the_other_where_it_is() -> None:
    one, two = explorer("a bb ccc dddd eeeee"), explorer("a bb")
    one.query, two.query = 1, 1
    linked(one, two, "query", "key")
    seen: list[int] = []
    one.observe(lambda change: seen.append(change["new"]), "query")
    one.query = 4
    assert (one.query, two.query) == (4, 1)
    assert seen == [4]  # whoever looks at the first is told all the same
    two.query = 0
    assert (one.query, two.query) == (0, 0)
    one.query = 1
    assert (one.query, two.query) == (1, 1)


def test_linking_itself_does_not_fail_either() -> None:
    one, two = explorer("a bb ccc dddd"), explorer("a bb")
    one.query, two.query = 3, 0
    linked(one, two, "query")
    assert (one.query, two.query) == (3, 0)


def test_models_of_different_depth_can_be_linked() -> None:
    deep, flat = layered(layers=4), layered(layers=2, heads=2)
    flat.layer = 0
    linked(deep, flat, "layer", "head", "heads")
    deep.layer, deep.head = 3, 3
    assert flat.layer < 2
    assert flat.head < 2
    deep.heads = [[3, 3], [1, 1]]
    assert flat.heads == []
    deep.layer = 1
    assert flat.layer == 1


def test_a_pass_that_the_other_has_not_kept() -> None:
    one, two = explorer(), explorer()
    one.text = "a bb ccc"
    linked(one, two, "step")
    one.step = 2
    assert (one.step, two.step) == (2, None)
    one.step = 1
    assert (one.step, two.step) == (1, 1)
    one.text = "dddd a"  # follows again, and so does the other
    assert (one.step, two.step) == (None, None)


def test_a_text_can_be_linked() -> None:
    one, two = explorer("a bb"), explorer("ccc")
    linked(one, two, "text")
    assert two.tokens == one.tokens
    two.text = "a bb ccc dddd"
    assert one.tokens == two.tokens == ["x", "xx", "xxx", "xxxx"]


def test_a_slider_may_go_further_than_the_tokens() -> None:
    ex, slider = explorer("a bb ccc"), ipywidgets.IntSlider(min=0, max=10, value=1)
    traitlets.link((slider, "value"), (ex, "query"))
    slider.value = 2
    assert ex.query == 2
    slider.value = 7
    assert (slider.value, ex.query) == (7, 2)
    ex.query = 0
    assert slider.value == 0
    arrow = traitlets.dlink((slider, "value"), (ex, "key"))
    slider.value = 9
    assert ex.key == 0
    arrow.unlink()


def test_who_sets_a_wrong_value_itself_is_told_also_when_linked() -> None:
    one, two = explorer("a bb ccc"), explorer("a bb")
    linked(one, two, "query")
    with pytest.raises(traitlets.TraitError, match="query=3 does not exist. Choose from 0 to 2"):
        one.query = 3
    one.query = 0
    # An observer of somebody else's is no link.
    one.observe(lambda change: setattr(two, "key", 9), "query")
    with pytest.raises(traitlets.TraitError, match="key=9 does not exist"):
        one.query = 1


def test_pages_linked_by_jslink_tell_each_kernel_side() -> None:
    """The page writes both; the one that has no such token keeps its own."""
    one, two = explorer("a bb ccc dddd"), explorer("a bb")
    two.query = 1
    for ex in (one, two):
        ex.set_state({"query": 3, "direction": "to"})
    assert (one.query, two.query) == (3, 1)
