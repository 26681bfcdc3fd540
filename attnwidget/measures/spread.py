"""How a head spreads its weight: over how many keys, whichever they are."""

from __future__ import annotations

from torch import Tensor

from attnwidget.measures.measure import Band, measure


@measure("Entropy", "how evenly a head spreads its weight over what it sees", "nats")
def entropy(band: Band) -> Tensor:
    """−Σ_j p_ij ln p_ij, with p_ij = a_ij / Σ_j a_ij.

    In nats, from 0 (all weight on one key) to the logarithm of the number of keys that the query
    sees (all alike): 0.69 for two, 3.9 for fifty.

    Clark et al., "What Does BERT Look At?", 2019.
    """
    return band.where_free(band.entropies)


@measure("Evenness", "entropy as a share of the largest it could be", "share")
def evenness(band: Band) -> Tensor:
    """−Σ_j p_ij ln p_ij / ln n_i, with p_ij = a_ij / Σ_j a_ij and n_i keys that query i sees.

    From 0 (all weight on one key) to 1 (all keys alike). It compares rows, texts and masks of
    different lengths, which entropy alone does not.

    Pielou, "The measurement of diversity in different types of biological collections", 1966, of
    the entropy of Clark et al., 2019.
    """
    return band.where_free(band.entropies / band.seen.to(band.weights.dtype).log())


@measure("Largest weight", "how much a head gives to the one key that it looks at most", "share")
def largest(band: Band) -> Tensor:
    """max_j a_ij.

    From 1 / n_i (all n_i keys alike) to 1.

    Voita et al., "Analyzing Multi-Head Self-Attention", 2019: a head's confidence.
    """
    return band.where_free(band.weights.amax(-1))
