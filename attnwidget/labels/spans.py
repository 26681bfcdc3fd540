"""Labels out of a text that is known: where each token stands in it, and cutting it there."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from attnwidget.labels.chunks import Chunk, Parts

Span = tuple[int, int]

_SPACE = re.compile(r"\s*")
# What an unknown word may have been, by the usual ways to split a text: letters and digits; those
# and what looks like a mark; anything but punctuation. Else it is one character.
_UNKNOWN = tuple(
    re.compile(word + r"|\S")
    for word in (r"\w+(?:'\w+)*", r"<\w+>|\w+(?:'\w+)*", r"[^\s!-/:-@\[-`{-~]+")
)


def cut(
    text: str, spans: Sequence[Span], ordinary: Sequence[bool], chunks: Sequence[Chunk]
) -> Parts:
    """Gap and text of each token, such that those of the ordinary ones joined are `text`.

    Parameters
    ----------
    text : str
        What the tokens were made of.
    spans : sequence of (int, int)
        Start and end of each token in it; equal for what is not in it. Tokens of one character
        may share it: the last of them shows it.
    ordinary : sequence of bool
        Whether a token is text. A mark that was typed in the text is cut out, with its gap.
    chunks : sequence of Chunk
        What each token is by itself: trimmed offsets hide white space, and marks are not in `text`.
    """
    ends = _ends(spans, len(text))
    parts: Parts = []
    at, last = 0, -1
    for i, (start, stop) in enumerate(spans):
        if start >= stop and not ordinary[i]:
            parts.append(("", chunks[i].text))
            continue
        end = max(ends[i], at)
        first = min(max(start, at), end)
        if chunks[i].blank and first == end and text[at:end].isspace():
            first = at
        gap, body = text[at:first], text[first:end]
        core = body.strip()
        if core:
            lead = body.index(core)
            gap, end = gap + body[:lead], first + lead + len(core)
        elif stop > ends[i]:  # in the middle of a character
            gap, core = gap + body, ""
        else:
            core = body
        parts.append((gap, core if ordinary[i] else chunks[i].text))
        at, last = end, i
    if last >= 0 and ordinary[last]:  # there is no gap after the last token
        parts[last] = (parts[last][0], parts[last][1] + text[at:])
    return parts


def _ends(spans: Sequence[Span], length: int) -> list[int]:
    """Where each span ends, if a later one has what they share."""
    ends = [0] * len(spans)
    for i in range(len(spans) - 1, -1, -1):
        start, stop = spans[i]
        ends[i] = min(stop, length)
        if stop > start:
            length = min(length, start)
    return ends


def aligned(
    text: str, chunks: Sequence[Chunk], ordinary: Sequence[bool], unknown: Sequence[bool]
) -> list[Span] | None:
    """Where tokens with these texts stand in `text`; None if it is another text.

    Capitals and accents may differ, between tokens there may be white space, and an unknown token
    is one word of any kind.
    """
    for accents in (True, False):
        folded, origins = _folded(text, accents)
        labels = [_folded(chunk.text.strip() or chunk.text, accents)[0] for chunk in chunks]
        for word in _UNKNOWN:
            spans = _found(folded, labels, ordinary, unknown, word)
            if spans is not None:
                return [(origins[start], origins[end]) for start, end in spans]
    return None


def _found(
    text: str,
    labels: Sequence[str],
    ordinary: Sequence[bool],
    unknown: Sequence[bool],
    word: re.Pattern[str],
) -> list[Span] | None:
    spans: list[Span] = []
    at = 0
    for label, own, any_word in zip(labels, ordinary, unknown, strict=True):
        blank = not label or label.isspace()
        start = at if blank else _after_space(text, at)
        end = start + len(label)
        if own and any_word:
            match = word.match(text, start)
            if match is None:
                return None
            end = match.end()
        elif not text.startswith(label, start):
            if own:
                return None
            start = end = at  # a mark that is not in the text
        spans.append((start, end))
        at = end
    return spans if _after_space(text, at) == len(text) else None


def _after_space(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _folded(text: str, accents: bool) -> tuple[str, list[int]]:
    """`text` without capitals, and where each letter comes from; the length at last.

    With `accents` false, accents go too, as BERT takes them away.
    """
    letters: list[str] = []
    origins: list[int] = []
    for i, letter in enumerate(text):
        plain = letter.casefold().replace("’", "'")
        if not (accents or plain.isascii()):
            apart = unicodedata.normalize("NFD", plain)
            plain = "".join(part for part in apart if unicodedata.category(part) != "Mn")
        letters.append(plain)
        origins += [i] * len(plain)
    return "".join(letters), [*origins, len(text)]
