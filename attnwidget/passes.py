"""The passes of a session: the newest, and those before it that a reader may go back to."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import torch

from attnwidget.call import AttentionCall
from attnwidget.outputs import Logits
from attnwidget.pass_tokens import PassTokens, TokenSides
from attnwidget.trace import Trace
from attnwidget.trouble import Trouble

KEEP = 16
MOST_BYTES = 512 * 2**20

# Memory that is kept cannot be used again by the next pass, which then runs slower: by some percent
# where every pass of a training loop is kept. So of passes that nobody has seen, only so many bytes
# are kept at once, and so many more a second. What is run by hand is slow enough to be kept.
BYTES_AT_ONCE = 64 * 2**20
BYTES_PER_SECOND = 32 * 2**20


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
    """

    number: int
    trace: Trace
    stacks: dict[str, list[AttentionCall]]
    pass_tokens: PassTokens
    text: str | None = None
    logits: Logits | None = None

    def sides(self, stack: str, batch: int = 0) -> TokenSides:
        """Tokens of one batch item of a stack."""
        return self.pass_tokens.sides(self.stacks[stack], batch)

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
    """

    snapshot: Snapshot
    storages: dict[int, int]
    nbytes: int
    fresh: int
    seen: bool = False


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
    In a fast loop of large passes not every one is kept: those that a page has drawn are, and of
    the others one now and then.
    """

    keep: int = KEEP
    max_bytes: int = MOST_BYTES
    # Replaced, never changed, so that one thread may read it while another adds to it.
    _kept: tuple[_Kept, ...] = ()
    # Bytes of passes that nobody has seen that may be kept now.
    _allowance: float = BYTES_AT_ONCE
    _counted: float = field(default_factory=time.monotonic)

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

    def add(self, snapshot: Snapshot) -> None:
        """Take a new pass, and let go of what is beyond the limits."""
        older = self._kept
        if older and not self._stays(older[-1]):
            older = older[:-1]
        storages = _storages(snapshot)
        known: Mapping[int, int] = self._kept[-1].storages if self._kept else {}
        fresh = sum(size for at, size in storages.items() if at not in known)
        new = _Kept(snapshot, storages, sum(storages.values()), fresh)
        self._kept = (*older, new)[-self.keep :]
        while len(self._kept) > 1 and self._exceeds():
            self._kept = self._kept[1:]

    def _stays(self, last: _Kept) -> bool:
        """Whether a pass is kept that is the newest no longer."""
        now = time.monotonic()
        grown = self._allowance + (now - self._counted) * BYTES_PER_SECOND
        self._allowance, self._counted = min(grown, BYTES_AT_ONCE), now
        if not last.seen and self._allowance < min(last.fresh, BYTES_AT_ONCE):
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
