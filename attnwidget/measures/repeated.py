"""Random tokens said twice: the text on which induction is measured."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from attnwidget.binding.aside import capture_aside
from attnwidget.generation.marks import positions_of
from attnwidget.running import Encoded, as_between_cells, place, quietly, random_numbers_kept
from attnwidget.trace import Trace
from attnwidget.trouble import Trouble
from attnwidget.unwrap import unwrapped


def repeated_tokens(
    model: Any,
    length: int = 25,
    batch: int = 8,
    seed: int = 0,
    *,
    start: int | None = None,
    among: Iterable[int] | None = None,
) -> Trace:
    """Run a model on random tokens that are said twice.

    What comes the second time can be foretold by nothing but the first, so that
    ``aw.repeated_tokens(model).heads()`` gives induction and duplicate-token scores as they are
    usually defined (Olsson et al., "In-context Learning and Induction Heads", 2022). Of its first
    half nothing repeats.

    The model is left as it was found: nothing that follows it sees this pass, random numbers go on
    as if none had been drawn, and it runs without dropout and gradients.

    Parameters
    ----------
    model : Module
        Any model that is called with token ids, (B, T).
    length : int
        How many tokens are said, each a different one.
    batch : int
        How many such texts; measures are means over all of them.
    seed : int
        The same seed gives the same tokens.
    start : int, optional
        An id to put in front of each text, as many models expect one there; by default the
        ``bos_token_id`` of the model's config, if it has one.
    among : iterable of int, optional
        Ids to draw from. By default all of the vocabulary but the config's special ones; marks that
        end a sentence, which a small model takes at their word, may be left out so.

    Returns
    -------
    Trace
        Of that one pass, with its ids.

    Raises
    ------
    Trouble
        If the model has no token ids to draw from, not so many, or too few positions.
    """
    if not isinstance(model, nn.Module):
        model, _ = unwrapped(model)
    config = getattr(model, "config", None)
    start = _special(config, "bos_token_id") if start is None else start
    known = ids_known(model) if among is None else sorted(set(among))
    ids = _drawn(known, length, batch, seed)
    if start is not None:
        ids = torch.cat([torch.full((batch, 1), start), ids], 1)
    most = positions_of(model)
    if most is not None and ids.shape[1] > most:
        raise Trouble(
            f"{length} tokens said twice are {ids.shape[1]}, but the model has {most} positions.",
            f"Give a smaller one, such as length={(most - ids.shape[1] + 2 * length) // 2}.",
        )
    encoded = place(_call(model, config, ids), model)
    with (
        as_between_cells(),
        random_numbers_kept(),
        quietly(model),
        capture_aside(model) as trace,
    ):
        model(*encoded.args, **encoded.kwargs)
    if not trace.calls:
        raise Trouble("No attention was seen in this model.", trace.searched.why_nothing)
    return trace


def ids_known(model: nn.Module) -> list[int]:
    """The ids of a model's vocabulary but the special ones.

    Raises
    ------
    Trouble
        If it has none that can be found.
    """
    config = getattr(model, "config", None)
    special = {_special(config, f"{name}_token_id") for name in ("bos", "eos", "pad")}
    return [i for i in range(_vocabulary(model, config)) if i not in special]


def _drawn(known: list[int], length: int, batch: int, seed: int) -> Tensor:
    """(batch, 2 · length) of these ids, the second half the first once more."""
    for name, value, most in (("length", length, len(known)), ("batch", batch, None)):
        if type(value) is not int or value < 1 or (most is not None and value > most):
            raise Trouble(
                f"{name}={value!r} was asked for.",
                f"Expected a whole number from 1 {'up' if most is None else f'to {most}'}.",
            )
    generator = torch.Generator().manual_seed(seed)
    order = torch.stack([torch.randperm(len(known), generator=generator) for _ in range(batch)])
    once = torch.tensor(known)[order[:, :length]]
    return torch.cat([once, once], 1)


def _vocabulary(model: nn.Module, config: Any) -> int:
    """How many ids the model knows."""
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    size = getattr(text, "vocab_size", None)
    if isinstance(size, int):
        return size
    for module in model.modules():
        if isinstance(module, nn.Embedding):  # the one of tokens is made first, as it is used first
            return module.num_embeddings
    raise Trouble(
        f"{type(model).__name__} has no vocabulary: neither config.vocab_size nor an nn.Embedding.",
        "Run it on a text of your own that repeats itself, in aw.capture, and give its ids: "
        "trace.heads(ids=...).",
    )


def _special(config: Any, name: str) -> int | None:
    value = getattr(config, name, None)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _call(model: nn.Module, config: Any, ids: Tensor) -> Encoded:
    """How the model is called with ids; an encoder–decoder reads and writes the same."""
    if getattr(config, "is_encoder_decoder", False) is True:
        return Encoded((), {"input_ids": ids, "decoder_input_ids": ids})
    if "input_ids" in inspect.signature(model.forward).parameters:
        return Encoded((), {"input_ids": ids})
    return Encoded((ids,), {})
