"""A pass made once more with its graph, for gradients; the model is left as it was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch.autograd.graph import GradientEdge

from attnwidget.binding.active import active
from attnwidget.binding.bound import Pass
from attnwidget.binding.capture import attach
from attnwidget.binding.kept import Kept
from attnwidget.call import AttentionCall
from attnwidget.outputs import logits_in
from attnwidget.passes import Snapshot
from attnwidget.rehearsal import alone
from attnwidget.running import Encoded, as_between_cells, quietly, random_numbers_kept
from attnwidget.session import Session
from attnwidget.trouble import Trouble

# How far logits of the second run may lie from those of the pass, relative to their largest.
_SAME = {torch.float32: 1e-3, torch.float64: 1e-6}
_SAME_IN_HALF = 0.05


@dataclass(frozen=True, eq=False)
class GraphRun:
    """A pass with its graph.

    Attributes
    ----------
    logits : Tensor
        As the model returned them, with their graph.
    calls : list of AttentionCall
        In the order of those of the pass, whose shapes they have.
    edges : dict of Kept to GradientEdge
        Where the tensors that were kept of them stand in the graph.
    """

    logits: torch.Tensor
    calls: list[AttentionCall]
    edges: dict[Kept, GradientEdge]


def run_with_graph(
    session: Session,
    snapshot: Snapshot,
    watching: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> GraphRun:
    """Run a pass once more in this thread, with gradients on and dropout off, unseen by sessions.

    Parameters
    ----------
    watching : callable
        Makes a context that is held while the model runs.

    Raises
    ------
    Trouble
        If the pass cannot be run again, came out otherwise, or leaves no graph.
    """
    model, given = _for_rerun(session, snapshot)
    done: list[Pass] = []
    edges: dict[Kept, GradientEdge] = {}
    with (
        alone(Session(model, keep=1)),
        torch.inference_mode(False),
        as_between_cells(),
        quietly(model),
        _differentiable(model),
        random_numbers_kept(),
        _edges_kept(edges),
    ):
        encoded = _usable(given)
        binding = attach(model, done.append)
        try:
            with torch.enable_grad(), watching():
                output = model(*encoded.args, **encoded.kwargs)
        except RuntimeError as error:
            raise Trouble(
                "With gradients on, the model could not be run once more.", f"It raised: {error}"
            ) from None
        finally:
            binding.detach()
    logits, _ = logits_in(output)
    if logits is None or not done:
        raise Trouble("Run once more, the model returned no logits.", "It did so before.")
    if not logits.requires_grad:
        raise Trouble(
            "The model's logits cannot be differentiated.",
            "It computes without gradients, or its weights are held in a form that has none.",
        )
    _check_same(snapshot, logits.detach(), done[-1].calls)
    return GraphRun(logits, done[-1].calls, edges)


def _for_rerun(session: Session, snapshot: Snapshot) -> tuple[torch.nn.Module, Encoded]:
    given, model = snapshot.given, session.model
    if model is not None and given is None:
        raise Trouble(
            "This pass is no single run of the model.",
            "Gradients need one that can be run once more: run the whole text at once.",
        )
    if model is None or given is None:
        raise Trouble(
            "There is no model that could be run once more.",
            "Gradients need the model itself: aw.explore(model, ...).",
        )
    if given.encoded is None:
        raise Trouble(
            "This pass cannot be run once more for its gradients.",
            f"Its {given.why_not}. Run the whole text at once, without a cache.",
        )
    if given.is_overwritten:
        raise Trouble(
            "The inputs of this pass have been written over since.", "Run the model again."
        )
    given.check_alone()
    return model, given.encoded


@contextmanager
def _differentiable(model: torch.nn.Module) -> Iterator[None]:
    """Have parameters that are frozen in the graph meanwhile: something has to begin it."""
    parameters = list(model.parameters())
    if any(p.is_inference() for p in parameters):
        raise Trouble(
            "The model was made in inference mode, where nothing can be differentiated.",
            "Make or load it outside `with torch.inference_mode()`.",
        )
    frozen = [p for p in parameters if p.is_floating_point() and not p.requires_grad]
    try:
        for parameter in frozen:
            parameter.requires_grad_(True)
        yield
    finally:
        for parameter in frozen:
            parameter.requires_grad_(False)


@contextmanager
def _edges_kept(edges: dict[Kept, GradientEdge]) -> Iterator[None]:
    """Note where kept tensors stand in the graph; recorders of other models hear nothing."""
    before = active.edges, active.recorders
    active.edges, active.recorders = edges, ()
    try:
        yield
    finally:
        active.edges, active.recorders = before


def _usable(encoded: Encoded) -> Encoded:
    """Arguments that a graph may save: those of inference mode are copied."""

    def usable(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return value.clone() if value.is_inference() else value
        if type(value) in (list, tuple):
            return type(value)(usable(one) for one in value)
        if type(value) is dict:
            return {name: usable(one) for name, one in value.items()}
        return value

    return Encoded(usable(encoded.args), usable(encoded.kwargs))


def _check_same(snapshot: Snapshot, logits: torch.Tensor, calls: list[AttentionCall]) -> None:
    """Raise a Trouble where the second run is not what the pass was."""
    made = snapshot.logits.tensor if snapshot.logits is not None else None
    why = "The model has changed since, or drew random numbers: run it again, in eval mode."
    if made is None or made.shape != logits.shape:
        raise Trouble("Run once more, the model returned other logits.", why)
    largest = float(made.abs().nan_to_num(posinf=0.0, neginf=0.0).max()) or 1.0
    apart = float((made.to(logits.device).float() - logits.float()).abs().nan_to_num(0.0).max())
    if apart > _SAME.get(logits.dtype, _SAME_IN_HALF) * largest:
        raise Trouble("Run once more, the model predicts otherwise.", why)
    before = snapshot.trace.calls
    if len(before) != len(calls) or any(
        (one.batch_size, one.heads) != (two.batch_size, two.heads)
        for one, two in zip(before, calls, strict=True)
    ):
        raise Trouble(
            "Run once more with gradients, the model attends in another way.",
            "Its calls cannot be matched with those of the pass.",
        )
