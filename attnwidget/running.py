"""Running the user's model on a text or on tensors, and leaving no mark on it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch

from attnwidget.binding.active import unseen
from attnwidget.binding.uncompiled import eagerly
from attnwidget.generation.loop import write
from attnwidget.generation.marks import marks_of, positions_of
from attnwidget.trouble import Trouble

# How far an encoder–decoder writes before its attention is shown.
LONGEST_OUTPUT = 32
# What an encoder may be given: text, the spectrogram or samples of speech, an image.
SOURCES = ("input_ids", "input_features", "input_values", "pixel_values")
# Between a source and what is written, as people type it.
_ARROW = re.compile(r"=>|->")


@dataclass(frozen=True)
class Encoded:
    """Arguments for one ``model(*args, **kwargs)``."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def with_decoder_input(self, model: torch.nn.Module) -> Encoded:
        """For an encoder–decoder that was given a source alone: let it write its own output."""
        sources = {name: self.kwargs[name] for name in SOURCES if name in self.kwargs}
        source = next(iter(sources.values()), None)
        if source is None or "decoder_input_ids" in self.kwargs or not _takes_target(model):
            return self
        writer: Any = model
        if hasattr(model, "generate") and getattr(model, "can_generate", lambda: False)():
            mask = {k: v for k, v in self.kwargs.items() if k == "attention_mask"}
            written = writer.generate(
                **sources, **mask, max_new_tokens=LONGEST_OUTPUT, do_sample=False
            )
            start = _start_of(model)
            if bool((written[:, 0] != start).all()):  # Whisper gives back no more than the text
                written = torch.cat([torch.full_like(written[:, :1], start), written], 1)
        elif not hasattr(model, "config"):
            marks = marks_of(model)
            written = write(model, self.kwargs, LONGEST_OUTPUT, marks=marks).ids
            ends = torch.tensor(sorted(marks.stop), dtype=written.dtype, device=written.device)
            if bool(torch.isin(written[:, -1], ends).all()):
                written = written[:, :-1]  # what is written last is not read any more
        else:  # no head to write with: the source, shifted by the start token, as BART does
            written = source.roll(1, dims=1).index_fill(
                1, torch.zeros(1, dtype=torch.int64, device=source.device), _start_of(model)
            )
        return replace(self, kwargs={**self.kwargs, "decoder_input_ids": written})


def as_encoded(inputs: Any) -> Encoded:
    """`inputs` as arguments: a tensor, a tuple of arguments, or a dict of keywords."""
    if isinstance(inputs, Mapping):
        return Encoded((), dict(inputs))
    if isinstance(inputs, tuple | list):
        return Encoded(tuple(inputs), {})
    return Encoded((inputs,), {})


def encode(tokenizer: Any, model: torch.nn.Module | None, text: object) -> Encoded:
    """Turn a text into arguments for the model.

    Raises
    ------
    Trouble
        If there is no tokenizer, the text is empty, or it has more tokens than the model positions.
    """
    if tokenizer is None:
        raise Trouble(
            "A text was given, but no tokenizer.",
            "Give both: aw.explore(model, tokenizer, text); or tensors: "
            "aw.explore(model, inputs=..., tokens=[...]).",
        )
    if not isinstance(text, str) or not text.strip():
        raise Trouble("The text is empty.", "Type at least one word.")
    source, arrow, target = _ARROW.sub("→", text).partition("→")
    if arrow and not source.strip():
        raise Trouble("There is no source in front of the arrow.", "Type “source → target”.")
    encoded = _tokenise(tokenizer, text)
    if arrow and target.strip() and _reads_targets(tokenizer) and _takes_target(model):
        encoded = _with_target(tokenizer, model, source.strip(), target.strip())
    ids = encoded.kwargs.get(
        "input_ids", next(iter((*encoded.args, *encoded.kwargs.values())), None)
    )
    length = ids.shape[-1] if isinstance(ids, torch.Tensor) else 0
    if length == 0:
        raise Trouble(
            f"The tokenizer made no tokens of {text[:40]!r}.", "Type a text that it knows words of."
        )
    most = positions_of(model)
    if most is not None and length > most:
        raise Trouble(
            f"The text has {length} tokens, but the model has {most} positions.",
            f"Shorten it by at least {length - most} tokens.",
        )
    return as_called(encoded, model)


def _reads_targets(tokenizer: Any) -> bool:
    """Whether it is told apart from the source what is written, as by those of transformers."""
    return callable(tokenizer) and "text_target" in inspect.signature(tokenizer).parameters


def _takes_target(model: torch.nn.Module | None) -> bool:
    """Whether it is an encoder–decoder: by its config, or by what its forward takes."""
    config = getattr(model, "config", None)
    if model is None or config is not None:
        return getattr(config, "is_encoder_decoder", False) is True
    return "decoder_input_ids" in inspect.signature(model.forward).parameters


def _with_target(tokenizer: Any, model: Any, source: str, target: str) -> Encoded:
    """A source, and what the decoder is to have written: its own input is that, one later."""
    encoded = _tokenise(tokenizer, source)
    labels = tokenizer(text_target=target, return_tensors="pt")["input_ids"]
    if hasattr(model, "prepare_decoder_input_ids_from_labels"):
        written = model.prepare_decoder_input_ids_from_labels(labels=labels)
    else:
        start = torch.full((1, 1), _start_of(model), dtype=labels.dtype)
        written = torch.cat([start, labels[:, :-1]], 1)
    return Encoded((), {**encoded.kwargs, "decoder_input_ids": written})


def _start_of(model: torch.nn.Module) -> int:
    """The token that a decoder begins with; 0 where nothing is said of it."""
    return marks_of(model).start or 0


def _tokenise(tokenizer: Any, text: str) -> Encoded:
    if callable(tokenizer):
        try:
            made = tokenizer(text, return_tensors="pt")
        except TypeError:  # a plain function from text to ids
            made = tokenizer(text)
    elif hasattr(tokenizer, "encode"):
        made = tokenizer.encode(text)
    else:
        raise Trouble(
            f"The tokenizer is a {type(tokenizer).__name__}, which is neither callable nor has "
            "encode().",
            "Give a tokenizer, or a function from text to token ids.",
        )
    if isinstance(made, Mapping):
        return Encoded((), {k: v for k, v in made.items() if isinstance(v, torch.Tensor)})
    ids = torch.as_tensor(getattr(made, "ids", made))
    return Encoded((ids if ids.ndim == 2 else ids.reshape(1, -1),), {})


def as_called(encoded: Encoded, model: torch.nn.Module | None) -> Encoded:
    """Leave out what the model's forward does not take; ids go first where they have no name."""
    if model is None or not encoded.kwargs:
        return encoded
    parameters = inspect.signature(model.forward).parameters
    taken = {name: value for name, value in encoded.kwargs.items() if name in parameters}
    if taken:
        return Encoded((), taken)
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
        return encoded
    ids = encoded.kwargs.get("input_ids", next(iter(encoded.kwargs.values())))
    return Encoded((ids,), {})


def place(encoded: Encoded, model: torch.nn.Module) -> Encoded:
    """Move inputs to the device of the model's first parameter, and floats to its dtype.

    Parameters that are offloaded have no device until their layer runs.
    """
    parameters = list(model.parameters())
    if not parameters:
        return encoded
    home = next((p for p in parameters if p.device.type != "meta"), parameters[0])
    dtype = home.dtype if home.dtype.is_floating_point else None

    def move(value: Any) -> Any:
        if not isinstance(value, torch.Tensor):
            return value
        cast = dtype if value.is_floating_point() else None
        return value.to(home.device, cast or value.dtype)

    return Encoded(
        tuple(move(value) for value in encoded.args),
        {name: move(value) for name, value in encoded.kwargs.items()},
    )


@contextmanager
def quietly(model: torch.nn.Module) -> Iterator[None]:
    """Run without gradients or dropout meanwhile; each module's own mode is put back."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes.items():
            module.training = training


@contextmanager
def as_between_cells() -> Iterator[None]:
    """Compute as if the user's own ``with`` blocks were not there: no graph, no autocast.

    A pass that is followed is looked at while the user's code around it still runs.
    """
    with ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        for device in ("cpu", "cuda", "mps", "xpu"):
            if torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device):
                stack.enter_context(torch.autocast(device, enabled=False))
        yield


@contextmanager
def on_the_side(model: torch.nn.Module) -> Iterator[None]:
    """Run a model for ourselves: no pass is recorded, and random numbers go on as if it had not.

    A compiled model runs uncompiled, as its code may know nothing of what is changed meanwhile.
    """
    with unseen(), eagerly(), as_between_cells(), quietly(model), random_numbers_kept():
        yield


@contextmanager
def random_numbers_kept() -> Iterator[None]:
    """Random numbers go on afterwards as if none had been drawn meanwhile."""
    started = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    with torch.random.fork_rng(range(torch.cuda.device_count()) if started else ()):
        yield
