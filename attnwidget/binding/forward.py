"""The callable that stands in for a bound model's ``forward``."""

from __future__ import annotations

import copy
import functools
import types
from collections.abc import Callable
from typing import Any

import torch

_ABSENT = object()
Runner = Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]


class BoundForward:
    """Instance attribute ``model.forward`` while a model is bound.

    Signature, name and documentation are those of the forward it stands for. A deep copy or a
    pickle of the model gets a plain forward of its own and knows nothing of the binding.

    Parameters
    ----------
    model : Module
        The model.
    run : callable
        Called with (forward, args, kwargs) in place of the forward.
    """

    def __init__(self, model: torch.nn.Module, run: Runner) -> None:
        self._model = model
        self._before = vars(model).get("forward", _ABSENT)
        self._forward: Callable[..., Any] = model.forward
        self._run: Runner | None = run
        functools.update_wrapper(self, self._forward, updated=())
        # In the instance's dict, where it was found or would have been put; nothing else changes.
        vars(model)["forward"] = self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._run is None:
            self.remove()  # whoever had wrapped it may have put it back since
            return self._forward(*args, **kwargs)
        return self._run(self._forward, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        # What a bound method has besides: __self__, __func__, __code__, ...
        if name in ("_forward", "__deepcopy__", "__reduce_ex__"):
            raise AttributeError(name)
        return getattr(self._forward, name)

    def remove(self) -> None:
        """Put back what was there.

        If somebody has wrapped the forward since, theirs is left alone and this one just passes
        calls on from now on, until they put it back.
        """
        self._run = None
        if vars(self._model).get("forward") is not self:
            return
        before = self._before
        while isinstance(before, BoundForward) and before._run is None:
            before = before._before  # let go earlier, while this one was still on top
        if before is _ABSENT:
            del vars(self._model)["forward"]
        else:
            vars(self._model)["forward"] = before

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if self._before is not _ABSENT:
            return copy.deepcopy(self._before, memo)
        model = memo.get(id(self._model), self._model)
        return types.MethodType(type(model).forward, model)

    def __reduce__(self) -> Any:
        if self._before is not _ABSENT:
            return _itself, (self._before,)
        return getattr, (self._model, "forward")


def _itself(thing: Any) -> Any:
    return thing
