"""From bytes cut anywhere to characters, each at one token, and to gaps between the tokens."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from attnwidget.labels.words import runs_on

Parts = list[tuple[str, str]]  # gap and text of each token

_BAD = "\ufffd"
_LONGEST = 16  # tokens that are decoded together: more than any one character takes


@dataclass(frozen=True)
class Chunk:
    """What one token adds to the passage: characters that it completes.

    Attributes
    ----------
    text : str
        White space included; "" for a piece in the middle of a character.
    partial : bool
        Whether it ends in the middle of a character, which a later token completes.
    """

    text: str
    partial: bool = False

    @property
    def blank(self) -> bool:
        """Whether the token is nothing but white space."""
        return self.text.isspace() and not self.partial


def characters(data: Sequence[bytes | None]) -> list[Chunk]:
    """UTF-8 that is cut anywhere, as characters; None in `data` ends what was begun.

    A character belongs to the token that completes it. Each sequence that is no UTF-8 gives one
    U+FFFD (at every "maximal subpart", as Unicode 15, section 3.9, advises).
    """
    reader = codecs.getincrementaldecoder("utf-8")("replace")
    read: list[Chunk] = []
    begun = -1  # the last token of a character that is not complete
    for i, piece in enumerate([*data, None]):
        goes_on = piece is not None and (not piece or 0x80 <= piece[0] < 0xC0)
        if begun >= 0 and not goes_on:
            read[begun] = Chunk(read[begun].text + reader.decode(b"", final=True))
        text = reader.decode(piece or b"")
        partial = bool(reader.getstate()[0])
        begun = i if partial else -1
        read.append(Chunk(text, partial))
    return read[:-1]


def decoded_together(
    decode: Callable[[Sequence[int]], str | None],
    ids: Sequence[int],
    singles: Sequence[str],
    ordinary: Sequence[bool],
) -> list[Chunk]:
    """Chunks of a tokenizer that only decodes; pieces of a character are decoded together.

    Parameters
    ----------
    decode : callable
        From ids to a text, with U+FFFD where bytes are missing; None if it fails.
    ids : sequence of int
        The tokens.
    singles : sequence of str
        What each gives when decoded alone.
    ordinary : sequence of bool
        Whether a token is text.
    """
    read = [Chunk(single) for single in singles]
    first, shown = 0, ""  # where the characters in hand began, and which of them are shown
    for i, single in enumerate(singles):
        in_hand = first < i
        if not ordinary[i] or not (in_hand or single.endswith(_BAD)):
            first, shown = i + 1, ""
            continue
        text = decode(ids[first : i + 1])
        if text is None or not text.startswith(shown):
            first, shown = i + 1, ""
            continue
        last = i + 1 == len(ids) or not ordinary[i + 1] or i - first >= _LONGEST
        ready = text if last else text.rstrip(_BAD)
        read[i] = Chunk(ready[len(shown) :], partial=ready != text)
        shown = ready
        if ready == text:
            first, shown = i + 1, ""
    return read


def split(read: Sequence[Chunk], ordinary: Sequence[bool], dummy: bool) -> Parts:
    """Gap and text of each chunk, where chunks hold the white space of the passage.

    White space after the last text stays with it: there is no gap for it.
    """
    parts: Parts = []
    gap, last = "", -1
    for i, chunk in enumerate(read):
        if not ordinary[i]:
            parts.append(("", chunk.text))
            continue
        text = chunk.text
        if dummy and last < 0:
            text = text.removeprefix(" ")
        last = i
        core = text.strip()
        if core:
            start = text.index(core)
            parts.append((gap + text[:start], core))
            gap = text[start + len(core) :]
        elif chunk.partial:
            parts.append((gap + text, ""))
            gap = ""
        else:
            parts.append((gap, text))
            gap = ""
    if gap:
        parts[last] = (parts[last][0], parts[last][1] + gap)
    return parts


def guessed(read: Sequence[Chunk], ordinary: Sequence[bool], starts: Sequence[bool]) -> Parts:
    """Gap and text of each chunk, where the vocabulary has lost the white space of the passage."""
    parts: Parts = []
    before = ""
    for i, chunk in enumerate(read):
        text = chunk.text.strip() or chunk.text
        if not ordinary[i]:
            parts.append(("", text))
            continue
        after = read[i + 1].text if i + 1 < len(read) and ordinary[i + 1] else ""
        tight = not starts[i] or not before or runs_on(before, text, after)
        parts.append(("" if tight else " ", text))
        before = (before + text)[-8:]
    return parts
