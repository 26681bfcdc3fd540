"""Where words begin, in any script."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

# Han, Hiragana, Katakana, Thai, Lao, Khmer, Myanmar: written without spaces between words.
_SPACELESS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua9e0-\ua9ff\uaa60-\uaa7f\uf900-\ufaff"
    "\uff66-\uff9f\U00020000-\U0003ffff]"
)
# Stand inside words: didn't, צה״ל, col·legi.
_INSIDE = "'’＇׳״·"
_JOINER, _ZERO_SPACE = "\u200d", "\u200b"
_ENDINGS = {"s", "t", "d", "m", "re", "ve", "ll"}  # 's, n't, 'd, 'm, 're, 've, 'll
_CLOSING = ",.;:!?%)]}…”、。，．！？；：）】》」』"
_OPENING = "([{“¿¡（【《「『"


def word_numbers(parts: Sequence[tuple[str, str]], ordinary: Sequence[bool]) -> list[int]:
    """Number of the word of each token, from its gap and text; tokens that are no text: their own.

    A token continues a word if nothing stands before it and both ends are letters, digits or marks
    of a script with spaces, with single apostrophes between letters; or if it completes or extends
    the character before it. So a punctuation mark is a word, and so is a token of Chinese.
    """
    passage = "".join(gap + text for (gap, text), own in zip(parts, ordinary, strict=True) if own)
    numbers: list[int] = []
    at, number, before = 0, -1, None
    for (gap, text), own in zip(parts, ordinary, strict=True):
        at += len(gap) if own else 0
        goes_on = own and before is not None and not gap
        if not (goes_on and (before == "" or _goes_on(passage, at))):
            number += 1
        numbers.append(number)
        at += len(text) if own else 0
        before = text if own else None
    return numbers


def _goes_on(passage: str, at: int) -> bool:
    """Whether the word before `at` goes on there."""
    if not 0 < at < len(passage):
        return False
    a, b = passage[at - 1], passage[at]
    if a.isspace() or b.isspace():
        return False
    if _extends(b) or a == _JOINER or (_is_flag_letter(a) and _is_flag_letter(b)):
        return True
    if b in _INSIDE:
        return _is_of_word(_base(passage, at)) and _is_of_word(passage[at + 1 : at + 2])
    if a in _INSIDE:
        return _is_of_word(_base(passage, at - 1)) and _is_of_word(b)
    return _is_of_word(_base(passage, at)) and _is_of_word(b)


def _base(passage: str, end: int) -> str:
    """The character before `end` that the marks there sit on."""
    while end > 1 and _extends(passage[end - 1]):
        end -= 1
    return passage[max(end - 1, 0) : end]


def _extends(letter: str) -> bool:
    """Whether a reader sees it as a part of the character before: marks, joiners, skin tones."""
    if letter.isascii():
        return False
    if "\U0001f3fb" <= letter <= "\U0001f3ff":
        return True
    return unicodedata.category(letter) in ("Mn", "Mc", "Me", "Cf") and letter != _ZERO_SPACE


def _is_flag_letter(letter: str) -> bool:
    return "\U0001f1e6" <= letter <= "\U0001f1ff"


def _is_of_word(letter: str) -> bool:
    if not letter or has_no_spaces(letter):
        return False
    return unicodedata.category(letter)[0] in "LNM"


def has_no_spaces(letter: str) -> bool:
    """Whether it is of a script that has no spaces between words."""
    return _SPACELESS.match(letter) is not None


def runs_on(before: str, text: str, after: str) -> bool:
    """Whether a reader would write `text` right after `before`: a guess where spaces are lost.

    Parameters
    ----------
    before : str
        The last few characters before it; not empty.
    text, after : str
        The token's text and the next one's.
    """
    a, b = before[-1], text[:1]
    if not b or b in _CLOSING or a in _OPENING or has_no_spaces(a) or has_no_spaces(b):
        return True
    if b in _INSIDE and a.isalpha():  # didn 't, didn ' t
        return (text[1:] or after).lower() in _ENDINGS
    if a in _INSIDE and before[-2:-1].isalpha():
        return text.lower() in _ENDINGS
    return text.lower() == "n't" and a.isalpha()
