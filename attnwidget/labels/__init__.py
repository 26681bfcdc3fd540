"""Token texts as a reader would write them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

from attnwidget.labels.reading import Named, named, read
from attnwidget.labels.spans import aligned, cut
from attnwidget.labels.spelling import is_byte
from attnwidget.labels.vocabulary import Marks, Places, marks_of, places_of, well_formed
from attnwidget.labels.words import word_numbers


@dataclass(frozen=True)
class Token:
    """One token as a reader would write it.

    Attributes
    ----------
    text : str
        Without the tokenizer's marks and without white space around it. White space alone stays,
        and so does white space at the end of the passage, which has no gap to stand in.
        Empty for a piece in the middle of a character.
    gap : str
        What stands between the token before and this one: a space, nothing, a line break. Gaps and
        texts of all tokens joined are the passage.
    kind : str
        "special" for a mark of the tokenizer, "padding", else "". The first two are no part of the
        passage; a mark that the reader typed has a gap, which is none either.
    word : int
        Number of the word it is a piece of, counted from 0 along the text.
    segment : int or None
        Which sentence of a pair it belongs to (BERT's token type); None where there are no pairs.
    patch : (int, int) or None
        Row and column, from 0, where it is a patch of an image.
    """

    text: str
    gap: str = ""
    kind: str = ""
    word: int = 0
    segment: int | None = None
    patch: tuple[int, int] | None = None


def plain_tokens(texts: Iterable[str]) -> list[Token]:
    """Tokens of texts that somebody has given, one word each."""
    return [
        Token(text, " " if i else "", "special" if is_special(text) else "", word=i)
        for i, text in enumerate(map(well_formed, texts))
    ]


def read_tokens(
    tokenizer: Any,
    ids: Sequence[int],
    *,
    text: str | None = None,
    mask: Sequence[int] | None = None,
    segments: Sequence[int] | None = None,
) -> list[Token]:
    """Tokens of `ids`, one each, in order; raises nothing, whatever the tokenizer does.

    Texts are read from the ids alone. If they do not join to `text`, they are cut out of `text`,
    where the tokenizer says that the tokens stand, or where their texts are found in this order.
    What a vocabulary loses comes back only so: capitals, accents, every gap of WordPiece, a space
    in front of SentencePiece. Without `text`, the gaps of WordPiece are guessed.

    Parameters
    ----------
    tokenizer : object or None
        Of any make. Ids stand for themselves if it tells no texts (see `unknown_texts`).
    ids : sequence of int
        T token ids.
    text : str, optional
        What `ids` may have been made from; it is not believed if the tokenizer makes other ids of
        it.
    mask : sequence of int, optional
        T numbers, 0 at padding. Without it, padding is the tokenizer's padding id if that means
        nothing else.
    segments : sequence of int, optional
        T sentence numbers of a pair.
    """
    ids = [int(i) for i in ids]
    text = well_formed(text) if text else None
    places = None if text is None else places_of(tokenizer, text, ids)
    marks = marks_of(tokenizer)
    tokens = named(tokenizer, ids, marks)
    kinds = _kinds(tokens, marks, places, mask)
    ordinary = [not kind for kind in kinds]
    chunks, parts = read(tokenizer, tokens, ordinary, marks)
    passage = "".join(gap + label for gap, label in compress(parts, ordinary))
    if text is not None and text != passage:
        spans = places.spans if places else None
        if spans is None:
            spans = aligned(text, chunks, ordinary, tokens.unknown)
        parts = cut(text, spans, ordinary, chunks) if spans is not None else parts
    words = word_numbers(parts, ordinary)
    pairs = _segments(segments, kinds)
    return [
        Token(label, gap, kind, word, segment)
        for (gap, label), kind, word, segment in zip(parts, kinds, words, pairs, strict=True)
    ]


def _kinds(
    tokens: Named, marks: Marks, places: Places | None, mask: Sequence[int] | None
) -> list[str]:
    """Kind of each token: by what the tokenizer tells, else by what it looks like."""
    ids = tokens.ids
    special = [i in marks.special for i in ids]
    if places is not None:  # those that the tokenizer put around the text
        special = [a or b for a, b in zip(special, places.special, strict=True)]
    if not marks.special and not any(special):
        special = [
            is_special(label) and not is_byte(label) for label in map(tokens.label, range(len(ids)))
        ]
    if mask is not None and len(mask) == len(ids):
        padding = [not number for number in mask]
    else:
        padding = [i == marks.padding for i in ids]
    return [
        "padding" if pad else "special" if mark and not unknown else ""
        for pad, mark, unknown in zip(padding, special, tokens.unknown, strict=True)
    ]


def _segments(segments: Sequence[int] | None, kinds: Sequence[str]) -> list[int | None]:
    """Sentence number of each token if there are several sentences; padding belongs to none."""
    if segments is None or len(segments) != len(kinds):
        return [None] * len(kinds)
    numbers = [
        None if kind == "padding" else int(s) for s, kind in zip(segments, kinds, strict=True)
    ]
    return numbers if len(set(numbers) - {None}) > 1 else [None] * len(kinds)


def unknown_texts(tokenizer: Any, ids: Sequence[int] = (0,)) -> str:
    """Why `read_tokens` shows ids, as a sentence for the reader; "" if it shows texts.

    Parameters
    ----------
    tokenizer : object or None
        As for `read_tokens`.
    ids : sequence of int
        Ids to try it with.
    """
    if tokenizer is None:
        return "There is no tokenizer, so the token ids are shown."
    if any(named(tokenizer, [int(i) for i in ids], marks_of(tokenizer)).known):
        return ""
    return "The tokenizer gives no texts, so the token ids are shown."


def is_special(text: str) -> bool:
    """Whether a token looks like a mark of a tokenizer such as ``[CLS]`` or ``<s>``, not a word."""
    around = (text[0], text[-1]) if len(text) > 2 else ("", "")
    return (
        around in {("[", "]"), ("<", ">")}
        and any(letter.isalpha() for letter in text)
        and not any(letter.isspace() for letter in text)
    )
