"""One forward pass being recorded."""

from __future__ import annotations

from collections.abc import Callable
from types import FrameType

import torch

from attnwidget.binding.active import active, silence
from attnwidget.binding.attribution import Names, callers
from attnwidget.binding.evidence import Evidence
from attnwidget.binding.kinds import kind_of
from attnwidget.binding.segments import joined
from attnwidget.binding.stacks import place_calls
from attnwidget.binding.windows import Sizes, settle_windows
from attnwidget.call import AttentionCall


class Recorder:
    """Collects the attention calls of one forward pass of one bound model.

    Parameters
    ----------
    names : Names
        The modules of the model.
    step : int
        Number of this pass since binding.
    copy : bool
        Clone what is kept, for models that write into their tensors afterwards.
    inputs : list of tuple of int
        Sizes of the model's input tensors.

    Attributes
    ----------
    batch : int or None
        First size of the first of them.
    calls : list of AttentionCall
        In order of execution.
    troubles : list of str
        What was seen but could not be read.
    """

    def __init__(self, names: Names, step: int, copy: bool, inputs: Sizes) -> None:
        self.names = names
        self.step = step
        self.copy = copy
        self.batch = inputs[0][0] if inputs else None
        self._inputs = inputs
        self.calls: list[AttentionCall] = []
        self.troubles: list[str] = []
        self._layer_idx: dict[int, int] = {}
        self._refreshed = False

    def add(
        self,
        evidence: Evidence,
        source: str,
        frame: FrameType,
        kind: str | None = None,
        module: torch.nn.Module | None = None,
    ) -> None:
        """Record a call made from `frame`, by `module` where that is known.

        Parameters
        ----------
        kind : str or None
            "self" or "cross" where that is known; "scoreless" where there is no query and no key.
        """
        name, module, frame = self._attribute(frame, module)
        named = kind_of(name, module, frame, self.names.classes, kind == "scoreless")
        if named is None:
            return
        if kind is None or named not in ("self", "cross"):
            kind = named
        # Asking a module for what it lacks is slow, and both are set on the instance.
        idx = vars(module).get("layer_idx") if module is not None else None
        if isinstance(idx, int):
            self._layer_idx[len(self.calls)] = idx
        self.calls.append(
            AttentionCall(evidence, module=name, source=source, kind=kind, step=self.step)
        )

    def _attribute(
        self, frame: FrameType, module: torch.nn.Module | None
    ) -> tuple[str, torch.nn.Module | None, FrameType]:
        if module is not None and (name := self._name(module)) is not None:
            return name, module, frame
        for caller in callers(frame):
            if (name := self._name(caller.module)) is not None:
                return name, caller.module, caller.frame
        return "", None, frame

    def _name(self, module: torch.nn.Module) -> str | None:
        name = self.names.of(module)
        if name is None and not self._refreshed:
            self._refreshed = True  # it may have been added since binding: read the tree again
            self.names.refresh()
            name = self.names.of(module)
        return name

    def finish(self) -> None:
        """Join the calls of packed sequences, and sort all into stacks, once all are there."""
        try:
            with silence():
                self._join_segments()
                settle_windows(self.calls, self._inputs, self.names)
                place_calls(self.calls, self.names, self._layer_idx)
        except Exception as problem:
            trouble(problem, self)

    def _join_segments(self) -> None:
        calls = joined(self.calls)
        idx = self._layer_idx
        self._layer_idx = {i: idx[at] for i, (at, _) in enumerate(calls) if at in idx}
        self.calls = [call for _, call in calls]


def recomputing() -> bool:
    """Whether a backward pass runs in this thread.

    What checkpointing computes there for the second time belongs to no forward pass.
    """
    return torch._C._current_graph_task_id() != -1


def record(
    make: Callable[[bool], tuple[Evidence, str]],
    frame: FrameType,
    *,
    kind: str | None = None,
    module: torch.nn.Module | None = None,
) -> None:
    """Give a call to every forward pass being recorded in this thread.

    Parameters
    ----------
    make : callable
        Builds (evidence, source); its argument says whether to copy.
    frame : frame
        Where the call was made.
    """
    if recomputing():
        return
    made: tuple[Evidence, str] | None = None
    copied = False
    for recorder in active.recorders:
        # Whatever goes wrong in reading a call must not reach the user's forward pass.
        try:
            if made is None or recorder.copy != copied:
                made, copied = make(recorder.copy), recorder.copy
            recorder.add(*made, frame, kind, module)
        except Exception as problem:
            trouble(problem, recorder)


def trouble(problem: Exception, *recorders: Recorder) -> None:
    """Note that something was seen but could not be read; without recorders, for all."""
    text = f"A call was seen but could not be read: {type(problem).__name__}: {problem}"
    for recorder in recorders or active.recorders:
        if text not in recorder.troubles:
            recorder.troubles.append(text)
