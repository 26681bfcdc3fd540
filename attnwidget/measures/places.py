"""Where a head looks, by the places of tokens in the text."""

from __future__ import annotations

import torch
from torch import Tensor

from attnwidget.measures.measure import Band, measure

# Two tokens to either side: with itself the five places of a phrase.
WINDOW = 2


@measure("Mean distance", "how far away the tokens are that a head looks at", "tokens")
def distance(band: Band) -> Tensor:
    """Σ_j p_ij |i − j|, with p_ij = a_ij / Σ_j a_ij.

    In tokens, from 0 (always itself) to the length of the text less one.

    Vig and Belinkov, "Analyzing the Structure of Attention in a Transformer Language Model", 2019.
    """
    if not band.are_same:
        return band.nothing()
    apart = (band.queries[:, None] - band.keys).abs().to(band.weights.dtype)
    return band.where_free(band.times(apart[None]) / band.sums)


@measure("Previous token", "how much a head looks at the token before", "share")
def previous(band: Band) -> Tensor:
    """a_i,i−1.

    From 0 to 1. The first token has none before it, and its row does not count.

    Voita et al., "Analyzing Multi-Head Self-Attention", 2019; Clark et al., 2019;
    Elhage et al., "A Mathematical Framework for Transformer Circuits", 2021.
    """
    if not band.are_same:
        return band.nothing()
    return band.share_at(band.queries[None, :, None] - 1)


@measure("First token", "how much a head looks at the first token", "share")
def first(band: Band) -> Tensor:
    """a_i,0, where 0 is the first token that is no padding; NaN if a window has dropped it.

    From 0 to 1. The row of the first token itself does not count. Much of it is mostly a sink: the
    head has nothing to say there.

    Vig and Belinkov, 2019; Xiao et al., "Efficient Streaming Language Models with
    Attention Sinks", 2023; Clark et al., 2019, for [CLS].
    """
    if not band.are_same:
        return band.nothing()
    later = band.queries > band.first
    return band.share_at(band.first.where(later, -1)[..., None])


@measure("Itself", "how much a head looks at the very token that looks", "share")
def itself(band: Band) -> Tensor:
    """a_ii, the diagonal.

    From 0 to 1.

    Clark et al., "What Does BERT Look At?", 2019.
    """
    if not band.are_same:
        return band.nothing()
    return band.share_at(band.queries[None, :, None])


@measure("Nearby", f"how much a head looks at most {WINDOW} tokens away", "share")
def window(band: Band) -> Tensor:
    """Σ_j a_ij over all j with |i − j| ≤ 2, itself among them.

    From 0 to 1. Rows that see nothing farther away do not count: in a text read from left to right
    these are the first three.

    The share of local attention; after the positional heads of Voita et al., 2019, which look one
    token away.
    """
    if not band.are_same:
        return band.nothing()
    around = torch.arange(-WINDOW, WINDOW + 1, device=band.queries.device)
    return band.share_at(band.queries[None, :, None] + around)
