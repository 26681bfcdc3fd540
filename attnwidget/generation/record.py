"""Recording a generation: the steps of a model that writes, joined to one pass of its session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from attnwidget.binding.bound import Pass
from attnwidget.call import AttentionCall
from attnwidget.generation.asked import Asked, asked, has_generate
from attnwidget.generation.loop import TARGET, Choose, greedy, sampling, tokens_in, write
from attnwidget.generation.sharing import only_grows, share
from attnwidget.generation.written import Candidates, Generation
from attnwidget.given import given
from attnwidget.outputs import Logits
from attnwidget.pass_tokens import inputs_of
from attnwidget.refusals import nothing_found
from attnwidget.session import Session, Snapshot
from attnwidget.trace import Trace
from attnwidget.trouble import Trouble

# Keys of all steps are joined every so many steps: more often, it would cost more than it spares.
STEPS_APART = 16

# Told after each token; returns whether to stop.
Each = Callable[[], bool]


class Recording:
    """One generation of a session's model.

    Parameters
    ----------
    session : Session
        Its snapshot becomes the generation whenever `take` is called.
    text : str or None
        The prompt; None goes on from what the model was given last.
    max_new_tokens : int
        How many tokens to write at most.
    **arguments
        For ``generate`` of a transformers model, and ``seed``. Any other model takes ``do_sample``,
        ``temperature``, ``top_k`` and ``seed``.

    Attributes
    ----------
    asked : Asked
        What was asked for.
    snapshot : Snapshot or None
        As it was taken last.
    stopped : str
        What ended it, in words; "" while it goes on.
    """

    def __init__(
        self, session: Session, text: str | None, max_new_tokens: object, **arguments: Any
    ) -> None:
        self.asked: Asked = asked(session, text, max_new_tokens, arguments)
        self.snapshot: Snapshot | None = None
        self.stopped = ""
        self._session = session
        self._is_own = has_generate(session.model)
        # Passes since the beginning, and how many of them had led to a token when one was chosen.
        self._passes: list[list[AttentionCall]] = []
        self._used = 0
        self._last: Pass | None = None
        self._logits: Logits | None = None
        self._candidates: Candidates | None = None
        self._start = 0
        self._ids: torch.Tensor | None = None
        # Of beams: the tokens of every one, by their number.
        self._beams: dict[int, torch.Tensor] = {}

    @property
    def done(self) -> int:
        """How many tokens have been written."""
        return 0 if self._ids is None else self._ids.shape[1] - self._start

    def write(self, each: Each) -> None:
        """Write until it ends or `each` says so, in the mode and with the random numbers there are.

        Raises
        ------
        Exception
            Whatever the model raises. What was written before can still be taken.
        """
        with self._session.heard_by(self._hear):
            try:
                self.stopped = (self._generate if self._is_own else self._loop)(each)
            except KeyboardInterrupt:
                self.stopped = "interrupted"
                raise

    def _generate(self, each: Each) -> str:
        """Let the model's own ``generate`` write: its cache, sampling and beams as they are."""
        model: Any = self.asked.model
        arguments = dict(self.asked.arguments)
        is_asked = False

        def criterion(ids: torch.Tensor, _scores: Any, **_more: Any) -> torch.Tensor:
            nonlocal is_asked
            self._choose(ids)
            is_asked = each()
            return torch.full((len(ids),), is_asked, dtype=torch.bool, device=ids.device)

        if self.asked.beams > 1:
            fed = _Fed(self._beams)
            arguments["logits_processor"] = [*(arguments.get("logits_processor") or ()), fed]
        criteria = _as_list([*(arguments.pop("stopping_criteria", None) or ()), criterion])
        arguments.setdefault("max_new_tokens", self.asked.most)
        model.generate(**{**self.asked.prompt.kwargs, **arguments}, stopping_criteria=criteria)
        if is_asked:
            return "stopped"
        return self._why_ended()

    def _loop(self, each: Each) -> str:
        """Write with a whole pass for each token; of these only the last is shown."""
        model, settings = self.asked.model, self.asked.arguments
        seed = self.asked.seed
        choose: Choose = greedy
        if seed is not None:
            heat = settings.get("temperature") or 1.0
            choose = sampling(heat, settings.get("top_k") or None, seed)

        def hear(_logits: torch.Tensor, ids: torch.Tensor) -> bool:
            self._choose(ids)
            return each()

        with torch.no_grad():
            written = write(
                model,
                self.asked.prompt.kwargs,
                self.asked.most,
                choose,
                marks=self.asked.marks,
                hear=hear,
            )
        known = {"asked": "stopped", "end": self._why_ended(), "length": self._why_ended()}
        return known.get(written.stopped, written.stopped)

    def _why_ended(self) -> str:
        ids, stops = self._ids, self.asked.marks.stop
        if ids is not None and stops:
            ends = torch.tensor(sorted(stops), device=ids.device)
            if torch.isin(ids[:, self._start :], ends).any(1).all():
                return "it wrote the end token"
        if self.asked.is_cut and self.done >= self.asked.most:
            return f"the model has only {self.asked.marks.positions} positions"
        return "that many were asked for" if self.done >= self.asked.most else "it ended"

    # -- what is heard ----------------------------------------------------------------------------

    def _hear(self, done: Pass) -> None:
        logits = done.logits
        if logits is not None and logits.kept.dim() == 3:
            if self._candidates is None:
                fed = done.kwargs.get(TARGET, self.asked.ids)
                self._ids = fed
                self._start = fed.shape[1]
                self._candidates = Candidates(self._start)
            self._candidates.hear(logits.kept, self._end(done, logits.kept.shape[1]))
            self._last, self._logits = done, logits
        if not self._is_own:
            self._passes.clear()
        self._passes.append(done.calls)
        if len(self._passes) % STEPS_APART == 0 and self._may_share(done):
            share(self._passes)

    def _may_share(self, done: Pass) -> bool:
        # Beams move the rows of a cache.
        return self.asked.beams == 1 and only_grows(done.kwargs.get("past_key_values"))

    def _end(self, done: Pass, rows: int) -> int:
        """Index of the token that the last row of logits is to predict."""
        if rows > 1 and self._is_own:  # an assistant's proposals are looked at together
            for call in done.calls:
                if call.kind == "self" and call.stack != "encoder":
                    return int(call.query_positions[-1]) + 1
        return self._start + self.done

    def _choose(self, ids: torch.Tensor) -> None:
        """A token was chosen: `ids` (B, T) has it as its last."""
        self._used = len(self._passes)
        if self._candidates is not None and self.asked.beams == 1:
            self._candidates.choose(ids)
        self._ids = ids

    # -- what is shown ----------------------------------------------------------------------------

    def take(self) -> Snapshot:
        """Make what has been written so far the newest pass of the session, and show it.

        Raises
        ------
        Trouble
            If nothing was written, no attention was seen, or its steps cannot be joined.
        """
        session, ids = self._session, self._ids
        if ids is None or self._candidates is None or not self._used or self._last is None:
            raise Trouble(
                "Nothing was written.",
                f"{type(session.model).__name__} returned no (B, T, V) logits, or was stopped "
                "before the first token.",
            )
        calls = self._passes[: self._used]
        if not any(calls):
            raise nothing_found(session.model, self._last.trace.searched)
        lines: dict[int, list[int]] = {}
        if self.asked.beams > 1:  # of those that were chosen last nobody knows where they come from
            ids = self._beams[max(self._beams)]
            lines = {
                at: _ancestors(self._beams[at], ids, self.asked.beams)
                for at in range(self._start, len(ids[0]))
            }
        found = self._candidates.read(ids.cpu(), lines)
        generation = Generation(
            ids.cpu(),
            self._start,
            *found,
            self.asked.how,
            self.stopped,
            self.asked.seed,
            self.asked.marks.stop,
            self._candidates.vocabulary,
            self.asked.prompt,
        )
        last = self._last
        # While it is written on, those since the last time are few, and soon shared anyhow.
        if self.stopped and self._may_share(last):
            share(calls)
        trace = Trace(searched=lambda _: last.trace.searched)
        for one in calls:
            trace.add_pass(one)
        fed = self._fed(ids)
        self.snapshot = session.take(
            trace.stitch() if self._is_own else trace,
            inputs_of((), fed),
            self.asked.text,
            None if self._is_own else self._logits,
            given((), fed),
            generation=generation,
            instead_of=self.snapshot,
        )
        return self.snapshot

    def _fed(self, ids: torch.Tensor) -> dict[str, Any]:
        """Arguments of the one forward pass that all steps together are."""
        kwargs = self.asked.prompt.kwargs
        read = ids if self.asked.beams > 1 else ids[:, :-1]
        name = tokens_in(kwargs) or ""
        is_target = self._last is not None and TARGET in self._last.kwargs
        fed = {
            other: value.repeat_interleave(len(ids) // len(value), 0)
            for other, value in kwargs.items()
        }
        if is_target:
            return {**fed, TARGET: read}
        for other in ("attention_mask", "token_type_ids"):
            if other in fed:
                more = read.shape[1] - fed[other].shape[1]
                fed[other] = torch.cat([fed[other], fed[other][:, -1:].expand(-1, more)], 1)
        return {**fed, name: read}


class _Fed:
    """Hears which tokens every beam has at each step; scores stay what they are."""

    def __init__(self, beams: dict[int, torch.Tensor]) -> None:
        self._beams = beams

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        self._beams[input_ids.shape[1]] = input_ids.clone()
        return scores


def _ancestors(before: torch.Tensor, ids: torch.Tensor, beams: int) -> list[int]:
    """Which row of `before` each row of `ids` begins with, among the beams of the same input."""
    rows = []
    for item, row in enumerate(ids[:, : before.shape[1]]):
        first = item - item % beams
        same = (before[first : first + beams] == row).all(1).nonzero().flatten().tolist()
        rows.append(first + min(same, key=lambda at: abs(first + at - item), default=item % beams))
    return rows


def _as_list(criteria: list[Any]) -> Any:
    from transformers import StoppingCriteriaList

    return StoppingCriteriaList(criteria)
