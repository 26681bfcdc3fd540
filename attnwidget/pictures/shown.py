"""The weights of heads as they are shown: the mean of several, words merged, tokens hidden.

One head whose every token is shown is read straight from its call, and its numbers stay what they
are, bit by bit. All else is added up in float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnwidget.call import AttentionCall
from attnwidget.messages import Want
from attnwidget.pictures.weighed import is_signed, weighed
from attnwidget.pictures.where import heads_of, index, stack_of
from attnwidget.reading import Item, Reading, items_of
from attnwidget.selection import Axis, size
from attnwidget.session import Session, Snapshot
from attnwidget.trouble import Trouble
from attnwidget.weighing.weights import Weights

# Weights between tokens that are held at once, all heads of a picture together (16 MiB).
CELLS_AT_ONCE = 4_194_304

Numbers = NDArray[Any]  # float32 as read, or float64 where something was added up


@dataclass(frozen=True)
class Groups:
    """Which tokens of one side make which item.

    Attributes
    ----------
    count : int
        Number of items.
    spans : ndarray of int, or None
        (count, 2) first token of each item and the one after its last; None where every token is
        an item of its own.
    """

    count: int
    spans: NDArray[np.int64] | None = None

    @classmethod
    def of(cls, items: list[Item], tokens: int) -> Groups:
        """The groups of `items`, out of so many tokens."""
        if len(items) == tokens:
            return cls(tokens)
        return cls(len(items), np.array([(i.start, i.stop) for i in items], np.int64))

    def sizes(self, items: Axis) -> NDArray[np.int64]:
        """How many tokens each of these items has."""
        if self.spans is None:
            return np.ones(size(items), np.int64)
        spans = self.spans[items]
        return spans[:, 1] - spans[:, 0]

    def tokens(self, items: Axis) -> Axis:
        """The tokens of these items, in order."""
        if self.spans is None:
            return items
        spans = self.spans[items]
        if (spans[1:, 0] == spans[:-1, 1]).all():
            return slice(int(spans[0, 0]), int(spans[-1, 1]), 1)
        return [token for start, stop in spans.tolist() for token in range(start, stop)]

    def pieces(self, items: Axis, at_most: int) -> Iterator[tuple[Axis, slice, NDArray[np.int64]]]:
        """The tokens of these items, at most so many at once.

        Yields them, the places of their items within `items`, and how many tokens of each there
        are: an item may go on in the next piece, as a text without spaces is all one word.
        """
        tokens = self.tokens(items)
        ends = np.cumsum(self.sizes(items))
        for start in range(0, size(tokens), at_most):
            stop = min(start + at_most, size(tokens))
            first, last = np.searchsorted(ends, (start, stop - 1), side="right").tolist()
            within = np.clip(ends[first : last + 1], start, stop)
            if isinstance(tokens, slice):
                part: Axis = slice(tokens.start + start, tokens.start + stop, 1)
            else:
                part = tokens[start:stop]
            yield part, slice(first, last + 1), np.diff(within, prepend=start)


@dataclass(frozen=True)
class Lens:
    """Turns weights between tokens into weights between items."""

    queries: Groups
    keys: Groups
    renormalise: bool = False

    @property
    def is_clear(self) -> bool:
        """Whether it changes nothing."""
        return self.queries.spans is None and self.keys.spans is None and not self.renormalise

    def weights(
        self, call: Weights, heads: list[int] | None, rows: Axis, cols: slice, batch: int
    ) -> Numbers:
        """A part of some heads (None: of all), (heads, rows, cols).

        Sums over the keys of an item, means over its queries. NaN where one of the tokens is.
        """
        if self.is_clear:
            clear: Numbers = call.weights(heads, rows, cols, batch)[0].cpu().numpy()
            return clear
        count = call.heads if heads is None else len(heads)
        # Every key counts in the sum that a row is divided by.
        read = slice(0, self.keys.count, 1) if self.renormalise else cols
        keys = self.keys.tokens(read)
        made = np.zeros((count, size(rows), size(cols)))
        at_most = max(1, CELLS_AT_ONCE // (count * size(keys)))
        for tokens, items, sizes in self.queries.pieces(rows, at_most):
            weights: Numbers = call.weights(heads, tokens, keys, batch)[0].cpu().numpy()
            if self.renormalise:
                weights = _renormalised(weights)
            summed = _added(weights, self.keys.sizes(read), axis=2)
            if self.renormalise:
                summed = summed[:, :, cols]
            made[:, items] += _added(summed, sizes, axis=1)
        made /= self.queries.sizes(rows)[:, None]
        return made

    def visible(
        self, call: Weights, heads: list[int], rows: slice, cols: slice, batch: int
    ) -> NDArray[np.bool_]:
        """(rows, cols) bool: whether any token of a query may look at any of a key, in any head."""
        keys = self.keys.tokens(cols)
        made = np.zeros((size(rows), size(cols)), np.bool_)
        at_most = max(1, CELLS_AT_ONCE // (len(heads) * size(keys)))
        for tokens, items, sizes in self.queries.pieces(rows, at_most):
            seen = call.visible(heads, tokens, keys, batch)[0]
            # Mostly one mask is repeated for all heads.
            merged = (seen[0] if seen.stride(0) == 0 else seen.any(0)).cpu().numpy()
            merged = _any(_any(merged, self.keys.sizes(cols), axis=1), sizes, axis=0)
            made[items] |= merged
        return made


@dataclass(frozen=True)
class Shown:
    """The heads that a want names, drawn as one: their mean, through a reading.

    Attributes
    ----------
    layers : list of (Weights, list of int, int)
        What is read of each layer, its heads, and its batch item.
    lens : Lens
    signed : bool
        Whether numbers may be negative.
    """

    layers: list[tuple[Weights, list[int], int]]
    lens: Lens
    signed: bool = False

    @classmethod
    def of(cls, snapshot: Snapshot, want: Want, session: Session | None = None) -> Shown:
        """What `want` names by stack, heads, batch and reading.

        Parameters
        ----------
        session : Session, optional
            Whose model is asked for more than the pattern; without it, the pattern is read.

        Raises
        ------
        Trouble
            If one of them does not exist, the reading leaves no token, or cannot be had here.
        """
        found, stack = heads_of(snapshot, want), stack_of(snapshot, want)
        batch = index(want, "batch", snapshot.batch_size(stack))
        reading = Reading.of(want)
        lens = lens_of(snapshot, stack, found[0][0], batch, reading)
        if session is None:
            reading = replace(reading, weigh="pattern")
        layers = [
            (weighed(session, snapshot, want, call, reading), heads, snapshot.item(call, batch))
            for call, heads in found
        ]
        return cls(layers, lens, is_signed(reading))

    @property
    def queries(self) -> slice:
        """All query items."""
        return slice(0, self.lens.queries.count, 1)

    @property
    def keys(self) -> slice:
        """All key items."""
        return slice(0, self.lens.keys.count, 1)

    def weights(self, rows: slice, cols: slice) -> NDArray[np.float32]:
        """float32 (rows, cols) weights between items."""
        parts = []
        for call, heads, item in self.layers:
            weights = self.lens.weights(call, heads, rows, cols, item)
            parts.append(weights.sum(axis=0, dtype=np.float64) if len(heads) > 1 else weights[0])
        # One head stays what it is, without a detour over float64.
        shown = parts[0] if self._heads == 1 else np.add.reduce(parts, dtype=np.float64)
        return np.asarray(shown / self._heads if self._heads > 1 else shown, np.float32)

    def visible(self, rows: slice, cols: slice) -> NDArray[np.bool_]:
        """(rows, cols) bool: whether a query may look at a key in any of the heads."""
        seen = np.zeros((size(rows), size(cols)), np.bool_)
        for call, heads, item in self.layers:
            seen |= self.lens.visible(call, heads, rows, cols, item)
        return seen

    def bands(self, rows: slice, cols: slice, block: int = 1) -> list[slice]:
        """`rows` cut into bands that fit CELLS_AT_ONCE, each of whole blocks of so many rows."""
        each = -(-int(self.lens.queries.sizes(rows).sum()) // size(rows))
        cells = self._heads * each * int(self.lens.keys.sizes(cols).sum())
        at_once = max(1, CELLS_AT_ONCE // cells // block) * block
        starts = range(rows.start, rows.stop, at_once)
        return [slice(start, min(start + at_once, rows.stop), 1) for start in starts]

    @property
    def _heads(self) -> int:
        return sum(len(heads) for _, heads, _ in self.layers)


def lens_of(
    snapshot: Snapshot, stack: str, call: AttentionCall, batch: int, reading: Reading
) -> Lens:
    """How `reading` shows the weights of a call of `stack`."""
    if reading.keeps_tokens:
        groups = Groups(call.query_len), Groups(call.key_len)
        return Lens(*groups, reading.renormalise)
    sides = snapshot.sides(stack, batch)
    lengths = len(sides.queries), len(sides.keys)
    if lengths != (call.query_len, call.key_len):
        raise Trouble(
            f"Layer {call.layer} has {call.query_len} × {call.key_len} positions, but the tokens "
            f"of {stack!r} are {lengths[0]} × {lengths[1]}.",
            "Words cannot be merged or tokens hidden here: show every token.",
        )
    queries, keys = items_in(snapshot, stack, batch, reading)
    return Lens(
        Groups.of(queries, call.query_len), Groups.of(keys, call.key_len), reading.renormalise
    )


def items_in(
    snapshot: Snapshot, stack: str, batch: int, reading: Reading
) -> tuple[list[Item], list[Item]]:
    """Items of the queries and of the keys of one batch item."""
    sides = snapshot.sides(stack, batch)
    call = snapshot.stacks[stack][0]
    asking = reading
    if call.kind == "self" and call.query_len < call.key_len:
        # The earlier ones were asked in passes before: the first of these begins no text.
        asking = replace(reading, hide=reading.hide - {"first"})
    return items_of(sides.queries, asking, "queries"), items_of(sides.keys, reading, "keys")


def _renormalised(weights: Numbers) -> Numbers:
    """Every row divided by the sum of its sizes over the last axis; where that is 0, it stays."""
    with np.errstate(all="ignore"):  # a given map may hold anything
        sums = np.nansum(np.abs(weights), axis=-1, keepdims=True, dtype=np.float64)
        made: Numbers = weights / np.where(sums == 0, 1.0, sums)
    return made


def _added(numbers: Numbers, sizes: NDArray[np.int64], axis: int) -> Numbers:
    """float64 sums of neighbours along an axis, of so many each; as they are where each is one."""
    if (sizes == 1).all():
        return numbers
    made: Numbers = np.add.reduceat(numbers, _starts(sizes), axis=axis, dtype=np.float64)
    return made


def _any(seen: NDArray[np.bool_], sizes: NDArray[np.int64], axis: int) -> NDArray[np.bool_]:
    if (sizes == 1).all():
        return seen
    return np.logical_or.reduceat(seen, _starts(sizes), axis=axis)


def _starts(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.cumsum(sizes) - sizes
