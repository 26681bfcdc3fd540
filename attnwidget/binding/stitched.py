"""One map out of many steps: each row comes from the forward pass that made it."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from attnwidget.binding.caches import Positions
from attnwidget.binding.evidence import Evidence
from attnwidget.selection import Pick, indices, size, take


@dataclass(frozen=True)
class Step:
    """What one forward pass adds to a stitched map.

    Attributes
    ----------
    evidence : Evidence
        Of the call.
    queries, keys : int
        Token index of its first query and of its first key.
    items : list of int
        For each batch item of the last step, the one it was in this step: beams move.
    """

    evidence: Evidence
    queries: int
    keys: int
    items: list[int]

    @property
    def key_end(self) -> int:
        """One past the token index of its last key."""
        return self.keys + self.evidence.shape[3]


class Stitched:
    """Evidence of a whole generation, (B, H, T, Tk), that asks the steps for the rows it needs.

    Parameters
    ----------
    steps : list of Step
        In order; each has at least one row.
    rows : list of (int, int) or None
        For each token index the step that has its row and the query there; None where no step that
        is held has it. Such a row sees no key.
    key_len : int
        Tk. Keys behind these are spare room of a cache.
    remarks : list of str
        What is special about how they were joined.
    one_sequence : bool
        Whether the queries are tokens of the sequence that the keys are of.
    """

    positions: Positions | None = None

    def __init__(
        self,
        steps: list[Step],
        rows: list[tuple[int, int] | None],
        key_len: int,
        remarks: list[str],
        *,
        one_sequence: bool = True,
    ) -> None:
        self._steps = steps
        self._one_sequence = one_sequence
        self._rows = rows
        self._said = remarks
        last = steps[-1].evidence
        self.shape = (
            len(steps[-1].items),
            last.shape[1],
            len(rows),
            key_len,
        )
        self.kv_heads = last.kv_heads
        self.head_dim = last.head_dim
        self.scale = last.scale
        self.dtype = last.dtype
        self.device = last.device

    # What is said of the steps is said of the whole --------------------------------------------

    @property
    def _evidence(self) -> list[Evidence]:
        return [step.evidence for step in self._steps]

    @property
    def recomputed(self) -> bool:
        return any(one.recomputed for one in self._evidence)

    @property
    def remarks(self) -> list[str]:
        return [*_unlike(text for one in self._evidence for text in one.remarks), *self._said]

    @property
    def why_unseen(self) -> str:
        return next((one.why_unseen for one in self._evidence if one.why_unseen), "")

    @property
    def why_unchecked(self) -> str:
        return next((one.why_unchecked for one in self._evidence if one.why_unchecked), "")

    def overwritten(self) -> list[str]:
        return _unlike(name for one in self._evidence for name in one.overwritten())

    def untracked(self) -> bool:
        return any(one.untracked() for one in self._evidence)

    def tensors(self) -> list[torch.Tensor]:
        return [tensor for one in self._evidence for tensor in one.tensors()]

    @functools.cached_property
    def causal(self) -> bool:
        """Whether no row sees a later key: a step of one row has none to see."""
        square = self._one_sequence and self.shape[2] == self.shape[3]
        return square and all(one.causal for one in self._evidence if one.shape[2] > 1)

    # The rows ----------------------------------------------------------------------------------

    def weights(self, pick: Pick) -> torch.Tensor:
        return self._gather(pick, lambda one, part: one.weights(part), 0.0)

    def scores(self, pick: Pick) -> torch.Tensor:
        return self._gather(pick, lambda one, part: one.scores(part), -math.inf)

    def visible(self, pick: Pick) -> torch.Tensor:
        return self._gather(pick, lambda one, part: one.visible(part), 0.0).bool()

    def _gather(
        self, pick: Pick, read: Callable[[Evidence, Pick], torch.Tensor], absent: float
    ) -> torch.Tensor:
        """Ask each step for its rows; keys that it did not have get the number `absent`."""
        shape = (size(pick.batch), size(pick.heads), size(pick.queries), size(pick.keys))
        result = torch.full(shape, absent, device=self.device, dtype=torch.float32)
        keys = indices(pick.keys)
        for step, places, asked in self._asked(indices(pick.queries)):
            there = [at for at, key in enumerate(keys) if step.keys <= key < step.key_end]
            if not there:
                continue
            # Asked for once each: several rows, beams or places may need the same.
            items, item_at = _once([step.items[item] for item in indices(pick.batch)])
            queries, query_at = _once(asked)
            held, key_at = _once([keys[at] - step.keys for at in there])
            found = read(step.evidence, Pick(items, pick.heads, queries, held)).to(self.device)
            found = found[item_at][:, :, query_at][..., key_at]
            result[:, :, torch.tensor(places)[:, None], torch.tensor(there)] = found.float()
        return result

    def _asked(self, rows: list[int]) -> Iterator[tuple[Step, list[int], list[int]]]:
        """Each step that has some of the rows, their places among those, and its queries."""
        asked: dict[int, tuple[list[int], list[int]]] = {}
        for place, row in enumerate(rows):
            found = self._rows[row]
            if found is None:
                continue
            places, queries = asked.setdefault(found[0], ([], []))
            places.append(place)
            queries.append(found[1])
        for number, (places, queries) in asked.items():
            yield self._steps[number], places, queries

    def check(self, rows: list[int]) -> float:
        """Return the largest error of any step that has some of the rows."""
        errors = [step.evidence.check(queries) for step, _, queries in self._asked(rows)]
        return math.nan if any(map(math.isnan, errors)) else max(errors, default=math.nan)

    # Tensors -----------------------------------------------------------------------------------

    @property
    def q(self) -> torch.Tensor | None:
        """Queries of all steps; NaN in rows that are missing."""
        return self._joined_rows([one.q for one in self._evidence])

    @property
    def output(self) -> torch.Tensor | None:
        """Outputs of all steps; NaN in rows that are missing."""
        return self._joined_rows([one.output for one in self._evidence])

    def _joined_rows(self, tensors: list[torch.Tensor | None]) -> torch.Tensor | None:
        known = [tensor for tensor in tensors if tensor is not None]
        if len(known) < len(tensors):
            return None
        b, h, t, _ = self.shape
        size = (b, h, t, known[-1].shape[-1])
        joined = torch.full(size, math.nan, dtype=known[-1].dtype, device=self.device)
        for step, places, queries in self._asked(list(range(t))):
            tensor = known[self._steps.index(step)]
            part = take(take(tensor, 0, step.items), 2, queries)
            joined[:, :, places] = part.to(self.device)
        return joined

    @property
    def k(self) -> torch.Tensor | None:
        """Keys as the last step that had them saw them; NaN where none has."""
        return self._newest([one.k for one in self._evidence])

    @property
    def v(self) -> torch.Tensor | None:
        """Values as the last step that had them saw them; NaN where none has."""
        return self._newest([one.v for one in self._evidence])

    def _newest(self, tensors: list[torch.Tensor | None]) -> torch.Tensor | None:
        known = [tensor for tensor in tensors if tensor is not None]
        if len(known) < len(tensors):
            return None
        last = self._steps[-1]
        if last.keys == 0 and last.key_end >= self.shape[3]:
            return known[-1][:, :, : self.shape[3]]
        size = (self.shape[0], self.kv_heads, self.shape[3], known[-1].shape[-1])
        joined = torch.full(size, math.nan, dtype=known[-1].dtype, device=self.device)
        missing = self.shape[3]  # keys from here on are filled in
        for step, tensor in zip(reversed(self._steps), reversed(known), strict=True):
            stop = min(step.key_end, missing)
            if step.keys < stop:
                part = take(tensor, 0, step.items)[:, :, : stop - step.keys]
                joined[:, :, step.keys : stop] = part.to(self.device)
                missing = step.keys
        return joined


def _once(numbers: list[int]) -> tuple[list[int], list[int]]:
    """Each number once, and where the given ones are among those."""
    once = sorted(set(numbers))
    place = {number: at for at, number in enumerate(once)}
    return once, [place[number] for number in numbers]


def _unlike(texts: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(texts))
