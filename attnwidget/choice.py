"""What to look at: a good first place, and where to go when the pass is another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch

from attnwidget.call import AttentionCall
from attnwidget.passes import Snapshot
from attnwidget.reading import is_of_image
from attnwidget.trouble import Trouble

# Above this many weights in a stack, a first choice is made from a sample of its rows.
MOST_WEIGHTS = 1_000_000
SAMPLED_ROWS = 16


@dataclass(frozen=True)
class Place:
    """One cell of one head; query and key may be open. js/src/wants.js has the same."""

    stack: str
    layer: int
    head: int
    query: int | None
    key: int | None
    batch: int = 0


def place_in(
    snapshot: Snapshot, wished: Place, *, tokens: Literal["same", "near", "new"] = "same"
) -> Place:
    """`wished`, as far as the pass has it; what it lacks is chosen anew.

    Parameters
    ----------
    snapshot : Snapshot
        The pass.
    wished : Place
        Where the reader was.
    tokens : "same", "near" or "new"
        Where query and key do not exist: "same" chooses telling ones, "near" takes the last ones,
        which needs no weights. "new" if the text is another, so that its tokens say nothing of the
        old query and key.
    """
    stack = wished.stack if wished.stack in snapshot.stacks else next(iter(snapshot.stacks))
    call = next((call for call in snapshot.stacks[stack] if call.layer == wished.layer), None)
    if call is None:
        return first_choice(snapshot, stack)
    head = wished.head if wished.head < call.heads else None
    batch = wished.batch if wished.batch < snapshot.batch_size(stack) else 0
    if tokens == "near":
        wished = replace(
            wished,
            query=None if wished.query is None else min(wished.query, call.query_len - 1),
            key=None if wished.key is None else min(wished.key, call.key_len - 1),
        )
    fits = (
        tokens != "new"
        and head is not None
        and (wished.query is None or wished.query < call.query_len)
        and (wished.key is None or wished.key < call.key_len)
    )
    found = wished if fits else first_choice(snapshot, stack, layer=call.layer, head=head)
    return replace(found, stack=stack, batch=batch)


def first_choice(
    snapshot: Snapshot,
    stack: str,
    *,
    layer: int | None = None,
    head: int | None = None,
    query: int | None = None,
    key: int | None = None,
) -> Place:
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
    queries = snapshot.sides(stack).queries
    if query is None and is_of_image(queries) and queries[0].kind:
        query = 0  # the class token, from which most is read
    telling = _telling(snapshot, stack, calls[0])
    sampled = sum(c.heads * c.query_len * c.key_len for c in calls) > MOST_WEIGHTS
    best = -1.0
    found = Place(stack, calls[0].layer, head or 0, query or calls[0].query_len - 1, key or 0)
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
            found = Place(
                stack,
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
    sides = snapshot.sides(stack)
    telling[:, [i for i, token in enumerate(sides.keys) if token.kind]] = 0
    if any(token.patch for token in sides.keys):
        telling[:, [i for i, token in enumerate(sides.keys) if not token.patch]] = 0
    if not is_of_image(sides.queries):
        # Of a text with an image in it the words are asked, where it has any.
        telling[[i for i, t in enumerate(sides.queries) if t.kind or t.patch]] = 0
    if call.kind == "self" and tq == tk:
        rows = torch.arange(tq)
        telling[rows, rows] = 0
        telling[rows[1:], rows[:-1]] = 0
        telling[:, 0] = 0
    return telling if bool(telling.any()) else torch.ones(tq, tk)
