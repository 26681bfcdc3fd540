"""A query that the reader writes in words on the page: the caller's function embeds it here.

page → kernel
    ``{"type": "ask", "at", "text"}``: query number `at` is this text.
kernel → page
    ``{"type": "answer", "title", "detail"}``: what went wrong, in words; both "" if nothing did.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attnwidget.teaching import store_entries
from attnwidget.trouble import Trouble, in_words

if TYPE_CHECKING:
    from attnwidget.teaching.key_value_store import KeyValueStore

LONGEST_TEXT = 2_000


def answer(store: KeyValueStore, content: object) -> dict[str, str] | None:
    """Put the text in the place of the query, and say how it went; None if nothing was asked."""
    if not isinstance(content, Mapping) or content.get("type") != "ask":
        return None
    try:
        _ask(store, content.get("text"), content.get("at"))
    except Exception as error:  # also whatever the caller's function raises
        title, detail = in_words(error)
        return {"type": "answer", "title": title, "detail": detail}
    return {"type": "answer", "title": "", "detail": ""}


def _ask(store: KeyValueStore, text: Any, at: Any) -> None:
    if not isinstance(text, str) or not text.strip():
        raise Trouble("The question is empty.", "Write at least one word.")
    if not isinstance(at, int) or not 0 <= at < len(store.query):
        raise Trouble(f"There is no query number {at!r}.", "Reload the page.")
    text = text.strip()[:LONGEST_TEXT]
    query, names = list(store.query), list(store.query_names) or [""] * len(store.query)
    (query[at],), names[at] = store_entries.read_query(text, store._embed), text
    if len(query[at]) != len(store.keys[0]):
        raise Trouble(
            f"The text was embedded as {len(query[at])} numbers; keys have {len(store.keys[0])}.",
            "Give a function that returns vectors of the keys' size.",
        )
    store._swap({"query": query, "query_names": names})
