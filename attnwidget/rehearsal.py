"""Passes that are made for ourselves: no session that follows the model takes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from attnwidget.running import Encoded, as_between_cells, random_numbers_kept
from attnwidget.session import Session, Snapshot, rehearsing


def rehearse(session: Session, text: str) -> Snapshot:
    """Run a session's model on `text` unseen: nothing that is shown or kept anywhere changes.

    Raises
    ------
    Trouble
        As ``session.run``.
    """
    with alone(Session(session.model, session.tokenizer, session.tokens, keep=1)) as apart:
        return apart.run(text)


def run_again(session: Session, encoded: Encoded) -> Snapshot:
    """Run the model as it was run before, unseen; random numbers go on as if it had not."""
    with (
        alone(Session(session.model, keep=1)) as apart,
        as_between_cells(),
        random_numbers_kept(),
    ):
        return apart.run_encoded(encoded)


@contextmanager
def alone(session: Session) -> Iterator[Session]:
    """Let passes of this thread be taken by this session alone."""
    before, rehearsing.session = rehearsing.session, session
    try:
        yield session
    finally:
        rehearsing.session = before
