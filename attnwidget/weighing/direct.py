"""What each head adds to a logit directly: through the residual stream alone, past all layers.

N. Elhage et al., "A Mathematical Framework for Transformer Circuits", 2021: what a head writes
stays in the stream up to its end, where the unembedding reads it. The final norm divides by a
number that depends on the whole stream; here that number is kept as it was in this pass, so that
the parts add up to the logit. What a head does by way of later layers is not in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from attnwidget.binding.attribution import Names
from attnwidget.call import AttentionCall
from attnwidget.passes import Snapshot
from attnwidget.session import Session
from attnwidget.steps.projection import Projection
from attnwidget.trouble import Trouble
from attnwidget.weighing.graph_run import run_with_graph
from attnwidget.weighing.output import projection_with_slices, slices_of
from attnwidget.weighing.stream import Ending, Seen, Watched, addends, ending_of, same
from attnwidget.weighing.target import Target


@dataclass(frozen=True)
class Direct:
    """Parts of one logit.

    Attributes
    ----------
    target : Target
    logit : float
        The logit itself.
    heads : dict of int to Tensor
        By the number of the call: (H,) float64, what each head adds.
    why_not : dict of int to Trouble
        By the number of the call: why there is none.
    norm : str
        Class of the final norm; "" where there is none.
    """

    target: Target
    logit: float
    heads: dict[int, torch.Tensor]
    why_not: dict[int, Trouble]
    norm: str


def direct_of(session: Session, snapshot: Snapshot, target: Target) -> Direct:
    """Of one logit, kept by the pass until another logit is asked for.

    Raises
    ------
    Trouble
        If the pass cannot be run once more with gradients, or the model has no residual stream
        that ends in a norm and an unembedding.
    """
    kept: Direct | None = snapshot.measured.get("direct")
    if kept is not None and kept.target == target:
        return kept
    made = _direct(session, snapshot, target)
    snapshot.measured["direct"] = made
    return made


def _direct(session: Session, snapshot: Snapshot, target: Target) -> Direct:
    model = session.model
    found: dict[int, Projection] = {}
    why_not: dict[int, Trouble] = {}
    for number, call in enumerate(snapshot.trace.calls):
        values = call.v
        width = call.head_dim if values is None else values.shape[-1]
        try:
            found[number] = projection_with_slices(model, call, width or 0)
        except Trouble as trouble:
            why_not[number] = trouble
    size = snapshot.logits.tensor.shape[-1] if snapshot.logits else 0
    paths = {projection.path for projection in found.values()}
    paths |= {path.rpartition(".")[0] for path in paths}
    modules = {} if model is None else dict(Names(model).modules())
    watched = Watched()
    chosen = {p: m for p, m in modules.items() if p in paths or _may_end(m, size)}
    run = run_with_graph(session, snapshot, lambda: watched.watching(chosen))
    ending = ending_of(watched, run.logits, target)
    summed = addends(ending.stream)
    heads: dict[int, torch.Tensor] = {}
    for number, projection in found.items():
        again = run.calls[number]
        try:
            heads[number] = _of_call(again, projection, watched, summed, ending, target)
        except Trouble as trouble:
            why_not[number] = trouble
    logit = float(target.logit(run.logits.detach()))
    return Direct(target, logit, heads, why_not, ending.norm)


def _may_end(module: torch.nn.Module, vocabulary: int) -> bool:
    weight = getattr(module, "weight", None)
    is_norm = "norm" in type(module).__name__.lower()
    is_unembedding = (
        isinstance(weight, torch.Tensor)
        and weight.dim() == 2
        and weight.shape[0] == vocabulary
        and not isinstance(module, torch.nn.Embedding)
    )
    return is_norm or is_unembedding


def _of_call(
    call: AttentionCall,
    projection: Projection,
    watched: Watched,
    summed: set[Any],
    ending: Ending,
    target: Target,
) -> torch.Tensor:
    """(H,) float64."""
    if target.position is None or call.query_len != ending.stream.shape[1]:
        raise _not_added(call, "it attends from other tokens than those whose logits these are")
    made = _outputs(call, target.item, target.position)
    slices = slices_of(projection, call.heads).detach().double()
    written = torch.einsum("ehd,hd->e", slices, made)
    if projection.bias is not None:
        written = written + projection.bias.double()
    around = projection.path.rpartition(".")[0]
    candidates = [s for s in watched.seen if s.path in (projection.path, around)]
    at_hand = [s for s in candidates if s.made.grad_fn in summed]
    if not at_hand:
        raise _not_added(call, "what it puts out is changed before or after it is added up")
    if not any(_holds(s, written, target.item, target.position) for s in at_hand):
        raise _not_added(call, f"what enters {projection.path} are not its heads side by side")
    return torch.einsum("e,ehd,hd->h", ending.direction.to(slices), slices, made)


def _outputs(call: AttentionCall, item: int, position: int) -> torch.Tensor:
    """(H, dv) float64 of one query."""
    if call.output is not None:
        return call.output[item, :, position].double()
    if call.v is None:
        raise _not_added(call, "its heads' outputs are not known")
    weights = call.weights(queries=position, batch=item)[0, :, 0].double()
    values = call.v[item if call.v.shape[0] > 1 else 0].double()
    values = values.repeat_interleave(call.heads // values.shape[0], dim=0)
    return torch.einsum("hk,hkd->hd", weights, values)


def _holds(seen: Seen, written: torch.Tensor, item: int, position: int) -> bool:
    """Whether a module has put out this vector for one token, batch or tokens first."""
    made = seen.made.detach()
    places = [(item, position), (position, item)] if made.dim() == 3 else [(position,)]
    for place in places:
        if any(at >= size for at, size in zip(place, made.shape, strict=False)):
            continue
        own = made[place].double()
        if own.shape == written.shape:
            apart = (own - written.to(own)).abs().max()
            if bool(apart <= same(made.dtype) * own.abs().max().clamp_min(1e-12)):
                return True
    return False


def _not_added(call: AttentionCall, why: str) -> Trouble:
    return Trouble(
        f"What each head of layer {call.layer} adds to the logit directly is not known.",
        f"It is read where heads add to a stream that goes on unchanged; here, {why}.",
    )
