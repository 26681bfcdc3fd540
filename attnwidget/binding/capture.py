"""Bind to a model: record the attention of every forward pass until let go."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

from attnwidget.binding import fused_layers, transformers_registry
from attnwidget.binding.active import active
from attnwidget.binding.attribution import Names, attention_like
from attnwidget.binding.forward import BoundForward
from attnwidget.binding.patches import SharedPatches
from attnwidget.binding.recorder import Recorder
from attnwidget.binding.torch_functions import TorchFunctions
from attnwidget.call import AttentionCall
from attnwidget.outputs import Logits, logits_of
from attnwidget.trace import Searched, Trace
from attnwidget.trouble import Trouble

_patches = SharedPatches(transformers_registry.patch, fused_layers.patch)


@dataclass(frozen=True)
class Pass:
    """One finished forward pass of a bound model.

    Attributes
    ----------
    calls : list of AttentionCall
        In order of execution.
    args, kwargs : tuple, dict
        What the model was called with.
    step : int
        Number of the pass since binding, from 0.
    trace : Trace
        The calls of this pass, with what was looked at.
    logits : Logits or None
        What the model returned, where it returned logits.
    """

    calls: list[AttentionCall]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    step: int
    trace: Trace = field(repr=False)
    logits: Logits | None = None


class Binding:
    """A hold on a model's forward; made by `attach`.

    Attributes
    ----------
    attached : bool
        True until `detach`.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        on_pass: Callable[[Pass], None],
        on_failure: Callable[[Exception], None],
        copy: bool,
    ) -> None:
        self.attached = True
        self._names = Names(model)
        self._model_class = type(model).__name__
        self._on_pass = on_pass
        self._on_failure = on_failure
        self._copy = copy
        self._steps = 0
        self._lock = threading.Lock()
        # Kinds of passes in which the registry of transformers showed everything there is.
        self._registry_only: set[object] = set()
        self._troubles: tuple[str, ...] = ()
        _patches.acquire()
        self._forward = BoundForward(model, self._run)

    def detach(self) -> None:
        """Let go of the model and leave it as it was found. Calling it again does nothing."""
        with self._lock:
            if not self.attached:
                return
            self.attached = False
        # So that a trace it fills is not kept alive in a circle.
        self._on_pass = self._on_failure = _nobody
        self._forward.remove()
        _patches.release()

    def _run(
        self, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        recording = any(recorder.names is self._names for recorder in active.recorders)
        if recording or torch.compiler.is_compiling() or torch._C._get_tracing_state() is not None:
            return forward(*args, **kwargs)
        _patches.complete()
        kind = (torch.is_grad_enabled(), *_kind(args), *_kind(kwargs))
        functions = kind not in self._registry_only
        with self._lock:
            batch = _first_size((*args, *kwargs.values()))
            recorder = Recorder(self._names, self._steps, self._copy, batch)
            self._steps += 1
        try:
            output = _record(recorder, functions, forward, args, kwargs)
        except Exception as error:  # an interrupt is the user's own wish, and no failure
            recorder.calls.clear()  # a traceback that somebody keeps would keep them too
            _tell("on_failure", self._on_failure, error)
            raise
        recorder.finish()
        if functions and self._all_from_registry(recorder):
            self._registry_only.add(kind)
        self._deliver(recorder, args, kwargs, output)
        return output

    def _all_from_registry(self, recorder: Recorder) -> bool:
        calls = recorder.calls
        if not calls or any(call.source != "transformers" for call in calls):
            return False
        return not attention_like(self._names, {call.module for call in calls})

    def _deliver(
        self, recorder: Recorder, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any
    ) -> None:
        self._troubles = tuple(recorder.troubles)
        trace = Trace(recorder.calls, searched=self.searched)
        logits = _tell("reading the output", logits_of, output)
        done = Pass(recorder.calls, args, kwargs, recorder.step, trace, logits)
        _tell("on_pass", self._on_pass, done)

    def searched(self, recorded: set[str]) -> Searched:
        """Say what was looked at.

        Parameters
        ----------
        recorded : set of str
            Paths of modules that gave a record.
        """
        return Searched(
            model_class=self._model_class,
            modules=len(self._names.classes),
            passes=self._steps,
            without_record=tuple(attention_like(self._names, recorded)),
            troubles=self._troubles,
        )


def _nobody(what: object) -> None:
    """Hear of a pass that was running when its binding was let go."""


def _record(
    recorder: Recorder,
    functions: bool,
    forward: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """Run the forward with a recorder listening in this thread."""
    before = active.recorders
    active.recorders = (*before, recorder)
    try:
        with ExitStack() as stack:
            _enter(stack, functions)
            return forward(*args, **kwargs)
    finally:
        active.recorders = before


def _tell(listener: str, hear: Callable[[Any], Any], what: object) -> Any:
    """Give what `hear` makes of it; what it raises must not reach the user's forward pass."""
    try:
        return hear(what)
    except Exception as problem:
        warnings.warn(
            f"attnwidget: {listener} raised {type(problem).__name__}: {problem}", stacklevel=2
        )
        return None


def _kind(values: tuple[Any, ...] | dict[str, Any]) -> Iterator[object]:
    """What decides which way a forward takes, as far as its arguments show."""
    items = sorted(values.items()) if isinstance(values, dict) else enumerate(values)
    for name, value in items:
        if isinstance(value, torch.Tensor):
            yield name, value.dim(), value.dtype
        elif value is None or isinstance(value, bool | str):
            yield name, value
        else:
            yield name, type(value)


def _first_size(values: tuple[Any, ...]) -> int | None:
    sizes = (v.shape[0] for v in values if isinstance(v, torch.Tensor) and v.dim())
    return next(sizes, None)


def _enter(stack: ExitStack, functions: bool) -> None:
    if functions and active.mode is None:
        active.mode = mode = TorchFunctions()
        stack.callback(setattr, active, "mode", None)
        stack.callback(mode.tags.clear)
        stack.enter_context(mode)
    # Compiled code runs no Python of ours, and compiling under a mode fails inside torch.
    if "torch._dynamo" in sys.modules and hasattr(torch.compiler, "set_stance"):
        stack.enter_context(torch.compiler.set_stance("force_eager"))


def attach(
    model: torch.nn.Module,
    on_pass: Callable[[Pass], None],
    on_failure: Callable[[Exception], None] | None = None,
    *,
    copy: bool = False,
) -> Binding:
    """Record every forward pass of a model until `Binding.detach` is called.

    Only the model's ``forward`` is wrapped: no hooks, no other attention implementation, and
    outputs stay the same to the last bit.

    Parameters
    ----------
    model : Module
        Any PyTorch module.
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
        raise Trouble(
            f"model is a {type(model).__name__}.",
            "Expected a torch.nn.Module: the model itself, not its class, path or pipeline.",
        )
    return Binding(model, on_pass, on_failure or _nobody, copy)


@contextmanager
def capture(
    model: torch.nn.Module,
    *,
    keep: Literal["last", "all"] | int = "last",
    copy: bool = False,
    max_bytes: int | None = None,
) -> Iterator[Trace]:
    """Record the attention of a model's forward passes inside a ``with`` block.

    Parameters
    ----------
    model : Module
        Any PyTorch module. It is left exactly as it was found, also after an exception.
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
    binding = attach(model, lambda done: trace.add_pass(done.calls, most, max_bytes), copy=copy)
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
