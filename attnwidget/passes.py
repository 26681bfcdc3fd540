"""The passes of a session: the newest, and those before it that a reader may go back to."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from attnwidget.call import AttentionCall
from attnwidget.generation.written import Generation
from attnwidget.given import Given
from attnwidget.outputs import Logits
from attnwidget.pass_tokens import PassTokens, TokenSides
from attnwidget.trace import Trace
from attnwidget.trouble import Trouble

KEEP = 16
MOST_BYTES = 512 * 2**20

# Memory that is kept cannot be used again by the next pass: a training loop that has each of its
# passes kept runs some percent slower. So only so many bytes are kept at once, and so many more for
# every second that the process was busy; in a second that it was idle, as when a reader runs cells
# by hand, as much as anybody would want.
BYTES_AT_ONCE = 64 * 2**20
BYTES_PER_BUSY_SECOND = 8 * 2**20
BYTES_PER_IDLE_SECOND = 256 * 2**20


@dataclass(frozen=True, eq=False)
class Snapshot:
    """One finished forward pass, ready to be looked at.

    Attributes
    ----------
    number : int
        Counts the passes of its session from 1.
    trace : Trace
        The attention calls of the pass.
    stacks : dict of str to list of AttentionCall
        ``trace.stacks``, resolved once.
    pass_tokens : PassTokens
        Its tokens, read when asked.
    text : str or None
        The text the pass was made from, where it was made from one.
    logits : Logits or None
        What the model returned, where it returned logits.
    given : Given or None
        What it was called with, whoever called it.
    measured : dict
        What was measured by running the pass once more: see attnwidget/blocks.
    generation : Generation or None
        What was written, where the pass is a whole generation, joined from its steps.
    """

    number: int
    trace: Trace
    stacks: dict[str, list[AttentionCall]]
    pass_tokens: PassTokens
    text: str | None = None
    logits: Logits | None = None
    given: Given | None = None
    measured: dict[Any, Any] = field(default_factory=dict)
    generation: Generation | None = None

    def sides(self, stack: str, batch: int = 0) -> TokenSides:
        """Tokens of one batch item of a stack."""
        return self.pass_tokens.sides(self.stacks[stack], batch)

    def batch_size(self, stack: str) -> int:
        """How many batch items the layer of a stack has that has most: windows get fewer."""
        return max(call.batch_size for call in self.stacks[stack])

    def item(self, call: AttentionCall, batch: int) -> int:
        """The item of one layer that batch item `batch` of its stack is: of the same input."""
        return batch * call.batch_size // self.batch_size(call.stack)

    def call(self, stack: str, layer: int) -> AttentionCall:
        """The attention call of one layer, by its number within the stack."""
        for call in self.stacks.get(stack, ()):
            if call.layer == layer:
                return call
        known = {name: [call.layer for call in calls] for name, calls in self.stacks.items()}
        raise Trouble(f"There is no layer {layer} in stack {stack!r}.", f"Layers seen: {known}.")

    def tensors(self) -> Iterator[torch.Tensor]:
        """All tensors the pass keeps alive, for counting memory."""
        for call in self.trace.calls:
            yield from call.tensors()
        yield from self.pass_tokens.inputs.values()
        if self.logits is not None:
            yield self.logits.kept
        if self.given is not None:
            yield from (tensor for tensor, _ in self.given.versions)


@dataclass
class _Kept:
    """A pass, and what keeping it means.

    Attributes
    ----------
    storages : dict of int to int
        Bytes of each storage by its address.
    nbytes, fresh : int
        Bytes of all of them, and of those that the pass before did not hold, as it does parameters.
    seen : bool
        Whether a page has drawn it.
    affordable : bool
        False if it is only kept because it was the last to be drawn.
    """

    snapshot: Snapshot
    storages: dict[int, int]
    nbytes: int
    fresh: int
    seen: bool = False
    affordable: bool = True


@dataclass
class Passes:
    """Keeps the last passes, of which the newest always stays.

    Attributes
    ----------
    keep : int
        Most passes to keep.
    max_bytes : int
        Most bytes of their tensors together, each storage counted once.

    Notes
    -----
    In a busy loop of large passes not every one is kept, but one now and then, of those that a page
    has drawn if there is one; and always the last that was drawn, as a reader may stop there.
    """

    keep: int = KEEP
    max_bytes: int = MOST_BYTES
    # Replaced, never changed, so that one thread may read it while another adds to it.
    _kept: tuple[_Kept, ...] = ()
    # Bytes that may be kept now, and when that was reckoned: by the clock, and in CPU time.
    _allowance: float = BYTES_AT_ONCE
    _reckoned: tuple[float, float] = field(
        default_factory=lambda: (time.monotonic(), time.process_time())
    )

    def __post_init__(self) -> None:
        for name in ("keep", "max_bytes"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise Trouble(f"{name} is {value!r}.", "Expected a whole number from 1 up.")

    @property
    def newest(self) -> Snapshot | None:
        """The last pass."""
        return self._kept[-1].snapshot if self._kept else None

    @property
    def snapshots(self) -> list[Snapshot]:
        """All that are kept, oldest first."""
        return [one.snapshot for one in self._kept]

    @property
    def nbytes(self) -> int:
        """Bytes of all storages kept alive, each counted once."""
        return sum({at: size for one in self._kept for at, size in one.storages.items()}.values())

    def find(self, number: int) -> Snapshot | None:
        """The pass of this number, if it is kept."""
        return next((one.snapshot for one in self._kept if one.snapshot.number == number), None)

    def add(self, snapshot: Snapshot, instead_of: Snapshot | None = None) -> None:
        """Take a new pass, and let go of what is beyond the limits.

        Parameters
        ----------
        instead_of : Snapshot, optional
            The newest, if the new one is the same generation gone on.
        """
        older = self._kept[:-1]
        for last in self._kept[-1:] if instead_of is None or instead_of is not self.newest else ():
            last.affordable = self._affords(last)
            if last.seen:
                older = tuple(one for one in older if one.affordable)
            if last.seen or last.affordable:
                older = (*older, last)
        storages = _storages(snapshot)
        known: Mapping[int, int] = self._kept[-1].storages if self._kept else {}
        fresh = sum(size for at, size in storages.items() if at not in known)
        new = _Kept(snapshot, storages, sum(storages.values()), fresh)
        self._kept = (*older, new)[-self.keep :]
        while len(self._kept) > 1 and self._exceeds():
            self._kept = self._kept[1:]

    def _affords(self, last: _Kept) -> bool:
        """Whether a pass is kept that is the newest no longer."""
        before, now = self._reckoned, (time.monotonic(), time.process_time())
        passed, busy = (later - earlier for later, earlier in zip(now, before, strict=True))
        busy = min(busy, passed)  # several threads may be
        grown = busy * BYTES_PER_BUSY_SECOND + (passed - busy) * BYTES_PER_IDLE_SECOND
        self._allowance, self._reckoned = min(self._allowance + grown, BYTES_AT_ONCE), now
        # Half of it is for those that somebody has seen, where there is somebody.
        is_watched = last.seen or not any(one.seen for one in self._kept)
        spare = 0 if is_watched else BYTES_AT_ONCE / 2
        if self._allowance < min(last.fresh + spare, BYTES_AT_ONCE):
            return False
        self._allowance = max(0.0, self._allowance - last.fresh)
        return True

    def _exceeds(self) -> bool:
        # The sum with shared storages counted again is never smaller, and quicker.
        most = sum(one.nbytes for one in self._kept)
        return most > self.max_bytes and self.nbytes > self.max_bytes

    def mark_seen(self, snapshot: Snapshot) -> None:
        """A page has drawn this pass: whoever saw it may want to go back to it."""
        for one in self._kept:
            if one.snapshot is snapshot:
                one.seen = True

    def drop_all_but_newest(self) -> None:
        """Let go of what nobody will go back to."""
        self._kept = self._kept[-1:]


def _storages(snapshot: Snapshot) -> dict[int, int]:
    storages = (tensor.untyped_storage() for tensor in snapshot.tensors())
    return {storage.data_ptr(): storage.nbytes() for storage in storages}
