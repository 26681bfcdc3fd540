"""Compiled models run uncompiled while they are bound: compiled code runs no Python of ours."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from attnwidget.binding.patches import Patch, SharedPatches

SAID = "The model is compiled; it runs uncompiled while bound."


class _ForcedEager:
    """The stance "force_eager" of torch.compile, which holds for the whole process."""

    def __init__(self) -> None:
        self._stance: Any = torch.compiler.set_stance("force_eager")

    def undo(self) -> None:
        """Put back the stance that was found."""
        self._stance.__exit__(None, None, None)


def _force_eager() -> _ForcedEager | None:
    """Take the stance, or return None while the compiler is not loaded: loading takes seconds."""
    loaded = "torch._dynamo" in sys.modules and hasattr(torch.compiler, "set_stance")
    return _ForcedEager() if loaded else None


# Shared, as two passes that each put back the stance they found could leave it on for good.
stance = SharedPatches(_force_eager)


@contextmanager
def eagerly() -> Iterator[None]:
    """Run compiled code uncompiled meanwhile."""
    stance.acquire()
    try:
        yield
    finally:
        stance.release()


def enter_wrappers(is_bound: Callable[[torch.nn.Module], bool]) -> Patch | None:
    """Patch what torch.compile wraps a model in, so that bound models in it run uncompiled.

    Parameters
    ----------
    is_bound : callable
        Whether a module is, or contains, a bound model.

    Returns
    -------
    Patch or None
        None while the compiler is not loaded.
    """
    library = sys.modules.get("torch._dynamo.eval_frame")
    wrapper = getattr(library, "OptimizedModule", None)
    if wrapper is None or "__call__" not in vars(wrapper):
        return None

    def entering(original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not is_bound(self._orig_mod):
                return original(self, *args, **kwargs)
            with eagerly():
                return original(self, *args, **kwargs)

        return call

    return Patch(wrapper, "__call__", entering)


def notice_compile(then: Callable[[object], None]) -> Patch:
    """Patch torch.compile so that `then` is called after it with what was given to it."""

    def noticing(original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def compile(*args: Any, **kwargs: Any) -> Any:  # noqa: A001
            made = original(*args, **kwargs)
            then(args[0] if args else kwargs.get("model"))
            return made

        return compile

    return Patch(torch, "compile", noticing)


def any_compiled(modules: Iterable[torch.nn.Module]) -> bool:
    """Whether one of them was given to torch.compile, or compiled in place."""
    return any(
        type(module).__name__ == "OptimizedModule"
        or vars(module).get("_compiled_call_impl") is not None
        for module in modules
    )
