"""What a generation is asked for: a prompt, and how tokens are chosen. Checked at the beginning."""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from attnwidget.generation.loop import TARGET, tokens_in
from attnwidget.generation.marks import Marks, marks_of
from attnwidget.messages import MOST_NEW_TOKENS
from attnwidget.pictures.predictions import logits_to_read, may_be_hidden_states, what_of
from attnwidget.running import Encoded, encode, place
from attnwidget.session import Session, Snapshot
from attnwidget.trouble import Trouble

_OF_LOOP = ("do_sample", "temperature", "top_k", "seed")
# Of what a model was called with, what tells a generation nothing or something wrong.
_OF_A_PASS = ("labels", "position_ids", "cache_position", "past_key_values")
NO_IDS = "A text goes on from ids, integers of shape (B, T)."
NO_MODEL = Trouble(
    "There is no model to write with.", "Give one: aw.explore(model, tokenizer, text)."
)


@dataclass(frozen=True)
class Asked:
    """A generation that may begin.

    Attributes
    ----------
    model : torch.nn.Module
        What writes.
    prompt : Encoded
        Arguments by name, on the device of the model.
    text : str or None
        The prompt, where it is a text.
    most : int
        How many tokens to write at most.
    is_cut : bool
        Whether that is less than was asked for, as the model has no more positions.
    marks : Marks
        Of the model and its tokenizer.
    how : str
        In words.
    seed : int or None
        For random numbers, if there are to be any.
    arguments : dict
        What else the model's own ``generate`` is given; or `_OF_LOOP`.
    """

    model: torch.nn.Module
    prompt: Encoded
    text: str | None
    most: int
    is_cut: bool
    marks: Marks
    how: str
    seed: int | None
    arguments: dict[str, Any]

    @property
    def ids(self) -> torch.Tensor:
        """Token ids (B, T) that it goes on from: of an encoder–decoder the source."""
        found: torch.Tensor = self.prompt.kwargs[tokens_in(self.prompt.kwargs) or ""]
        return found

    @property
    def beams(self) -> int:
        """How many hypotheses are followed at once."""
        return int(self.arguments.get("num_beams") or 1)


def has_generate(model: torch.nn.Module | None) -> bool:
    """Whether a model writes by a ``generate`` of transformers."""
    can = getattr(model, "can_generate", None)
    return hasattr(model, "generate") and callable(can) and bool(can())


def why_not(session: Session, snapshot: Snapshot | None) -> Trouble | None:
    """What keeps a session from writing; None if nothing does."""
    if session.model is None:
        return NO_MODEL
    if snapshot is None:
        return None
    if session.tokenizer is None and _ids_given(snapshot) is None:
        return Trouble("The prompt holds no token ids.", NO_IDS)
    if has_generate(session.model):
        return None
    try:
        logits = logits_to_read(session, snapshot)
    except Trouble as trouble:
        return trouble
    writing = next((s for s in snapshot.stacks if s.endswith("decoder")), None)
    stack = writing or next(iter(snapshot.stacks))
    is_next = logits.dim() == 3 and what_of(session, snapshot, stack, logits) == "next"
    if is_next and not may_be_hidden_states(session, snapshot.logits, "next", logits.shape[-1]):
        return None
    return Trouble(
        f"{type(session.model).__name__} writes no text.",
        "Each of its tokens looks at later ones too, or it returns no scores of a next token.",
    )


def asked(
    session: Session, text: str | None, max_new_tokens: object, arguments: Mapping[str, Any]
) -> Asked:
    """Check what is asked for.

    Raises
    ------
    Trouble
        If the model cannot write, there is no prompt or one longer than its positions, or a number
        is out of its range.
    TypeError
        On an argument that a model without ``generate`` does not know.
    """
    trouble, model = why_not(session, session.snapshot), session.model
    if model is None or trouble is not None:
        raise trouble or NO_MODEL
    own = has_generate(model)
    most = _whole("max_new_tokens", max_new_tokens, 1, MOST_NEW_TOKENS)
    unknown = sorted(set(arguments) - set(_OF_LOOP))
    if unknown and not own:
        raise TypeError(
            f"generate() has no argument {unknown[0]!r} for {type(model).__name__}, which has no "
            f"generate() of its own: it takes max_new_tokens, {', '.join(_OF_LOOP)}."
        )
    _check_numbers(arguments)
    prompt = place(_prompt(session, model, text), model)
    marks = marks_of(model, session.tokenizer)
    fitting = _fitting(prompt.kwargs, model, marks)
    settings = dict(arguments)
    seed = settings.pop("seed", None)
    if own:
        config = settings.get("generation_config") or getattr(model, "generation_config", None)
        known = {name: getattr(config, name, None) for name in ("do_sample", "num_beams")}
        known["temperature"] = getattr(config, "temperature", None)
        effective = known | settings
        settings["num_beams"] = effective["num_beams"]
        if effective["num_beams"] is None:
            del settings["num_beams"]
    else:
        effective = settings
        if settings.get("do_sample") is None:
            named = ("temperature", "top_k")
            effective["do_sample"] = any(settings.get(name) is not None for name in named)
    if seed is None and effective.get("do_sample"):
        seed = int.from_bytes(os.urandom(4))
    return Asked(
        model,
        prompt,
        text,
        min(most, fitting),
        fitting < most,
        marks,
        _in_words(effective),
        seed if effective.get("do_sample") else None,
        settings,
    )


def _ids_given(snapshot: Snapshot) -> str | None:
    """Which argument of a pass holds token ids: an index, or a name."""
    encoded = snapshot.given.encoded if snapshot.given else None
    if encoded is None:
        return None
    return tokens_in({**{str(i): arg for i, arg in enumerate(encoded.args)}, **encoded.kwargs})


def _prompt(session: Session, model: torch.nn.Module, text: str | None) -> Encoded:
    """Arguments of the model by name."""
    snapshot = session.snapshot
    if text is not None:
        encoded = encode(session.tokenizer, model, text)
    elif snapshot is not None and snapshot.generation is not None:
        encoded = snapshot.generation.prompt
    elif snapshot is not None and snapshot.given is not None and snapshot.given.encoded:
        before = snapshot.given.encoded
        # An encoder–decoder begins anew: what it was given may be its own whole output.
        encoded = Encoded(before.args, {k: v for k, v in before.kwargs.items() if k != TARGET})
    else:
        raise Trouble("There is no prompt.", "Set ex.text, or run the model on token ids first.")
    named = inspect.signature(model.forward).bind_partial(*encoded.args).arguments
    kwargs = {**named, **encoded.kwargs}
    kept = {
        name: value
        for name, value in kwargs.items()
        if isinstance(value, torch.Tensor) and name not in _OF_A_PASS
    }
    if tokens_in(kept) is None:
        raise Trouble("The prompt holds no token ids.", NO_IDS)
    return Encoded((), kept)


def _fitting(prompt: Mapping[str, Any], model: torch.nn.Module, marks: Marks) -> int:
    """How many tokens may be written before the positions of the model end."""
    name = tokens_in(prompt) or ""
    config = getattr(model, "config", None)
    is_target = name == TARGET or getattr(config, "is_encoder_decoder", False) is True
    is_target = is_target or TARGET in inspect.signature(model.forward).parameters
    length = prompt[TARGET].shape[1] if TARGET in prompt else 1 if is_target else None
    length = prompt[name].shape[1] if length is None else length
    if length == 0 or prompt[name].shape[0] == 0:
        raise Trouble("The prompt is empty.", "Give at least one token to go on from.")
    if marks.positions is None:
        return MOST_NEW_TOKENS
    if length > marks.positions:
        raise Trouble(
            f"The prompt has {length} tokens, but the model has {marks.positions} positions.",
            f"Shorten it by at least {length - marks.positions} tokens.",
        )
    # The last token that is written is not read any more.
    return marks.positions - length + 1


def _whole(name: str, value: object, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise Trouble(f"{name} is {value!r}.", f"Expected a whole number from {least} to {most}.")
    return value


def _check_numbers(arguments: Mapping[str, Any]) -> None:
    if arguments.get("seed") is not None:
        _whole("seed", arguments["seed"], 0, 2**63 - 1)
    if arguments.get("top_k") is not None:
        _whole("top_k", arguments["top_k"], 0, 2**31 - 1)
    heat = arguments.get("temperature")
    is_number = isinstance(heat, int | float) and not isinstance(heat, bool)
    if heat is not None and not (is_number and heat > 0 and math.isfinite(heat)):
        raise Trouble(f"temperature is {heat!r}.", "Expected a number above 0.")


def _in_words(settings: Mapping[str, Any]) -> str:
    """How tokens are chosen."""
    if (settings.get("num_beams") or 1) > 1:
        kind = "sampled" if settings.get("do_sample") else "searched"
        return f"{kind} with {settings['num_beams']} beams"
    if not settings.get("do_sample"):
        return "greedy"
    heat = settings.get("temperature")
    at = "" if heat in (None, 1) else f" at temperature {heat:g}"
    return f"sampled{at}"
