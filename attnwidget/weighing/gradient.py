"""Attention weights times the gradient of one logit: a_ij ∂logit/∂a_ij, signed.

The product of attention and its gradient is what H. Chefer et al., "Generic Attention-model
Explainability", ICCV 2021, and O. Barkan et al., "Grad-SAM", CIKM 2021, begin with; both then keep
the positive part and average over heads, which is not done here.

No attention is computed anew: a head's output is O = A V, so that ∂logit/∂A = ∂logit/∂O · Vᵀ.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from attnwidget.binding.evidence import Evidence
from attnwidget.binding.kept import Kept
from attnwidget.call import AttentionCall
from attnwidget.passes import Snapshot
from attnwidget.selection import Pick, Selector, take
from attnwidget.session import Session
from attnwidget.trouble import Trouble
from attnwidget.weighing.graph_run import GraphRun, run_with_graph
from attnwidget.weighing.target import Target
from attnwidget.weighing.values import times, values_of
from attnwidget.weighing.weights import OfCall


@dataclass(frozen=True)
class Gradients:
    """∂logit/∂O of every call of a pass, for one logit.

    Attributes
    ----------
    target : Target
    of_outputs : dict of int to Tensor
        By the number of the call: (items, H, Tq, dv) of the input whose logit it is.
    why_not : dict of int to str
        By the number of the call: why there is none.
    """

    target: Target
    of_outputs: dict[int, torch.Tensor] = field(repr=False)
    why_not: dict[int, str]


class TimesGradient(OfCall):
    """a_ij ∂logit/∂a_ij of one call.

    Parameters
    ----------
    call : AttentionCall
        Of the pass.
    number : int
        Which of its calls.
    gradients : Gradients

    Raises
    ------
    Trouble
        When numbers are asked for, if the call has no values or no gradient.
    """

    def __init__(self, call: AttentionCall, number: int, gradients: Gradients) -> None:
        super().__init__(call)
        self._number, self._gradients = number, gradients

    def weights(
        self,
        head: Selector = None,
        queries: Selector = None,
        keys: Selector = None,
        batch: Selector = None,
    ) -> torch.Tensor:
        """float32, as `AttentionCall.weights`; other inputs of the batch have no part in it: 0."""
        call = self.call
        pick = self._pick(head, queries, keys, batch)
        weights = call.weights(head, queries, keys, batch)
        made = torch.zeros_like(weights)
        known = self._of_outputs()
        first = self._gradients.target.item * len(known)
        items = range(call.batch_size)
        chosen = items[pick.batch] if isinstance(pick.batch, slice) else pick.batch
        for place, item in enumerate(chosen):
            if not first <= item < first + len(known):
                continue
            one = Pick([item], pick.heads, pick.queries, pick.keys)
            values = values_of(call, one)[0].float()
            upstream = take(take(known[item - first], 0, pick.heads), 1, pick.queries)
            gradient = upstream.to(values) @ values.transpose(-2, -1)
            made[place] = times(weights[place], gradient)
        return made

    def _of_outputs(self) -> torch.Tensor:
        known = self._gradients.of_outputs.get(self._number)
        if known is None:
            raise Trouble(
                f"Layer {self.call.layer} has no gradient that can be read.",
                self._gradients.why_not[self._number],
            )
        return known


def gradients_of(session: Session, snapshot: Snapshot, target: Target) -> Gradients:
    """Of one logit, kept by the pass until another logit is asked for.

    Raises
    ------
    Trouble
        If the pass cannot be run once more with gradients.
    """
    kept: Gradients | None = snapshot.measured.get("gradient")
    if kept is not None and kept.target == target:
        return kept
    for other in session.passes:  # a reader looks at one at a time
        other.measured.pop("gradient", None)
    run = run_with_graph(session, snapshot)
    made = _gradients(run, snapshot.trace.calls, target)
    snapshot.measured["gradient"] = made
    return made


def _gradients(run: GraphRun, calls: list[AttentionCall], target: Target) -> Gradients:
    """Go back through the graph once, to the outputs of all calls."""
    outputs = [_outputs_of(call._evidence) for call in run.calls]
    there = [kept for own in outputs for kept in own if kept in run.edges]
    found = dict.fromkeys(there)
    if there:
        # Edges, not tensors: these may have been written into after the call.
        edges = [run.edges[kept] for kept in there]
        with torch.inference_mode(False), torch.enable_grad():
            logit = target.logit(run.logits)
            gradients = torch.autograd.grad(logit, edges, allow_unused=True)
        found = dict(zip(there, gradients, strict=True))
    of_outputs, why_not = {}, {}
    for number, (call, again, own) in enumerate(zip(calls, run.calls, outputs, strict=True)):
        gradient, why = _of_call(call, again, own, found, target, len(run.logits))
        if gradient is None:
            why_not[number] = why
        else:
            of_outputs[number] = gradient
    return Gradients(target, of_outputs, why_not)


def _of_call(
    call: AttentionCall,
    again: AttentionCall,
    outputs: list[Kept],
    found: dict[Kept, torch.Tensor | None],
    target: Target,
    inputs: int,
) -> tuple[torch.Tensor | None, str]:
    """(items, H, Tq, dv) of the target's input; or None, and why."""
    if not outputs or not all(kept in found for kept in outputs):
        kernel = "It ran inside a kernel or a program that no gradient goes through."
        return None, kernel if call.source == "kernel" else "Its output was not seen in the graph."
    # The evidence knows how its output lies: it is shown the gradient in its place.
    for owner, kept in zip(_owners(again._evidence), outputs, strict=True):
        gradient = found[kept]
        owner._kept_output = Kept(torch.zeros_like(kept.tensor) if gradient is None else gradient)
    arranged = again.output
    if arranged is None or arranged.shape[:2] != (call.batch_size, call.heads):
        return None, "How its output lies in memory is not known."
    if arranged.shape[2] < call.query_len or call.batch_size % inputs:
        return None, "It went through other tokens in the pass than when it was run once more."
    items = call.batch_size // inputs
    first = target.item * items
    # A copy: a view would keep what belongs to the other inputs.
    return arranged[first : first + items, :, : call.query_len].detach().clone(), ""


def _owners(evidence: Evidence) -> list[Any]:
    """What holds the outputs of a call: itself, or the sequences it was packed of."""
    return getattr(evidence, "_parts", [evidence])


def _outputs_of(evidence: Evidence) -> list[Kept]:
    outputs = [getattr(owner, "_kept_output", None) for owner in _owners(evidence)]
    return [kept for kept in outputs if kept is not None] if all(outputs) else []
