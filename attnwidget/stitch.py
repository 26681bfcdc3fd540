"""Joining the steps of a generation: a step adds rows, and the whole is the model's full map."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from attnwidget.binding.active import silence
from attnwidget.binding.stitched import Step, Stitched
from attnwidget.call import AttentionCall
from attnwidget.trouble import Trouble

_KEEP_ALL = 'Capture with keep="all" and without max_bytes to hold every step.'


@dataclass
class _Line:
    """The calls that one module made at the same point of each step of one sequence.

    Attributes
    ----------
    calls : list of AttentionCall
        In order of steps.
    starts : list of int
        Token index of the first query of each.
    passes : list of int
        Which pass each belongs to.
    unclear : str
        Why it cannot be told where a step stands, or "".
    """

    calls: list[AttentionCall] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    passes: list[int] = field(default_factory=list)
    unclear: str = ""

    def _why_unclear(self, call: AttentionCall, start: int) -> str:
        """Say why the start of a call whose cache tells nothing may not be what it seems."""
        if call.kind != "self" or call._positions is not None or call.query_len == call.key_len:
            return ""
        why = call._why_unreadable()
        if not why and self.starts and start == self.starts[-1]:
            return "Two steps end at the same token, as with a window of keys that moves along."
        return why

    def add(self, call: AttentionCall, start: int, number: int) -> None:
        if self.starts and start <= self.starts[0]:
            self.calls, self.starts, self.passes = [], [], []  # another sequence begins
            self.unclear = self.unclear if start else ""
        self.unclear = self.unclear or self._why_unclear(call, start)
        self.calls.append(call)
        self.starts.append(start)
        self.passes.append(number)

    def rows(self) -> list[tuple[int, int] | None]:
        """For each token index (call, query) of its row. What a step did again replaces it."""
        rows: list[tuple[int, int] | None] = []
        for number, (call, start) in enumerate(zip(self.calls, self.starts, strict=True)):
            del rows[start:]
            rows += [None] * (start - len(rows))
            rows += [(number, query) for query in range(call.query_len)]
        return rows


def stitched_calls(passes: list[list[AttentionCall]], dropped: bool) -> list[AttentionCall]:
    """Join the steps of the last sequence, layer by layer.

    Parameters
    ----------
    passes : list of list of AttentionCall
        The calls of each forward pass, in order.
    dropped : bool
        Whether there were passes before these that are no longer held.

    Raises
    ------
    Trouble
        If only one step of a longer sequence is held, or a step does not tell where it stands.
    """
    lines = _last_sequence(_lines(passes))
    if not any(len(line.calls) > 1 for line in lines):
        if dropped and any(line.calls[0].kind == "self" and line.starts[0] for line in lines):
            raise Trouble("Only the last step of this generation is held.", _KEEP_ALL)
        return [line.calls[0] for line in lines]
    for line in lines:
        if line.unclear:
            raise Trouble(
                f"Where the steps of {line.calls[-1].module!r} stand in the text is not known.",
                line.unclear,
            )
    items, said = _ancestry(lines)
    return [_joined(line, items, said) for line in lines]


def _lines(passes: list[list[AttentionCall]]) -> list[_Line]:
    lines: dict[tuple[str, str, int], _Line] = {}
    for number, calls in enumerate(passes):
        times: dict[tuple[str, str], int] = {}
        decoded: dict[int, int] = {}  # where self-attention stood, by its number of queries
        for call in calls:
            start = int(call.query_positions[0]) if call.query_len else 0
            if call.kind == "self":
                decoded[call.query_len] = start
            elif call.kind in ("cross", "additive") and not start:
                # Without a cache that tells: as the self-attention before it.
                start = decoded.get(call.query_len, 0)
            time = times[call.module, call.kind] = times.get((call.module, call.kind), -1) + 1
            line = lines.setdefault((call.module, call.kind, time), _Line())
            line.add(call, start, number)
    return list(lines.values())


def _last_sequence(lines: list[_Line]) -> list[_Line]:
    """Leave out what only earlier sequences had, such as an image.

    `generate()` runs the encoder of an encoder-decoder model in a pass of its own before the first.
    """
    last = max((line.passes[-1] for line in lines), default=0)
    ongoing = [line for line in lines if line.passes[-1] == last]
    begin = min((line.passes[0] for line in ongoing), default=0)
    before = [line for line in lines if line.passes[-1] == begin - 1]
    encoded = all(line.calls[0].stack == "encoder" for line in before)
    return [line for line in lines if line.passes[-1] >= begin - encoded]


def _joined(line: _Line, items: dict[int, list[int]], said: list[str]) -> AttentionCall:
    rows = line.rows()
    first, last = line.calls[0], line.calls[-1]
    if len(line.calls) == 1 and not line.starts[0]:
        return first
    used = sorted({row[0] for row in rows if row})
    steps = [
        Step(
            line.calls[n]._evidence,
            line.starts[n],
            int(line.calls[n].key_positions[0]) if line.calls[n].key_len else 0,
            items.get(line.passes[n], list(range(line.calls[n].batch_size))),
        )
        for n in used
    ]
    place = {n: at for at, n in enumerate(used)}
    evidence = Stitched(
        steps,
        [row and (place[row[0]], row[1]) for row in rows],
        len(rows) if last.kind == "self" else max(step.key_end for step in steps),
        [f"Stitched from {len(steps)} steps.", *said, *_remarks(line, steps, rows)],
        one_sequence=last.kind == "self",
    )
    return last.with_evidence(evidence)


def _remarks(line: _Line, steps: list[Step], rows: list[tuple[int, int] | None]) -> list[str]:
    remarks = []
    missing = [at for at, row in enumerate(rows) if row is None]
    if missing:
        remarks.append(
            f"The rows of {len(missing)} tokens up to token {missing[-1]} are missing, as their"
            f" steps are not held. {_KEEP_ALL}"
        )
    if line.calls[0].kind == "self" and any(step.keys for step in steps):
        remarks.append("Keys that a sliding window had dropped are not visible.")
    proposed = line.calls[-1].query_len
    if len(line.calls) > 1 and proposed > 1:
        remarks.append(
            f"The last step looked at {proposed} tokens at once: if they were proposed by an"
            " assistant, the last rows may be of tokens that were then refused."
        )
    return remarks


# Beams ------------------------------------------------------------------------------------------


def _ancestry(lines: list[_Line]) -> tuple[dict[int, list[int]], list[str]]:
    """Which batch item of each pass each item of the last pass comes from, and what to say of it.

    Beam search moves the items of a batch between steps, and the cache with them. The calls do not
    tell how, but the keys do: those of the tokens before are copied to the last bit.
    """
    longest = max(lines, key=lambda line: len(line.calls))
    count = longest.calls[-1].batch_size
    items = {longest.passes[-1]: list(range(count))}
    if all(call.batch_size == 1 for call in longest.calls):
        return items, []
    witness = _witness([line for line in lines if line.passes == longest.passes])
    moved, exact = False, True
    for at in range(len(longest.calls) - 1, 0, -1):
        now, before = longest.passes[at], longest.passes[at - 1]
        if witness is None:
            most = longest.calls[at - 1].batch_size
            parents = [min(n, most - 1) for n in range(longest.calls[at].batch_size)]
        else:
            parents, alike = _parents(witness.calls[at], witness.calls[at - 1], witness.starts[at])
            exact = exact and alike
        moved = moved or parents != list(range(len(parents)))
        items[before] = [parents[item] for item in items[now]]
    said = []
    if moved:
        said.append(
            "Batch items changed places between steps (beams); each is followed back from where it"
            " is in the last step."
        )
    if witness is None:
        said.append("Batch items are taken to stay in place between steps: no keys tell.")
    elif not exact:
        said.append(
            "The cache does not keep keys to the last bit, so items of the batch are followed back"
            " by the keys that are nearest."
        )
    return items, said


def _witness(lines: list[_Line]) -> _Line | None:
    """Find the line whose keys tell batch items apart best: the deepest of those that go back most.

    Deep keys depend on all tokens before, not only on their own.
    """
    able = [
        line
        for line in lines
        if line.calls[0].kind == "self"
        and all(call.k is not None and not call._evidence.overwritten() for call in line.calls)
    ]
    return max(able, key=lambda line: (line.calls[-1].key_len, line.calls[-1].layer), default=None)


def _parents(now: AttentionCall, before: AttentionCall, start: int) -> tuple[list[int], bool]:
    """Return the item of `before` with the keys of each item of `now`, and whether they are equal.

    Parameters
    ----------
    start : int
        Token index of the first query of `now`: keys before it are those of `before`.
    """
    now_from, before_from = int(now.key_positions[0]), int(before.key_positions[0])
    low, high = max(now_from, before_from), min(start, before_from + before.key_len)
    new, old = now.k, before.k
    stay = [min(n, before.batch_size - 1) for n in range(now.batch_size)]
    if new is None or old is None or high <= low:
        return stay, False
    with torch.no_grad(), silence():
        new = new[:, :, low - now_from : high - now_from]
        old = old[:, :, low - before_from : high - before_from].to(new.device)
        same = (new == old[stay]).flatten(1).all(1).tolist()
        parents, exact = stay, True
        for item in (n for n, stays in enumerate(same) if not stays):
            distance = (old.double() - new[item].double()).abs().flatten(1).amax(1)
            parents[item] = int(distance.argmin())
            exact = exact and float(distance[parents[item]]) == 0.0
    return parents, exact
