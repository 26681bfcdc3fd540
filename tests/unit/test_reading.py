"""Readings: which tokens become which items, and what a page may not ask for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnwidget.labels import Token
from attnwidget.reading import KINDS, Item, Reading, items_of
from attnwidget.trouble import Trouble
from tests.unit.test_messages import JSON

# "Un|believ|able ! [SEP] Yes ." as two sentences of a pair, padded.
PAIR = [
    Token("[CLS]", "", "special", 0, 0),
    Token("Un", "", "", 1, 0),
    Token("believ", "", "", 1, 0),
    Token("able", "", "", 1, 0),
    Token("!", "", "", 2, 0),
    Token("[SEP]", " ", "special", 3, 0),
    Token("Yes", "", "", 4, 1),
    Token(".", "", "", 5, 1),
    Token("[PAD]", " ", "padding", 6),
    Token("[PAD]", " ", "padding", 6),
]


def texts(reading: Reading, side: str = "queries") -> list[str]:
    return [item.text for item in items_of(PAIR, reading, side)]  # type: ignore[arg-type]


def test_the_plain_reading_shows_every_token() -> None:
    items = items_of(PAIR, Reading(), "keys")
    assert [(item.start, item.stop) for item in items] == [(i, i + 1) for i in range(10)]
    assert [(i.text, i.gap, i.kind, i.segment) for i in items] == [
        (t.text, t.gap, t.kind, t.segment) for t in PAIR
    ]


def test_pieces_of_a_word_are_one_item_and_marks_stay_apart() -> None:
    items = items_of(PAIR, Reading(words=True), "keys")
    assert items[1] == Item("Unbelievable", "", 1, 4, "", 0)
    assert [i.text for i in items[-2:]] == ["[PAD]", "[PAD]"]
    assert [i.start for i in items] == [0, 1, 4, 5, 6, 7, 8, 9]


def test_a_word_keeps_what_stands_between_its_pieces() -> None:
    tokens = [Token("it", "", "", 0), Token("'", "", "", 0), Token("s", "-", "", 0)]
    (item,) = items_of(tokens, Reading(words=True), "keys")
    assert item.text == "it'-s"


def test_a_word_ends_where_a_sentence_does_or_a_mark_stands_between() -> None:
    tokens = [Token("a", word=1, segment=0), Token("b", word=1, segment=1)]
    assert len(items_of(tokens, Reading(words=True), "keys")) == 2
    split = [Token("a", word=1), Token("<m>", "", "special", 1), Token("b", word=1)]
    hidden = Reading(words=True, hide=frozenset({"special"}))
    assert [(i.start, i.stop) for i in items_of(split, hidden, "keys")] == [(0, 1), (2, 3)]


def test_kinds_are_hidden_on_both_sides() -> None:
    reading = Reading(hide=frozenset({"special", "padding"}))
    expected = ["Un", "believ", "able", "!", "Yes", "."]
    assert texts(reading, "queries") == texts(reading, "keys") == expected


def test_the_first_token_is_the_first_that_is_not_padding() -> None:
    left_padded = [Token("", "", "padding"), Token("<s>", "", "special"), Token("A", "", "", 1)]
    shown = items_of(left_padded, Reading(hide=frozenset({"first"})), "keys")
    assert [item.start for item in shown] == [0, 2]
    only_padding = [Token("", "", "padding")]
    assert items_of(only_padding, Reading(hide=frozenset({"first"})), "keys")


def test_of_a_first_word_only_the_first_token_is_hidden() -> None:
    tokens = [Token("Un", word=0), Token("do", word=0), Token("it", " ", word=1)]
    shown = items_of(tokens, Reading(words=True, hide=frozenset({"first"})), "keys")
    assert [(item.text, item.start, item.stop) for item in shown] == [("do", 1, 2), ("it", 2, 3)]


def test_a_pair_shows_queries_of_one_sentence_and_keys_of_the_other() -> None:
    reading = Reading(words=True, pair=(1, 0))
    assert texts(reading, "queries") == ["Yes", "."]
    assert texts(reading, "keys") == ["[CLS]", "Unbelievable", "!", "[SEP]"]


@pytest.mark.parametrize(
    ("gaps", "expected"),
    [
        (["", " ", " "], " "),  # as it was
        (["", " ", ""], " "),  # the hidden token alone had the space
        (["", "\n\n", " "], "\n\n"),  # the line ended before the hidden token
        (["", "", ""], ""),
        (["", "", "\n"], "\n"),
    ],
)
def test_white_space_around_hidden_tokens_stays(gaps: list[str], expected: str) -> None:
    tokens = [
        Token(text, gap, kind)
        for text, gap, kind in zip("a|b", gaps, ["", "special", ""], strict=True)
    ]
    shown = items_of(tokens, Reading(hide=frozenset({"special"})), "keys")
    assert [(item.text, item.gap) for item in shown] == [("a", ""), ("b", expected)]


def test_nothing_left_is_said_in_words() -> None:
    with pytest.raises(Trouble, match=r"Nothing is left to show of the 10 keys.*pair=\[0, 7\]"):
        items_of(PAIR, Reading(pair=(0, 7)), "keys")
    with pytest.raises(Trouble, match="of the 1 queries.*hide=.*special"):
        items_of(PAIR[:1], Reading(hide=frozenset({"special"})), "queries")


TOKENS = st.lists(
    st.builds(
        Token,
        st.text(max_size=3),
        st.sampled_from(["", " ", "\n"]),
        st.sampled_from(["", "", "", "special", "padding"]),
        st.integers(0, 3),
        st.sampled_from([None, 0, 1]),
    ),
    max_size=12,
)
READINGS = st.builds(
    Reading,
    st.booleans(),
    st.frozensets(st.sampled_from(KINDS)),
    st.booleans(),
    st.none() | st.tuples(st.integers(0, 1), st.integers(0, 1)),
)


@given(TOKENS, READINGS, st.sampled_from(["queries", "keys"]))
def test_items_are_in_order_and_never_overlap(
    tokens: list[Token], reading: Reading, side: Any
) -> None:
    try:
        items = items_of(tokens, reading, side)
    except Trouble:
        return
    edges = [edge for item in items for edge in (item.start, item.stop)]
    assert edges == sorted(edges)
    assert all(0 <= item.start < item.stop <= len(tokens) for item in items)
    for item in items:
        own = tokens[item.start : item.stop]
        assert {token.kind for token in own} == {item.kind}
        assert item.kind not in reading.hide
        assert len(own) == 1 or (reading.words and len({token.word for token in own}) == 1)
        assert item.text == own[0].text + "".join(t.gap + t.text for t in own[1:])


def test_a_reading_travels_as_json_and_back() -> None:
    reading = Reading(True, frozenset({"special", "first"}), True, (0, 1))
    facts = reading.facts
    assert facts == {
        "words": True, "hide": ["first", "special"], "renormalise": True, "pair": [0, 1],
    }  # fmt: skip
    assert Reading.of({"reading": facts}) == reading
    assert Reading.of({}) == Reading()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("words", "reading=words.*by name"),
        ({"words": 1}, "words=1.*true or false"),
        ({"hide": "special"}, "hide=special.*list of some of"),
        ({"hide": ["verbs"]}, "hide=.*verbs"),
        ({"hide": [["special"]]}, "hide="),
        ({"pair": [0]}, "pair=.*two numbers"),
        ({"pair": [True, 0]}, "pair="),
        ({"pair": "01"}, "pair="),
    ],
)
def test_what_is_no_reading_is_refused_in_words(asked: object, message: str) -> None:
    with pytest.raises(Trouble, match=message):
        Reading.of({"reading": asked})


@given(
    st.fixed_dictionaries(
        {}, optional={"words": JSON, "hide": JSON, "renormalise": JSON, "pair": JSON}
    )
    | JSON
)
def test_any_json_is_a_reading_or_trouble(asked: object) -> None:
    try:
        assert isinstance(Reading.of({"reading": asked}), Reading)
    except Trouble:
        return
