"""A model without one of its heads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from attnwidget.call import AttentionCall
from attnwidget.changed.swapped import swapped
from attnwidget.steps.projection import Projection, module_at, projection_of
from attnwidget.trouble import Trouble

# How far outputs of 16 bits may lie from those of another run.
_APART = 0.05


def _projection_with_slices(model: torch.nn.Module, call: AttentionCall) -> Projection:
    """The layer that each head of `call` goes through by a slice of its own.

    Raises
    ------
    Trouble
        If there is none; says why.
    """
    made = call.v if call.output is None else call.output
    width = call.head_dim if made is None else made.shape[-1]
    found, why = projection_of(model, call, call.heads * (width or 0))
    if found is None:
        raise Trouble(
            f"A head of {call.module or 'this model'} cannot be muted.",
            f"{why} A head is muted where it enters the output projection.",
        )
    return found


@contextmanager
def head_muted(model: torch.nn.Module, call: AttentionCall, head: int) -> Iterator[Projection]:
    """Let nothing of one head through the output projection of the module that made `call`.

    The bias of the projection stays. A module that runs several times is muted in all of them.

    Raises
    ------
    Trouble
        If no projection is found in which each head has a slice of its own.
    """
    found = _projection_with_slices(model, call)
    layer: Any = module_at(model, found.path)
    weight: torch.Tensor = layer.weight
    width = found.weight.shape[1] // call.heads
    keep = torch.ones(found.weight.shape[1], dtype=weight.dtype, device=weight.device)
    keep[head * width : (head + 1) * width] = 0
    # A Conv1D holds its weight the other way round.
    is_turned = not isinstance(layer, torch.nn.Linear)
    with swapped(layer, "weight", weight * (keep[:, None] if is_turned else keep)):
        yield found


@contextmanager
def entering(model: torch.nn.Module, path: str) -> Iterator[list[torch.Tensor]]:
    """Collect what goes into the projection at a path, (..., H * dv) each.

    Nothing is collected of ``nn.MultiheadAttention``, which hands its weights to a kernel: a hook
    there would only make it take another one.
    """
    above = module_at(model, path.rpartition(".")[0])
    layer = module_at(model, path)
    seen: list[torch.Tensor] = []
    if layer is None or isinstance(above, torch.nn.MultiheadAttention):
        yield seen
        return

    def keep(module: torch.nn.Module, args: tuple[Any, ...]) -> None:
        seen.extend(one.detach() for one in args[:1] if isinstance(one, torch.Tensor))

    hook = layer.register_forward_pre_hook(keep)
    try:
        yield seen
    finally:
        hook.remove()


def check_order(call: AttentionCall, path: str, seen: torch.Tensor) -> None:
    """Raise a Trouble unless the heads of `call` enter a projection one behind the other.

    Only what can be compared is: outputs (B, H, Tq, dv) that were handed out, and an input of as
    many tokens. They are taken of the same inputs, up to rounding.
    """
    made = call.output
    if made is None:
        return
    joined = made.transpose(1, 2).flatten(2)
    if seen.numel() != joined.numel() or seen.dim() < 2:
        return
    apart = (seen.reshape(joined.shape).double() - joined.to(seen.device).double()).abs().max()
    if float(apart) > _APART * float(joined.abs().max()):
        raise Trouble(
            f"What enters {path} are not the heads of layer {call.layer}, one behind the other.",
            "Something stands between them, or their numbers are mixed: no slice of it is a head.",
        )
