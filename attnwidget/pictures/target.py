"""Which logit a reading asks about, found in what the model predicts, and named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from attnwidget.pictures.predictions import (
    CROSSING,
    Names,
    What,
    class_names,
    logits_to_read,
    may_be_hidden_states,
    what_of,
)
from attnwidget.ranges import check_index, spans
from attnwidget.running import encode
from attnwidget.session import Session, Snapshot
from attnwidget.trouble import Trouble
from attnwidget.weighing.target import Target

Asked = tuple[int | None, int | None]


@dataclass(frozen=True)
class Named:
    """A logit, and what to call it.

    Attributes
    ----------
    target : Target
    what : str
        What the model predicts: see `attnwidget.pictures.predictions`.
    text : str
        Of its id.
    at : str
        Text of the token that it is predicted at; "" for a class of the whole text.
    is_guess : bool
        Whether it is the model's own first guess there.
    """

    target: Target
    what: What
    text: str
    at: str
    is_guess: bool

    @property
    def facts(self) -> dict[str, Any]:
        """As the page is told."""
        return {
            "position": self.target.position,
            "id": self.target.id,
            "what": self.what,
            "text": self.text,
            "at": self.at,
            "is_guess": self.is_guess,
        }


def target_of(
    session: Session, snapshot: Snapshot, stack: str, batch: int, asked: Asked | None
) -> Named:
    """The logit asked for as (position, id), either of them None; else the model's first guess.

    Parameters
    ----------
    stack, batch : str, int
        The attention that is looked at: its logits are those of the same input.
    asked : (int or None, int or None) or None
        Without a position: the last one that is not padding.

    Raises
    ------
    Trouble
        If the model returned no logits that can be named, or has none there.
    """
    logits = logits_to_read(session, snapshot)
    item = _item(snapshot, stack, batch, logits)
    position, number = asked or (None, None)
    if logits.dim() == 2:
        what: What = "classes"
        at, row, position = "", logits[item], None
    else:
        owner = _stack_of(snapshot, stack, logits)
        what = what_of(session, snapshot, owner, logits)
        own = snapshot.batch_size(owner)
        sides = snapshot.sides(owner, batch * own // snapshot.batch_size(stack))
        if position is None:
            kinds = [token.kind for token in sides.queries]
            there = [i for i, kind in enumerate(kinds) if kind != "padding"]
            position = there[-1] if there else len(kinds) - 1
        position = check_index("the position of target", position, logits.shape[1])
        at, row = sides.queries[position].text, logits[item, position]
    if may_be_hidden_states(session, snapshot.logits, what, len(row)):
        raise Trouble(
            "The model returns hidden states, it seems, and no logits.",
            "Load it with the head that predicts.",
        )
    guess = int(row.nan_to_num(nan=float("-inf")).argmax())
    number = guess if number is None else check_index("the id of target", number, len(row))
    if not bool(torch.isfinite(row[number])):
        raise Trouble("The chosen logit is no finite number.", "Choose another output.")
    text = Names(session, what).text(number)
    return Named(Target(item, position, number), what, text, at, number == guess)


def check_target(
    session: Session, snapshot: Snapshot, stack: str, batch: int, query: int | None, value: Any
) -> list[int] | None:
    """`value` as [position, id] if it exists; an id or its text alone is one at the query.

    Raises
    ------
    Trouble
        If it does not exist, or the text is none of a single id.
    """
    if value is None:
        return None
    position, number = query, value
    if isinstance(value, list | tuple) and len(value) == 2:
        position, number = value
    named = target_of(session, snapshot, stack, batch, (_whole(position), None))
    if isinstance(number, str):
        number = id_of(session, named.what, number)
    if _whole(number) is None:
        raise Trouble(
            f"target={value!r} was set.",
            "Expected None, [position, id], an id, or the text of one.",
        )
    found = target_of(session, snapshot, stack, batch, (named.target.position, number)).target
    return [found.position or 0, found.id]


def id_of(session: Session, what: What, text: str) -> int:
    """The vocabulary id (or class) that reads `text`; one that begins a word is preferred.

    Raises
    ------
    Trouble
        If no single id does.
    """
    names = Names(session, what)
    if "classes" in what:
        known = class_names(session)
        for number, name in known.items():
            if name.lower() == text.lower():
                return number
        raise Trouble(f"There is no class {text!r}.", f"There are {list(known.values())}.")
    pieces: list[str] = []
    for variant in (f" {text}", text):
        ids = _ids(session.tokenizer, variant)
        texts = [names.text(number) for number in ids]
        if text in texts:
            return ids[texts.index(text)]
        pieces = texts or pieces
    raise Trouble(
        f"target={text!r} is no single token of this tokenizer.",
        f"It reads it as {pieces}: choose one of these, or an id." if pieces else "Give its id.",
    )


def _ids(tokenizer: Any, text: str) -> list[int]:
    encoded = encode(tokenizer, None, text)
    named = encoded.kwargs.get("input_ids")
    made = named if named is not None else next(iter((*encoded.args, *encoded.kwargs.values())))
    return [int(number) for number in made.flatten()]


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _item(snapshot: Snapshot, stack: str, batch: int, logits: torch.Tensor) -> int:
    """The row of logits of the input that a batch item of a stack belongs to."""
    items = snapshot.batch_size(stack)
    if items % len(logits):
        raise Trouble(
            f"{stack!r} has {items} items, but the model returned logits of {len(logits)}.",
            "Which belong together is not known.",
        )
    return batch * len(logits) // items


def _stack_of(snapshot: Snapshot, stack: str, logits: torch.Tensor) -> str:
    """The stack whose queries the logits are of: the one looked at, or one that writes."""
    length = logits.shape[1]
    fitting = [name for name, calls in snapshot.stacks.items() if calls[0].query_len == length]
    crosses = any(calls[0].kind in CROSSING for calls in snapshot.stacks.values())
    if crosses:
        fitting = [name for name in fitting if name in ("decoder", "cross")] or fitting
    if not fitting:
        known = spans(sorted({calls[0].query_len for calls in snapshot.stacks.values()}))
        raise Trouble(
            f"The model returned logits for {length} tokens, but attends from {known}.",
            "Run it so that it returns a row for every token (no logits_to_keep).",
        )
    return stack if stack in fitting else fitting[0]
