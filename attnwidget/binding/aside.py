"""A pass of our own that is recorded for us alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from attnwidget.binding.active import alone
from attnwidget.binding.capture import attach
from attnwidget.trace import Trace


@contextmanager
def capture_aside(model: torch.nn.Module) -> Iterator[Trace]:
    """As `capture`, but whoever else has bound the model sees nothing of what runs in the block."""
    trace = Trace()
    binding = attach(model, lambda done: trace.add_pass(done.calls, 1, inputs=done.trace.inputs))
    trace.searched_by(binding.searched)
    try:
        with alone(binding):
            yield trace
    finally:
        binding.detach()
