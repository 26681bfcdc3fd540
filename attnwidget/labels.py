"""Token texts as a reader would write them, and which list of them belongs to which stack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# What byte-level BPE and SentencePiece put in front of a piece that follows a space.
_SPACES = "Ġ▁"
_NEWLINE = "Ċ"


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
