"""Writing with any model that returns logits: a whole forward pass for each token."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from attnwidget.generation.marks import Marks
from attnwidget.outputs import logits_of
from attnwidget.refusals import LONGEST_MESSAGE
from attnwidget.trouble import Trouble

TARGET = "decoder_input_ids"

# (B, V) logits to the (B,) tokens that come next.
Choose = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Written:
    """What was written, and what ended it.

    Attributes
    ----------
    ids : Tensor
        int64 (B, T): the prompt, or the start token of a decoder that has a source, and what
        was written. A text that ended before others of its batch goes on with its end token.
    stopped : str
        "end" (of all texts), "length", "asked", or in words what kept the model from going on.
    """

    ids: torch.Tensor
    stopped: str


def greedy(logits: torch.Tensor) -> torch.Tensor:
    """The likeliest token."""
    return logits.argmax(-1)


def sampling(temperature: float = 1.0, top_k: int | None = None, seed: int = 0) -> Choose:
    """Draw from soft(arg)max(logits / temperature), or from the `top_k` likeliest of it.

    The random numbers are its own, and the same on every device.
    """
    generator = torch.Generator().manual_seed(seed)

    def choose(logits: torch.Tensor) -> torch.Tensor:
        scores = logits.detach().to("cpu", torch.float32) / temperature
        if top_k is not None and top_k < scores.shape[-1]:
            least = scores.topk(top_k).values[:, -1:]
            scores = scores.masked_fill(scores < least, -torch.inf)
        drawn = torch.multinomial(scores.softmax(-1), 1, generator=generator)
        return drawn.squeeze(1).to(logits.device)

    return choose


def write(
    model: torch.nn.Module,
    given: Mapping[str, Any],
    most: int,
    choose: Choose = greedy,
    *,
    marks: Marks,
    hear: Callable[[torch.Tensor, torch.Tensor], bool] | None = None,
) -> Written:
    """Let a model write, token by token, in the mode and the graph it is in.

    Parameters
    ----------
    given : mapping of str to object
        Arguments of the model's forward by name. It goes on with ``decoder_input_ids`` where the
        forward takes them, from ``marks.start`` if none are given; else with its token ids.
    most : int
        How many tokens to write at most.
    choose : callable
        `greedy`, or what `sampling` returns.
    marks : Marks
        See `marks_of`.
    hear : callable, optional
        Told of each step: its logits (B, V), and the ids (B, T) with the token that was chosen.
        Writing ends if it returns True.

    Raises
    ------
    Trouble
        If there are no token ids or no logits, the start token is not known, or the prompt has
        more tokens than the model positions.
    Exception
        Whatever the model's forward raises at its first step.
    """
    name, ids = _begun(model, given, marks)
    if marks.positions is not None and ids.shape[1] > marks.positions:
        raise Trouble(
            f"The prompt has {ids.shape[1]} tokens, but the model has {marks.positions} positions.",
            f"Shorten it by at least {ids.shape[1] - marks.positions} tokens.",
        )
    begun = ids.shape[1]
    ended = torch.zeros(len(ids), dtype=torch.bool, device=ids.device)
    stops = torch.tensor(sorted(marks.stop), dtype=ids.dtype, device=ids.device)
    for _ in range(most):
        if marks.positions is not None and ids.shape[1] > marks.positions:
            return Written(ids, f"the model has only {marks.positions} positions")
        try:
            logits = _last_logits(model(**_grown(given, name, ids)))
        except Exception as error:
            if ids.shape[1] == begun or isinstance(error, Trouble):
                raise
            said = f"the model raised {type(error).__name__}: {' '.join(str(error).split())}"
            return Written(ids, said[:LONGEST_MESSAGE].rstrip("."))
        chosen = choose(logits).to(ids)
        if len(stops):
            chosen = torch.where(ended, ids[:, -1], chosen)
            ended |= torch.isin(chosen, stops)
        ids = torch.cat([ids, chosen[:, None]], 1)
        if hear is not None and hear(logits, ids):
            return Written(ids, "asked")
        if ended.all():
            return Written(ids, "end")
    return Written(ids, "length")


def tokens_in(given: Mapping[str, Any]) -> str | None:
    """Name of the argument that holds token ids (B, T)."""
    names = [TARGET, "input_ids", *given]
    return next((name for name in names if _is_ids(given.get(name))), None)


def _begun(
    model: torch.nn.Module, given: Mapping[str, Any], marks: Marks
) -> tuple[str, torch.Tensor]:
    """Which argument grows, and what it holds at first."""
    name = tokens_in(given)
    if name is None:
        raise Trouble("There are no token ids to go on from.", "Give integers of shape (B, T).")
    ids: torch.Tensor = given[name]
    if name != TARGET and TARGET in inspect.signature(model.forward).parameters:
        if marks.start is None:
            raise Trouble(
                f"Which token a text of {type(model).__name__} starts with is not known.",
                "Give its id as `start` of the model or its tokenizer.",
            )
        return TARGET, ids.new_full((len(ids), 1), marks.start)
    if ids.shape[1] == 0:
        raise Trouble("The prompt is empty.", "Give at least one token to go on from.")
    return name, ids


def _grown(given: Mapping[str, Any], name: str, ids: torch.Tensor) -> dict[str, Any]:
    """The arguments with these ids; what is said of each token is said of new ones too."""
    grown = {**given, name: ids}
    before = given.get(name)
    for other in ("attention_mask", "token_type_ids") if name != TARGET else ():
        value = given.get(other)
        if isinstance(value, torch.Tensor) and before is not None and value.shape == before.shape:
            more = ids.shape[1] - value.shape[1]
            grown[other] = torch.cat([value, value[:, -1:].expand(-1, more)], 1)
    return grown


def _last_logits(output: Any) -> torch.Tensor:
    """(B, V) logits of the last token."""
    logits = logits_of(output)
    if logits is None or logits.kept.dim() != 3:
        raise Trouble(
            "This model returns no logits to choose a next token from.",
            "Its forward must return (B, T, V) logits, or something that has them as `logits`.",
        )
    return logits.kept[:, -1]


def _is_ids(value: object) -> bool:
    return (
        isinstance(value, torch.Tensor)
        and value.dim() == 2
        and value.dtype in (torch.int64, torch.int32)
    )
