"""How a vocabulary spells text: stand-in letters for bytes, marks for spaces and word pieces."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from attnwidget.labels.vocabulary import Piece, ask, backend_of, decoded, get

_SPACE = "▁"
_BYTE = re.compile("<0x([0-9A-Fa-f]{2})>")


def is_byte(piece: str) -> bool:
    """Whether `piece` is a byte as SentencePiece spells it: ``<0xE4>``."""
    return _BYTE.fullmatch(piece) is not None


def _stand_ins() -> dict[str, int]:
    """GPT-2's letter for each byte (``bytes_to_unicode`` in its encoder.py), the way back.

    Bytes that print stand for themselves; the others take letters from U+0100 on, in order.
    """
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {
        chr(0x100 + i): byte for i, byte in enumerate(others)
    }


_BYTE_OF = _stand_ins()
_LATIN = {chr(byte): byte for byte in range(256)}


@dataclass(frozen=True)
class Spelling:
    """How pieces spell text.

    Attributes
    ----------
    letters : dict of str to int, optional
        The byte that each letter stands for, where letters are not themselves.
    space : str
        The letter that stands for a space.
    byte_pieces : bool
        Whether ``<0xE4>`` is a byte.
    spaced : bool
        Whether pieces hold the white space of the text; else it is lost.
    dummy : bool
        Whether a space was put in front of the text.
    prefix : str
        What a piece inside a word starts with ("##").
    suffix : str
        What the last piece of a word ends with ("</w>").
    hyphen : str
        What a piece that is not the last of its word ends with ("@@").
    """

    letters: dict[str, int] | None = None
    space: str = ""
    byte_pieces: bool = False
    spaced: bool = False
    dummy: bool = False
    prefix: str = ""
    suffix: str = ""
    hyphen: str = ""

    def bare(self, piece: str) -> str:
        """`piece` without what tells its place in the word."""
        if self.prefix and piece.startswith(self.prefix) and piece != self.prefix:
            return piece[len(self.prefix) :]
        for end in (self.suffix, self.hyphen):
            if end and piece.endswith(end) and piece != end:
                return piece[: -len(end)]
        return piece

    def data(self, piece: Piece, added: bool) -> bytes:
        """The bytes that `piece` spells, in UTF-8; an added one has no stand-in letters."""
        if isinstance(piece, bytes) or piece is None:
            return piece or b""
        if added:
            return piece.replace(self.space or " ", " ").encode()
        if self.byte_pieces and (byte := _BYTE.fullmatch(piece)):
            return bytes([int(byte[1], 16)])
        bare = self.bare(piece)
        if self.letters is not None:
            try:
                return bytes([self.letters[letter] for letter in bare])
            except KeyError:  # no stand-in letters: it means what it says
                return bare.encode()
        return (bare.replace(self.space, " ") if self.space else bare).encode()

    def starts_word(self, before: Piece, piece: Piece) -> bool:
        """Whether `piece`, which comes after `before`, starts a word."""
        if not isinstance(before, str) or not isinstance(piece, str):
            return True
        if self.prefix:
            return not piece.startswith(self.prefix) or piece == self.prefix
        if self.suffix:
            return before.endswith(self.suffix)
        return not (self.hyphen and before.endswith(self.hyphen))


def spelling_of(tokenizer: Any, ids: Sequence[int], pieces: Sequence[Piece]) -> Spelling:
    """How the vocabulary of `tokenizer` spells text.

    Parameters
    ----------
    tokenizer : object
        Asked first; where it does not tell, the pieces are looked at, all together.
    ids, pieces : sequence
        The tokens that are text: no special and no added ones.
    """
    backend = backend_of(tokenizer)
    words = [piece for piece in pieces if isinstance(piece, str)]
    known = None if backend is None else _told(backend)
    if known is None and (backend is None or _has_own_code(backend)):
        known = _seen(tokenizer, ids, words)
    if known is not None:
        return known
    if len(words) < len(pieces):  # bytes, not spelled at all
        return Spelling(spaced=True)
    # No marks either: letters one by one, with their own spaces, or whole words without.
    if any(re.search(r"\s", word) for word in words):
        return Spelling(spaced=True)
    return Spelling(spaced=len(words) > 1 and decoded(tokenizer, ids) == "".join(words))


def _told(backend: Any) -> Spelling | None:
    """The spelling by the parts that a tokenizers.Tokenizer is built of."""
    parts = {name: list(_parts(backend, name)) for name in ("normalizer", "pre_tokenizer")}
    decoder = list(_parts(backend, "decoder"))
    everything = [*parts["normalizer"], *parts["pre_tokenizer"], *decoder]
    types = {part["type"] for part in everything}
    model = get(backend, "model")
    suffix = get(model, "end_of_word_suffix") or ""
    if "ByteLevel" in types:
        dummy = any(p.get("add_prefix_space") for p in parts["pre_tokenizer"])
        return Spelling(_BYTE_OF, spaced=not suffix, dummy=dummy, suffix=suffix)
    byte_pieces = "ByteFallback" in types or get(model, "byte_fallback") is True
    if "Metaspace" in types or any(_swaps_spaces(part) for part in everything):
        dummy = any(_adds_space(part) for part in everything)
        return Spelling(space=_SPACE, byte_pieces=byte_pieces, spaced=True, dummy=dummy)
    prefix = get(model, "continuing_subword_prefix") or ""
    if prefix or suffix:
        return Spelling(prefix=prefix, suffix=suffix)
    return Spelling(byte_pieces=True, spaced=True) if byte_pieces else None


def _settings(backend: Any, name: str) -> Any:
    return ask(lambda: json.loads(getattr(backend, name).__getstate__()))


def _has_own_code(backend: Any) -> bool:
    """Whether a part of the pipeline is written in Python: its settings cannot be read."""
    names = ("normalizer", "pre_tokenizer", "decoder")
    return any(get(backend, name) and _settings(backend, name) is None for name in names)


def _parts(backend: Any, name: str) -> Iterator[dict[str, Any]]:
    """Settings of one part of the pipeline, taken out of sequences."""
    waiting = [_settings(backend, name)]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict) and isinstance(part.get("type"), str):
            yield part
            for inner in part.values():
                waiting += inner if isinstance(inner, list) else []


def _swaps_spaces(part: dict[str, Any]) -> bool:
    return part["type"] == "Replace" and (
        part.get("content") == _SPACE or part.get("pattern") == {"String": _SPACE}
    )


def _adds_space(part: dict[str, Any]) -> bool:
    if part["type"] == "Metaspace":
        return part.get("prepend_scheme") != "never"
    if part["type"] == "Prepend":
        return part.get("prepend") == _SPACE
    return part["type"] == "Strip" and part.get("content") == " " and part.get("start") == 1


def _seen(tokenizer: Any, ids: Sequence[int], words: Sequence[str]) -> Spelling | None:
    """The spelling by what the pieces of a passage have in common."""
    letters = set("".join(words))
    if letters <= _BYTE_OF.keys() and (letters & {"Ġ", "Ċ"} or get(tokenizer, "byte_decoder")):
        return Spelling(_BYTE_OF, spaced=True)
    if _SPACE in letters or any(_BYTE.fullmatch(word) for word in words):
        return Spelling(space=_SPACE, byte_pieces=True, spaced=True, dummy=True)
    if any(re.match(r"##\w", word) for word in words):
        return Spelling(prefix="##")
    if any(word.endswith("</w>") for word in words):
        return Spelling(suffix="</w>")
    if any(word.endswith("@@") for word in words):
        return Spelling(hyphen="@@")
    if letters <= _LATIN.keys() and max(map(len, words), default=0) == 1:  # bytes, as in ByT5?
        text = "".join(words).encode("latin-1").decode("utf-8", "ignore")
        if not text.isascii() and text == decoded(tokenizer, ids):
            return Spelling(_LATIN, spaced=True)
    return None
