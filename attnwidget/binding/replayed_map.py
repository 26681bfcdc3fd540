"""Weights too large to keep: worked out again from queries and keys, by the model's own steps."""

from __future__ import annotations

from collections.abc import Callable

import torch

from attnwidget.binding.active import silence
from attnwidget.binding.chain import Given
from attnwidget.binding.kept import Kept
from attnwidget.binding.masks import FORBIDDEN, no_later_key
from attnwidget.binding.recompute import by_rows
from attnwidget.binding.softmax_map import OfSoftmax
from attnwidget.binding.steps import Cut
from attnwidget.selection import Pick, size, take
from attnwidget.trouble import Trouble


class ReplayedMap(OfSoftmax):
    """A map of which only what it came from is kept.

    The same torch functions run again on the same tensors: for a few heads and rows alone where
    every step works on each of them by itself, otherwise for the whole layer.
    """

    recomputed = True

    def overwritten(self) -> list[str]:
        return [name for name, kept in self._needed().items() if any(k.overwritten() for k in kept)]

    def untracked(self) -> bool:
        return any(kept.untracked() for kept in self._course.kept())

    @property
    def why_unchecked(self) -> str:
        if not self._unchecked and self._kept_v.overwritten():
            return "v was overwritten after the call"
        return super().why_unchecked

    def _needed(self) -> dict[str, list[Kept]]:
        """What is kept to work from, by the names a reader knows it by."""
        product, query = self._course.chain.product, self._places()[1]
        if isinstance(product, Given):
            return {"scores": product.kept()}
        of_left, _, of_result = product.letters()
        q, k = product.left, product.right
        if query is not None and of_result[query] not in of_left:
            q, k = k, q
        rest = [one for one in self._course.kept() if one is not q and one is not k]
        return {"q": [q], "k": [k], "mask or bias": rest}

    def weights(self, pick: Pick) -> torch.Tensor:
        return self._read(pick, self._course.weights)

    def scores(self, pick: Pick) -> torch.Tensor:
        return self._read(pick, self._course.scores)

    def visible(self, pick: Pick) -> torch.Tensor:
        return self.scores(pick) > FORBIDDEN

    @property
    def causal(self) -> bool:
        return no_later_key(lambda pick: self.weights(pick) != 0, self.shape)

    def _read(self, pick: Pick, run: Callable[[Cut], torch.Tensor]) -> torch.Tensor:
        cuts = self._cuts()
        batch, heads, _, keys = self.shape

        def part(pick: Pick) -> torch.Tensor:
            asked = (pick.batch, pick.heads, pick.queries, pick.keys)
            found = run({place: asked[i] for i, place in cuts.items()})
            found = self._four(self._meeting.weights(found))
            for i in set(range(4)) - set(cuts):
                found = take(found, i, asked[i])
            if any(n not in (1, size(axis)) for n, axis in zip(found.shape, asked, strict=True)):
                raise Trouble(
                    "The scores of this call are not known.",
                    "What led to the softmax could not be followed through all changes of axes.",
                )
            return found

        if 2 not in cuts:  # as much work for one row as for all
            with torch.no_grad(), silence():
                return part(pick).float()
        # Heads that are not cut are all computed.
        together = heads if 0 in cuts else -(-heads * batch // max(1, size(pick.batch)))
        return by_rows(pick, keys, part, self.device, None if {0, 1} <= set(cuts) else together)

    def _cuts(self) -> dict[int, int]:
        """Axes of the product by those of the map, (B, H, Tq), that can be computed in part."""
        at, rank = self._course.ends(), len(self._size)
        leading = self._meeting.leading(rank)
        ends = {2: rank + self._meeting.query_axis}
        if len(leading) == 2:
            ends |= {0: leading[0], 1: leading[1]}
        return {
            i: at[end] for i, end in ends.items() if end in at and self._course.divides(at[end])
        }
