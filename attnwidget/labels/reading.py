"""Reading token ids back into a passage: by the pieces of a vocabulary, or by decoding alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

from attnwidget.labels.chunks import Chunk, Parts, characters, decoded_together, guessed, split
from attnwidget.labels.spans import aligned, cut
from attnwidget.labels.spelling import spelling_of
from attnwidget.labels.vocabulary import Marks, Piece, decoded, looks_unknown, pieces_of


@dataclass(frozen=True)
class Named:
    """T token ids and what their tokenizer calls them.

    Attributes
    ----------
    ids : list of int
        The tokens.
    pieces : list of str or bytes
        Each as the vocabulary spells it; decoded if the tokenizer only decodes. An id that it has
        nothing for stands for itself.
    known : list of bool
        Whether the tokenizer has something for it.
    unknown : list of bool
        Whether it stands for a word that the vocabulary lacks.
    only_decodes : bool
        Whether pieces are decoded.
    """

    ids: list[int]
    pieces: list[str | bytes]
    known: list[bool]
    unknown: list[bool]
    only_decodes: bool

    def label(self, n: int) -> str:
        """Piece of token `n` as it is."""
        piece = self.pieces[n]
        return piece.decode("utf-8", "replace") if isinstance(piece, bytes) else piece


def named(tokenizer: Any, ids: Sequence[int], marks: Marks) -> Named:
    """`ids` with what `tokenizer` calls them."""
    found: list[Piece] | None = pieces_of(tokenizer, ids)
    only_decodes = found is None
    if found is None:
        found = [decoded(tokenizer, [i]) for i in ids]
    return Named(
        list(ids),
        [str(i) if piece is None else piece for i, piece in zip(ids, found, strict=True)],
        [piece is not None for piece in found],
        [i in marks.unknown or looks_unknown(p) for i, p in zip(ids, found, strict=True)],
        only_decodes,
    )


def read(
    tokenizer: Any, tokens: Named, ordinary: Sequence[bool], marks: Marks
) -> tuple[list[Chunk], Parts]:
    """Chunks, and gaps and texts, of tokens by their ids alone.

    Parameters
    ----------
    tokenizer : object
        Where the tokens are from.
    tokens : Named
        All T of them.
    ordinary : sequence of bool
        Whether a token is text.
    marks : Marks
        Which ids the tokenizer has for other things.
    """
    if not any(tokens.known):
        chunks = [Chunk(str(i)) for i in tokens.ids]
        return chunks, guessed(chunks, ordinary, [True] * len(chunks))
    if tokens.only_decodes:
        return _by_decoding(tokenizer, tokens, ordinary)
    return _by_pieces(tokenizer, tokens, ordinary, marks.added | marks.special)


def _by_pieces(
    tokenizer: Any, tokens: Named, ordinary: Sequence[bool], apart: frozenset[int]
) -> tuple[list[Chunk], Parts]:
    pieces = tokens.pieces
    raw = [not known or i in apart for i, known in zip(tokens.ids, tokens.known, strict=True)]
    spelt = [own and not as_it_is for own, as_it_is in zip(ordinary, raw, strict=True)]
    spelling = spelling_of(
        tokenizer, list(compress(tokens.ids, spelt)), list(compress(pieces, spelt))
    )
    data = [spelling.data(piece, as_it_is) for piece, as_it_is in zip(pieces, raw, strict=True)]
    chunks = characters([d if own else None for d, own in zip(data, ordinary, strict=True)])
    for i, own in enumerate(ordinary):
        if not own:  # a mark stands for itself, padding for what it says alone
            alone = data[i].decode("utf-8", "replace").strip()
            chunks[i] = Chunk(tokens.label(i) if raw[i] or not alone else alone)
    if spelling.spaced:
        return chunks, split(chunks, ordinary, spelling.dummy)
    starts: list[bool] = []
    before: Piece = None
    for piece, own, as_it_is in zip(pieces, ordinary, raw, strict=True):
        starts.append(as_it_is or spelling.starts_word(before, piece))
        before = piece if own else before
    return chunks, guessed(chunks, ordinary, starts)


def _by_decoding(
    tokenizer: Any, tokens: Named, ordinary: Sequence[bool]
) -> tuple[list[Chunk], Parts]:
    singles = [tokens.label(i) for i in range(len(tokens.ids))]
    chunks = decoded_together(lambda ids: decoded(tokenizer, ids), tokens.ids, singles, ordinary)
    whole = decoded(tokenizer, list(compress(tokens.ids, ordinary)))
    if whole is None or whole == "".join(chunk.text for chunk in compress(chunks, ordinary)):
        return chunks, split(chunks, ordinary, dummy=False)
    # Decoded alone, tokens have lost their spaces; together they show them.
    spans = aligned(whole, chunks, ordinary, tokens.unknown)
    if spans is None:
        return chunks, guessed(chunks, ordinary, [True] * len(chunks))
    return chunks, cut(whole, spans, ordinary, chunks)
