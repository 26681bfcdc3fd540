"""Evidence from hand-written attention: the model's own weights, and how its scores came about."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import torch

from attnwidget.binding.active import silence
from attnwidget.binding.chain import Given
from attnwidget.binding.course import Course
from attnwidget.binding.kept import Keeping, Kept
from attnwidget.binding.layout import Fold, four_axes
from attnwidget.binding.masks import FORBIDDEN, no_later_key
from attnwidget.binding.readings import Meeting, SummedMeeting, queries_and_keys
from attnwidget.binding.recompute import weighted_sum_error
from attnwidget.binding.torch_names import CASTS, LAYOUTS
from attnwidget.call import EXACT
from attnwidget.selection import Pick, crop
from attnwidget.trouble import Trouble


class OfSoftmax(Keeping, ABC):
    """A map that a softmax made and a product with values used.

    Parameters
    ----------
    weights : Tensor
        The map as it met the values, for its size; not kept.
    v, output : Kept
        The other operand of the closing product and the result.
    meeting : Meeting
        How the closing product is read.
    course : Course
        How the map came about.
    fold : Fold
        How a single leading axis divides.
    unchecked : str
        Why W @ V cannot meet the output (dropout), or "".
    """

    why_unseen = ""

    def __init__(
        self,
        weights: torch.Tensor,
        v: Kept,
        output: Kept,
        meeting: Meeting,
        course: Course,
        fold: Fold,
        unchecked: str,
    ) -> None:
        self._kept: dict[str, Kept] = {}
        self._kept_v = v
        self._kept_output = output
        self._unchecked = unchecked
        self._meeting = meeting
        self._course = course
        self._size = tuple(weights.shape)
        self.fold = fold
        self.dtype = weights.dtype
        self.device = weights.device

    @property
    def remarks(self) -> list[str]:
        changing = [s for s in self._course.later if s.func not in LAYOUTS and s.func not in CASTS]
        if not changing:
            return []
        names = ", ".join(dict.fromkeys(getattr(s.func, "__name__", "?") for s in changing))
        return [f"The model changes the weights after the softmax ({names})."]

    # Where things are ---------------------------------------------------------------------------

    def _four(self, tensor: torch.Tensor) -> torch.Tensor:
        return four_axes(tensor, self.fold)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        with silence():
            size = self._four(self._like_map()).shape
        return size[0], size[1], size[2], size[3]

    def _like_map(self) -> torch.Tensor:
        return self._meeting.weights(torch.empty(self._size, device="meta"))

    @property
    def leading(self) -> tuple[int, ...]:
        """Sizes of the axes before queries and keys, where there may be more than two."""
        if len(self._size) <= 4:
            return ()  # every pass asks
        with silence():
            return tuple(self._like_map().shape[:-2])

    @property
    def kv_heads(self) -> int:
        k = self.k
        return self.shape[1] if k is None else k.shape[1]

    @property
    def head_dim(self) -> int | None:
        q = self.q
        return None if q is None else q.shape[-1]

    @property
    def scale(self) -> float | None:
        return self._course.chain.scale()

    @property
    def q(self) -> torch.Tensor | None:
        return self._operands()[0]

    @property
    def k(self) -> torch.Tensor | None:
        return self._operands()[1]

    def _operands(self) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """Queries and keys, or None where the way from their product to the map is not clear."""
        product = self._course.chain.product
        if isinstance(product, Given):
            return None, None
        if product.left.overwritten() or product.right.overwritten():
            return None, None
        key, query = self._places()
        if key is None or query is None:
            return None, None
        with torch.no_grad(), silence():
            q, k = queries_and_keys(product, key, query)
            b, h, tq, tk = self.shape
            # Scores may be unfolded between product and softmax: then only the map shows heads.
            fold = self.fold if self.fold.heads > 1 or q.shape[0] != b * h else Fold(h)
            q, k = four_axes(q, fold), four_axes(k, fold)
        fits = q.shape[:3] == (b, h, tq) or (q.shape[1:3] == (h, tq) and q.shape[0] == 1)
        return (q, k) if fits and k.shape[2] == tk else (None, None)

    def _places(self) -> tuple[int | None, int | None]:
        """Axes of the product that run over keys and queries, where that is clear."""
        at, rank = self._course.ends(), len(self._size)
        return at.get(rank + self._meeting.key_axis), at.get(rank + self._meeting.query_axis)

    @property
    def v(self) -> torch.Tensor | None:
        if self._kept_v.overwritten():
            return None
        values = self._meeting.values(self._kept_v.tensor)
        if values is not None and values.dim() > 4:  # blocks of queries may share their values
            leading = zip(values.shape, self.leading, strict=False)
            sizes = [most if size == 1 else size for size, most in leading]
            values = values.expand(*sizes, -1, -1)
        return None if values is None else self._four(values)

    @property
    def output(self) -> torch.Tensor | None:
        if self._kept_output is None or self._kept_output.overwritten():
            return None
        return self._four(self._meeting.output(self._kept_output.tensor))

    def tensors(self) -> list[torch.Tensor]:
        more = [self._kept_v, *self._course.kept()]
        return [*super().tensors(), *(kept.tensor for kept in more)]

    @abstractmethod
    def weights(self, pick: Pick) -> torch.Tensor:
        """Give the weights of a selection."""

    def check(self, rows: list[int]) -> float:
        output, v = self.output, self.v
        if output is None or self._kept_v.overwritten():
            return math.nan
        if v is None and isinstance(self._meeting, SummedMeeting):
            values = self._four(self._meeting.values_of_each(self._kept_v.tensor).flatten(-2))
            return self._error_of_own_values(values, output, rows)
        if v is None:
            return math.nan
        return weighted_sum_error(self.weights, v, output, self.shape, rows)

    def _error_of_own_values(
        self, values: torch.Tensor, output: torch.Tensor, rows: list[int]
    ) -> float:
        """max|W @ V - output| / max|output| where every query has values (Tk * dv) of its own."""
        with torch.no_grad(), silence():
            values = values.reshape(*values.shape[:3], self.shape[3], -1)
            weights = self.weights(Pick.of(self.shape, queries=rows))
            made = torch.einsum("bhqk,bhqkd->bhqd", weights, values[:, :, rows].float())
            real = output[:, :, rows].float()
            error = (made - real).abs().nan_to_num(nan=math.inf)
            return float(error.max() / real.abs().max().clamp_min(1e-30)) if error.numel() else 0.0


class SoftmaxMap(OfSoftmax):
    """The model's own tensor of weights.

    Parameters
    ----------
    kept : Kept
        The operand of the closing product, or, where dropout was active, the tensor before it.
    pending : int
        How many of the last steps are not yet in `kept`: those that came after dropout.
    scores : Kept or None
        The softmax's input where keeping it is cheaper than the chain.

    Notes
    -----
    The other parameters are those of `OfSoftmax`.
    """

    recomputed = False

    def __init__(self, *of_softmax: Any, kept: Kept, pending: int, scores: Kept | None) -> None:
        super().__init__(*of_softmax)
        self._kept = {"weights": kept}
        self._kept_scores = scores
        self._pending = pending
        self._replays: bool | None = None

    @property
    def remarks(self) -> list[str]:
        dropout = self._unchecked
        said = [f"{dropout[0].upper()}{dropout[1:]}."] if dropout else []
        return [*said, *super().remarks]

    @property
    def _map(self) -> torch.Tensor:
        """The weights (B, H, Tq, Tk), a view."""
        tensor = self._kept["weights"].tensor
        with torch.no_grad(), silence():
            for step in self._course.later[len(self._course.later) - self._pending :]:
                tensor = step.apply(tensor)
            return self._four(self._meeting.weights(tensor))

    def tensors(self) -> list[torch.Tensor]:
        scores = [self._kept_scores.tensor] if self._kept_scores else []
        return [*super().tensors(), *scores]

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

    def _scores(self) -> torch.Tensor | None:
        """The softmax's input (B, H, Tq, Tk), or None where it cannot be had for certain."""
        course, kept = self._course, self._kept_scores
        if kept.overwritten() if kept else not course.chain.intact():
            return None
        # What was done to the scores may draw random numbers, which are the user's.
        gpu = [self.device] if self.device.type == "cuda" else []
        with torch.no_grad(), silence(), torch.random.fork_rng(gpu):
            if kept is None and self._replays is None:
                self._replays = self._leads_to_the_weights()
            if not self._replays and kept is None:
                return None
            scores = course.moved(kept.tensor) if kept else course.scores()
            scores = self._four(self._meeting.weights(scores))
        return scores if scores.shape == self.shape else None

    def _leads_to_the_weights(self) -> bool:
        """Whether the softmax of the replayed scores is the map; views may hide a step."""
        if any(s.func not in LAYOUTS and s.func not in CASTS for s in self._course.later):
            return True  # the softmax's own result is no longer there to compare
        made = self._four(self._meeting.weights(self._course.weights()))
        return torch.allclose(made, self._map, rtol=0, atol=EXACT, equal_nan=True)
