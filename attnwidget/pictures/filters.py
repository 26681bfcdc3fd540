"""The filters of the first layer: what the model looks for in a patch."""

from __future__ import annotations

from typing import Any

import numpy as np

from attnwidget.images.filters import filters_of, principal_components
from attnwidget.messages import Picture, Want
from attnwidget.pictures.where import stack_of
from attnwidget.session import Session, Snapshot

MOST_FILTERS, MOST_COMPONENTS = 64, 28


def picture(session: Session, snapshot: Snapshot, want: Want) -> Picture:
    """Filters of the first layer that reads the image, in float32.

    ``filters`` (n, rows, columns, C), those of the ``of`` filters with the largest ``norms`` (n,),
    largest first; ``components`` (m, rows, columns, C), their first principal components as
    Dosovitskiy et al. (2021) show them, with the share of the variance that each has,
    ``explained`` (m,). Where there is none, there are no arrays, and ``said`` tells why.
    """
    stack = stack_of(snapshot, want)
    found = filters_of(session.model, session.eye)
    facts: dict[str, Any] = {"stack": stack, "path": "", "said": "", "of": 0, "step": None}
    if found is None:
        facts["said"] = (
            "Only its attention was given: there is no model to look into."
            if session.model is None
            else "No convolution that reads colours, and no linear layer that reads a patch."
        )
        return Picture("filters", facts)
    norms = found.weights.flatten(1).norm(dim=1)
    order = norms.argsort(descending=True, stable=True)[:MOST_FILTERS]
    components, explained = principal_components(found.weights, MOST_COMPONENTS)
    facts |= {
        "path": found.path,
        "said": found.said,
        "of": len(norms),
        "step": None if found.step is None else list(found.step),
        "components_shape": list(components.shape),
    }
    arrays = {
        "filters": found.weights[order],
        "norms": norms[order],
        "components": components,
        "explained": explained,
    }
    return Picture(
        "filters", facts, {n: np.asarray(a.float().numpy(), np.float32) for n, a in arrays.items()}
    )
