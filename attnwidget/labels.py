"""Token texts as a reader would write them, and which list of them belongs to which stack."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

# What byte-level BPE and SentencePiece put in front of a piece that follows a space.
_SPACES = "Ġ▁"
_NEWLINE = "Ċ"


@dataclass(frozen=True)
class Token:
    """One token as a reader would write it.

    Attributes
    ----------
    text : str
        Without the tokenizer's marks and without white space around it. White space alone stays.
        Empty for a piece in the middle of a character.
    gap : str
        What stands between the token before and this one: a space, nothing, a line break. Gaps and
        texts of all tokens joined are the passage.
    kind : str
        "special" for a mark of the tokenizer, "padding", else "".
    word : int
        Number of the word it is a piece of, counted from 0 along the text.
    segment : int or None
        Which sentence of a pair it belongs to (BERT's token type); None where there are no pairs.
    """

    text: str
    gap: str = ""
    kind: str = ""
    word: int = 0
    segment: int | None = None


def plain_tokens(texts: Iterable[str]) -> list[Token]:
    """Tokens of texts that somebody has given, one word each."""
    return [
        Token(text, " " if i else "", "special" if is_special(text) else "", word=i)
        for i, text in enumerate(texts)
    ]


def read_tokens(
    tokenizer: Any,
    ids: Sequence[int],
    *,
    text: str | None = None,
    mask: Sequence[int] | None = None,
    segments: Sequence[int] | None = None,
) -> list[Token]:
    """Tokens of `ids`."""
    return plain_tokens(token_texts(tokenizer, ids))


def token_texts(tokenizer: Any, ids: Sequence[int]) -> list[str]:
    """Display text of each token id, without the tokenizer's own marks.

    A piece that is nothing but white space stays white space; the page draws a faint mark for it.
    """
    if hasattr(tokenizer, "convert_ids_to_tokens"):
        pieces = [str(piece) for piece in tokenizer.convert_ids_to_tokens(list(ids))]
        return [_as_read(tokenizer, i, piece) for i, piece in zip(ids, pieces, strict=True)]
    if hasattr(tokenizer, "id_to_token"):  # tokenizers.Tokenizer
        return [_unmarked(str(tokenizer.id_to_token(int(i)))) for i in ids]
    if hasattr(tokenizer, "decode"):
        return [_unmarked(str(tokenizer.decode([int(i)]))) for i in ids]
    return [str(int(i)) for i in ids]


def _as_read(tokenizer: Any, token_id: int, piece: str) -> str:
    if piece.isascii():
        return _unmarked(piece)
    # Byte-level pieces spell other scripts in stand-in letters: the decoder knows the way back.
    text = str(tokenizer.decode([int(token_id)])) if hasattr(tokenizer, "decode") else piece
    return _unmarked(piece) if "\ufffd" in text or not text else _unmarked(text)


def _unmarked(piece: str) -> str:
    text = piece.replace(_NEWLINE, "\n")
    for mark in _SPACES:
        text = text.replace(mark, " ")
    if len(text) > 2 and text.startswith("##"):
        text = text[2:]
    return text.strip(" ") or text


def is_special(text: str) -> bool:
    """Whether a token is a mark of the tokenizer such as ``[CLS]`` or ``<s>``, not a word."""
    return len(text) > 2 and (text[0], text[-1]) in {("[", "]"), ("<", ">")}


def positions(length: int) -> list[str]:
    """Labels where no token texts are known: the position numbers."""
    return [str(i) for i in range(length)]
