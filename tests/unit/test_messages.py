"""The messages: what is read, what is refused, what is written."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnwidget import messages
from attnwidget.messages import Picture, Run, Wants
from attnwidget.trouble import Trouble

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_reads_wants_in_their_order() -> None:
    wants = [{"key": "a", "kind": "row", "query": 3}, {"key": "b", "kind": "tile"}]
    read = messages.read({"type": "wants", "view": "v", "wants": wants})
    assert read == Wants("v", tuple(wants), again=False)


def test_reads_run() -> None:
    assert messages.read({"type": "run", "text": "A cat"}) == Run("A cat")


@given(JSON)
def test_anything_else_is_refused_in_words(content: object) -> None:
    with pytest.raises(Trouble, match="cannot be read"):
        messages.read(content)


@given(st.fixed_dictionaries({"type": st.just("wants"), "view": JSON, "wants": JSON}))
def test_malformed_wants_never_pass(content: dict[str, object]) -> None:
    try:
        read = messages.read(content)
    except Trouble:
        return
    assert isinstance(read, Wants)
    assert all(isinstance(want["key"], str) for want in read.wants)


def test_too_many_wants_are_refused() -> None:
    wants = [{"key": str(n), "kind": "row"} for n in range(messages.MOST_WANTS + 1)]
    with pytest.raises(Trouble, match="cannot be read"):
        messages.read({"type": "wants", "view": "v", "wants": wants})


def test_a_picture_carries_its_arrays_as_little_endian_buffers_in_order() -> None:
    cells = np.arange(6, dtype=">f4").reshape(2, 3)
    flags = np.array([[0, 1, 2]], np.uint8)
    tokens = np.array([7, -1], ">i4")
    made = Picture("tile", {"max": 5.0}, {"cells": cells, "flags": flags, "tokens": tokens})
    content, buffers = messages.picture("k", 7, made)
    assert content["arrays"] == [
        {"name": "cells", "dtype": "float32", "shape": [2, 3]},
        {"name": "flags", "dtype": "uint8", "shape": [1, 3]},
        {"name": "tokens", "dtype": "int32", "shape": [2]},
    ]
    assert (content["key"], content["pass"], content["kind"]) == ("k", 7, "tile")
    assert np.frombuffer(buffers[0], "<f4").tolist() == [0, 1, 2, 3, 4, 5]
    assert buffers[1] == b"\x00\x01\x02"
    assert buffers[2] == b"\x07\x00\x00\x00\xff\xff\xff\xff"


def test_trouble_keeps_the_models_own_words() -> None:
    content, buffers = messages.trouble(None, IndexError("index out of range in self"))
    assert content["key"] is None
    assert content["title"] == "IndexError was raised."
    assert content["detail"] == "index out of range in self"
    assert buffers == []
