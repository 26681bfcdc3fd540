"""What a model of the zoo has to reach, and what it reached."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """One claim about a trained model, measured.

    Attributes
    ----------
    claim : str
        What was measured, on what, in a few words: "exact match, word pairs never seen together".
    measured : float
        The score, as measured now.
    above, below : float or None
        The bound that it has to pass; none for a figure that is only told.
    """

    claim: str
    measured: float
    above: float | None = None
    below: float | None = None

    @property
    def is_reached(self) -> bool:
        """Whether the score passes its bound."""
        return (self.above is None or self.measured > self.above) and (
            self.below is None or self.measured < self.below
        )

    @property
    def bound(self) -> str:
        """The bound in signs, "" where the figure is only told."""
        signs = (("> ", self.above), ("< ", self.below))
        return " and ".join(f"{sign}{at:g}" for sign, at in signs if at is not None)
