"""What a model and its tokenizer say of a text: where it starts and ends, how long it may be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Marks:
    """Ids of the marks of a written text, and how many tokens fit.

    Attributes
    ----------
    start : int or None
        What a decoder that looks at a source begins with.
    stop : frozenset of int
        Tokens that end a text.
    positions : int or None
        How many tokens the model has positions for, where it says so.
    """

    start: int | None = None
    stop: frozenset[int] = frozenset()
    positions: int | None = None


def marks_of(model: torch.nn.Module | None, tokenizer: Any = None) -> Marks:
    """Read them from the model, its configurations, or else the tokenizer."""
    owners = [
        model,
        getattr(model, "generation_config", None),
        getattr(model, "config", None),
        tokenizer,
    ]
    starts = _ids(owners, ("start", "decoder_start_token_id", "bos_token_id"))
    stops = _ids(owners, ("stop", "eos_token_id"))
    return Marks(min(starts, default=None), frozenset(stops), positions_of(model))


def _ids(owners: list[Any], names: tuple[str, ...]) -> set[int]:
    """The ids that the first owner that has one of these names gives for it; several may end."""
    for name in names:
        for owner in owners:
            found = set(_whole(getattr(owner, name, None)))
            if found:
                return found
    return set()


def _whole(value: object) -> Iterator[int]:
    # A module may call anything `start`: only whole numbers are ids.
    for one in value if isinstance(value, list | tuple) else [value]:
        if isinstance(one, int) and not isinstance(one, bool):
            yield one


def positions_of(model: torch.nn.Module | None) -> int | None:
    """How many positions a model has, where its config or the model itself says so."""
    for owner in (getattr(model, "config", None), model):
        for name in ("max_position_embeddings", "n_positions", "block_size", "max_len"):
            most = getattr(owner, name, None)
            if isinstance(most, int) and most > 0:
                return most
    return None
