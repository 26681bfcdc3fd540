"""Why recurrent networks are slow: how many steps have to wait for one another, and what they take.

All the words of a known sentence go through a layer of a transformer at once. Through a recurrent
network they go one after another, however many processors there are. Counted and timed is one
forward pass with a known target, as in training; when a target is being written, a transformer too
gives one word a pass.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from functools import partial
from statistics import median

import torch
from torch import Tensor, nn


def sequential_steps(model: nn.Module, source: int, target: int) -> int:
    """How many steps of one forward pass have to wait for the one before, counted while it runs.

    A step is a layer of a transformer, which takes all words at once, or one word in a recurrent
    layer. The two directions of a recurrent layer run side by side.

    Parameters
    ----------
    model : nn.Module
        An encoder–decoder whose transformer layers, if it has any, stand in a ``ModuleList``.
    source, target : int
        Numbers of words.
    """
    taken: list[int] = []

    def count(module: nn.Module, given: tuple[Tensor, ...], _: object) -> None:
        taken.append(given[0].shape[1] if isinstance(module, nn.GRU) else 1)

    modules = list(model.modules())
    recurrent = [one for one in modules if isinstance(one, nn.GRU | nn.GRUCell)]
    layers = [layer for one in modules if isinstance(one, nn.ModuleList) for layer in one]
    hooks = [step.register_forward_hook(count) for step in (*recurrent, *layers)]
    try:
        with torch.no_grad():
            model(**words(source, target))
    finally:
        for hook in hooks:
            hook.remove()
    return sum(taken)


def longest_chain(model: nn.Module, source: int, target: int) -> int:
    """Operations of one forward pass of which each needs the result of the one before.

    It is the longest path through the graph that autograd keeps of the pass: the steps that remain
    with any number of processors (its span, in the theory of parallel algorithms).
    """
    with torch.enable_grad():
        end = model(**words(source, target)).grad_fn
    length: dict[object, int] = {}
    waiting = [end]
    while waiting:
        operation = waiting[-1]
        before = [one for one, _ in operation.next_functions if one is not None]
        missing = [one for one in before if one not in length]
        if missing:
            waiting += missing
        else:
            length[operation] = 1 + max((length[one] for one in before), default=0)
            waiting.pop()
    return length[end]


def forward_seconds(
    models: Mapping[str, nn.Module], lengths: Iterable[int], repeats: int = 15
) -> dict[str, dict[int, float]]:
    """Median time of one forward pass, by model and by length of both source and target.

    The models take turns, so that whatever else the machine does falls on all of them.
    """
    found: dict[str, dict[int, float]] = {name: {} for name in models}
    for length in lengths:
        given = words(length, length)
        times: dict[str, list[float]] = {name: [] for name in models}
        for turn in range(repeats + 1):
            for name, model in models.items():
                began = time.perf_counter()
                with torch.no_grad():
                    model(**given)
                if turn:  # the first is for warming up
                    times[name].append(time.perf_counter() - began)
        for name, taken in times.items():
            found[name][length] = median(taken)
    return found


def words(source: int, target: int) -> dict[str, Tensor]:
    """Arguments of a forward pass; which words they are changes neither steps nor time."""
    ids = partial(torch.randint, 4, 100, generator=torch.Generator().manual_seed(0))
    return {"input_ids": ids((1, source)), "decoder_input_ids": ids((1, target))}
