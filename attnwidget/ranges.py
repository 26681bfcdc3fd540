"""Which values may be chosen, and errors that name them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attnwidget.choice import Place
from attnwidget.passes import Snapshot
from attnwidget.trouble import Trouble

MOST_TOKENS_NAMED = 40


def check(snapshot: Snapshot, at: Place, name: str, value: Any) -> Any:
    """`value` for one part of the place `at`, if the pass has it; a token's text as its index.

    Raises
    ------
    Trouble
        If it does not exist; names those that do.
    """
    if value is None:
        return None
    if name == "stack":
        return check_stack(snapshot, value)
    if name == "layer":
        return check_layer(snapshot, at.stack, value)
    call = snapshot.call(at.stack, at.layer)
    if isinstance(value, str):
        sides = snapshot.sides(at.stack, at.batch)
        side = sides.queries if name == "query" else sides.keys
        return token_index(name, value, [token.text for token in side])
    lengths = {
        "head": call.heads,
        "batch": snapshot.batch_size(at.stack),
        "query": call.query_len,
        "key": call.key_len,
    }
    return check_index(name, value, lengths[name])


def check_stack(snapshot: Snapshot, stack: str) -> str:
    """`stack`, if the pass has it."""
    if stack not in snapshot.stacks:
        known = ", ".join(repr(name) for name in snapshot.stacks)
        raise Trouble(f"stack={stack!r} does not exist.", f"Choose from {known}.")
    return stack


def check_layer(snapshot: Snapshot, stack: str, layer: int) -> int:
    """`layer`, if the stack has it."""
    layers = [call.layer for call in snapshot.stacks[check_stack(snapshot, stack)]]
    if layer not in layers:
        raise Trouble(
            f"layer={layer} does not exist in {stack!r}.", f"Choose from {spans(layers)}."
        )
    return layer


def check_index(name: str, value: int, length: int) -> int:
    """`value`, if 0 ≤ value < length."""
    if not 0 <= value < length:
        raise Trouble(f"{name}={value} does not exist.", f"Choose from {spans(range(length))}.")
    return value


def check_pair(snapshot: Snapshot, at: Place, pair: list[int] | None) -> list[int] | None:
    """`pair`, if the pass has these two sentences."""
    if pair is None:
        return None
    known = sentences(snapshot, at)
    if not known.issuperset(pair):
        raise Trouble(
            f"pair={pair} does not exist.",
            f"Choose two sentences from {spans(sorted(known))}, or None for all."
            if known
            else "The tokens are not marked as sentences of a pair: choose None.",
        )
    return pair


def pair_in(snapshot: Snapshot, at: Place, pair: list[int] | None) -> list[int] | None:
    """`pair`, or None if the pass has not these two sentences."""
    return pair if pair and sentences(snapshot, at).issuperset(pair) else None


def sentences(snapshot: Snapshot, at: Place) -> set[int]:
    """Numbers of the sentences that the tokens of a stack belong to; none where it is one text."""
    sides = snapshot.sides(check_stack(snapshot, at.stack), at.batch)
    return {t.segment for t in (*sides.queries, *sides.keys) if t.segment is not None}


def token_index(name: str, text: str, texts: Sequence[str]) -> int:
    """Index of the first token that reads `text`; case matters only where it tells two apart."""
    for known in (list(texts), [t.lower() for t in texts]):
        for wanted in (text, text.lower()):
            if wanted in known:
                return known.index(wanted)
    shown = ", ".join(repr(t) for t in texts[:MOST_TOKENS_NAMED])
    raise Trouble(
        f"{name}={text!r} is not among the tokens.",
        f"Choose an index from {spans(range(len(texts)))}, or one of {shown}"
        + (", …" if len(texts) > MOST_TOKENS_NAMED else "."),
    )


def spans(numbers: Sequence[int]) -> str:
    """Numbers in words: "0 to 11", or "0, 2, 5" where there are gaps."""
    values = list(numbers)
    if len(values) > 1 and values == list(range(values[0], values[-1] + 1)):
        return f"{values[0]} to {values[-1]}"
    return ", ".join(str(v) for v in values)
