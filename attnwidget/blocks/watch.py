"""Watching modules run: what goes in and comes out of every module inside a block, for one item."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from attnwidget.binding.active import active, silence
from attnwidget.binding.attribution import Names
from attnwidget.call import AttentionCall

# So many numbers of a tensor tell it from all others, and whether it is a sum of two.
_SKETCH = 1024
# A block in which more is seen than this is no single block: it lets go of everything.
_MOST_VALUES = 72

Pick = Callable[[torch.Tensor], "torch.Tensor | None"]


@dataclass(eq=False)
class Value:
    """A tensor (T, E) that was seen, by its numbers: the same numbers are the same value.

    Attributes
    ----------
    full : Tensor
        Own copy, as the model may go on writing into its own.
    sketch : Tensor, float64
        Some of its numbers.
    time : int
        When it was first seen.
    """

    full: torch.Tensor
    sketch: torch.Tensor
    time: int


@dataclass(eq=False)
class Event:
    """One run of one module.

    Attributes
    ----------
    path, module : str, Module
        Which.
    start, end : int
        When, counted in hooks.
    calls : tuple of int
        How many attention calls the pass had made before and after.
    reads, writes : list of Value
        What went in and came out, of the width of the stream.
    width : int
        Of what came out; 0 where it was no tensor of tokens.
    """

    path: str
    module: torch.nn.Module
    start: int
    calls: tuple[int, int]
    reads: list[Value] = field(default_factory=list)
    end: int = 0
    writes: list[Value] = field(default_factory=list)
    width: int = 0

    @property
    def class_name(self) -> str:
        """The module's own class."""
        return type(self.module).__name__


@dataclass(eq=False)
class Frame(Event):
    """One run of a module that may be a block, with what ran inside.

    Attributes
    ----------
    size : int
        Width E of the stream.
    events : list of Event
        In the order in which they ended.
    values : dict of bytes to Value
        By their sketches.
    too_many : bool
        Whether more was seen than a block has.
    """

    size: int = 0
    events: list[Event] = field(default_factory=list)
    values: dict[bytes, Value] = field(default_factory=dict)
    too_many: bool = False


class Watch:
    """Hooks that look at modules of a model while it runs in this thread.

    Parameters
    ----------
    model : Module
        Its output may differ in the last bits meanwhile, as fused layers run step by step.
    paths : set of str
        Modules that may be blocks.
    pick : callable
        Gives the tokens (T, E) of one batch item, or None where a tensor is something else.
    done : callable
        Told of every frame that has ended; it may keep of it what it wants.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        paths: set[str],
        pick: Pick,
        done: Callable[[Frame, list[int], list[AttentionCall]], None],
    ) -> None:
        self._pick, self._done, self._paths = pick, done, paths
        self._open: list[Event] = []
        self._calls_at: list[int] = []  # how many attention calls there were, by time
        self._whole: Frame | None = None  # the model itself
        self._thread = threading.get_ident()
        self._names = {module: name for name, module in Names(model).modules()}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Have the hooks on meanwhile."""
        hooks: list[Any] = []
        try:
            for module in self._names:
                if isinstance(module, torch.jit.ScriptModule):
                    continue
                hooks.append(module.register_forward_pre_hook(self._on_enter, with_kwargs=True))
                hooks.append(module.register_forward_hook(self._on_leave, with_kwargs=True))
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _tick(self) -> tuple[int, int]:
        made = len(active.recorders[-1].calls) if active.recorders else 0
        self._calls_at.append(made)
        return len(self._calls_at) - 1, made

    def _on_enter(self, *seen: Any) -> None:
        # What we compute is no part of the pass that is recorded.
        if threading.get_ident() == self._thread:
            with silence(), torch._C.DisableTorchFunction():
                self._enter(*seen)

    def _on_leave(self, *seen: Any) -> None:
        if threading.get_ident() == self._thread:
            with silence(), torch._C.DisableTorchFunction():
                self._leave(*seen)

    def _enter(
        self, module: torch.nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> None:
        time, made = self._tick()
        path = self._names[module]
        tensors = [t for t in (*args, *kwargs.values()) if isinstance(t, torch.Tensor)]
        event = Event(path, module, time, (made, made))
        if path in self._paths:
            event = Frame(path, module, time, (made, made), size=self._width(tensors))
        self._open.append(event)
        event.reads = self._seen(tensors, time)

    def _leave(
        self, module: torch.nn.Module, _args: object, _kwargs: object, output: object
    ) -> None:
        time, made = self._tick()
        if isinstance(output, dict):
            output = tuple(output.values())
        several = output if isinstance(output, tuple | list) else (output,)
        tensors = [t for t in several if isinstance(t, torch.Tensor)]
        event = self._open.pop()
        while event.module is not module:  # one that raised, and the model went on
            event = self._open.pop()
        event.end, event.calls = time, (event.calls[0], made)
        event.writes = self._seen(tensors, time, event)
        event.width = self._width(tensors)
        for frame in self._open:
            if isinstance(frame, Frame) and not frame.too_many:
                frame.events.append(event)
        if isinstance(event, Frame):
            if active.recorders:
                self._finish(event, active.recorders[-1].calls)
            else:  # the recorder ends before the model does
                self._whole = event

    def finish(self, calls: list[AttentionCall]) -> None:
        """The pass has ended, with these attention calls."""
        if self._whole is not None:
            self._calls_at[self._whole.end] = len(calls)
            self._whole.calls = (0, len(calls))
            self._finish(self._whole, calls)
            self._whole = None

    def _finish(self, frame: Frame, calls: list[AttentionCall]) -> None:
        self._done(frame, self._calls_at, calls)
        frame.events, frame.values = [], {}

    def _picked(self, tensor: torch.Tensor) -> torch.Tensor | None:
        return self._pick(tensor) if tensor.is_floating_point() else None

    def _width(self, tensors: list[torch.Tensor]) -> int:
        """Width of the first tensor of tokens; 0 where there is none."""
        picked = (self._picked(tensor) for tensor in tensors)
        return next((one.shape[1] for one in picked if one is not None), 0)

    def _seen(
        self, tensors: list[torch.Tensor], time: int, ending: Event | None = None
    ) -> list[Value]:
        """The values of those tensors that are as wide as the stream of an open frame."""
        values = []
        around = [*self._open, *([ending] if ending else [])]
        frames = [f for f in around if isinstance(f, Frame) and not f.too_many]
        for tensor in tensors:
            picked = self._picked(tensor)
            if picked is None or not any(frame.size == picked.shape[1] for frame in frames):
                continue
            values.append(self._value(picked, time, frames))
        return values

    def _value(self, picked: torch.Tensor, time: int, frames: list[Frame]) -> Value:
        sketch = _sketch_of(picked)
        norm = float(torch.linalg.vector_norm(picked, dtype=torch.float32))
        key = sketch.numpy().tobytes() + str((norm, picked.dtype)).encode()
        known = next((frame.values[key] for frame in reversed(frames) if key in frame.values), None)
        value = known or Value(picked.detach().clone(), sketch, time)
        for frame in frames:
            if frame.size == picked.shape[1]:
                frame.values.setdefault(key, value)
                if len(frame.values) > _MOST_VALUES:
                    frame.too_many = True
                    frame.events, frame.values = [], {}
        return value


def _sketch_of(tensor: torch.Tensor) -> torch.Tensor:
    """Some numbers of a tensor, evenly spread, as float64 on the CPU."""
    flat = tensor.detach().reshape(-1)
    if flat.numel() > _SKETCH:
        at = torch.linspace(0, flat.numel() - 1, _SKETCH, device="cpu").long()
        flat = flat[at.to(flat.device)]
    return flat.to("cpu", torch.float64)
