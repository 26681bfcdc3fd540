"""What to look at: a good first choice, and which values may be chosen at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from attnwidget.call import AttentionCall
from attnwidget.labels import is_special
from attnwidget.session import Snapshot
from attnwidget.trouble import Trouble

# Above this many weights in a stack, a first choice is made from a sample of its rows.
MOST_WEIGHTS = 1_000_000
SAMPLED_ROWS = 16
MOST_TOKENS_NAMED = 40


@dataclass(frozen=True)
class Choice:
    """One cell of one head."""

    layer: int
    head: int
    query: int
    key: int


def first_choice(
    snapshot: Snapshot,
    stack: str,
    *,
    layer: int | None = None,
    head: int | None = None,
    query: int | None = None,
    key: int | None = None,
) -> Choice:
    """The strongest link of a stack that a reader would want to see explained.

    That is the largest weight from a token to one that is not itself, its neighbour before, the
    first token or a special one: the links every model has everywhere, which say little.

    Parameters
    ----------
    snapshot : Snapshot
        The pass to choose from; only its first batch item is looked at.
    stack : str
        The stack to choose in.
    layer, head, query, key : int, optional
        Choose within this layer, head, row or column.
    """
    calls = [c for c in snapshot.stacks[stack] if layer is None or c.layer == layer]
    telling = _telling(snapshot, stack, calls[0])
    sampled = sum(c.heads * c.query_len * c.key_len for c in calls) > MOST_WEIGHTS
    best = -1.0
    found = Choice(calls[0].layer, head or 0, query or calls[0].query_len - 1, key or 0)
    for call in calls:
        step = max(1, call.query_len // SAMPLED_ROWS) if sampled else 1
        rows = list(range(call.query_len))[::-1][::step] if query is None else [query]
        try:
            weights = call.weights(head=head, queries=rows, keys=key, batch=0)[0].nan_to_num(0.0)
        except Trouble:  # this layer cannot be read: its own status says why
            continue
        if key is None and telling.shape == (call.query_len, call.key_len):
            weights = weights * telling[rows].to(weights.device)
        at = int(weights.argmax())
        if float(weights.flatten()[at]) > best:
            best = float(weights.flatten()[at])
            h, row, column = (int(i) for i in torch.unravel_index(torch.tensor(at), weights.shape))
            found = Choice(
                call.layer,
                h if head is None else head,
                rows[row],
                column if key is None else key,
            )
    return found


def _telling(snapshot: Snapshot, stack: str, call: AttentionCall) -> torch.Tensor:
    """(Tq, Tk) of 0 and 1: the links that are worth opening with."""
    tq, tk = call.query_len, call.key_len
    telling = torch.ones(tq, tk)
    sides = snapshot.sides[stack]
    telling[:, [i for i, text in enumerate(sides.keys[0]) if is_special(text)]] = 0
    telling[[i for i, text in enumerate(sides.queries[0]) if is_special(text)]] = 0
    if call.kind == "self" and tq == tk:
        rows = torch.arange(tq)
        telling[rows, rows] = 0
        telling[rows[1:], rows[:-1]] = 0
        telling[:, 0] = 0
    return telling if bool(telling.any()) else torch.ones(tq, tk)


def check_stack(snapshot: Snapshot, stack: str) -> str:
    """`stack`, if the pass has it."""
    if stack not in snapshot.stacks:
        known = ", ".join(repr(name) for name in snapshot.stacks)
        raise Trouble(f"stack={stack!r} does not exist.", f"Choose from {known}.")
    return stack


def check_layer(snapshot: Snapshot, stack: str, layer: int) -> int:
    """`layer`, if the stack has it."""
    layers = [call.layer for call in snapshot.stacks[stack]]
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
