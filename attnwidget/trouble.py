"""Trouble: what the reader did not expect, in two sentences, for Python and the widget alike."""

from __future__ import annotations


class Trouble(ValueError):
    """Bad input, said once and shown in both places.

    Attributes
    ----------
    title : str
        What happened, with what was given.
    detail : str
        What was expected (with shapes) and what to do next.
    """

    def __init__(self, title: str, detail: str) -> None:
        super().__init__(f"{title} {detail}")
        self.title = title
        self.detail = detail


def in_words(error: BaseException) -> tuple[str, str]:
    """Title and detail of any exception; a foreign one keeps its own text."""
    if isinstance(error, Trouble):
        return error.title, error.detail
    return f"{type(error).__name__} was raised.", str(error) or "It came without a message."
