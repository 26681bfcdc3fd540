"""How fast a model of the zoo learns, from the first step to the last."""

from __future__ import annotations


def pace(step: int, steps: int, *, up: int = 100, down: float = 0.6, least: float = 0.02) -> float:
    """Learning rate, as a share of the largest.

    Parameters
    ----------
    step, steps : int
        Which one it is, from 0, and how many there are.
    up : int
        It grows for so many steps, and then stays level.
    down : float
        In the last part of the training, this share of it, it falls in a straight line.
    least : float
        It ends with this.
    """
    left = (steps - step) / (down * steps)
    return min((step + 1) / up, 1.0) * max(min(left, 1.0), least)
