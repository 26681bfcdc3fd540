"""Tours: tried when they are set, shown stop by stop, back and forth, in both widgets."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import traitlets

import attnwidget as aw
from attnwidget.teaching import explorer_stops, store_stops
from tests import record_tours
from tests.unit.test_explorer import listen
from tests.unit.test_session import Tiny

FOX = "The fox slept because it was tired ."


@pytest.fixture
def ex() -> Iterator[aw.Explorer]:
    ex = aw.explore()
    yield ex
    ex.close()


def place(ex: aw.Explorer) -> tuple[Any, ...]:
    return ex.layer, ex.head, ex.query, ex.key


# -- what a stop and a tour may be -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: aw.Stop(" "), "no words"),
        (lambda: aw.Stop(r"$\frac{$"), "cannot be read"),
        (lambda: aw.Stop("x", ask="why?"), "ask is a str.*aw.Choose"),
        (lambda: aw.Tour([]), "no stops"),
        (lambda: aw.Tour(["x"]), "Stop 0 of the tour is a str"),
        (lambda: aw.Choose(["one"], 0), "list of 2 to 9"),
        (lambda: aw.Choose("ab", 0), "list of 2 to 9"),
        (lambda: aw.Choose(["a", "b"], 2), "answer=2 is none of 2 options"),
        (lambda: aw.Choose(["a", r"$\frac{$"], 0), "cannot be read"),
        (lambda: aw.Estimate(math.nan, within=1), "two finite numbers"),
        (lambda: aw.Estimate(1, within=-1), "not below 0"),
    ],
)
def test_what_cannot_be_shown_fails_where_it_is_written(make: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()


def test_a_stop_says_what_it_is() -> None:
    stop = aw.Stop("Look.", layer=1, highlight="heads", ask=aw.Estimate(2, within=1))
    assert repr(stop) == (
        "Stop('Look.', highlight='heads', "
        "ask=Estimate(answer=2, within=1, unit='', why=''), layer=1)"
    )


# -- in an explorer --------------------------------------------------------------------------------


def test_stops_are_shown_as_they_are_gone_to(ex: aw.Explorer) -> None:
    ex.tour = [
        aw.Stop("Look at **it**.", layer=2, head=2, query=14, view="text"),
        aw.Stop("Then here.", layer=0, head=1, stage="query"),
        aw.Stop("Words only."),
    ]
    assert (ex.stop, ex.view, *place(ex)[:3]) == (0, "text", 2, 2, 14)
    ex.stop = 1
    assert (ex.view, ex.stage, *place(ex)[:3]) == ("text", "query", 0, 1, 14)
    ex.stop = 2
    assert (ex.view, ex.stage, *place(ex)[:3]) == ("text", "query", 0, 1, 14)
    ex.stop = 0
    assert (ex.view, *place(ex)[:3]) == ("text", 2, 2, 14)


def test_a_tour_of_words_leaves_the_selection_alone(ex: aw.Explorer) -> None:
    ex.layer, ex.head, ex.query, ex.key = 1, 3, 5, 2
    ex.tour = [aw.Stop("One."), aw.Stop("Two.")]
    ex.stop = 1
    assert place(ex) == (1, 3, 5, 2)


def test_a_token_may_be_named_and_what_is_open_is_telling(ex: aw.Explorer) -> None:
    ex.tour = [aw.Stop("Who is it?", query="it", layer=2, head=2)]
    weights = ex.trace.stacks["decoder"][2].weights(head=2, queries=ex.query)  # type: ignore[union-attr]
    assert ex.tokens[ex.query] == "it"
    assert ex.key == int(weights.flatten()[1:].argmax()) + 1


def test_a_stop_may_load_a_text_and_the_way_back_loads_the_first_again(ex: aw.Explorer) -> None:
    first = ex.text
    ex.tour = [
        aw.Stop("Here.", query="animal"),
        aw.Stop("Another.", text=FOX, query="it"),
        aw.Stop("The same text.", key="fox"),
    ]
    for stop, text in ((1, FOX), (2, FOX), (0, first), (2, FOX)):
        ex.stop = stop
        assert ex.text == text
    assert (ex.tokens[ex.query], ex.tokens[ex.key]) == ("it", "fox")


def test_trying_stops_shows_nothing(ex: aw.Explorer) -> None:
    sent = listen(ex)
    before = ex.text, place(ex), len(ex._session.passes)
    ex.tour = [aw.Stop("Words."), aw.Stop("Another.", text=FOX, query="it")]
    assert (ex.text, place(ex), len(ex._session.passes)) == before
    assert not any(content.get("kind") == "model" for content, _ in sent)


def test_trying_stops_is_not_a_pass_of_a_live_model() -> None:
    model, tokenizer = aw.zoo.load("stories")
    ex = aw.explore(model, tokenizer, FOX)
    ex.attach()
    ex.tour = [aw.Stop("One.", text="The cat slept .", query="cat")]
    assert [s.text for s in ex._session.passes] == [FOX, "The cat slept ."], "shown once, not tried"
    ex.close()


def test_nor_of_another_explorer_that_follows_the_model() -> None:
    model, tokenizer = aw.zoo.load("stories")
    live = aw.explore(model, tokenizer)
    led = aw.explore(model, tokenizer, FOX)
    before = len(live._session.passes)
    led.tour = [aw.Stop("One."), aw.Stop("Two.", text="The cat slept .", query="cat")]
    assert (len(live._session.passes), live.tokens[2]) == (before, "fox")
    led.close()
    live.close()


@pytest.mark.parametrize(
    ("traits", "said"),
    [
        ({"layer": 9}, "Stop 1 of the tour: layer=9 does not exist.*0 to 2"),
        ({"head": 4}, "Stop 1 of the tour: head=4 does not exist.*0 to 3"),
        ({"query": "cow"}, "query='cow' is not among the tokens"),
        ({"key": 99}, "key=99 does not exist"),
        ({"stack": "encoder"}, "stack='encoder' does not exist"),
        ({"view": "liness"}, "view='liness' cannot be.*lines.*matrix"),
        ({"stage": "soft"}, "stage='soft' cannot be"),
        ({"colour": 1}, "no trait 'colour'.*layer, head"),
        ({"text": " "}, "The text is empty"),
        ({"text": "the " * 300}, "positions"),
        ({"heads": [[9, 0]]}, "does not exist"),
        ({"highlight": "nose"}, "no part 'nose'.*heads"),
        ({"mass": 2.0}, "mass=2.0 cannot be"),
    ],
)
def test_a_stop_that_names_what_is_not_there_fails_when_the_tour_is_set(
    ex: aw.Explorer, traits: dict[str, Any], said: str
) -> None:
    good = aw.Tour([aw.Stop("Good.", view="matrix")])
    ex.tour = good
    before = ex.text, place(ex), ex.view
    with pytest.raises(traitlets.TraitError, match=said):
        ex.tour = [aw.Stop("One."), aw.Stop("Two.", **traits)]
    assert ex.tour is good
    assert (ex.text, place(ex), ex.view) == before
    assert ex.status.startswith("exact")


@pytest.mark.parametrize("tour", ["a tour", 3, [], [3]])
def test_what_is_no_tour_is_refused(ex: aw.Explorer, tour: Any) -> None:
    with pytest.raises(traitlets.TraitError, match=r"tour is a|no stops|is a int"):
        ex.tour = tour


def test_only_stops_of_the_tour_can_be_gone_to(ex: aw.Explorer) -> None:
    with pytest.raises(traitlets.TraitError, match="There is no tour"):
        ex.stop = 1
    ex.tour = [aw.Stop("One."), aw.Stop("Two.")]
    with pytest.raises(traitlets.TraitError, match="Choose from 0 to 1"):
        ex.stop = 2
    ex.stop = 1
    ex.tour = [aw.Stop("Another tour.")]
    assert ex.stop == 0
    ex.tour = None
    assert ex.get_state("tour")["tour"] is None


def test_a_place_before_any_pass_is_told() -> None:
    ex = aw.explore(Tiny())
    with pytest.raises(traitlets.TraitError, match="no forward pass has been seen.*Run the model"):
        ex.tour = [aw.Stop("One.", layer=0)]
    ex.tour = [aw.Stop("Words.", view="matrix")]
    assert ex.view == "matrix"
    ex.close()


def test_a_tour_given_at_the_start_opens_at_its_first_stop() -> None:
    ex = aw.explore(tour=[aw.Stop("One.", layer=0, head=3)])
    assert place(ex)[:2] == (0, 3)
    ex.close()
    with pytest.raises(traitlets.TraitError, match="layer=7"):
        aw.explore(tour=[aw.Stop("One.", layer=7)])


def test_the_page_goes_on_by_the_number_alone_or_with_what_it_shows(ex: aw.Explorer) -> None:
    ex.tour = [aw.Stop("One.", layer=2), aw.Stop("Two.", layer=0), aw.Stop("3.", text=FOX)]
    ex.set_state({"stop": 1})
    assert (ex.stop, ex.layer) == (1, 0)
    shown = ex.get_state("tour")["tour"]["stops"][0]["set"]
    ex.set_state({"stop": 0, **shown})
    assert (ex.stop, ex.layer) == (0, 2)
    ex.set_state({"stop": 2})
    assert ex.text == FOX


def test_the_page_cannot_write_a_tour(ex: aw.Explorer) -> None:
    ex.tour = [aw.Stop("One.")]
    kept = ex.tour
    ex.set_state({"tour": {"title": "", "stops": []}})
    assert ex.tour is kept


def test_a_text_that_fails_when_the_page_goes_on_is_told_there(ex: aw.Explorer) -> None:
    ex.tour = [aw.Stop("One."), aw.Stop("Two.", text=FOX)]
    model: Any = ex._session.model
    whole = model.forward

    def broken(*_args: Any) -> torch.Tensor:
        raise RuntimeError("no memory")

    model.forward = broken
    ex.set_state({"stop": 1})
    assert "no memory" in ex.status
    model.forward = whole
    ex.stop = 0
    ex.stop = 1
    assert ex.text == FOX


# -- in a key-value store --------------------------------------------------------------------------


def test_a_store_is_led_through_its_screens_and_entries() -> None:
    store = aw.KeyValueStore()
    store.tour = [
        aw.Stop("Recipes.", step="scores"),
        aw.Stop("Numbers.", screen="numbers", beta=math.inf, step="blend"),
        aw.Stop("Own.", keys=[[1, 0], [0, 1]], values=[1, 3], query=[[1, 1]], names=["x", "y"]),
        aw.Stop("Soft.", beta=1.0),
    ]
    recipes = store.names
    assert (store.stop, store.screen, store.step) == (0, "recipes", "scores")
    store.stop = 1
    np.testing.assert_allclose(store.result, [10, 30, 140 / 3])
    store.stop = 3
    np.testing.assert_allclose(store.result, [2.0])
    store.stop = 0
    assert (store.screen, store.names) == ("recipes", recipes)
    assert store.beta == pytest.approx(2**-0.5)
    store.close()


def test_the_page_may_send_all_that_it_shows_of_a_stop() -> None:
    store = aw.KeyValueStore()
    store.tour = [
        aw.Stop("One."),
        aw.Stop("Two.", query=[[1.0, 1.0]], query_names=["soup"], hard=True),
    ]
    second = store.get_state(["tour"])["tour"]["stops"][1]
    store.set_state({"stop": 1, **second["set"]})
    assert (store.stop, store.query, store.query_names) == (1, [[1.0, 1.0]], ["soup"])
    store.close()


@pytest.mark.parametrize(
    ("traits", "said"),
    [
        ({"keys": [[1, 2]]}, "Stop 1 of the tour: There are 1 keys and 4 values"),
        ({"query": [1, 2, 3, 4]}, r"Stop 1 of the tour.*query has the shape \(1, 4\)"),
        ({"beta": -1}, "beta is -1"),
        ({"screen": "plane"}, "screen"),
        ({"layer": 1}, "no trait 'layer'"),
        ({"highlight": "heads"}, "no part 'heads'"),
    ],
)
def test_a_stop_that_a_store_cannot_show_fails_and_the_store_stays(
    traits: dict[str, Any], said: str
) -> None:
    store = aw.KeyValueStore()
    before = store_stops.state(store)
    with pytest.raises(traitlets.TraitError, match=said):
        store.tour = [aw.Stop("One.", screen="numbers", hard=True), aw.Stop("Two.", **traits)]
    assert store_stops.state(store) == before
    assert store.tour is None
    store.close()


# -- what the page is sent -------------------------------------------------------------------------


def test_it_still_sends_the_tours_that_were_recorded() -> None:
    """If this is meant to change: `python -m tests.record_tours`, then js/src/tour."""
    for name, tour in record_tours.record().items():
        kept = json.loads((record_tours.FOLDER / f"{name}.json").read_text())
        assert json.loads(json.dumps(tour)) == kept


def test_entries_that_many_stops_share_are_sent_once() -> None:
    store = aw.KeyValueStore(tour=[aw.Stop(f"{n}.", beta=float(n)) for n in range(20)])
    sent = store.get_state(["tour"])["tour"]
    assert (len(sent["stops"]), len(sent["entries"])) == (20, 1)
    store.close()


@pytest.mark.parametrize("part", sorted({*explorer_stops.PARTS, *store_stops.PARTS}))
def test_every_part_that_a_stop_may_point_at_can_be_pointed_at(part: str) -> None:
    rules = (Path(__file__).parents[2] / "js" / "src" / "tour" / "tour.css").read_text()
    assert re.search(rf'\[data-highlight="{part}"\]', rules)
