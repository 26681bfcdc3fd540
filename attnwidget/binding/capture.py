"""Bind to a model: record the attention of every forward pass until let go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch

from attnwidget.binding.bound import Binding, Pass, nobody
from attnwidget.trace import Trace
from attnwidget.trouble import Trouble
from attnwidget.unwrap import unwrapped


def attach(
    model: Any,
    on_pass: Callable[[Pass], None],
    on_failure: Callable[[Exception], None] | None = None,
    *,
    copy: bool = False,
) -> Binding:
    """Record every forward pass of a model until `Binding.detach` is called.

    Only the model's ``forward`` is wrapped: no hooks, no other attention implementation, and
    outputs stay the same to the last bit. Compiled models run uncompiled until then.

    Parameters
    ----------
    model : Module
        Any PyTorch module, or a ``transformers.pipeline``, of which its model is taken.
    on_pass : callable
        Called with a Pass after each forward that did not raise. An exception from it becomes a
        warning, as the forward itself succeeded.
    on_failure : callable, optional
        Called with the exception of each forward of `model` itself that raised one; it goes on to
        the caller unchanged. KeyboardInterrupt and the like are no failures. Keep the exception
        and you keep all tensors of the pass alive.
    copy : bool
        Clone queries, keys, values, masks and outputs, for models that write into them afterwards.

    Raises
    ------
    Trouble
        If `model` is not a module.
    """
    if not isinstance(model, torch.nn.Module):
        model, _ = unwrapped(model)
    if not isinstance(model, torch.nn.Module):
        raise Trouble(
            f"model is a {type(model).__name__}.",
            "Expected a torch.nn.Module: the model itself, not its class, name or path.",
        )
    return Binding(model, on_pass, on_failure or nobody, copy)


@contextmanager
def capture(
    model: Any,
    *,
    keep: Literal["last", "all"] | int = "last",
    copy: bool = False,
    max_bytes: int | None = None,
) -> Iterator[Trace]:
    """Record the attention of a model's forward passes inside a ``with`` block.

    Parameters
    ----------
    model : Module
        Any PyTorch module, or a ``transformers.pipeline``. It is left exactly as it was found, also
        after an exception.
    keep : "last", "all" or int
        How many forward passes to hold.
    copy : bool
        See `attach`.
    max_bytes : int, optional
        Drop the oldest passes when the tensors held exceed this many bytes.

    Yields
    ------
    Trace
        Filled as passes finish; stays usable after the block.

    Raises
    ------
    Trouble
        If `keep` is something else, or `model` is not a module.

    Examples
    --------
    >>> import torch
    >>> model = torch.nn.TransformerEncoderLayer(8, 2, batch_first=True).eval()
    >>> with capture(model) as trace:
    ...     _ = model(torch.zeros(1, 3, 8))
    >>> trace.calls[0].weights().shape
    torch.Size([1, 2, 3, 3])
    """
    most = _most_passes(keep)
    trace = Trace()

    def keep_pass(done: Pass) -> None:
        trace.add_pass(done.calls, most, max_bytes, inputs=done.trace.inputs)

    binding = attach(model, keep_pass, copy=copy)
    trace.searched_by(binding.searched)
    try:
        yield trace
    finally:
        binding.detach()


def _most_passes(keep: object) -> int | None:
    if keep == "all":
        return None
    if keep == "last":
        return 1
    if isinstance(keep, int) and not isinstance(keep, bool) and keep > 0:
        return keep
    raise Trouble(f"keep is {keep!r}.", 'Expected "last", "all" or a number of passes from 1 up.')
