"""What a block is made of: its sums, walked from its output back to its input, and their parts."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

import torch

from attnwidget.blocks.sums import Addend, addends_of
from attnwidget.blocks.watch import Event, Frame, Value
from attnwidget.call import AttentionCall

Role = Literal["attention", "cross-attention", "feed-forward", "convolution", "sub-layer"]
Kind = Literal[
    "pre-norm", "post-norm", "output-norm", "sandwich", "parallel", "no norm", "mixed", "unknown"
]


@dataclass(frozen=True)
class Branch:
    """One addend that leaves the stream and comes back.

    Attributes
    ----------
    role : str
    addend : Addend
        What it adds.
    parts : list of Event
        The modules that do the work; empty where none does it all.
    caller : str or None
        Path of the module that made its first attention call.
    end : str or None
        Path of the module that gave what is added; None where it was computed outside of any.
    norm_before, norm_after : Event or None
        Norms at the beginning and the end of the branch.
    width : int
        Widest output of its modules; 0 where not all that they compute was seen.
    """

    role: Role
    addend: Addend
    parts: list[Event]
    caller: str | None
    end: str | None
    norm_before: Event | None
    norm_after: Event | None
    width: int


@dataclass(frozen=True)
class Sum:
    """Where one branch, or two side by side, are added to the stream.

    Attributes
    ----------
    stream : Addend
        What it was before.
    branches : list of Branch
    total : Value
        What it is then.
    norm : Event or None
        A norm on the stream itself that follows.
    """

    stream: Addend
    branches: list[Branch]
    total: Value
    norm: Event | None


@dataclass(frozen=True)
class Anatomy:
    """A block that was read.

    Attributes
    ----------
    before, after : Value
        The stream at its two ends.
    first_norm : Event or None
        A norm on the stream itself in front of all sums.
    """

    kind: Kind
    before: Value
    first_norm: Event | None
    sums: list[Sum]
    after: Value


@dataclass(frozen=True)
class _Walked:
    """The way back from a value to the block's input; `steps` in order of time."""

    start: Value
    steps: list[tuple[Addend, ...] | Event]
    totals: list[Value]


def anatomy_of(frame: Frame, calls_at: list[int], calls: list[AttentionCall]) -> Anatomy | None:
    """Read a block from what was seen inside; None where its output is no such sum.

    Parameters
    ----------
    calls_at : list of int
        How many attention calls had been made, by time.
    calls : list of AttentionCall
        All of the pass up to now.
    """
    out = next((value for value in frame.writes if value.full.shape[1] == frame.size), None)
    if out is None or frame.too_many or any(out is value for value in frame.reads):
        return None
    walked = _walk(out, frame, set(), {})
    if walked is None or not any(isinstance(step, tuple) for step in walked.steps):
        return None
    sums: list[Sum] = []
    first_norm = None
    for step, total in zip(walked.steps, walked.totals, strict=True):
        if isinstance(step, Event):
            if sums:
                sums[-1] = replace(sums[-1], norm=step)
            else:
                first_norm = step
            continue
        stream, *added = step
        reading = _Reading(frame, stream.value, total, calls_at, calls)
        sums.append(Sum(stream, reading.branches(added), total, None))
    return Anatomy(_kind(sums), walked.start, first_norm, sums, out)


def _walk(
    value: Value, frame: Frame, tried: set[int], found: dict[int, _Walked | None]
) -> _Walked | None:
    if any(value is start for start in frame.reads):
        return _Walked(value, [], [])
    if id(value) in found:
        return found[id(value)]
    if id(value) in tried:
        return None
    tried.add(id(value))
    found[id(value)] = _walk_on(value, frame, tried, found)
    return found[id(value)]


def _walk_on(
    value: Value, frame: Frame, tried: set[int], found: dict[int, _Walked | None]
) -> _Walked | None:
    norm = _norm_writing(value, frame.events)
    if norm is not None:
        before = _walk(norm.reads[0], frame, tried, found)
        return before and _Walked(before.start, [*before.steps, norm], [*before.totals, value])
    if _is_made_by_leaf(value, frame.events):
        return None
    earlier = [one for one in frame.values.values() if one.time < value.time]
    for way in addends_of(value, earlier):
        before = _walk(way[0].value, frame, tried, found)
        if before is not None:
            return _Walked(before.start, [*before.steps, way], [*before.totals, value])
    return None


def _is_made_by_leaf(value: Value, events: list[Event]) -> bool:
    """Whether a module without parts, as a linear layer, has computed a value that was new."""
    return any(
        value.time == event.end
        and next(event.module.children(), None) is None
        and any(value is one for one in event.writes)
        for event in events
    )


def _norm_writing(value: Value, events: list[Event]) -> Event | None:
    """The norm that `value` came out of."""
    for event in events:
        if _is_norm(event) and any(value is one for one in event.writes):
            return event
    return None


def _is_norm(event: Event) -> bool:
    """Whether a module normalises: by its name, or as its only weights scale rows of size 1."""
    if not event.reads or not event.writes or event.reads[0] is event.writes[0]:
        return False
    module = event.module
    if next(module.children(), None) is not None:
        return False
    if re.search("norm|(^|_)ln", event.class_name, re.IGNORECASE):
        return True
    weights = dict(module.named_parameters(recurse=False))
    full = event.writes[0].full.float()
    if not weights or any(weight.shape != full.shape[1:] for weight in weights.values()):
        return False
    if len(weights) > 2:
        return False
    scale, *shift = sorted(weights.values(), key=lambda w: float((w - 1).abs().mean()))
    rows = ((full - sum(w.to(full) for w in shift)) / scale.to(full)).square().mean(1)
    return bool(((rows - 1).abs() < 0.01).all())


class _Reading:
    """Tells the branches of one sum, from what ran between the stream and the total."""

    def __init__(
        self,
        frame: Frame,
        stream: Value,
        total: Value,
        calls_at: list[int],
        calls: list[AttentionCall],
    ) -> None:
        start = max(stream.time, frame.start)
        self._stream, self._calls_at, self._calls = stream, calls_at, calls
        self._start, self._end = start, total.time
        # What gives out the total holds the sum itself.
        self._events = [e for e in frame.events if start <= e.start and e.end < total.time]

    def branches(self, added: list[Addend]) -> list[Branch]:
        """One for each addend."""
        ends = [self._end_of(addend.value) for addend in added]
        made = []
        since = self._start
        for addend, end in sorted(zip(added, ends, strict=True), key=lambda pair: pair[1]):
            alone = len(added) == 1
            own = [e for e in self._events if alone or (since <= e.start and e.end <= end)]
            made.append(self._branch(addend, own, since, self._end if alone else end))
            since = end
        return made

    def _end_of(self, value: Value) -> int:
        ends = [e.end for e in self._events if any(value is one for one in e.writes)]
        return max(ends, default=value.time)

    def _branch(self, addend: Addend, own: list[Event], since: int, end: int) -> Branch:
        before, after = self._norm_before(own), _norm_writing(addend.value, own)
        if before is not None and before in own:
            since = before.start
            own = [e for e in own if e.start >= since]
        around = [e for e in (before, after) if e is not None]
        tops = _outermost([e for e in own if not _holds(e, around) and not _is_norm(e)])
        workers = [e for e in tops if any(p.dim() > 1 for p in e.module.parameters())]
        made = self._calls[self._calls_at[since] : self._calls_at[end]]
        parts = [e for e in tops if e.calls[1] > e.calls[0]] if made else workers
        return Branch(
            role=_role(made, workers),
            addend=addend,
            parts=parts,
            caller=made[0].module if made else None,
            end=next((e.path for e in own if any(addend.value is one for one in e.writes)), None),
            norm_before=before,
            norm_after=after if after is not before else None,
            width=_width(own, parts, workers),
        )

    def _norm_before(self, own: list[Event]) -> Event | None:
        """The norm of the stream that what ran for a branch has read."""
        norms = [e for e in self._events if _is_norm(e) and self._stream is e.reads[0]]
        reads = {id(value) for e in own if e not in norms for value in e.reads}
        read = [n for n in norms if any(id(v) in reads for v in n.writes)]
        # The last: a part in front of it may have added nothing but zeros.
        return max(read, key=lambda norm: norm.start, default=None)


def _role(made: list[AttentionCall], workers: list[Event]) -> Role:
    """What a branch does, by the attention calls that it made and the modules with matrices."""
    if made:
        crosses = any(call.kind == "cross" for call in made)
        return "cross-attention" if crosses else "attention"
    if any(_convolves(e.module) for e in workers):
        return "convolution"
    return "feed-forward" if workers else "sub-layer"


def _width(own: list[Event], parts: list[Event], workers: list[Event]) -> int:
    # Weights of several experts in one tensor are used without any module of theirs.
    if any(p.dim() == 3 for e in workers for p in e.module.parameters()):
        return 0
    inside = (e for e in own if any(top.start <= e.start and e.end <= top.end for top in parts))
    return max((e.width for e in inside), default=0)


def _holds(event: Event, norms: list[Event]) -> bool:
    """Whether a module is a norm at the ends of a branch, or a wrapper around one."""
    return any(event.start <= norm.start and norm.end <= event.end for norm in norms)


def _outermost(events: list[Event]) -> list[Event]:
    inside = [e for e in events if any(o.start < e.start and e.end < o.end for o in events)]
    return sorted((e for e in events if e not in inside), key=lambda e: e.start)


def _convolves(module: torch.nn.Module) -> bool:
    """Whether what it computes for a token depends on its neighbours."""
    kinds = torch.nn.Conv1d | torch.nn.Conv2d
    return any(isinstance(part, kinds) and max(part.kernel_size) > 1 for part in module.modules())


def _kind(sums: list[Sum]) -> Kind:
    branches = [branch for one in sums for branch in one.branches]
    if any(len(one.branches) > 1 for one in sums):
        return "parallel"
    if all(one.norm is not None for one in sums):
        return "post-norm"
    if all(branch.norm_before and branch.norm_after for branch in branches):
        return "sandwich"
    if all(branch.norm_before for branch in branches):
        return "pre-norm"
    if all(branch.norm_after for branch in branches):
        return "output-norm"
    if not any(branch.norm_before or branch.norm_after for branch in branches):
        return "mixed" if any(one.norm for one in sums) else "no norm"
    return "mixed"
