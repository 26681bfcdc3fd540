"""Why a pass cannot be shown, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from attnwidget.call import AttentionCall
from attnwidget.trace import Searched
from attnwidget.trouble import Trouble

# Of a foreign error's message: some are whole listings, and this is read in a small box.
LONGEST_MESSAGE = 300


def forward_raised(error: Exception) -> Trouble:
    """What to say of an exception that a model's forward raised."""
    text = " ".join(str(error).split())
    if len(text) > LONGEST_MESSAGE:
        text = text[:LONGEST_MESSAGE].rstrip() + " …"
    return Trouble(
        f"The forward pass raised {type(error).__name__}.", text or "It came without a message."
    )


def check_not_empty(stacks: Mapping[str, Sequence[AttentionCall]]) -> None:
    """Raise a Trouble if there is not one weight to look at."""
    for name, calls in stacks.items():
        call = calls[0]
        sizes = {"batch items": call.batch_size, "queries": call.query_len, "keys": call.key_len}
        missing = [what for what, size in sizes.items() if size == 0]
        if missing:
            raise Trouble(
                f"The pass is empty: its attention in {name!r} has no {' and no '.join(missing)}.",
                "Call the model with inputs of at least one batch item and one token.",
            )


def nothing_found(model: torch.nn.Module | None, searched: Searched | None = None) -> Trouble:
    """What to say of a pass in which no attention was seen, and what was looked at."""
    kinds = sorted({type(m).__name__ for m in model.modules()}) if model is not None else []
    looked = (
        f"The forward pass ran, and its modules were looked at ({_some(kinds)}): none of them "
        "called scaled_dot_product_attention, a transformers attention function, "
        "nn.MultiheadAttention, or a softmax between two matrix products."
    )
    if searched is not None and searched.without_record:
        reasons = searched.without_record
        layers = [f"{name} ({why})" if why else name for name, why in reasons.items()]
        looked += f" Not seen at work: {_some(layers)}."
    if searched is not None and searched.troubles:
        looked += f" {_some(searched.troubles)}"
    return Trouble(f"No attention was found in {type(model).__name__}.", looked)


def _some(names: Sequence[str], most: int = 12) -> str:
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")
