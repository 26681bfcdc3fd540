"""A measure, and the rows it is taken on.

Every measure is a number for each row of a head: for what one query gives to all keys. The number
of the head is the mean over its rows, those of all batch items alike.

Which rows count
    A row counts only where the head has a choice. It must see two keys at least: with one alone the
    softmax gives 1, whatever the head is like. A measure that is a share of the weight must also
    see a key of the kind it asks about, and one that is not. Rows of padding, rows that see no key,
    and rows with a weight that is not a number do not count. Where no row does, the number is NaN.

Tokens
    Special tokens are tokens like others. The first token is the first that is no padding. Tokens
    are counted as the model is given them, also where a cache holds the earlier ones: distances are
    between places in the text, not in the map. Where no cache tells, the last query stands at the
    last key that it may look at. Padding is what the mask says that the model was called with, or
    else a token that no query may look at.

Cross-attention
    Queries and keys are different tokens there: the measures that compare their places or their ids
    are NaN, and so they are for attention over anything but tokens.

Weights that do not sum to 1
    Shares, the largest weight and the value-weighted norm take weights as they are: what a sink of
    the softmax takes goes to no key. Entropy and distance are of the row divided by its sum.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Band:
    """Some rows of all heads of one attention call.

    Attributes
    ----------
    weights : Tensor
        float32 (B, H, n, Tk), over all keys.
    visible : Tensor
        bool, True where a query may look at a key; B and H may be 1, where they are all alike.
    queries, keys : Tensor
        int64 (n,) and (Tk,), token index of each; keys go on one by one.
    are_same : bool
        Whether queries and keys are the same tokens.
    ids : Tensor or None
        int64 (B or 1, T), vocabulary id by token index.
    padding : Tensor or None
        bool (B or 1, T), True at padding, by token index.
    norms : Tensor or None
        float32 (B, H, Tk), Euclidean length of each key's value vector.
    """

    weights: Tensor
    visible: Tensor
    queries: Tensor
    keys: Tensor
    are_same: bool = True
    ids: Tensor | None = None
    padding: Tensor | None = None
    norms: Tensor | None = None

    @functools.cached_property
    def sums(self) -> Tensor:
        """Sum of each row, (B, H, n)."""
        return self.weights.sum(-1)

    @functools.cached_property
    def seen(self) -> Tensor:
        """How many keys each query sees, (B or 1, H or 1, n)."""
        return self.visible.sum(-1)

    @functools.cached_property
    def is_real(self) -> Tensor:
        """Whether a row is of a token and not of padding, (B or 1, 1, n)."""
        if self.padding is None or not self.are_same:
            return torch.ones_like(self.queries, dtype=torch.bool)[None, None]
        real: Tensor = self.padding[:, None, self.queries].logical_not()
        return real

    @functools.cached_property
    def entropies(self) -> Tensor:
        """Entropy of each row divided by its sum, in nats, (B, H, n)."""
        in_weights: Tensor = torch.special.entr(self.weights).sum(-1)
        return in_weights / self.sums + self.sums.log()

    @functools.cached_property
    def first(self) -> Tensor:
        """Index of the first token that is no padding, (B or 1, 1)."""
        if self.padding is None:
            return torch.zeros((1, 1), dtype=torch.int64, device=self.keys.device)
        return (~self.padding).to(torch.uint8).argmax(1)[:, None]

    def where_free(self, rows: Tensor) -> Tensor:
        """`rows` (B, H, n), NaN where a query sees fewer than two keys or is padding."""
        return rows.where((self.seen >= 2) & self.is_real, torch.nan)

    def share_on(self, chosen: Tensor) -> Tensor:
        """Weight of each row on the chosen keys, (B, H, n).

        Parameters
        ----------
        chosen : Tensor
            bool (B or 1, n, Tk).

        Returns
        -------
        Tensor
            NaN where a query sees no chosen key, or no other one.
        """
        among = (self.visible & chosen[:, None]).sum(-1)
        return self._share(self.times(chosen.to(self.weights.dtype)), among)

    def share_at(self, tokens: Tensor) -> Tensor:
        """Weight of each row on a few keys, (B, H, n).

        Parameters
        ----------
        tokens : Tensor
            int64 (B or 1, n, m), token indices; those outside of the keys are left out.

        Returns
        -------
        Tensor
            NaN where a query sees none of these keys, or no other one.
        """
        columns = tokens - self.keys[0]
        inside = ((columns >= 0) & (columns < len(self.keys)))[:, None]
        columns = columns.clamp(0, len(self.keys) - 1)[:, None]

        def at(cells: Tensor) -> Tensor:
            shape = max(len(cells), len(columns)), cells.shape[1], -1, -1
            return cells.expand(shape[0], -1, -1, -1).gather(3, columns.expand(shape))

        among = (at(self.visible) & inside).sum(-1)
        return self._share((at(self.weights) * inside).sum(-1), among)

    def _share(self, share: Tensor, among: Tensor) -> Tensor:
        """`share`, where a query sees so many keys of a kind and others beside."""
        return share.where((among > 0) & (among < self.seen) & self.is_real, torch.nan)

    def times(self, factors: Tensor) -> Tensor:
        """Σ_j of each weight times a factor (B or 1, n, Tk) that all heads share, (B, H, n)."""
        factors = factors.expand(len(self.weights), -1, -1)
        return torch.einsum("bhqk,bqk->bhq", self.weights, factors)

    def nothing(self) -> Tensor:
        """NaN for every row, (B, H, n)."""
        return torch.full_like(self.sums, torch.nan)


OfRows = Callable[[Band], Tensor]


@dataclass(frozen=True)
class Measure:
    """A number that tells what a head is like.

    Attributes
    ----------
    name : str
        As a column of ``Trace.heads()`` and as ``Explorer.measure``.
    title : str
        The same, to be read.
    said : str
        What it means, as a sentence that goes on from "how …" or "the …".
    unit : str
        "share" (of 1), "nats", "tokens", or "" for numbers in the model's own unit.
    of_rows : callable
        From a Band to one number for each row, (B, H, n); NaN where the row does not count.
    """

    name: str
    title: str
    said: str
    unit: str
    of_rows: OfRows

    @property
    def definition(self) -> str:
        """Formula, range, and where it comes from."""
        return self.of_rows.__doc__ or ""


def measure(title: str, said: str, unit: str) -> Callable[[OfRows], Measure]:
    """Make a Measure of a function, which it is named after."""
    return lambda of_rows: Measure(of_rows.__name__, title, said, unit, of_rows)
