"""The measures of all heads of one call, in one pass over its weights, band by band."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from attnwidget.binding.active import silence
from attnwidget.call import AttentionCall
from attnwidget.measures.measure import Band, Measure
from attnwidget.running import as_between_cells
from attnwidget.selection import Axis, Selector, parts

# Weights held at once, all heads of a layer together (16 MiB); the measures make as much again.
CELLS_AT_ONCE = 4_194_304


class Means:
    """Means over rows of one call.

    Parameters
    ----------
    call : AttentionCall
    measures : sequence of Measure
    ids, padding : Tensor or None
        See Band.
    batch : int, optional
        Only this item of the call, whose `ids` and `padding` are then (1, T).
    rows : list of int, optional
        Only these queries.
    """

    def __init__(
        self,
        call: AttentionCall,
        measures: Sequence[Measure],
        ids: Tensor | None = None,
        padding: Tensor | None = None,
        *,
        batch: int | None = None,
        rows: list[int] | None = None,
    ) -> None:
        self._call, self._measures, self._batch = call, measures, batch
        norms = None
        if any(measure.name == "value_norm" for measure in measures):
            norms = norms_of(call, batch)
        there = {"ids": ids, "padding": padding, "norms": norms}
        self._of = {name: t if t is None else t.to(call.device) for name, t in there.items()}
        self._rows: Axis = slice(0, call.query_len, 1) if rows is None else rows
        shape = len(measures), call.heads
        self._sums = torch.zeros(shape, dtype=torch.float64)
        self._counts = torch.zeros(shape, dtype=torch.int64)

    @property
    def bands(self) -> list[Axis]:
        """The rows, so many at once that they fit."""
        call = self._call
        items = call.batch_size if self._batch is None else 1
        cells = max(1, items * call.heads * call.key_len)
        return parts(self._rows, max(1, CELLS_AT_ONCE // cells))

    def add(self, rows: Axis) -> None:
        """Measure some of the rows.

        Raises
        ------
        Trouble
            If the weights cannot be read.
        """
        call = self._call
        with as_between_cells(), silence():
            at = torch.as_tensor(
                range(rows.start, rows.stop, rows.step) if isinstance(rows, slice) else rows
            )
            band = Band(
                weights=call.weights(queries=rows, batch=self._batch),
                visible=visible_once(call, rows, self._batch),
                queries=call.query_positions[at].to(call.device),
                keys=call.key_positions.to(call.device),
                are_same=call.kind == "self",
                **self._of,
            )
            for i, measure in enumerate(self._measures):
                of_rows = measure.of_rows(band)
                counts = of_rows.isfinite()
                total = of_rows.where(counts, 0.0).sum((0, 2), dtype=torch.float64)
                self._sums[i] += total.cpu()
                self._counts[i] += counts.sum((0, 2)).cpu()

    @property
    def values(self) -> Tensor:
        """float64 (M, H), the mean over the rows that count; NaN where there is none."""
        return self._sums / self._counts

    def of_all_rows(self) -> Tensor:
        """`values`, after all rows are measured."""
        for rows in self.bands:
            self.add(rows)
        return self.values


def visible_once(call: AttentionCall, rows: Selector, batch: int | None) -> Tensor:
    """What may be seen, (B or 1, H or 1, n, Tk): mostly one mask is repeated for all."""
    seen = call.visible(queries=rows, batch=batch)
    for dim in (0, 1):
        if seen.stride(dim) == 0 and seen.shape[dim]:
            seen = seen.narrow(dim, 0, 1)
    return seen


def norms_of(call: AttentionCall, batch: int | None) -> Tensor | None:
    """Length of each value, float32 (B, H, Tk); None where values are not known."""
    values = call.v
    if values is None or values.dim() != 4 or values.shape[2] != call.key_len:
        return None
    if batch is not None and values.shape[0] > 1:
        values = values[batch : batch + 1]
    with as_between_cells(), silence():
        norms = torch.linalg.vector_norm(values.float(), dim=-1)
        group = call.heads // max(1, norms.shape[1])
        norms = norms.repeat_interleave(group, dim=1) if norms.shape[1] != call.heads else norms
        items = call.batch_size if batch is None else 1
        return norms.expand(items, -1, -1) if norms.shape[1] == call.heads else None
