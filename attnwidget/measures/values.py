"""How much of what a head looks at it brings along."""

from __future__ import annotations

import torch
from torch import Tensor

from attnwidget.measures.measure import Band, measure


@measure(
    "Value-weighted norm",
    "how long the values are that a head brings, each times its weight",
    "",
)
def value_norm(band: Band) -> Tensor:
    """Σ_j a_ij ‖v_j‖, where v_j is the head's own value vector of key j, bias included.

    From 0 up, in the unit of the model's own values, so that it compares heads of one model and
    mostly of one layer. A head that rests on a sink mostly has a small one, as the values there
    are short. With grouped queries, heads of a group share their values. NaN where only weights are
    known.

    Kobayashi et al., "Attention is Not Only a Weight: Analyzing Transformers with Vector Norms",
    2020, who take the value after the output projection, ‖a_ij f(x_j)‖; here it is before it.
    """
    if band.norms is None:
        return band.nothing()
    return band.where_free(torch.einsum("bhqk,bhk->bhq", band.weights, band.norms))
