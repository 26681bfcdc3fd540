"""A block that was read, as a few numbers for each token."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from attnwidget.blocks.anatomy import Anatomy, Branch, Sum
from attnwidget.blocks.sums import Addend
from attnwidget.blocks.watch import Event, Frame, Value

# A feed-forward of more modules than this is named by its first and last.
_MOST_NAMED = 4


@dataclass
class Block:
    """Facts of one block, and rows (T,) that they point to.

    Attributes
    ----------
    facts : dict
        Plain JSON; see attnwidget/pictures/block.py.
    rows : list of Tensor
        float32 (T,) on the CPU.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    rows: list[torch.Tensor] = field(default_factory=list)

    def row(self, numbers: torch.Tensor) -> int:
        """Keep a row; its index."""
        self.rows.append(numbers.detach().to("cpu", torch.float32))
        return len(self.rows) - 1

    def norm(self, full: torch.Tensor) -> int:
        """Keep the lengths of vectors (T, E); the index of the row."""
        return self.row(torch.linalg.vector_norm(full, dim=1, dtype=torch.float32))


def block_of(frame: Frame, anatomy: Anatomy) -> Block:
    """Reduce a block to numbers per token."""
    block = Block()
    block.facts = {
        "path": frame.path,
        "class_name": frame.class_name,
        "kind": anatomy.kind,
        "size": frame.size,
        "why": "",
        "before": block.norm(anatomy.before.full),
        "first_norm": _norm(block, anatomy.first_norm),
        "sums": [_sum(block, one) for one in anatomy.sums],
        "after": block.norm(anatomy.after.full),
        "error": max(_error(one) for one in anatomy.sums),
    }
    return block


def unread(path: str, class_name: str, why: str, frame: Frame | None = None) -> Block:
    """A block that could not be read; what goes into the attention and comes out, if seen."""
    block = Block()
    values: list[Value | None] = [None, None]
    if frame is not None and not frame.too_many:
        values = [next(iter(frame.reads), None), next(iter(frame.writes), None)]
    before, after = (block.norm(value.full) if value else None for value in values)
    block.facts = {
        "path": path,
        "class_name": class_name,
        "kind": "unknown",
        "size": frame.size if frame else 0,
        "why": why,
        "before": before,
        "first_norm": None,
        "sums": [],
        "after": after,
        "error": None,
    }
    return block


def _sum(block: Block, one: Sum) -> dict[str, Any]:
    stream = one.stream.scaled
    return {
        "stream": block.norm(stream),
        "stream_factor": one.stream.factor,
        "branches": [_branch(block, branch, stream) for branch in one.branches],
        "total": block.norm(one.total.full),
        "norm": _norm(block, one.norm),
    }


def _branch(block: Block, branch: Branch, stream: torch.Tensor) -> dict[str, Any]:
    added = branch.addend.scaled
    return {
        "role": branch.role,
        "parts": [_part(event) for event in _named(branch.parts)],
        "caller": branch.caller,
        "end": branch.end,
        "more": max(0, len(branch.parts) - _MOST_NAMED),
        "width": branch.width,
        "norm_before": _norm(block, branch.norm_before),
        "norm_after": _norm(block, branch.norm_after),
        "factor": _factor(branch.addend),
        "added": block.norm(added),
        "cosine": block.row(torch.nn.functional.cosine_similarity(added, stream, dim=1)),
    }


def _named(parts: list[Event]) -> list[Event]:
    return parts if len(parts) <= _MOST_NAMED else [*parts[: _MOST_NAMED - 1], parts[-1]]


def _part(event: Event) -> dict[str, Any]:
    return {"path": event.path, "class_name": event.class_name}


def _norm(block: Block, event: Event | None) -> dict[str, Any] | None:
    if event is None:
        return None
    return {**_part(event), "out": block.norm(event.writes[0].full)}


def _factor(addend: Addend) -> float | list[float]:
    """What a branch is multiplied by; from least to most where each feature has its own."""
    if addend.channels is None:
        return addend.factor
    return [float(addend.channels.min()), float(addend.channels.max())]


def _error(one: Sum) -> float:
    """Largest difference of the total from what was added up, relative to the largest number."""
    total = one.total.full.float()
    made = one.stream.scaled + sum(branch.addend.scaled for branch in one.branches)
    return float((made - total).abs().max() / total.abs().max().clamp_min(1e-30))
