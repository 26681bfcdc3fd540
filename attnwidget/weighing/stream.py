"""The end of the residual stream: what is added up there, and how a logit is read from it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from attnwidget.trouble import Trouble
from attnwidget.weighing.target import Target

# How far a number worked out in float64 may lie from the model's own, relative to the largest.
SAME = {torch.float32: 1e-3, torch.float64: 1e-6}
SAME_IN_HALF = 0.05

_UNCHANGED = frozenset(
    "ViewBackward0 UnsafeViewBackward0 ReshapeAliasBackward0 TransposeBackward0 CloneBackward0"
    " ToCopyBackward0 AliasBackward0 UnsqueezeBackward0 SqueezeBackward1 PermuteBackward0"
    " TBackward0".split()
)


@dataclass(eq=False)
class Seen:
    """One run of a module.

    Attributes
    ----------
    path, module : str, Module
        Which.
    given, made : Tensor
        What went in first, and what came out first.
    """

    path: str
    module: torch.nn.Module
    given: torch.Tensor
    made: torch.Tensor


@dataclass
class Watched:
    """What some modules were seen to do, in order."""

    seen: list[Seen] = field(default_factory=list)

    @contextmanager
    def watching(self, modules: dict[str, torch.nn.Module]) -> Iterator[None]:
        """Look at these modules meanwhile."""
        hooks: list[Any] = []
        try:
            for path, module in modules.items():
                hooks.append(module.register_forward_hook(self._listener(path), with_kwargs=True))
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _listener(self, path: str) -> Any:
        def listen(module: torch.nn.Module, args: Any, kwargs: Any, output: Any) -> None:
            given = next((a for a in (*args, *kwargs.values()) if _is_tensor(a)), None)
            made = output[0] if isinstance(output, tuple | list) and output else output
            if given is not None and _is_tensor(made):
                self.seen.append(Seen(path, module, given, made))

        return listen


@dataclass(frozen=True, eq=False)
class Ending:
    """How a logit is read from the stream, with the statistics of the final norm as they were.

    Attributes
    ----------
    direction : Tensor
        (E,) float64: the logit is its product with the stream, and `constant`.
    constant : float
        What biases add.
    stream : Tensor
        (B, T, E), with its graph.
    norm : str
        Class of the final norm; "" where there is none.
    """

    direction: torch.Tensor
    constant: float
    stream: torch.Tensor
    norm: str


def ending_of(watched: Watched, logits: torch.Tensor, target: Target) -> Ending:
    """Where the stream ends whose logits these are.

    Raises
    ------
    Trouble
        If the logits are no linear layer's, or its input no sum but for a norm that is known.
    """
    unembedding = next((s for s in reversed(watched.seen) if _is_same(s.made, logits)), None)
    weight = getattr(getattr(unembedding, "module", None), "weight", None)
    if unembedding is None or weight is None or target.position is None:
        raise _unknown("its logits do not come straight from a linear layer over every token")
    if unembedding.given.shape[:-1] != logits.shape[:-1]:
        raise _unknown("its unembedding reads other tokens than those that attend")
    row = weight[target.id].detach().double()
    bias = getattr(unembedding.module, "bias", None)
    constant = 0.0 if bias is None else float(bias[target.id])
    norm = next(
        (
            s
            for s in reversed(watched.seen)
            if "norm" in type(s.module).__name__.lower() and _is_same(s.made, unembedding.given)
        ),
        None,
    )
    at = target.item, target.position
    if norm is None:
        ending = Ending(row, constant, unembedding.given, "")
    else:
        row, added = _through(norm, row, at)
        ending = Ending(row, constant + added, norm.given, type(norm.module).__name__)
    made = float(row @ ending.stream[at].detach().double()) + ending.constant
    own = float(target.logit(logits.detach()))
    if abs(made - own) > same(logits.dtype) * max(1.0, abs(own)):
        raise _unknown("something changes its logits after the unembedding")
    return ending


def addends(stream: torch.Tensor) -> set[Any]:
    """Nodes of the graph whose tensors are added up, unchanged, to a stream."""
    found: set[Any] = set()
    ahead = [stream.grad_fn]
    while ahead:
        node = ahead.pop()
        if node is None or node in found:
            continue
        found.add(node)
        name = node.name()
        is_sum = name == "AddBackward0" and getattr(node, "_saved_alpha", 1) == 1
        if is_sum or name in _UNCHANGED:
            ahead += [below for below, _ in node.next_functions]
    return found


def same(dtype: torch.dtype) -> float:
    """How far numbers of a model of this dtype may lie from those that are worked out."""
    return SAME.get(dtype, SAME_IN_HALF)


def _through(norm: Seen, row: torch.Tensor, at: tuple[int, int]) -> tuple[torch.Tensor, float]:
    """What a direction behind a norm is before it, and what the norm's bias adds along it.

    The norm divides by a number that it takes from the stream: that number is kept as it was, so
    that the rest is linear.
    """
    x, y = norm.given[at].detach().double(), norm.made[at].detach().double()
    module: Any = norm.module
    weight = getattr(module, "weight", None)
    weight = torch.ones_like(x) if weight is None else weight.detach().double()
    bias = getattr(module, "bias", None)
    bias = torch.zeros_like(x) if bias is None else bias.detach().double()
    names = ("eps", "variance_epsilon", "epsilon", "norm_eps")
    eps = next((float(e) for n in names if (e := getattr(module, n, None)) is not None), 0.0)
    for centred in (True, False):
        moved = x - x.mean() if centred else x
        rate = (moved.square().mean() + eps).rsqrt()
        for scale in (weight, 1 + weight):
            made = moved * rate * scale + bias
            if bool((made - y).abs().max() <= same(norm.made.dtype) * y.abs().max()):
                before = row * scale * rate
                before = before - before.mean() if centred else before
                return before, float(row @ bias)
    raise _unknown(f"its last norm ({type(module).__name__}) is none of those that are known")


def _unknown(why: str) -> Trouble:
    return Trouble(
        "What each head adds to the logit directly is not known.",
        f"It is read where the residual stream ends in an unembedding; of this model, {why}.",
    )


def _is_same(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two tensors are one and the same numbers in memory."""
    return one is other or (
        one.shape == other.shape
        and one.data_ptr() == other.data_ptr()
        and one.stride() == other.stride()
    )


def _is_tensor(value: object) -> bool:
    return isinstance(value, torch.Tensor) and value.is_floating_point()
