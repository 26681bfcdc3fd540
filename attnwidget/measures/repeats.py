"""How a head treats tokens that come again. These need the ids of the tokens."""

from __future__ import annotations

from torch import Tensor

from attnwidget.measures.measure import Band, measure


@measure(
    "Duplicate token", "how much a head looks at earlier places of the very same token", "share"
)
def duplicate(band: Band) -> Tensor:
    """Σ_j a_ij over all j < i with t_j = t_i, where t are the ids of the tokens.

    From 0 to 1. Rows whose token did not come before do not count.

    Wang et al., "Interpretability in the Wild: a Circuit for Indirect Object Identification in
    GPT-2 small", 2022: duplicate token heads.
    """
    if band.ids is None or not band.are_same:
        return band.nothing()
    same = band.ids[:, band.queries, None] == band.ids[:, None, band.keys]
    return band.share_on(same & _earlier(band) & _no_padding(band))


@measure(
    "Induction",
    "how much a head looks at the token that came after the same token before",
    "share",
)
def induction(band: Band) -> Tensor:
    """Σ_j a_ij over all j < i with t_j−1 = t_i, where t are the ids of the tokens.

    From 0 to 1. Rows whose token did not come before, with another one after it, do not count. On
    random tokens said twice (``aw.repeated_tokens``) it is the prefix-matching score.

    Olsson et al., "In-context Learning and Induction Heads", 2022; Elhage et al., 2021.
    """
    if band.ids is None or not band.are_same:
        return band.nothing()
    before = band.ids[:, (band.keys - 1).clamp_min(0)]
    same = (band.ids[:, band.queries, None] == before[:, None]) & (band.keys > 0)
    return band.share_on(same & _earlier(band) & _no_padding(band, before=1))


def _earlier(band: Band) -> Tensor:
    """(n, Tk): whether the key stands before the query."""
    return band.keys < band.queries[:, None]


def _no_padding(band: Band, before: int = 0) -> Tensor:
    """(B or 1, 1, Tk): whether a key, or the token so many before it, is no padding."""
    if band.padding is None:
        return (band.keys >= 0)[None, None]
    return ~band.padding[:, None, (band.keys - before).clamp_min(0)]
