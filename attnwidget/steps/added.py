"""What was added to the scores of a row beside the products: a mask, a bias, positions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from attnwidget.call import AttentionCall
from attnwidget.steps.named_numbers import Named
from attnwidget.steps.row import ROUNDING, At, RowSteps, row_steps

# With fewer keys in common any two rows are alike.
_FEWEST_KEYS = 3
# In these all that a call adds to its scores is handed over as one.
_ADDED_AS_ONE = frozenset({"sdpa", "fused", "multi_head_attention", "transformers"})


def names_of_added(steps: RowSteps, call: AttentionCall, at: At, named: Named) -> list[str]:
    """What was added to the scores, as far as it can be known.

    "mask", "position" (depends on the distance of key and query alone), "bias" (other numbers that
    were handed over with the call), "other" (whatever else was done to the scores).
    """
    if steps.added is None:
        return []
    names = [] if steps.visible.all() else ["mask"]
    if steps.added[steps.visible].any():
        if _is_of_positions(steps, call, at, named):
            names.append("position")
        else:
            names.append("bias" if call.source in _ADDED_AS_ONE else "other")
    return names


def _is_of_positions(steps: RowSteps, call: AttentionCall, at: At, named: Named) -> bool:
    """Whether the row below has the same added one key further on, but for a shift of the row.

    Where both see too few keys to tell, as at the beginning of a text, the last rows do.
    """
    last = call.query_len - 1
    for upper in dict.fromkeys((min(at.query, last - 1), last - 1)):
        if upper < 0:
            return False
        rows = []
        for query in (upper, upper + 1):
            is_this = query == at.query
            rows.append(steps if is_this else row_steps(call, replace(at, query=query), named))
        above, below = rows
        if above.added is None or below.added is None:
            return False
        both = above.visible[:-1] & below.visible[1:]
        if both.sum() >= _FEWEST_KEYS:
            there, here = above.added[:-1][both], below.added[1:][both]
            noise = 2 * (above.noise + below.noise) + ROUNDING * float(np.abs(here).max())
            return bool(np.ptp(here - there) <= noise)
    return False
