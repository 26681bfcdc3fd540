"""Evidence from hand-written attention: the model's own weights, and how its scores came about."""

from __future__ import annotations

import math

import torch

from attnwidget.binding.active import silence
from attnwidget.binding.kept import Keeping, Kept
from attnwidget.binding.layout import Fold, four_axes
from attnwidget.binding.masks import FORBIDDEN, no_later_key
from attnwidget.binding.readings import Meeting, queries_and_keys
from attnwidget.binding.recompute import weighted_sum_error
from attnwidget.binding.steps import Chain, Step
from attnwidget.binding.torch_names import CASTS, LAYOUTS
from attnwidget.call import EXACT
from attnwidget.selection import Pick, crop
from attnwidget.trouble import Trouble


class SoftmaxMap(Keeping):
    """Weights that a softmax made and a product with values used.

    Parameters
    ----------
    weights : Kept
        The operand of the closing product, or, where dropout was active, the tensor before it.
    v, output : Kept
        The other operand and the result.
    meeting : Meeting
        How the closing product is read.
    chain : Chain
        How the softmax's input came about.
    softmax : Step
        The softmax.
    later : list of Step
        What happened to its result before the product, dropout left out.
    pending : int
        How many of `later` are not yet in `weights`: those that came after dropout.
    scores : Kept or None
        The softmax's input where keeping it is cheaper than the chain.
    fold : Fold
        How a single leading axis divides.
    """

    recomputed = False
    why_unseen = ""

    def __init__(
        self,
        weights: Kept,
        v: Kept,
        output: Kept,
        *,
        meeting: Meeting,
        chain: Chain,
        softmax: Step,
        later: list[Step],
        pending: int,
        scores: Kept | None,
        fold: Fold,
        unchecked: str = "",
    ) -> None:
        self._kept = {"weights": weights}
        self._kept_v = v
        self._kept_output = output
        self._kept_scores = scores
        self._unchecked = unchecked
        self._meeting = meeting
        self._chain = chain
        self._softmax = softmax
        self._later = later
        self._pending = later[len(later) - pending :]
        self.fold = fold
        self.dtype = weights.tensor.dtype
        self.device = weights.tensor.device
        self.remarks = self._remarks()
        self._replays: bool | None = None

    def _remarks(self) -> list[str]:
        remarks = []
        if self._unchecked:
            remarks.append(f"{self._unchecked[0].upper()}{self._unchecked[1:]}.")
        changing = [s for s in self._later if s.func not in LAYOUTS and s.func not in CASTS]
        if changing:
            names = ", ".join(dict.fromkeys(getattr(s.func, "__name__", "?") for s in changing))
            remarks.append(f"The model changes the weights after the softmax ({names}).")
        return remarks

    # Where things are ---------------------------------------------------------------------------

    def _four(self, tensor: torch.Tensor) -> torch.Tensor:
        return four_axes(tensor, self.fold)

    @property
    def _map(self) -> torch.Tensor:
        """The weights (B, H, Tq, Tk), a view."""
        tensor = self._kept["weights"].tensor
        with torch.no_grad(), silence():
            for step in self._pending:
                tensor = step.apply(tensor)
            return self._four(self._meeting.weights(tensor))

    @property
    def shape(self) -> tuple[int, int, int, int]:
        b, h, tq, tk = self._map.shape
        return b, h, tq, tk

    @property
    def kv_heads(self) -> int:
        k = self.k
        return self.shape[1] if k is None else k.shape[1]

    @property
    def head_dim(self) -> int | None:
        q = self.q
        return None if q is None else q.shape[-1]

    @property
    def scale(self) -> float:
        return self._chain.scale()

    @property
    def q(self) -> torch.Tensor | None:
        return self._operands()[0]

    @property
    def k(self) -> torch.Tensor | None:
        return self._operands()[1]

    def _operands(self) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """Queries and keys, or None where the way from their product to the map is not clear."""
        product = self._chain.product
        if product.left.overwritten() or product.right.overwritten():
            return None, None
        n = len(self._chain.product.step.after)
        ends = {axis: self._chain.follow(axis, [self._softmax, *self._later]) for axis in range(n)}
        rank = len(self._later[-1].after if self._later else self._softmax.after)
        at = {end: axis for axis, end in ends.items() if end is not None}
        key, query = at.get(rank + self._meeting.key_axis), at.get(rank + self._meeting.query_axis)
        if key is None or query is None:
            return None, None
        with torch.no_grad(), silence():
            q, k = queries_and_keys(product, key, query)
            b, h, tq, tk = self._map.shape
            # Scores may be unfolded between product and softmax: then only the map shows heads.
            fold = self.fold if self.fold.heads > 1 or q.shape[0] != b * h else Fold(h)
            q, k = four_axes(q, fold), four_axes(k, fold)
        fits = q.shape[:3] == (b, h, tq) or (q.shape[1:3] == (h, tq) and q.shape[0] == 1)
        return (q, k) if fits and k.shape[2] == tk else (None, None)

    @property
    def v(self) -> torch.Tensor | None:
        if self._kept_v.overwritten():
            return None
        return self._four(self._meeting.values(self._kept_v.tensor))

    @property
    def output(self) -> torch.Tensor | None:
        if self._kept_output is None or self._kept_output.overwritten():
            return None
        return self._four(self._meeting.output(self._kept_output.tensor))

    def tensors(self) -> list[torch.Tensor]:
        more = [
            self._kept_v,
            *self._chain.kept(),
            *([self._kept_scores] if self._kept_scores else []),
        ]
        return [*super().tensors(), *(kept.tensor for kept in more)]

    # What is asked ------------------------------------------------------------------------------

    def weights(self, pick: Pick) -> torch.Tensor:
        return crop(self._map, pick).float()

    def scores(self, pick: Pick) -> torch.Tensor:
        scores = self._scores()
        if scores is None:
            raise Trouble(
                "The scores of this call are not known.",
                "What led to the softmax was overwritten or could not be followed; its weights are"
                " the model's own.",
            )
        return crop(scores, pick).float()

    def visible(self, pick: Pick) -> torch.Tensor:
        """Return True where the score is not a masked one, or else where the weight is not 0."""
        scores = self._scores()
        if scores is None:
            return crop(self._map, pick) != 0
        return crop(scores, pick) > FORBIDDEN

    @property
    def causal(self) -> bool:
        return no_later_key(lambda pick: crop(self._map, pick) != 0, self.shape)

    def check(self, rows: list[int]) -> float:
        output, v = self.output, self.v
        if output is None or v is None:
            return math.nan
        return weighted_sum_error(self.weights, v, output, self.shape, rows)

    def _scores(self) -> torch.Tensor | None:
        """The softmax's input (B, H, Tq, Tk), or None where it cannot be had for certain."""
        if self._kept_scores is not None:
            if self._kept_scores.overwritten():
                return None
            scores = self._kept_scores.tensor
        elif any(kept.overwritten() for kept in self._chain.kept()):
            return None
        else:
            with torch.no_grad(), silence():
                scores = self._chain.replay()
                if self._replays is None:
                    self._replays = self._leads_to_the_weights(scores)
            if not self._replays:
                return None
        with torch.no_grad(), silence():
            for step in self._later:
                if step.func in LAYOUTS:
                    scores = step.apply(scores)
            scores = self._four(self._meeting.weights(scores))
        return scores if scores.shape == self._map.shape else None

    def _leads_to_the_weights(self, scores: torch.Tensor) -> bool:
        """Whether the softmax of the replayed scores is the map; views may hide a step."""
        if any(s.func not in LAYOUTS and s.func not in CASTS for s in self._later):
            return True  # the softmax's own result is no longer there to compare
        made = self._softmax.apply(scores)
        for step in self._later:
            made = step.apply(made)
        made = self._four(self._meeting.weights(made))
        return torch.allclose(made, self._map, rtol=0, atol=EXACT, equal_nan=True)
