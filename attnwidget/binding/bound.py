"""A hold on a model: its forward passes are recorded until it is let go."""

from __future__ import annotations

import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import torch

from attnwidget.binding import (
    dispatch,
    flex,
    fused_layers,
    sparse_layouts,
    transformers_registry,
    uncompiled,
    unseen,
)
from attnwidget.binding.active import active
from attnwidget.binding.attribution import Names, attention_like
from attnwidget.binding.forward import BoundForward
from attnwidget.binding.patches import SharedPatches
from attnwidget.binding.recorder import Recorder, recomputing
from attnwidget.binding.torch_functions import TorchFunctions
from attnwidget.binding.windows import sizes_of
from attnwidget.call import AttentionCall
from attnwidget.outputs import Logits, logits_of
from attnwidget.pass_tokens import inputs_of
from attnwidget.trace import Searched, Trace

_bindings: weakref.WeakSet[Binding] = weakref.WeakSet()


def _is_bound(outer: torch.nn.Module) -> bool:
    """Whether a module is, or contains, a bound model."""
    roots = {id(root) for binding in list(_bindings) if (root := binding.root()) is not None}
    return any(id(module) in roots for module in outer.modules())


def _compiled(thing: object) -> None:
    """A module, or the call of one, was given to torch.compile: perhaps a bound one."""
    module = getattr(thing, "__self__", thing)
    for binding in list(_bindings):
        if isinstance(module, torch.nn.Module):
            binding.hear_of_compiled(module)
    _patches.complete()
    uncompiled.stance.complete()


_patches = SharedPatches(
    transformers_registry.patch,
    fused_layers.patch,
    flex.patch,
    lambda: uncompiled.enter_wrappers(_is_bound),
    lambda: uncompiled.notice_compile(_compiled),
    *sparse_layouts.patches(),
)


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
        self._lock = threading.RLock()
        # Kinds of passes in which the registry of transformers showed everything there is, with
        # the modules that called: torch functions need not be heard.
        self._registry_only: dict[object, list[str]] = {}
        self._troubles: tuple[str, ...] = ()
        self._compiled = self._holds_stance = False
        self._graphs = any(dispatch.is_graph(module) for _, module in self._names.modules())
        _patches.acquire()
        # The model owns them, and nothing here owns the model: it may be deleted while bound.
        bound = [model, *_encoder_of(model)]
        self._forwards = [weakref.ref(BoundForward(module, self._run)) for module in bound]
        _bindings.add(self)
        self._note_compiled()
        if vars(model).get("_compiled_call_impl") is not None:
            self.run_eagerly()

    def __del__(self) -> None:
        """The model was deleted while bound: nothing is left to let go but the shared patches."""
        if getattr(self, "attached", False) and hasattr(self, "_forwards"):
            self.detach()

    def root(self) -> torch.nn.Module | None:
        """The model, while it is bound and exists."""
        return self._names.root() if self.attached else None

    def hear_of_compiled(self, module: torch.nn.Module) -> None:
        """A module was given to torch.compile: perhaps the model, or a part of it."""
        self._compiled = self._compiled or self._names.of(module) is not None
        if self.root() is module:
            self.run_eagerly()

    def run_eagerly(self) -> None:
        """Keep the whole process from running compiled code until detached.

        A model that was compiled in place enters the compiler before its forward.
        """
        with self._lock:
            if self.attached and not self._holds_stance:
                self._holds_stance = True
                uncompiled.stance.acquire()

    def detach(self) -> None:
        """Let go of the model and leave it as it was found. Calling it again does nothing."""
        with self._lock:
            if not self.attached:
                return
            self.attached = False
        # So that a trace it fills is not kept alive in a circle.
        self._on_pass = self._on_failure = nobody
        self._note_compiled()
        for ref in self._forwards:
            forward = ref()
            if forward is not None:
                forward.remove()
        if self._holds_stance:
            uncompiled.stance.release()
        _patches.release()

    def _run(
        self, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        recording = any(recorder.names is self._names for recorder in active.recorders)
        hidden = active.unseen and active.alone is not self
        if hidden or recording or recomputing() or _is_traced():
            return forward(*args, **kwargs)
        _patches.complete()
        root = self._names.root()
        training = getattr(root, "training", False)  # a frozen module of TorchScript has none
        kind = (training, torch.is_grad_enabled(), *_kind(args), *_kind(kwargs))
        functions = kind not in self._registry_only
        with self._lock:
            sizes = sizes_of((*args, *kwargs.values()))
            recorder = Recorder(self._names, self._steps, self._copy, sizes)
            self._steps += 1
        try:
            output = _record(recorder, functions, self._graphs, forward, args, kwargs)
        except Exception as error:  # an interrupt is the user's own wish, and no failure
            recorder.calls.clear()  # a traceback that somebody keeps would keep them too
            _tell("on_failure", self._on_failure, error)
            raise
        recorder.finish()
        callers = [call.module for call in recorder.calls]
        if functions and self._all_from_registry(recorder):
            self._registry_only[kind] = callers
        elif self._registry_only.get(kind, callers) != callers:
            del self._registry_only[kind]  # not always the same: hear everything again
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
        said = self._said(seen=bool(recorder.calls))
        inputs = _tell("reading the input", lambda given: inputs_of(*given), (args, kwargs)) or {}
        trace = Trace(recorder.calls, searched=self.searched, said=said, inputs=inputs)
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
        self._note_compiled()
        return Searched(
            model_class=self._model_class,
            modules=len(self._names.classes),
            passes=self._steps,
            without_record=unseen.without_record(self._names, recorded),
            troubles=self._troubles,
            said=self._said(seen=bool(recorded)),
        )

    def _said(self, seen: bool) -> tuple[str, ...]:
        """What to know of the model as a whole, in sentences."""
        compiled = (uncompiled.SAID,) if self._compiled else ()
        return (*compiled, dispatch.SAID) if self._graphs and not seen else compiled

    def _note_compiled(self) -> None:
        """Remember that the model is compiled: it may be gone when somebody asks."""
        if self._compiled or "torch._dynamo" not in sys.modules:
            return
        modules = (module for _, module in self._names.modules())
        self._compiled = uncompiled.any_compiled(modules)


def _encoder_of(model: torch.nn.Module) -> list[torch.nn.Module]:
    """The encoder that ``generate()`` of transformers calls by itself, outside the model's forward.

    Its passes are recorded like those of the model.
    """
    config = getattr(model, "config", None)
    if not getattr(config, "is_encoder_decoder", False) or not hasattr(model, "get_encoder"):
        return []
    encoder: Any = model.get_encoder()  # type: ignore[operator]
    inside = (module for module in model.modules() if module is not model)
    return [encoder] if any(module is encoder for module in inside) else []


def _is_traced() -> bool:
    """Whether what runs is being translated into a graph, where nothing of ours belongs."""
    return torch.compiler.is_compiling() or torch._C._get_tracing_state() is not None


def nobody(what: object) -> None:
    """Hear of a pass that was running when its binding was let go."""


def _record(
    recorder: Recorder,
    functions: bool,
    kernels: bool,
    forward: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """Run the forward with a recorder listening in this thread."""
    before = active.recorders
    active.recorders = (*before, recorder)
    try:
        with ExitStack() as stack, uncompiled.eagerly():
            _enter(stack, functions)
            if kernels:
                stack.enter_context(dispatch.listening())
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


def _enter(stack: ExitStack, functions: bool) -> None:
    if functions and active.mode is None:
        active.mode = mode = TorchFunctions()
        stack.callback(setattr, active, "mode", None)
        stack.callback(mode.tags.clear)
        stack.enter_context(mode)
