"""The blocks of a stack, measured by running a pass once more."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import torch

from attnwidget.blocks.anatomy import Anatomy, anatomy_of
from attnwidget.blocks.numbers import Block, block_of, unread
from attnwidget.blocks.watch import Frame, Watch
from attnwidget.call import AttentionCall
from attnwidget.passes import Snapshot
from attnwidget.rehearsal import run_again
from attnwidget.running import Encoded
from attnwidget.session import Session
from attnwidget.trouble import Trouble

_ATTENTION = frozenset({"attention", "cross-attention"})


@dataclass(frozen=True)
class Measured:
    """All blocks of a stack.

    Attributes
    ----------
    blocks : list of Block
        One for each layer, in order.
    tokens : int
        T, how many numbers each row has.
    differs : float or None
        Largest relative difference of the queries of the last layer from those of the pass; None
        where they cannot be compared.
    """

    blocks: list[Block]
    tokens: int
    differs: float | None


@dataclass
class _Found:
    """The nearest module around each attention call that could be read as a block so far."""

    with_more: dict[int, Block] = field(default_factory=dict)  # besides attention
    attention_only: dict[int, Block] = field(default_factory=dict)
    without: dict[int, Block] = field(default_factory=dict)  # sums, but none of attention
    own: dict[int, Block] = field(default_factory=dict)  # the attention's own module
    made: int = 0  # calls in all

    def block(self, number: int) -> Block | None:
        """The best for one call."""
        kinds = (self.with_more, self.attention_only, self.without, self.own)
        return next((blocks[number] for blocks in kinds if number in blocks), None)


def measure(session: Session, snapshot: Snapshot, stack: str, batch: int) -> Measured:
    """Run the pass once more, and measure what every block of a stack adds to its stream.

    The model runs in this thread, without dropout and gradients, and is left as it was found. Done
    once for a pass.

    Raises
    ------
    Trouble
        If the pass cannot be run again, or its stream has other tokens than its attention.
    """
    known = snapshot.measured.get((stack, batch))
    if known is None:
        known = snapshot.measured[stack, batch] = _measure(session, snapshot, stack, batch)
    return known


def _measure(session: Session, snapshot: Snapshot, stack: str, batch: int) -> Measured:
    model, encoded = _for_rerun(session, snapshot)
    calls = snapshot.stacks[stack]
    if calls[0].windows > 1:
        blocks = [unread(call.module, "", _in_windows(call)) for call in calls]
        return Measured(blocks, calls[0].query_len, None)
    picked = _Picked(calls[0], snapshot.item(calls[0], batch))
    paths = {path for call in calls for path in _around(call.module)}
    found = _Found()
    watch = Watch(model, paths, picked, functools.partial(_keep, found))
    with watch.watching():
        again = run_again(session, encoded)
    watch.finish(again.trace.calls)
    # Calls come in the same order, though a fused layer that runs step by step has other modules.
    numbers = {id(call): n for n, call in enumerate(snapshot.trace.calls)}
    is_same = len(numbers) == len(again.trace.calls) == found.made
    blocks = [
        (found.block(numbers[id(call)]) if is_same else None)
        or unread(call.module, "", _not_seen(picked))
        for call in calls
    ]
    last = again.trace.calls[numbers[id(calls[-1])]] if is_same else None
    return Measured(blocks, picked.tokens, _difference(calls[-1], last))


def _for_rerun(session: Session, snapshot: Snapshot) -> tuple[torch.nn.Module, Encoded]:
    """What it takes to run a pass once more, if that may be done."""
    given, model = snapshot.given, session.model
    if model is None or given is None:
        raise Trouble(
            "There is no model to measure a block of.",
            "A trace and arrays hold attention only: show the model itself, as in "
            "aw.explore(model, ...).",
        )
    if given.encoded is None:
        raise Trouble(
            "This pass cannot be run once more to measure its blocks.",
            f"Its {given.why_not}. Run the model without a cache, as in one forward of the text.",
        )
    if given.is_overwritten:
        raise Trouble(
            "The inputs of this pass have been written over since.",
            "Its blocks are measured by running it once more: run the model again.",
        )
    given.check_alone()
    return model, given.encoded


class _Picked:
    """Picks the tokens (T, E) of one batch item out of a tensor that holds a stream."""

    def __init__(self, call: AttentionCall, batch: int) -> None:
        self.tokens = call.query_len
        self._items, self._batch = call.batch_size, batch

    def __call__(self, tensor: torch.Tensor) -> torch.Tensor | None:
        items, tokens, shape = self._items, self.tokens, tuple(tensor.shape)
        if len(shape) < 2 or shape[-1] < 2 or tensor.numel() != items * tokens * shape[-1]:
            return None
        if shape[:2] == (tokens, items) and len(shape) == 3 and items != tokens:
            return tensor[:, self._batch]
        if shape[0] not in (items, items * tokens):
            return None
        return tensor.reshape(items, tokens, shape[-1])[self._batch]


def _around(path: str) -> list[str]:
    """A module's path and those of all modules around it, from the nearest."""
    parts = path.split(".") if path else []
    return [".".join(parts[:n]) for n in range(len(parts), -1, -1)]


def _keep(found: _Found, frame: Frame, calls_at: list[int], calls: list[AttentionCall]) -> None:
    """A module has run that may be a block: keep its numbers for the attention inside."""
    inside = [n for n in range(*frame.calls) if n not in found.with_more]
    found.made = max(found.made, frame.calls[1])
    if not inside:
        return
    anatomy = anatomy_of(frame, calls_at, calls)
    roles = _roles(anatomy)
    if anatomy is None or not roles & _ATTENTION:
        kept, why = (found.without, _of_zeros(frame)) if roles else (found.own, _no_sum(frame))
        for n in inside:
            kept.setdefault(n, unread(frame.path, frame.class_name, why, frame))
        return
    kept = found.with_more if roles - _ATTENTION else found.attention_only
    block = None
    for n in inside:
        if n not in kept:
            block = block or block_of(frame, anatomy)
            kept[n] = block


def _roles(anatomy: Anatomy | None) -> set[str]:
    sums = anatomy.sums if anatomy else []
    return {branch.role for one in sums for branch in one.branches}


def _no_sum(frame: Frame) -> str:
    return (
        f"No residual stream was found around {_name(frame)}: what comes out is no sum of what "
        "went in and of what its parts put out."
    )


def _of_zeros(frame: Frame) -> str:
    return (
        f"Attention adds nothing to the stream of {_name(frame)} that could be told from zeros, as "
        "where a model starts with weights of zero."
    )


def _name(frame: Frame) -> str:
    return f"{frame.path or 'the model itself'} ({frame.class_name})"


def _in_windows(call: AttentionCall) -> str:
    return (
        f"Attention runs in windows of {call.query_len} tokens here. The stream around it holds "
        "the tokens of all windows in an order of its own, which is not read."
    )


def _not_seen(picked: _Picked) -> str:
    return (
        f"Its module was not seen to pass on a vector for each of the {picked.tokens} tokens "
        "that attention runs over."
    )


def _difference(call: AttentionCall, again: AttentionCall | None) -> float | None:
    """How far the queries of a call are from those of the second run."""
    try:
        one, two = call.q, again.q if again else None
    except Trouble:
        return None
    if one is None or two is None or one.shape != two.shape:
        return None
    largest = float(one.float().abs().max())
    return float((one.float() - two.float()).abs().max()) / largest if largest > 0 else None
