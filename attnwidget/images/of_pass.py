"""The images of one forward pass: which of its tokens are patches, and what they are patches of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from attnwidget.call import AttentionCall
from attnwidget.given import Given
from attnwidget.images.eye import Eye, Grid, order_of_merged
from attnwidget.images.patches import numbered, patch_token, tokens_of_patches
from attnwidget.images.pixels import Rgb
from attnwidget.images.seen import Seen, seen_in
from attnwidget.images.windows import Cells, windows_of
from attnwidget.labels import Token

# Stacks whose tokens are words, or are told by their ids.
_OF_WORDS = ("text", "decoder", "audio", "speech")


def sees_first(stack: str) -> bool:
    """Whether a stack by its name is of images, so that ids of the same number are not its own."""
    return stack.startswith(("vision", "pooling"))


@dataclass
class PassImages:
    """Knows the images of a pass; looks at them only when asked.

    Attributes
    ----------
    given : Given or None
        What the pass was called with.
    look : callable
        Gives the Eye of the model.
    """

    given: Given | None = None
    look: Callable[[], Eye] = field(default=Eye)

    @cached_property
    def seen(self) -> Seen | None:
        """The images among the arguments."""
        return seen_in(self.given)

    @cached_property
    def eye(self) -> Eye:
        """How the model cuts them."""
        return self.look()

    def size(self, item: int) -> Grid | None:
        """Rows and columns in pixels of the image of one input."""
        return None if self.seen is None else self.seen.size(item, self.eye)

    def tokens(self, stack: str, length: int, item: int) -> tuple[Token, ...] | None:
        """So many tokens that read the image of one input; None where they do not."""
        size = self.size(item)
        if self.seen is None or size is None or stack.startswith(_OF_WORDS):
            return None
        if self.seen.grids is not None:
            _, rows, cols = self.seen.grids[item]
            if self.seen.count > 1 or rows * cols != length:
                return None
            order = order_of_merged((rows, cols), self.eye.merge, self.eye.window)
            return tokens_of_patches((rows, cols), 0, order)
        found = self.eye.grid_of(size, length)
        return None if found is None else tokens_of_patches(*found)

    def in_text(
        self, ids: Sequence[int], tokens: Sequence[Token], item: int, items: int
    ) -> tuple[Token, ...]:
        """Tokens of a text, in which those that stand for an image become its patches.

        Parameters
        ----------
        ids : sequence of int
            T token ids.
        tokens : sequence of Token
            T tokens, as a tokenizer reads them.
        item, items : int
            Which of so many texts it is: each has one image.
        """
        size = self.size(item)
        if self.seen is None or size is None or self.seen.count != items:
            return tuple(tokens)
        places = [i for i, number in enumerate(ids) if number == self.eye.image_token]
        grid = self.eye.grid_in_text(size, len(places))
        if grid is None:
            return tuple(tokens)
        made = list(tokens)
        for cell, place in enumerate(places):
            made[place] = patch_token(*divmod(cell, grid[1]))
        return numbered(made)

    def windows(
        self, calls: Sequence[AttentionCall], item: int, base: Grid | None = None
    ) -> dict[int, tuple[Grid, Cells]]:
        """By layer with windows: its grid, and which patches are in each.

        Empty where that is not known of every layer.

        Parameters
        ----------
        base : (int, int), optional
            The grid that the model begins with, where it is known.
        """
        if all(call.windows == 1 for call in calls):
            return {}
        size = self.size(item)
        bases = [base] if base else list(self.eye.grids(size)) if size else []
        for one in bases:
            found = {call.layer: windows_of(call, one, self.eye) for call in calls}
            known = {layer: places for layer, places in found.items() if places is not None}
            if len(known) == len(found):
                return known
        return {}

    def rgb(self, item: int) -> tuple[Rgb, str] | None:
        """The image of one input, and how it comes to look so."""
        if self.seen is None or not 0 <= item < self.seen.count:
            return None
        return self.seen.rgb(item, self.eye)
