"""What a generation was: its tokens, and what else could have come at each step."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from attnwidget.running import Encoded

# So many of the likeliest next tokens are kept of each step.
MOST_CANDIDATES = 20


@dataclass(frozen=True, eq=False)
class Generation:
    """Tokens that a model has written, and the likeliest ones at each step.

    Attributes
    ----------
    ids : Tensor
        int64 (B, T): the prompt, or the start token of an encoder–decoder, and what was written.
    start : int
        How many of them were there before.
    candidates : Tensor
        int64 (B, N, K): for each of the N = T - start tokens that were written the K likeliest,
        most likely first, as the model itself has it: before temperature, top-k, penalties and
        whatever else was drawn from. -1 where the step was not heard.
    shares : Tensor
        float32 (B, N, K): their shares of 1, soft(arg)max over the whole vocabulary.
    chosen_shares : Tensor
        float32 (B, N): the same of the token that was written; NaN where it is not known.
    how : str
        How tokens were chosen, in words.
    stopped : str
        What ended it, in words; "" while it goes on.
    seed : int or None
        Of its random numbers, if there were any.
    stops : frozenset of int
        Tokens that end a text.
    vocabulary : int
        How many tokens there are to choose from.
    prompt : Encoded
        Arguments of the model that it went on from.
    """

    ids: torch.Tensor = field(repr=False)
    start: int
    candidates: torch.Tensor = field(repr=False)
    shares: torch.Tensor = field(repr=False)
    chosen_shares: torch.Tensor = field(repr=False)
    how: str
    stopped: str = ""
    seed: int | None = None
    stops: frozenset[int] = frozenset()
    vocabulary: int = 0
    prompt: Encoded = field(default_factory=lambda: Encoded((), {}), repr=False)

    @property
    def steps(self) -> int:
        """How many tokens were written."""
        return self.ids.shape[1] - self.start

    def length(self, batch: int = 0) -> int:
        """How many tokens of one batch item were written until it ended."""
        written = self.ids[batch, self.start :].tolist()
        ends = (i + 1 for i, token in enumerate(written) if token in self.stops)
        return next(ends, len(written))


class Candidates:
    """Collects the likeliest tokens of each step, on the device where they are."""

    def __init__(self, start: int) -> None:
        self._start = start
        self._found: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self._chosen: dict[int, torch.Tensor] = {}
        self._last: tuple[int, torch.Tensor] | None = None
        self.vocabulary = 0

    def hear(self, logits: torch.Tensor, end: int) -> None:
        """Take logits (B, L, V) of tokens up to the one at `end`, which they are to predict."""
        self.vocabulary = logits.shape[2]
        first = max(0, self._start - (end - logits.shape[1] + 1))
        for row in range(first, logits.shape[1]):
            scores = logits[:, row].detach().float()
            largest = scores.topk(min(MOST_CANDIDATES, scores.shape[1]))
            total = scores.logsumexp(-1, keepdim=True)
            at = end - logits.shape[1] + 1 + row
            self._found[at] = largest.indices, (largest.values - total).exp()
            self._last = at, scores - total

    def choose(self, ids: torch.Tensor) -> None:
        """Hear which tokens (B, T) there are now: the last is the one that was chosen."""
        at = ids.shape[1] - 1
        if self._last is not None and self._last[0] == at and len(self._last[1]) == len(ids):
            self._chosen[at] = self._last[1].gather(1, ids[:, -1:].to(self._last[1].device)).exp()

    def read(
        self, ids: torch.Tensor, lines: dict[int, list[int]]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Candidates, shares and shares of the chosen ones, as in Generation.

        Parameters
        ----------
        ids : Tensor
            int64 (B, T).
        lines : dict of int to list of int
            For the tokens that were written, by their index, which item of that step each of `ids`
            comes from: beams change places. Where it says nothing, the same.
        """
        count, steps = len(ids), ids.shape[1] - self._start
        most = max((found[0].shape[1] for found in self._found.values()), default=1)
        candidates = torch.full((count, steps, most), -1, dtype=torch.int64)
        shares = torch.zeros(count, steps, most)
        chosen = torch.full((count, steps), torch.nan)
        for step in range(steps):
            at = self._start + step
            if at not in self._found:
                continue
            items = lines.get(at, list(range(count)))
            tokens, found = (part.cpu()[items] for part in self._found[at])
            candidates[:, step, : tokens.shape[1]] = tokens
            shares[:, step, : tokens.shape[1]] = found
            is_it = tokens == ids[:, at, None]
            share = torch.where(is_it, found, 0.0).sum(1)
            chosen[:, step] = torch.where(is_it.any(1), share, torch.nan)
            if at in self._chosen and at not in lines:
                chosen[:, step] = self._chosen[at].cpu()[:, 0]
        return candidates, shares, chosen
