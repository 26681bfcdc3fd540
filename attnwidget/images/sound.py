"""Sound: a spectrogram as an image, cut into the frames that a model hears."""

from __future__ import annotations

from dataclasses import dataclass

from attnwidget.images.patches import Patches, numbered
from attnwidget.labels import Token


@dataclass(frozen=True, eq=False)
class Sound(Patches):
    """The tokens of a model that hears, for ``aw.explore(model, ..., tokens={"encoder": sound})``.

    Parameters
    ----------
    image : array (rows, columns)
        The spectrogram, high tones at the top, as far as there is sound; see `Patches`.
    grid : (int, int)
        One row, and how many frames these are.
    prefix : int
        Tokens before them.
    length : int
        Tokens in all: models are often given silence up to a fixed length. It counts as padding.
    seconds : float
        Length of a frame.

    Examples
    --------
    >>> import numpy as np
    >>> sound = Sound(np.zeros((80, 20)), grid=(1, 10), length=1500, seconds=0.02)
    >>> len(sound), sound.tokens()[3].text, sound.tokens()[10].kind
    (1500, '0.06 s', 'padding')
    """

    length: int = 0
    seconds: float = 0.02

    def __len__(self) -> int:
        return max(self.length, super().__len__())

    def tokens(self) -> tuple[Token, ...]:
        """One for each frame, by the time at which it begins."""
        heard = self.grid[1]
        before = [Token(f"mark {i}", " " if i else "", "special") for i in range(self.prefix)]
        frames = [
            Token(
                f"{i * self.seconds:.2f} s",
                " ",
                "" if i < heard else "padding",
                patch=(0, i) if i < heard else None,
            )
            for i in range(len(self) - self.prefix)
        ]
        return numbered([*before, *frames])
