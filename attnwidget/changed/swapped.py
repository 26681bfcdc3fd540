"""Other numbers in place of a parameter or buffer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from attnwidget.trouble import Trouble


@contextmanager
def swapped(owner: torch.nn.Module, name: str, numbers: torch.Tensor) -> Iterator[None]:
    """Let `owner` use `numbers` as its parameter or buffer `name` meanwhile.

    Unlike a hook this reaches kernels that are handed the tensor itself, as
    ``nn.MultiheadAttention`` and fused encoder layers are, and leaves them the kernels they are.
    Nothing is written into the tensor that was there.
    """
    # As Any: a plain tensor serves in place of a parameter as well.
    places: tuple[dict[str, Any], ...] = (owner._parameters, owner._buffers)
    for entries in places:
        before = entries.get(name)
        if before is None:
            continue
        entries[name] = numbers
        try:
            yield
        finally:
            entries[name] = before
        return
    raise Trouble(
        f"{name} of {type(owner).__name__} is computed from other numbers at each use.",
        "Undo the parametrisation (torch.nn.utils.parametrize.remove_parametrizations) first.",
    )
