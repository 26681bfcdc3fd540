"""Hand-written attention, recognised by where tensors come from.

The product of two tensors may be scores. A softmax of scores, whatever was done to them in
between, may be weights. A product of weights with a third tensor is attention. A softmax that never
meets values (a classifier, a router of experts) gives no record.
"""

from __future__ import annotations

import sys
import weakref
from dataclasses import dataclass, replace
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch

from attnwidget.binding.active import active
from attnwidget.binding.evidence import Evidence
from attnwidget.binding.folds import Folded, folded
from attnwidget.binding.kept import Kept
from attnwidget.binding.layout import Fold
from attnwidget.binding.readings import EinsumMeeting, MatmulMeeting, Meeting, equation_of
from attnwidget.binding.recorder import record
from attnwidget.binding.softmax_map import SoftmaxMap
from attnwidget.binding.steps import Chain, Product, Step
from attnwidget.binding.torch_names import LAYOUTS

if TYPE_CHECKING:
    from attnwidget.binding.torch_functions import TorchFunctions


@dataclass(frozen=True, slots=True)
class Scaled:
    """Tag of a tensor that was just multiplied by a single number.

    Attributes
    ----------
    version : int or None
        Version of the tensor then: an in-place operation ends the tag.
    """

    factor: float
    version: int | None


@dataclass(frozen=True, slots=True)
class Weights:
    """Tag of what a softmax made of scores.

    Attributes
    ----------
    chain : Chain
        How its input came about.
    softmax : Step
        The softmax.
    later : tuple of Step
        What was done to the result since, dropout left out.
    scores : Kept or None
        The input, where keeping it is cheaper than the chain.
    clean : Kept or None
        The tensor before dropout, once dropout was active.
    pending : int
        How many of `later` came after that.
    dropout : str
        What to say about dropout.
    """

    chain: Chain
    softmax: Step
    later: tuple[Step, ...] = ()
    scores: Kept | None = None
    clean: Kept | None = None
    pending: int = 0
    dropout: str = ""


Tag = Chain | Weights | Scaled | Folded


class Tags:
    """What is known of tensors that are alive, by identity.

    A table beside the tensors, so nothing is left on those that the user gets back.
    """

    def __init__(self) -> None:
        self._table: dict[int, tuple[weakref.ref[torch.Tensor], Tag]] = {}

    def __bool__(self) -> bool:
        return bool(self._table)

    def put(self, tensor: torch.Tensor, tag: Tag) -> None:
        key, table = id(tensor), self._table

        def forget(gone: weakref.ref[torch.Tensor]) -> None:
            if key in table and table[key][0] is gone:
                del table[key]

        table[key] = (weakref.ref(tensor, forget), tag)

    def of(self, value: object) -> Tag | None:
        found = self._table.get(id(value))
        return found[1] if found is not None and found[0]() is value else None

    def clear(self) -> None:
        self._table.clear()

    def among(
        self, args: tuple[Any, ...], kwargs: dict[str, Any] | None
    ) -> tuple[torch.Tensor, Tag] | None:
        """Return the first argument that is followed, also inside a list as cat takes it."""
        for value in args if not kwargs else (*args, *kwargs.values()):
            for one in value if type(value) in (list, tuple) else (value,):
                tag = self.of(one)
                if tag is not None and not isinstance(tag, Scaled):
                    return one, tag
        return None


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
    if not made.is_floating_point() or (assigned and args[0] is not followed):
        return
    if made.numel() != followed.numel() and func not in LAYOUTS:
        return
    step = _step(func, args, kwargs, followed, made)
    if isinstance(tag, Folded):
        after = tag.after(func, args, step)
        if after is not None:
            tags.put(made, after)
    elif isinstance(tag, Weights):
        tags.put(
            made, replace(tag, later=(*tag.later, step), pending=tag.pending + bool(tag.clean))
        )
    elif isinstance(tag, Chain):
        tags.put(made, tag.then(step))


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
    chain = mode.tags.of(scores)
    if isinstance(chain, Chain) and isinstance(scores, torch.Tensor):
        step = _step(func, args, kwargs, scores, result)
        costly = chain.nbytes > scores.numel() * scores.element_size()
        mode.tags.put(result, Weights(chain, step, scores=Kept(scores) if costly else None))


def dropout(
    mode: TorchFunctions, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any
) -> None:
    """After dropout: of weights, the tensor before it is what is shown."""
    before = args[0] if args else kwargs.get("input")
    tag = mode.tags.of(before)
    if not isinstance(tag, Weights) or not isinstance(before, torch.Tensor):
        carry(mode.tags, func, args, kwargs, result)
        return
    p = args[1] if len(args) > 1 else kwargs.get("p", 0.5)
    training = args[2] if len(args) > 2 else kwargs.get("training", kwargs.get("train", True))
    if not (training and p > 0.0) or tag.clean is not None:
        mode.tags.put(result, tag)
    elif result is before:
        mode.tags.put(result, replace(tag, dropout=_in_place(p)))
    else:
        mode.tags.put(result, replace(tag, clean=Kept(before), pending=0, dropout=_active(p)))


def _active(p: float) -> str:
    return f"dropout ({p:g}) was active, and the weights shown are before it"


def _in_place(p: float) -> str:
    return f"dropout ({p:g}) was active and wrote into the weights, which are shown after it"


def multiply(
    mode: TorchFunctions, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any
) -> None:
    """After a multiplication: queries are often scaled just before they meet the keys."""
    by_number = len(args) == 2 and isinstance(args[1], int | float)
    if not by_number or result is args[0] or result.dim() < 2 or mode.tags.of(args[0]) is not None:
        carry(mode.tags, func, args, kwargs, result)
    else:
        mode.tags.put(result, Scaled(float(args[1]), _version(result)))


def _version(tensor: torch.Tensor) -> int | None:
    return None if tensor.is_inference() else tensor._version


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
    """After an einsum of two tensors."""
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
        fresh = isinstance(left, Scaled) and left.version == _version(pair[0])
        scaled = left.factor if isinstance(left, Scaled) and fresh else 1.0
        one, other = step.kept()[-2:]
        tags.put(result, Chain(Product(step, one, other, scaled, letters)))


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
    own_left = any(c in of_result and c not in of_right for c in of_left)
    own_right = any(c in of_result and c not in of_left for c in of_right)
    return own_left and own_right


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
    fold = Fold()

    def make(copy: bool) -> tuple[Evidence, str]:
        if tag.clean is not None:
            kept = Kept(tag.clean.tensor, copy) if copy else tag.clean
        else:
            kept = Kept(weights, copy)
        evidence = SoftmaxMap(
            kept,
            Kept(values, copy),
            Kept(result, copy),
            meeting=meeting,
            chain=tag.chain,
            softmax=tag.softmax,
            later=list(tag.later),
            pending=tag.pending,
            scores=tag.scores,
            fold=fold,
            unchecked=tag.dropout,
        )
        return evidence, mode.source or "softmax"

    record(make, frame, kind=mode.kind)
    follow_folded(mode.tags, result, fold)


def follow_folded(tags: Tags, output: torch.Tensor, fold: Fold) -> None:
    """Watch an attention output with one leading axis, to learn whether heads are folded in it."""
    after = folded(output, fold, active.recorders[-1].batch)
    if after is not None:
        tags.put(output, after)
