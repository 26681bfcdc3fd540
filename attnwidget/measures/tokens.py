"""The ids of a call's tokens, and which of them are padding, as far as they are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from attnwidget.binding.active import silence
from attnwidget.call import AttentionCall
from attnwidget.running import as_between_cells
from attnwidget.selection import parts
from attnwidget.trouble import Trouble

# As many as are looked at once to find padding.
_CELLS_AT_ONCE = 16_777_216


def length_of(call: AttentionCall) -> int:
    """T, how many tokens there are up to the last that this call reads."""
    last = [at[-1:] for at in (call.query_positions, call.key_positions)]
    return 1 + int(torch.cat(last).max()) if call.query_len and call.key_len else 0


def ids_of(call: AttentionCall, inputs: Mapping[str, Tensor]) -> Tensor | None:
    """Vocabulary ids (B or 1, T) of a call that looks at its own tokens, from the pass's inputs.

    None where the pass was given others, as behind a cache or in front of an image.
    """
    if call.kind != "self" or call.windows > 1:
        return None
    side = "target" if call.stack == "decoder" and "target" in inputs else "source"
    ids = inputs.get(side)
    if ids is None or ids.dtype is torch.bool or ids.shape[0] not in (1, call.batch_size):
        return None
    return ids if ids.shape[1] == length_of(call) else None


def given_ids(call: AttentionCall, given: Any) -> Tensor | None:
    """Those of `given` that fit a call, (B or 1, T).

    Parameters
    ----------
    given : Tensor, sequence of int or of such sequences
        (T,) or (B, T); one id more than the call has tokens will do, as ``generate()`` returns one
        that it has not read.

    Raises
    ------
    Trouble
        If they are no ids.
    """
    try:
        ids = torch.as_tensor(given)
    except (TypeError, ValueError, RuntimeError):
        ids = torch.zeros(())
    if ids.dim() == 1:
        ids = ids[None]
    if ids.dim() != 2 or ids.is_floating_point() or ids.is_complex():
        raise Trouble(
            f"ids is a {type(given).__name__} that cannot be read as token ids.",
            "Give whole numbers, (T,) or (B, T), or a dict from the name of a stack to them.",
        )
    fits = call.kind == "self" and ids.shape[0] in (1, call.batch_size)
    length = length_of(call)
    return ids[:, :length] if fits and ids.shape[1] in (length, length + 1) else None


def padding_of(call: AttentionCall, inputs: Mapping[str, Tensor]) -> Tensor | None:
    """True at padding, bool (B or 1, T); None where there is none or it cannot be known.

    It is what the pass's own mask says; without one, a token that no query may look at.
    """
    if call.kind != "self":
        return None
    mask, length = inputs.get("mask"), length_of(call)
    is_target = call.stack == "decoder" and "target" in inputs
    fits = mask is not None and mask.shape[1] == length and not is_target and call.windows == 1
    if mask is not None and fits and mask.shape[0] in (1, call.batch_size):
        return mask == 0
    if call.query_len != call.key_len or length != call.key_len:
        return None
    seen = torch.zeros((call.batch_size, length), dtype=torch.bool, device=call.device)
    at_once = max(1, _CELLS_AT_ONCE // max(1, call.batch_size * length))
    with as_between_cells(), silence():
        for rows in parts(slice(0, length, 1), at_once):
            seen |= call.visible(head=0, queries=rows)[:, 0].any(1)
    return None if bool(seen.all()) else ~seen
