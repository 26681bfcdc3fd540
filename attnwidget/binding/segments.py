"""Sequences packed one behind the other, whose layer calls its attention once for each of them."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch

from attnwidget.binding.caches import Positions
from attnwidget.binding.evidence import Evidence
from attnwidget.binding.kept import Keeping, Place, place_of
from attnwidget.binding.varlen import packed_remark
from attnwidget.call import AttentionCall
from attnwidget.selection import Pick, indices, size

HEADS, TOKENS = 1, 2


class Segment(NamedTuple):
    """One sequence, and where its first query and its first key stand among those of all."""

    evidence: Evidence
    queries: int
    keys: int


class Segments:
    """Evidence of a whole layer, (1, H, sum of Tq, sum of Tk), that asks the sequences for parts.

    Outside the blocks on the diagonal weights are 0 and nothing is visible.

    Parameters
    ----------
    parts : list of Evidence
        In order, each (1, H, Tq, Tk) with the same heads.
    """

    positions: Positions | None = None

    def __init__(self, parts: list[Evidence]) -> None:
        self._parts = parts
        self._segments = []
        queries = keys = 0
        for part in parts:
            self._segments.append(Segment(part, queries, keys))
            queries += part.shape[2]
            keys += part.shape[3]
        first = parts[0]
        self.shape = (1, first.shape[1], queries, keys)
        self.kv_heads = first.kv_heads
        self.head_dim = first.head_dim
        self.scale = first.scale
        self.dtype = first.dtype
        self.device = first.device

    # What is said of the sequences is said of the whole -----------------------------------------

    @property
    def recomputed(self) -> bool:
        return any(part.recomputed for part in self._parts)

    @property
    def remarks(self) -> list[str]:
        said = dict.fromkeys(text for part in self._parts for text in part.remarks)
        return [*said, packed_remark(len(self._parts))]

    @property
    def why_unseen(self) -> str:
        return next((part.why_unseen for part in self._parts if part.why_unseen), "")

    @property
    def why_unchecked(self) -> str:
        return next((part.why_unchecked for part in self._parts if part.why_unchecked), "")

    def overwritten(self) -> list[str]:
        return list(dict.fromkeys(name for part in self._parts for name in part.overwritten()))

    def untracked(self) -> bool:
        return any(part.untracked() for part in self._parts)

    def tensors(self) -> list[torch.Tensor]:
        return [tensor for part in self._parts for tensor in part.tensors()]

    @functools.cached_property
    def causal(self) -> bool:
        """Whether no query sees a later key: a sequence of one token has none to see."""
        told = [part for part in self._parts if part.shape[2:] != (1, 1)] or self._parts
        return all(part.shape[2] == part.shape[3] and part.causal for part in told)

    # The blocks ---------------------------------------------------------------------------------

    def weights(self, pick: Pick) -> torch.Tensor:
        return self._gather(pick, lambda part, asked: part.weights(asked), 0.0)

    def scores(self, pick: Pick) -> torch.Tensor:
        return self._gather(pick, lambda part, asked: part.scores(asked), -math.inf)

    def visible(self, pick: Pick) -> torch.Tensor:
        return self._gather(pick, lambda part, asked: part.visible(asked), 0.0).bool()

    def _gather(
        self, pick: Pick, read: Callable[[Evidence, Pick], torch.Tensor], outside: float
    ) -> torch.Tensor:
        """Ask the sequences that have both a query and a key that is asked for."""
        shape = (size(pick.batch), size(pick.heads), size(pick.queries), size(pick.keys))
        result = torch.full(shape, outside, device=self.device, dtype=torch.float32)
        columns = {part: asked for part, *asked in self._asked(indices(pick.keys), 3)}
        for number, places, queries in self._asked(indices(pick.queries), 2):
            if number in columns:
                there, keys = columns[number]
                found = read(self._parts[number], Pick(pick.batch, pick.heads, queries, keys))
                rows = torch.tensor(places)[:, None]
                result[:, :, rows, torch.tensor(there)] = found.to(self.device).float()
        return result

    def _asked(self, asked: list[int], axis: int) -> Iterator[tuple[int, list[int], list[int]]]:
        """Each sequence that has some of the queries or keys, their places, and their own numbers.

        Parameters
        ----------
        axis : int
            2 for queries, 3 for keys.
        """
        for number, segment in enumerate(self._segments):
            start = segment.queries if axis == 2 else segment.keys
            stop = start + segment.evidence.shape[axis]
            places = [at for at, index in enumerate(asked) if start <= index < stop]
            if places:
                yield number, places, [asked[at] - start for at in places]

    def check(self, rows: list[int]) -> float:
        """Return the largest error of any sequence that has some of the rows."""
        errors = [self._parts[number].check(own) for number, _, own in self._asked(rows, 2)]
        return math.nan if any(map(math.isnan, errors)) else max(errors, default=math.nan)

    # Tensors ------------------------------------------------------------------------------------

    @property
    def q(self) -> torch.Tensor | None:
        return _concatenated([part.q for part in self._parts])

    @property
    def k(self) -> torch.Tensor | None:
        return _concatenated([part.k for part in self._parts])

    @property
    def v(self) -> torch.Tensor | None:
        return _concatenated([part.v for part in self._parts])

    @property
    def output(self) -> torch.Tensor | None:
        return _concatenated([part.output for part in self._parts])


def _concatenated(tensors: list[torch.Tensor | None]) -> torch.Tensor | None:
    known = [tensor for tensor in tensors if tensor is not None]
    return torch.cat(known, dim=TOKENS) if len(known) == len(tensors) else None


# Which calls belong together ---------------------------------------------------------------------


def joined(calls: list[AttentionCall]) -> list[tuple[int, AttentionCall]]:
    """The calls of a pass, those of packed sequences joined, each with the number of its first.

    Calls of one module that follow each other are joined where their queries, and likewise their
    keys, lie one behind the other in one tensor: they were cut from it along the tokens. Queries
    worked off in pieces share their keys instead, and a module used again has other tensors.
    """
    runs: list[list[int]] = []
    for at, call in enumerate(calls):
        if runs and _is_next([calls[i] for i in runs[-1]], call):
            runs[-1].append(at)
        else:
            runs.append([at])
    return [(run[0], _one([calls[i] for i in run])) for run in runs]


def _one(calls: list[AttentionCall]) -> AttentionCall:
    first = calls[0]
    if len(calls) == 1:
        return first
    return first.with_evidence(Segments([call._evidence for call in calls]))


def _is_next(run: list[AttentionCall], call: AttentionCall) -> bool:
    before = run[-1]
    if (call.module, call.source, call.kind) != (before.module, before.source, "self"):
        return False
    one, other = before._evidence, call._evidence
    if one.shape[:2] != other.shape[:2] or other.shape[0] != 1:
        return False
    queries = sum(one.query_len for one in (*run, call))
    keys = sum(one.key_len for one in (*run, call))
    return _lies_behind(_place(one, "q"), _place(other, "q"), before.query_len, queries) and (
        _lies_behind(_place(one, "k"), _place(other, "k"), before.key_len, keys)
    )


def _lies_behind(before: Place | None, place: Place | None, length: int, total: int) -> bool:
    """Whether a slice (1, H, T, d) of a tensor begins where the one before ends.

    Parameters
    ----------
    length : int
        T of the one before.
    total : int
        T of all slices together: where each head's tokens lie together, they fill no more than
        one head. Else the slices are heads.
    """
    if before is None or place is None or before.strides[HEADS:] != place.strides[HEADS:]:
        return False
    step, head = place.strides[TOKENS], place.strides[HEADS]
    if place.storage != before.storage or place.offset != before.offset + length * step:
        return False
    return length * step > 0 and (head <= step or total * step <= head)


def _place(evidence: Evidence, name: str) -> Place | None:
    """Where the queries or keys of a call lay in memory, (1, H, T, d)."""
    kept = evidence._kept.get(name) if isinstance(evidence, Keeping) else None
    if kept is not None and kept.tensor.dim() == 4:
        return kept.place
    tensor: torch.Tensor | None = getattr(evidence, name)
    return None if tensor is None else place_of(tensor)
