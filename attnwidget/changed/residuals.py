"""A model in one of whose blocks the residual connections are cut."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from attnwidget.steps.projection import module_at
from attnwidget.trouble import Trouble

_ADDS = frozenset({torch.add, torch.Tensor.add, torch.Tensor.__add__, torch.Tensor.__radd__})
_ADDS_IN_PLACE = frozenset({torch.Tensor.add_, torch.Tensor.__iadd__})


def branch_ends(block: Mapping[str, Any]) -> list[str]:
    """Paths of the modules whose outputs a block adds to its stream, in order.

    Parameters
    ----------
    block : mapping
        Facts of a block; see attnwidget/pictures/block.py.

    Raises
    ------
    Trouble
        If the block could not be read.
    """
    branches = [branch for one in block["sums"] for branch in one["branches"]]
    ends: list[str] = [branch["end"] for branch in branches if branch["end"]]
    if not ends or len(ends) < len(branches):
        raise Trouble(
            "No residual connection was found in this layer.",
            block["why"] or "What it adds to its stream cannot be told from its numbers.",
        )
    return ends


@contextmanager
def residuals_cut(model: torch.nn.Module, ends: list[str]) -> Iterator[list[str]]:
    """Let f(x) go on in place of x + f(x), for each branch that ends in one of these modules.

    Yields the paths; what follows the sum, such as a norm, stays.

    Raises
    ------
    Trouble
        At the end, if one of the sums was not met: a kernel of its own may have made it.
    """
    cut = _Cut()
    with ExitStack() as stack:
        for path in ends:
            module = module_at(model, path)
            if module is not None:
                hook = module.register_forward_hook(cut.hears(path))
                stack.callback(hook.remove)
        stack.enter_context(cut)
        yield ends
    missed = [path for path in ends if path not in cut.met]
    if missed:
        raise Trouble(
            f"The residual connection around {missed[0]} could not be cut.",
            "What this module gives is not added to the stream as it is, or not by a plain sum.",
        )


class _Cut(TorchFunctionMode):
    """Gives back one of two addends: the one that a branch has just made."""

    def __init__(self) -> None:
        super().__init__()
        self.met: set[str] = set()
        self._made: dict[str, torch.Tensor] = {}

    def hears(self, path: str) -> Any:
        """A forward hook that keeps what the module at `path` gives."""

        def keep(_module: torch.nn.Module, _args: object, output: Any) -> None:
            several = output if isinstance(output, tuple | list) else (output,)
            tensors = [one for one in several if isinstance(one, torch.Tensor)]
            if tensors:
                self._made[path] = tensors[0]

        return keep

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in _ADDS or func in _ADDS_IN_PLACE:
            pair = [one for one in (*args, *kwargs.values()) if isinstance(one, torch.Tensor)]
            found = self._branch(pair) if len(pair) == 2 else None
            if found is not None:
                path, branch = found
                self.met.add(path)
                del self._made[path]
                if func in _ADDS:
                    return branch.clone()
                return pair[0] if pair[0] is branch else pair[0].copy_(branch)
        return func(*args, **kwargs)

    def _branch(self, pair: list[torch.Tensor]) -> tuple[str, torch.Tensor] | None:
        if pair[0].shape != pair[1].shape:
            return None  # a bias, or a mask
        for path, made in self._made.items():
            for one in pair:
                if one is made or (one.data_ptr(), one.shape) == (made.data_ptr(), made.shape):
                    return path, one
        return None
