"""The key-value store: what it computes, what it takes and what it refuses, and how it speaks."""

from __future__ import annotations

import base64
import io
import json
import math
from typing import Any

import numpy as np
import pytest
import torch
import traitlets
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

import attnwidget as aw
from attnwidget.teaching.store_entries import png
from attnwidget.trouble import Trouble
from tests import record_store

INF = float("inf")
KEYS = [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]
finite = st.floats(-50, 50, width=32)


def letters(text: str) -> list[float]:
    """A vector of a text: how often it holds a, b and c."""
    return [float(text.count(letter)) for letter in "abc"]


def small(**other: Any) -> aw.KeyValueStore:
    return aw.KeyValueStore(KEYS, [10, 20, 60], **{"query": [2, 0], **other})


# -- numbers --------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    n=st.integers(1, 6),
    m=st.integers(1, 3),
    d=st.integers(1, 4),
    beta=st.floats(0, 20),
)
def test_weights_and_result_are_the_formulas_in_float64(
    data: st.DataObject, n: int, m: int, d: int, beta: float
) -> None:
    keys = data.draw(hnp.arrays(np.float64, (n, d), elements=finite))
    query = data.draw(hnp.arrays(np.float64, (m, d), elements=finite))
    values = data.draw(hnp.arrays(np.float64, (n, 2), elements=finite))
    store = aw.KeyValueStore(keys, values, query, beta=beta)
    scores = torch.from_numpy(query @ keys.T)
    expected = torch.softmax(beta * scores, -1).numpy()
    np.testing.assert_allclose(store.weights, expected, atol=1e-12)
    np.testing.assert_allclose(store.result, expected @ values, atol=1e-9)
    np.testing.assert_allclose(np.sum(store.weights, 1), 1)
    store.beta = INF
    tied = query @ keys.T == (query @ keys.T).max(1, keepdims=True)
    np.testing.assert_allclose(store.weights, tied / tied.sum(1, keepdims=True))
    store.hard = True
    np.testing.assert_array_equal(np.argmax(store.weights, 1), tied.argmax(1))
    assert set(np.unique(store.weights)) <= {0.0, 1.0}


def test_beta_is_one_over_root_d_and_goes_from_the_mean_to_the_largest() -> None:
    store = small()
    assert store.beta == 1 / math.sqrt(2)
    store.beta = 0
    assert store.result == pytest.approx([30])
    store.beta = INF
    assert store.result == [10]
    store.beta = None
    assert store.beta == 1 / math.sqrt(2)


def test_equal_keys_share_under_infinite_beta_and_the_first_wins_when_hard() -> None:
    store = aw.KeyValueStore([[1, 0], [1, 0], [0, 1]], [4, 8, 100], [3, 1], beta=INF)
    assert store.result == [6]
    store.hard = True
    assert store.weights == [[1, 0, 0]]


def test_regression_weighs_by_distance_as_a_gaussian_kernel() -> None:
    x, y, at = np.array([0.0, 1, 2.5]), np.array([1.0, 3, 2]), 0.7
    store = aw.KeyValueStore(x[:, None], y, [at], beta=4)
    assert store.screen == "regression"
    kernel = np.exp(-((x - at) ** 2) / (2 * 0.5**2))
    assert store.result == pytest.approx([kernel @ y / kernel.sum()])
    store.screen = "numbers"
    product = np.exp(4 * x * at)
    assert store.result == pytest.approx([product @ y / product.sum()])


def test_what_the_screen_can_no_longer_draw_is_weighed_by_products() -> None:
    store = aw.KeyValueStore([[1.0], [2.0]], [5, 6], [3], beta=1)
    assert store.weights[0][1] == pytest.approx(1 / (1 + math.exp(-1.5)))
    store.values = ["a", "b"]
    assert store.weights[0][1] == pytest.approx(1 / (1 + math.exp(-3)))
    assert list(store.result[0]) == ["b", "a"]


def test_values_of_every_kind_are_blended() -> None:
    assert small(query=[[2, 0], [0, 2]], beta=INF).result == [10, 20]
    vectors = aw.KeyValueStore(KEYS, [[1, 2, 3], [0, 0, 0], [5, 5, 5]], [2, 0], beta=INF)
    assert vectors.result == [[1, 2, 3]]
    texts = aw.KeyValueStore(KEYS, ["a", "b", "a"], [0, 0])
    assert texts.result == [pytest.approx({"a": 2 / 3, "b": 1 / 3})]
    assert list(texts.result[0]) == ["a", "b"]


@pytest.mark.parametrize(
    "pictures",
    [
        np.array([[[0, 255]], [[255, 255]], [[0, 0]]], np.uint8),
        [Image.fromarray(np.array(row, np.uint8)) for row in ([[0, 255]], [[255, 255]], [[0, 0]])],
        np.array([[[0, 1.0]], [[1, 1]], [[0, 0]]])[..., None].repeat(3, -1),
    ],
)
def test_pictures_are_given_in_any_way_and_blended_pixel_by_pixel(pictures: Any) -> None:
    store = aw.KeyValueStore(KEYS, pictures, [0, 0])
    np.testing.assert_allclose(store.result[0], np.array([[[1 / 3], [2 / 3]]]).repeat(3, -1))
    url = store.values[0].split(",")[1]
    opened = np.asarray(Image.open(io.BytesIO(base64.b64decode(url))))
    np.testing.assert_array_equal(opened, [[[0, 0, 0], [255, 255, 255]]])
    again = [store.values[0], store.values[0], store.values[2]]  # as the page does
    store.values = again
    assert store.result[0].shape == (1, 2, 3)


@given(hnp.arrays(np.float64, (3, 4, 3), elements=st.floats(0, 1, width=32)))
def test_a_png_is_read_as_it_was_written(pixels: Any) -> None:
    read = np.asarray(Image.open(io.BytesIO(png(pixels))))
    np.testing.assert_array_equal(read, np.rint(pixels * 255))


# -- what is given --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "keys",
    [
        KEYS,
        np.array(KEYS),
        torch.tensor(KEYS, requires_grad=True),
        [np.array(key) for key in KEYS],
        [torch.tensor(key) for key in KEYS],
        [(1, 0), (0, 1), (-1, 0)],
    ],
)
def test_keys_are_given_in_any_way(keys: Any) -> None:
    store = aw.KeyValueStore(keys, [1, 2, 3])
    assert store.keys == KEYS
    assert store.query == [KEYS[0]]
    assert store.names == ["key 1", "key 2", "key 3"]


def test_texts_are_embedded_and_name_what_they_stand_for() -> None:
    store = aw.KeyValueStore(["ab", "cc"], ["x", "y"], "abc", embed=letters)
    assert store.keys == [[1, 1, 0], [0, 0, 2]]
    assert (store.names, store.query_names, store.screen) == (["ab", "cc"], ["abc"], "numbers")
    store.query = ["a", "b"]
    assert (store.query, store.query_names) == ([[1, 0, 0], [0, 1, 0]], ["a", "b"])
    store.query = [0, 0, 1]
    assert store.query_names == []
    store.query_names = ["mine"]
    with pytest.raises(traitlets.TraitError, match="There are 1 queries and 2 query_names"):
        store.query_names = ["a", "b"]


def test_without_data_it_opens_on_the_recipe_book_and_each_screen_has_its_example() -> None:
    store = aw.KeyValueStore()
    assert (store.screen, store.query_names, len(store.keys)) == ("recipes", ["lasagne"], 6)
    assert store.names[int(np.argmax(store.weights))] == "Lasagna"
    store.screen = "numbers"
    assert store.result == pytest.approx([10, 30, 140 / 3], abs=1e-3)
    store.screen = "regression"
    assert len(store.weights[0]) == 8
    store.screen = "recipes"
    assert store.names[0] == "Lasagna"


BAD: list[tuple[dict[str, Any], str]] = [
    ({"keys": KEYS, "values": [1, 2]}, "There are 3 keys and 2 values. Each key needs one value."),
    ({"keys": KEYS}, "values is missing. Give keys and values"),
    ({"values": [1]}, "keys is missing."),
    ({"query": [1, 2]}, "query or names were given without keys."),
    ({"keys": KEYS, "values": [1, 2, 3], "query": [1, 2, 3]},
     r"query has the shape \(1, 3\), keys has \(3, 2\)\. They are compared"),
    ({"keys": [], "values": []}, "The store is empty."),
    ({"keys": [[], []], "values": [1, 2]}, "keys holds vectors without numbers."),
    ({"keys": [[1, math.nan]], "values": [1]}, r"keys\[0\]\[1\] is nan\. Every number"),
    ({"keys": [[1, 2], [3]], "values": [1, 2]}, "keys holds vectors of different sizes, 1 and 2."),
    ({"keys": [1, 2], "values": [1, 2]}, r"keys has the shape \(2,\)\. .* also where d is 1"),
    ({"keys": "ab", "values": [1]}, "keys holds the text 'ab', and there is no function to embed"),
    ({"keys": ["a"], "values": [1], "embed": lambda _: 1 / 0},
     r"embed\('a'\) failed: ZeroDivisionError"),
    ({"keys": 5, "values": [1]}, r"keys has the shape \(\)"),
    ({"keys": object(), "values": [1]}, "keys is <object object.*, which is no list of vectors"),
    ({"keys": [[1]], "values": 5}, "values is 5. Give a list with one value for each key."),
    ({"keys": [[1]], "values": [math.inf]}, r"values\[0\] is not finite\."),
    ({"keys": [[1], [2]], "values": [1, "a"]}, "values mixes texts with other things."),
    ({"keys": [[1], [2]], "values": [[1], [1, 2]]}, "values holds things of different kinds"),
    ({"keys": [[1]], "values": np.full((1, 2, 2), 300)}, "The pictures' numbers run from 300 to"),
    ({"keys": [[1]], "values": np.zeros((1, 300, 2))}, "values holds pictures of 300 × 2 pixels."),
    ({"keys": [[1]], "values": np.zeros((1, 2, 2, 2, 2))}, r"values has the shape \(1, 2, 2, 2, 2"),
    ({"keys": [[1]], "values": [1], "names": ["a", "b"]}, "There are 1 keys and 2 names."),
    ({"keys": [[1]], "values": [1], "beta": -1}, r"beta is -1\. Give a number from 0 to float"),
    ({"keys": [[1]], "values": [1], "beta": "hot"}, "beta is 'hot'."),
    ({"keys": np.ones((1001, 1)), "values": np.ones(1001)}, "The store would hold 1001 entries."),
]  # fmt: skip


@pytest.mark.parametrize(("given", "words"), BAD)
def test_what_does_not_go_together_is_refused_in_words(given: dict[str, Any], words: str) -> None:
    with pytest.raises(Trouble, match=words):
        aw.KeyValueStore(**given)


def test_an_unknown_argument_is_refused() -> None:
    with pytest.raises(TypeError, match=r"KeyValueStore\(\) has no argument 'colour'"):
        small(colour="red")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("keys", [[1, 0]], "There are 1 keys and 3 values"),
        ("keys", [[1, 0, 0]] * 3, r"query has the shape \(1, 2\), keys has \(3, 3\)"),
        ("values", [1], "There are 3 keys and 1 values"),
        ("query", [1, 2, 3], r"query has the shape \(1, 3\)"),
        ("query", [0, math.inf], r"query\[0\]\[1\] is inf"),
        ("query", "lasagne", "no function to embed it"),
        ("names", ["a"], "There are 3 keys and 1 names"),
        ("beta", math.nan, "beta is nan"),
        ("beta", True, "beta is True"),
        ("hard", "yes", "hard"),
        ("screen", "regression", r"Choose from recipes, numbers\."),
        ("step", "softmax", "step"),
        ("weights", [[1]], "read-only"),
        ("result", 1, "read-only"),
    ],
)
def test_a_bad_trait_is_refused_and_changes_nothing(name: str, value: Any, words: str) -> None:
    store = small()
    before = store.get_state(), store.weights, store.result
    with pytest.raises(traitlets.TraitError, match=words):
        setattr(store, name, value)
    assert (store.get_state(), store.weights, store.result) == before


def test_other_entries_are_set_as_one_change() -> None:
    store = aw.KeyValueStore()
    seen: list[int] = []
    store.observe(lambda change: seen.append(len(change["new"][0])), "weights")
    store.set_entries([[1, 0], [0, 1]], [5, 6])
    assert (store.names, store.query, store.screen) == (
        ["key 1", "key 2"],
        [[-1.8, 1.0]],
        "recipes",
    )
    store.set_entries([[1.0], [2.0]], [5, 6], ["one", "two"])
    assert (store.query, store.screen) == ([[1.0]], "regression")
    assert set(seen) == {2}
    with pytest.raises(Trouble, match="There are 1 keys and 2 values"):
        store.set_entries([[1.0]], [5, 6])
    assert store.names == ["one", "two"]


def test_several_traits_are_set_together() -> None:
    store = small()
    with store.hold_trait_notifications():
        store.keys, store.values, store.names = [[1, 1]], [3], ["only"]
    assert store.result == [3]


# -- to and from the page -------------------------------------------------------------------------


def sent_by(store: aw.KeyValueStore) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []
    store._send = lambda message, buffers=None: sent.append(message)  # type: ignore[method-assign]
    return sent


def test_all_that_is_synced_is_json_and_the_name_keys_is_the_readers_own() -> None:
    store = small(beta=INF)
    state = store.get_state()
    synced = {name for name, trait in store.traits().items() if trait.metadata.get("sync")}
    assert set(state) == synced
    assert {"_esm", "_css", "_anywidget_id", "_model_name", "layout", "keys"} <= synced
    ours = {"keys", "values", "query", "names", "beta", "hard", "screen", "step", "predict"}
    page = store.get_state(ours)
    assert json.loads(json.dumps(page, allow_nan=False))["beta"] == "inf"
    assert page["keys"] == KEYS
    assert not {"weights", "result"} & synced
    plain = aw.KeyValueStore(np.random.default_rng(0).normal(size=(200, 2)), np.ones(200))
    assert len(json.dumps(plain.get_state(ours))) < 20_000


def test_a_change_in_python_is_sent_and_an_echo_of_the_page_is_not() -> None:
    store = small()
    sent = sent_by(store)
    store.query = [0, 1]
    assert [m["state"] for m in sent if m["method"] == "update"] == [{"query": [[0.0, 1.0]]}]
    sent.clear()
    store.set_state({"query": [[1, 0]], "beta": "inf", "unheard": 1})
    assert (store.query, store.beta, store.result) == ([[1.0, 0.0]], INF, [10.0])
    assert [message for message in sent if message["method"] == "update"] == []


def test_the_page_adds_an_entry_and_the_weights_follow() -> None:
    store = small()
    store.set_state(
        {"keys": [*KEYS, [0, -1]], "values": [1, 2, 3, 4], "names": ["a", "b", "c", "d"]}
    )
    assert np.shape(store.weights) == (1, 4)


@pytest.mark.parametrize(
    "told",
    [{"keys": [[1, 0]]}, {"query": [[1, 2, 3]]}, {"beta": None, "keys": "x"}, {"values": {"a": 1}},
     {"screen": "regression"}, {"names": 5}],
)  # fmt: skip
def test_what_the_page_cannot_have_is_not_taken_and_the_page_is_told(told: dict[str, Any]) -> None:
    store = small()
    before = store.get_state()
    sent = sent_by(store)
    store.set_state(told)
    assert store.get_state() == before
    updates = [message["state"] for message in sent if message["method"] == "update"]
    assert updates[-1] == {name: before[name] for name in told}


def test_the_page_swaps_an_example_with_its_data_and_python_does_not_load_it_again() -> None:
    store = aw.KeyValueStore()
    example = dict(store._examples["numbers"])
    store.set_state({**example, "values": [1.0, 2.0, 3.0, 4.0], "screen": "numbers"})
    assert (store.screen, store.values) == ("numbers", [1.0, 2.0, 3.0, 4.0])


def test_what_is_recorded_for_the_page_is_what_python_says() -> None:
    recorded = json.loads(record_store.PATH.read_text())
    now = json.loads(json.dumps(record_store.record()))
    assert set(recorded) == set(now)
    for name, store in now.items():
        if name == "pictures":  # other releases of zlib pack them otherwise
            store["traits"]["values"] = recorded[name]["traits"]["values"]
        assert recorded[name]["traits"] == store["traits"]
        np.testing.assert_allclose(recorded[name]["weights"], store["weights"], atol=1e-12)


# -- asked in words ------------------------------------------------------------------------------


def counted(text: str) -> list[int]:
    if "?" in text:
        raise KeyError("?")
    return [text.count("a"), text.count("b")]


def ask(store: aw.KeyValueStore, at: Any, text: Any) -> list[Any]:
    said: list[Any] = []
    store.send = lambda content, buffers=None: said.append(content)  # type: ignore[method-assign]
    store._handle_custom_msg({"type": "ask", "at": at, "text": text}, [])
    return said


def test_a_query_asked_in_words_on_the_page_is_embedded_here() -> None:
    store = aw.KeyValueStore(["aa", "b"], [1, 2], ["a", "bb"], embed=counted, hard=True)
    assert store.get_state(["_asks"])["_asks"] is True
    assert ask(store, 1, " aab ") == [{"type": "answer", "title": "", "detail": ""}]
    assert (store.query, store.query_names) == ([[1, 0], [2, 1]], ["a", "aab"])
    assert store.result == [1.0, 1.0]
    store.close()


@pytest.mark.parametrize(
    ("at", "text", "title"),
    [
        (0, " ", "The question is empty."),
        (0, 7, "The question is empty."),
        (5, "a", "There is no query number 5."),
        (None, "a", "There is no query number None."),
        (0, "a?", "KeyError"),
    ],
)
def test_a_question_that_cannot_be_asked_is_told_and_changes_nothing(
    at: Any, text: Any, title: str
) -> None:
    store = aw.KeyValueStore(["aa", "b"], [1, 2], embed=counted)
    before = store.query, store.query_names
    (said,) = ask(store, at, text)
    assert title in said["title"]
    assert said["detail"]
    assert (store.query, store.query_names) == before
    store.close()


def test_without_a_function_the_page_has_no_field_to_ask_in() -> None:
    store = aw.KeyValueStore([[1, 0]], [1])
    assert store.get_state(["_asks"])["_asks"] is False
    (said,) = ask(store, 0, "a")
    assert "embed" in said["title"] + said["detail"]
    store.close()
