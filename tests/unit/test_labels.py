"""Token texts as a reader would write them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from attnwidget import labels


class Pieces:
    """A tokenizer that has these pieces."""

    def __init__(self, pieces: list[str]) -> None:
        self.pieces = pieces

    def convert_ids_to_tokens(self, ids: Sequence[int]) -> list[str]:
        return [self.pieces[i] for i in ids]


@pytest.mark.parametrize(
    ("piece", "read"),
    [
        ("Ġanimal", "animal"),
        ("▁animal", "animal"),
        ("##ing", "ing"),
        ("[CLS]", "[CLS]"),
        ("##", "##"),
        ("Ċ", "\n"),
        ("Ġ", " "),
        ("ĠĠ", "  "),
        ("<br>", "<br>"),
        ("", ""),
    ],
)
def test_marks_are_taken_off(piece: str, read: str) -> None:
    assert labels.token_texts(Pieces([piece]), [0]) == [read]


def test_a_tokenizers_tokenizer_is_read_too() -> None:
    tokenizer = Tokenizer(models.WordLevel({"a": 0, "cat": 1}, unk_token="a"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    assert labels.token_texts(tokenizer, tokenizer.encode("a cat").ids) == ["a", "cat"]


def test_ids_stand_for_themselves_without_a_tokenizer() -> None:
    assert labels.token_texts(None, [5, 17]) == ["5", "17"]


@pytest.mark.parametrize(
    ("text", "special"), [("[CLS]", True), ("<s>", True), ("a", False), ("[", False), ("", False)]
)
def test_special_marks_are_told_from_words(text: str, special: bool) -> None:
    assert labels.is_special(text) is special
