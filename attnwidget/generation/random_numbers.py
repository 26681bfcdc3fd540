"""Random numbers of a generation, which go on beside those of the user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from attnwidget.running import random_numbers_kept


class OwnNumbers:
    """A line of random numbers from a seed, drawn a part at a time.

    Within `drawn` the global generators of torch are at this line, as after
    ``torch.manual_seed(seed)``; outside they are as the user left them.
    """

    def __init__(self, seed: int | None) -> None:
        self._seed = seed
        self._own: list[torch.Tensor] | None = None

    @contextmanager
    def drawn(self) -> Iterator[None]:
        """Draw from this line meanwhile."""
        with random_numbers_kept():
            if self._own is not None:
                _set(self._own)
            elif self._seed is not None:
                torch.default_generator.manual_seed(self._seed)
                if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
                    torch.cuda.manual_seed_all(self._seed)
            try:
                yield
            finally:
                self._own = _states()


def _states() -> list[torch.Tensor]:
    started = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    return [torch.get_rng_state(), *(torch.cuda.get_rng_state_all() if started else [])]


def _set(states: list[torch.Tensor]) -> None:
    torch.set_rng_state(states[0])
    if len(states) > 1:
        torch.cuda.set_rng_state_all(states[1:])
