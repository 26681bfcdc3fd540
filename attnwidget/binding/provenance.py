"""Hand-written attention, recognised by where tensors come from.

The product of two tensors may be scores. A softmax of scores, whatever was done to them in
between, may be weights. A product of weights with a third tensor is attention. A softmax that never
meets values (a classifier, a router of experts) gives no record.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch

from attnwidget.binding.active import active
from attnwidget.binding.chain import Chain, Given, Product
from attnwidget.binding.course import Course
from attnwidget.binding.evidence import Evidence
from attnwidget.binding.folds import Folded, folded
from attnwidget.binding.kept import Kept, before_dropout
from attnwidget.binding.layout import Fold
from attnwidget.binding.readings import (
    EinsumMeeting,
    MatmulMeeting,
    Meeting,
    SummedMeeting,
    equation_of,
)
from attnwidget.binding.recorder import record
from attnwidget.binding.replayed_map import ReplayedMap
from attnwidget.binding.softmax_map import SoftmaxMap
from attnwidget.binding.steps import Step
from attnwidget.binding.tags import Scaled, Tags, Weighed, Weights
from attnwidget.binding.torch_names import LAYOUTS, SIZED_LIKE, WRITING

if TYPE_CHECKING:
    from attnwidget.binding.torch_functions import TorchFunctions


def carry(
    tags: Tags, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None, result: Any
) -> None:
    """Give the result of a function the tag of its argument, with the function as one more step."""
    found = tags.among(args, kwargs)
    if found is None:
        return
    followed, tag = found
    assigned = result is None  # followed[...] = something
    made = followed if assigned else result
    if not isinstance(made, torch.Tensor):
        if isinstance(tag, Folded):  # cut into heads
            tag.after(func, args, _step(func, args, kwargs, followed, followed))
        return
    if not made.is_floating_point() or func in SIZED_LIKE or (assigned and args[0] is not followed):
        return
    if made.numel() != followed.numel() and func not in LAYOUTS:
        return
    step = _step(func, args, kwargs, followed, made)
    if isinstance(tag, Folded):
        after = tag.after(func, args, step)
        if after is not None:
            tags.put(made, after)
        return
    seen = tags.unwritten(followed, by=int(func in WRITING))
    if isinstance(tag, Weights):
        pending = tag.pending + bool(tag.clean)
        tags.put(made, replace(tag, course=tag.course.then(step, seen), pending=pending))
    elif isinstance(tag, Chain):
        tags.put(made, tag.then(step, seen))


def _step(
    func: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None,
    followed: torch.Tensor,
    made: torch.Tensor,
) -> Step:
    return Step.of(func, args, kwargs or {}, followed, tuple(followed.shape), tuple(made.shape))


def softmax(
    mode: TorchFunctions, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any
) -> None:
    """After a softmax: scores have become weights."""
    scores = args[0] if args else kwargs.get("input")
    if not isinstance(scores, torch.Tensor) or _is_parameter(scores):
        return
    chain = mode.tags.of(scores)
    if not isinstance(chain, Chain):  # no queries met keys; there may be values all the same
        course = Course(
            Chain(Given(Kept(scores)), True), _step(func, args, kwargs, scores, result), True
        )
        mode.tags.put(result, Weights(course))
    else:
        step = _step(func, args, kwargs, scores, result)
        seen = mode.tags.unwritten(scores)
        course = Course(chain, step, chain.repeatable and seen and step.repeatable)
        costly = chain.nbytes > scores.numel() * scores.element_size()
        mode.tags.put(result, Weights(course, scores=Kept(scores) if costly else None))


def dropout(
    mode: TorchFunctions, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any
) -> None:
    """After dropout: of weights, the tensor before it is what is shown."""
    before = args[0] if args else kwargs.get("input")
    tag = mode.tags.of(before)
    p = args[1] if len(args) > 1 else kwargs.get("p", 0.5)
    training = args[2] if len(args) > 2 else kwargs.get("training", kwargs.get("train", True))
    drops = training and p > 0.0
    if not isinstance(before, torch.Tensor) or not isinstance(tag, Weights):
        if drops or not isinstance(tag, Chain):
            carry(mode.tags, func, args, kwargs, result)
        elif isinstance(before, torch.Tensor):
            seen = mode.tags.unwritten(before)
            mode.tags.put(result, replace(tag, repeatable=tag.repeatable and seen))
        return
    in_place = drops and result is before
    if in_place or not mode.tags.unwritten(before):
        tag = replace(tag, course=replace(tag.course, repeatable=False))
    if in_place and tag.clean is None:
        tag = replace(tag, dropout=_in_place(p))
    elif drops and tag.clean is None:
        tag = replace(tag, clean=Kept(before), pending=0, dropout=before_dropout(p))
    mode.tags.put(result, tag)


def _in_place(p: float) -> str:
    return f"dropout ({p:g}) was active and wrote into the weights, which are shown after it"


def multiply(
    mode: TorchFunctions, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any
) -> None:
    """After a multiplication: queries are often scaled just before they meet the keys."""
    by_number = len(args) == 2 and isinstance(args[1], int | float)
    pair = _tensors(args, kwargs)
    tags = [mode.tags.of(one) for one in pair]
    found = next((i for i, tag in enumerate(tags) if isinstance(tag, Weights)), None)
    if found is not None and len(pair) == 2 and result.numel() > pair[found].numel():
        tag = tags[found]
        if isinstance(tag, Weights) and not isinstance(tags[1 - found], Weights):
            mode.tags.put(result, Weighed(tag, pair[found], pair[1 - found]))
        return
    if not by_number or result is args[0] or result.dim() < 2 or mode.tags.of(args[0]) is not None:
        carry(mode.tags, func, args, kwargs, result)
    else:
        mode.tags.put(result, Scaled(float(args[1])))


def total(
    mode: TorchFunctions, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any
) -> None:
    """After a sum: over the keys of weights times values it is attention."""
    summed = args[0] if args else kwargs.get("input")
    tag = mode.tags.of(summed)
    dim = args[1] if len(args) > 1 else kwargs.get("dim")
    if isinstance(dim, list | tuple) and len(dim) == 1:
        dim = dim[0]
    if not isinstance(tag, Weighed) or not isinstance(summed, torch.Tensor):
        return
    if not isinstance(dim, int):
        return
    rank = summed.dim()
    sizes = [(1,) * (rank - one.dim()) + tuple(one.shape) for one in (tag.weights, tag.values)]
    keepdim = bool(kwargs.get("keepdim", args[2] if len(args) > 2 else False))
    meeting = SummedMeeting(sizes[0], sizes[1], dim % rank, keepdim)
    if mode.tags.unwritten(summed):
        _close(mode, tag.of_weights, meeting, tag.weights, tag.values, result, sys._getframe(2))


def product(
    mode: TorchFunctions, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any
) -> None:
    """After matmul, bmm, mm or @."""
    pair = _tensors(args, kwargs)
    if len(pair) == 2:
        _meet(mode, func, args, kwargs, pair, result, None, sys._getframe(2))


def added_product(
    mode: TorchFunctions, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any
) -> None:
    """After baddbmm(added, left, right)."""
    three = _tensors(args, kwargs)
    if len(three) == 3 and result is not three[0]:
        _meet(mode, func, args, kwargs, three[1:], result, None, sys._getframe(2))


def einsum(
    mode: TorchFunctions, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any
) -> None:
    """After an einsum of two tensors, which may stand in a list."""
    if len(args) == 2 and isinstance(args[1], list | tuple):
        args = (args[0], *args[1])
    letters = equation_of(args)
    if letters is not None:
        pair = _tensors(args, kwargs)
        _meet(mode, func, args, kwargs, pair, result, letters, sys._getframe(2))


def _tensors(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[torch.Tensor]:
    return [one for one in (*args, *kwargs.values()) if isinstance(one, torch.Tensor)]


def _meet(
    mode: TorchFunctions,
    func: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    pair: list[torch.Tensor],
    result: torch.Tensor,
    letters: tuple[str, str, str] | None,
    frame: FrameType,
) -> None:
    """Two tensors met in a product: new scores, or weights and their values."""
    tags = mode.tags
    left, right = tags.of(pair[0]), tags.of(pair[1])
    if isinstance(left, Weights) and isinstance(right, Weights):
        return  # maps multiplied with each other, as in a rollout: no values
    if isinstance(left, Weights) or isinstance(right, Weights):
        on_left = isinstance(left, Weights)
        tag = left if isinstance(left, Weights) else right
        weights, values = pair if on_left else reversed(pair)
        meeting = _meeting(letters, on_left)
        if meeting is None or (letters is not None and _is_parameter(values)):
            carry(tags, func, args, kwargs, result)  # heads mixed by a matrix
        elif isinstance(tag, Weights):
            _close(mode, tag, meeting, weights, values, result, frame)
    elif isinstance(left, Chain) or isinstance(right, Chain):
        return  # scores that go on without a softmax, as in linear attention
    elif _may_be_scores(pair[0], pair[1], letters):
        step = Step.of(func, args, kwargs, None, (), tuple(result.shape))
        scaled = left.factor if isinstance(left, Scaled) and tags.unwritten(pair[0]) else 1.0
        one, other = step.kept()[-2:]
        tags.put(result, Chain(Product(step, one, other, scaled, letters), step.repeatable))


def _meeting(letters: tuple[str, str, str] | None, on_left: bool) -> Meeting | None:
    if letters is None:
        return MatmulMeeting(on_left)
    one, other, result = letters
    return (
        EinsumMeeting.read(one, other, result)
        if on_left
        else EinsumMeeting.read(other, one, result)
    )


def _may_be_scores(
    left: torch.Tensor, right: torch.Tensor, letters: tuple[str, str, str] | None
) -> bool:
    if min(left.dim(), right.dim()) < 2 or not left.is_floating_point():
        return False
    # A matrix of parameters is a linear layer written by hand.
    if any(one.dim() == 2 and _is_parameter(one) for one in (left, right)):
        return False
    if letters is None:
        return True
    of_left, of_right, of_result = letters
    own_left = [c for c in of_left if c in of_result and c not in of_right]
    own_right = [c for c in of_right if c in of_result and c not in of_left]
    # Parameters with axes for heads and features: a projection to heads.
    projects = (_is_parameter(left) and len(own_left) > 1) or (
        _is_parameter(right) and len(own_right) > 1
    )
    return bool(own_left and own_right) and not projects


def _is_parameter(tensor: torch.Tensor) -> bool:
    """Whether a tensor is a parameter or a view of one, such as its transpose."""
    return any(isinstance(one, torch.nn.Parameter) for one in (tensor, tensor._base))


def _close(
    mode: TorchFunctions,
    tag: Weights,
    meeting: Meeting,
    weights: torch.Tensor,
    values: torch.Tensor,
    result: torch.Tensor,
    frame: FrameType,
) -> None:
    scoreless = isinstance(tag.course.chain.product, Given)
    if scoreless and not _sums_over_keys(tag.course, meeting, values):
        return
    fold = Fold()
    replays = mode.tags.unwritten(weights) and _better_replayed(tag.course, weights)

    def make(copy: bool) -> tuple[Evidence, str]:
        of_softmax = (weights, Kept(values, copy), Kept(result, copy), meeting, tag.course, fold)
        if replays and not copy:
            evidence: Evidence = ReplayedMap(*of_softmax, tag.dropout)
        else:
            kept = tag.clean or Kept(weights, copy)
            if copy and tag.clean is not None:
                kept = Kept(tag.clean.tensor, copy)
            evidence = SoftmaxMap(
                *of_softmax,
                tag.dropout,
                kept=kept,
                pending=tag.pending,
                scores=tag.scores,
            )
        return evidence, mode.source or "softmax"

    record(make, frame, kind="scoreless" if scoreless else mode.kind)
    if meeting.values(values) is not None:
        follow_folded(mode.tags, result, fold)
    else:  # sampled points: heads are folded into the batch, as grid_sample wants it
        folded, batch = meeting.weights(weights).shape[0], active.recorders[-1].batch
        fold.heads = folded // batch if batch and folded % batch == 0 else 1


def _sums_over_keys(course: Course, meeting: Meeting, values: torch.Tensor) -> bool:
    """Whether the product sums over what the softmax made sum to 1, and over no parameters."""
    axis, last = course.normalised_axis(), course.later[-1] if course.later else course.softmax
    return axis == len(last.after) + meeting.key_axis and not _is_parameter(values)


def _better_replayed(course: Course, weights: torch.Tensor) -> bool:
    """Whether weights take more memory than what they came from, and will come out the same."""
    return (
        course.repeatable
        and weights.numel() * weights.element_size() > course.nbytes
        and course.intact()
        and not torch.is_autocast_enabled(weights.device.type)
    )


def follow_folded(tags: Tags, output: torch.Tensor, fold: Fold) -> None:
    """Watch an attention output with one leading axis, to learn whether heads are folded in it."""
    after = folded(output, fold, active.recorders[-1].batch)
    if after is not None:
        tags.put(output, after)
