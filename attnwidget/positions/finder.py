"""Finding what a model knows of positions.

Nothing of a call tells this, so the parts are looked for in the model, by the names that people
give them and by what they hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from attnwidget.positions.biases import Bias, biases_of
from attnwidget.positions.relative import RelativeKeys, relative_keys_of
from attnwidget.positions.rotary import Rotary, rotary_of
from attnwidget.positions.tables import Table, tables_called_in_order, tables_of

LOOKED_FOR = (
    "Looked for: an embedding, parameter or buffer named like positions (wpe, pos_emb, "
    "position_embeddings, places, pe, ...), or called with 0, 1, 2, ...; a rotary module with "
    "inv_freq; a relative_attention_bias; build_alibi_tensor; rows as wide as a head in an "
    "attention module, named like distances (distance, rel_pos, ...)."
)


@dataclass(frozen=True, eq=False)
class Positions:
    """All that was found."""

    tables: tuple[Table, ...] = ()
    rotary: tuple[Rotary, ...] = ()
    biases: tuple[Bias, ...] = ()
    relative_keys: tuple[RelativeKeys, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.tables or self.rotary or self.biases or self.relative_keys)

    @property
    def paths(self) -> list[str]:
        """Where they are in the model."""
        parts: tuple[Table | Rotary | Bias | RelativeKeys, ...] = (
            *self.tables, *self.rotary, *self.biases, *self.relative_keys
        )  # fmt: skip
        return [part.path for part in parts]


def positions_of(
    model: torch.nn.Module, run: Callable[[], object] | None = None, length: int = 0
) -> Positions:
    """Find what a model knows of positions.

    Parameters
    ----------
    run : callable, optional
        Runs the model: where no name tells, embeddings are watched that are called with the
        numbers from 0 up.
    length : int
        How many tokens that run has.
    """
    found = Positions(
        tuple(tables_of(model)),
        tuple(rotary_of(model)),
        tuple(biases_of(model)),
        tuple(relative_keys_of(model)),
    )
    if not found and run is not None and length > 2:
        return Positions(tuple(tables_called_in_order(model, run, length)))
    return found
