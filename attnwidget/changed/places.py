"""A model that knows nothing of positions, or takes each for another one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from attnwidget.changed.swapped import swapped
from attnwidget.positions.biases import Bias
from attnwidget.positions.finder import Positions
from attnwidget.positions.rotary import Rotary
from attnwidget.trouble import Trouble

SEED = 0


def shuffled(length: int) -> list[int]:
    """Numbers of positions in an order that depends on `SEED` and `length` alone."""
    order: list[int] = torch.randperm(
        length, generator=torch.Generator().manual_seed(SEED)
    ).tolist()
    return order


@contextmanager
def positions_removed(found: Positions) -> Iterator[None]:
    """Add zeros where positions were added, and turn by no angle where they were turned."""
    with ExitStack() as stack:
        for table in found.tables:
            before = getattr(table.owner, table.name)
            stack.enter_context(swapped(table.owner, table.name, torch.zeros_like(before)))
        for rotary in found.rotary:
            stack.enter_context(_turned(rotary, _by_no_angle))
        for bias in found.biases:
            stack.enter_context(_bias_removed(bias))
        for keys in found.relative_keys:
            zeros = torch.zeros_like(getattr(keys.owner, keys.name))
            stack.enter_context(swapped(keys.owner, keys.name, zeros))
        yield


@contextmanager
def positions_shuffled(
    found: Positions, length_of: Callable[[str], int]
) -> Iterator[Sequence[int]]:
    """Give each token the position of another one: the same rows, angles or biases, shuffled.

    Of relative biases and keys it is the distances that are shuffled, as they know no positions.

    Parameters
    ----------
    length_of : callable
        How many tokens go through the part of the model that is at a path.

    Yields
    ------
    sequence of int
        The order of the first that was found.

    Raises
    ------
    Trouble
        If what was found has no rows of its own that could be shuffled.
    """
    orders: list[list[int]] = []
    with ExitStack() as stack:
        for table in found.tables:
            start = table.first + (table.grid[2] if table.grid else 0)
            used = min(length_of(table.path), len(table.numbers)) - (start - table.first)
            order = shuffled(max(0, used))
            stack.enter_context(_rows_shuffled(table.owner, table.name, start, order))
            orders.append(order)
        for rotary in found.rotary:
            orders.append(shuffled(length_of(rotary.path)))
            stack.enter_context(_turned(rotary, _as_shuffled))
        for bias in found.biases:
            if bias.kind == "ALiBi":
                raise Trouble(
                    "The positions of ALiBi cannot be shuffled.",
                    "It has a slope for each head and no rows: take the positions away instead.",
                )
            order = shuffled(len(getattr(bias.owner, bias.name)))
            stack.enter_context(_rows_shuffled(bias.owner, bias.name, 0, order))
            orders.append(order)
        for keys in found.relative_keys:
            order = shuffled(min(length_of(keys.path), len(keys.numbers)))
            stack.enter_context(_rows_shuffled(keys.owner, keys.name, 0, order))
            orders.append(order)
        yield orders[0] if orders else []


@contextmanager
def _rows_shuffled(
    owner: torch.nn.Module, name: str, start: int, order: list[int]
) -> Iterator[None]:
    before: torch.Tensor = getattr(owner, name)
    sides = [axis for axis, n in enumerate(before.shape) if n != 1]
    axis = sides[0]
    rows = torch.arange(before.shape[axis], device=before.device)
    rows[start : start + len(order)] = torch.tensor(order, device=before.device) + start
    with swapped(owner, name, before.index_select(axis, rows)):
        yield


# -- rotary --------------------------------------------------------------------------------------

Turning = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]


def _by_no_angle(cos: torch.Tensor, sin: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    # Some scale both: what is scaled stays so.
    return torch.hypot(cos, sin), torch.zeros_like(sin)


def _as_shuffled(cos: torch.Tensor, sin: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    order = torch.tensor(shuffled(cos.shape[-2]), device=cos.device)
    return cos.index_select(-2, order), sin.index_select(-2, order)


@contextmanager
def _turned(rotary: Rotary, turn: Turning) -> Iterator[None]:
    """Let a rotary module hand out other cosines and sines."""

    def hook(module: torch.nn.Module, args: Any, made: Any) -> Any:
        if isinstance(made, torch.Tensor) and made.is_complex():  # cos + i sin
            cos, sin = turn(made.real, made.imag)
            return torch.complex(cos, sin)
        if isinstance(made, tuple) and len(made) == 2 and _are_cos_and_sin(*made):
            return turn(*made)
        raise Trouble(
            f"What {rotary.path} ({type(module).__name__}) returns is not a cosine and a sine.",
            "Rotary positions can be changed where a module hands out both, each (..., T, d), as "
            "those of transformers do.",
        )

    handle = rotary.module.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


def _are_cos_and_sin(cos: object, sin: object) -> bool:
    if not isinstance(cos, torch.Tensor) or not isinstance(sin, torch.Tensor):
        return False
    if cos.shape != sin.shape or cos.dim() < 2:
        return False
    radius = torch.hypot(cos.float(), sin.float())
    return bool((radius - radius.mean()).abs().max() < 2e-2 * radius.mean())


# -- biases --------------------------------------------------------------------------------------


@contextmanager
def _bias_removed(bias: Bias) -> Iterator[None]:
    if bias.kind == "learned":
        before = getattr(bias.owner, bias.name)
        with swapped(bias.owner, bias.name, torch.zeros_like(before)):
            yield
        return
    hooks = [
        module.register_forward_pre_hook(_without_alibi, with_kwargs=True)
        for module in bias.owner.modules()
        if "alibi" in inspect.signature(module.forward).parameters
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _without_alibi(
    module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Zeros for the argument of that name, however it is handed over."""
    named = inspect.signature(module.forward).bind_partial(*args, **kwargs)
    if isinstance(named.arguments.get("alibi"), torch.Tensor):
        named.arguments["alibi"] = torch.zeros_like(named.arguments["alibi"])
    return named.args, named.kwargs
