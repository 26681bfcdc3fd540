"""Inputs for any model, by the names in its forward: text, pictures, sound, and what else it needs.

The layout of pictures and sound differs from model to model and is nowhere said, so several are
offered, the fullest first; the first one that the model takes is used.
"""

from __future__ import annotations

import contextlib
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.coverage.configs import TOKEN_ID, parts
from benchmarks.coverage.own_inputs import OWN_INPUTS

BATCH, TOKENS, TARGETS = 2, 14, 10
MOST_MEDIA_TOKENS = 1024
KINDS = {"video": 2, "audio": 3, "image": 1}
MISMATCH = re.compile(r"features:? (\d+)")

Inputs = dict[str, Any]


class Sizes:
    """What the configs of a model say about the sizes of its inputs."""

    def __init__(self, model: nn.Module) -> None:
        self._parts = list(parts(model.config))
        self.names = {
            name: p.default is p.empty
            for name, p in inspect.signature(model.forward).parameters.items()
            if p.kind is p.POSITIONAL_OR_KEYWORD
        }
        self.vocab = min(
            [v for v in self.all("vocab_size") if isinstance(v, int) and v > 8] or [64]
        )
        self.patch = _one(self.first("patch_size", 8))
        self.image = _one(self.first("image_size", 64))
        self.channels = self.first("num_channels", None) or self.first("in_channels", 3)
        self.mels = self.first("num_mel_bins", None) or self.first("feature_size", 64)
        self.hidden = self.first("hidden_size", None) or self.first("d_model", 64)

    def words(self, many: int) -> Tensor:
        """Ids that stand for nothing special."""
        special = {v for part in self._parts for n, v in vars(part).items() if _is_id(n, v)}
        pool = [i for i in range(min(60, self.vocab)) if i > 3 and i not in special]
        return torch.tensor(pool)[torch.randint(len(pool), (BATCH, many))]

    def all(self, name: str) -> list[Any]:
        values = (getattr(part, name, None) for part in self._parts)
        return [value for value in values if value is not None]

    def first(self, name: str, default: Any) -> Any:
        return next(iter(self.all(name)), default)


def _is_id(name: str, value: Any) -> bool:
    return isinstance(value, int) and TOKEN_ID.search(name) is not None


def _one(size: Any) -> int:
    return size if isinstance(size, int) else int(size[0])


def candidates(model: nn.Module) -> Iterator[Inputs]:
    """Offer inputs, the fullest first."""
    own = OWN_INPUTS.get(model.config.model_type)
    if own is not None:
        yield own()
        return
    sizes = Sizes(model)
    texts = [text] if (text := _text(sizes)) else []
    rest = _others(sizes)
    seen = [*_pictures(sizes), *_sounds(sizes)]
    for given in [*(t | s for t in texts for s in seen), *texts, *seen, {}]:
        yield rest | given
    pictures, sounds = _pictures(sizes), _sounds(sizes)
    for given in [t | p | s for t in texts or [{}] for p in pictures for s in sounds]:
        yield rest | given


def with_media_tokens(model: nn.Module, inputs: Inputs, error: Exception) -> Inputs | None:
    """Put in as many placeholders for a picture or a sound as the model asked for."""
    if "input_ids" not in inputs:
        return None
    kind = next((k for k in KINDS if k in str(error).lower()), "image")
    for many in _tokens_asked_for(model, inputs, kind, error):
        grown = _grown(model, inputs, kind, many)
        if grown is not None:
            return grown
    return None


def _tokens_asked_for(
    model: nn.Module, inputs: Inputs, kind: str, error: Exception
) -> Iterator[int]:
    """First what the features hold that the model wants to put in, then what it complains of."""
    seen: list[int] = []
    for module in model.modules():
        if hasattr(module, "get_placeholder_mask"):
            asked = inspect.signature(module.get_placeholder_mask)
            module.get_placeholder_mask = _listening(asked, module.get_placeholder_mask, kind, seen)
    with contextlib.suppress(Exception), torch.no_grad():  # it fails again, after asking
        model(**inputs)
    for module in model.modules():
        vars(module).pop("get_placeholder_mask", None)
    yield from seen
    complained = MISMATCH.search(str(error))
    if complained is not None:
        yield int(complained.group(1))


def _listening(
    asked: inspect.Signature, ask: Callable[..., Any], kind: str, seen: list[int]
) -> Callable[..., Any]:
    def listen(*args: Any, **kwargs: Any) -> Any:
        given = asked.bind(*args, **kwargs).arguments
        features, words = given.get(f"{kind}_features"), given.get("inputs_embeds")
        if torch.is_tensor(features) and torch.is_tensor(words):
            seen.append(features.numel() // words.shape[-1])
        return ask(*args, **kwargs)

    return listen


def _grown(model: nn.Module, inputs: Inputs, kind: str, many: int) -> Inputs | None:
    names = [f"{kind}_token_id", f"{kind}_token_index", f"{kind}_soft_token_id"]
    known = [v for part in parts(model.config) for n in names if (v := getattr(part, n, None))]
    token = next(iter(known), None)
    ids = inputs["input_ids"]
    if token is None or many % BATCH or (ids == token).any() or many > MOST_MEDIA_TOKENS:
        return None
    types = inputs.get("mm_token_type_ids", torch.zeros_like(ids))
    media = torch.full((BATCH, many // BATCH), token)
    text = torch.cat([ids[:, :1], media, ids[:, 1:]], dim=1)
    grown = inputs | {"input_ids": text}
    if "mm_token_type_ids" in Sizes(model).names:
        old = torch.cat([types[:, :1], torch.zeros_like(media), types[:, 1:]], dim=1)
        grown["mm_token_type_ids"] = old + (text == token) * KINDS[kind]
    if "attention_mask" in inputs:
        grown["attention_mask"] = torch.ones_like(text)
    return grown


def _text(sizes: Sizes) -> Inputs:
    made: Inputs = {}
    if "input_ids" in sizes.names:
        made["input_ids"] = sizes.words(TOKENS)
    if "decoder_input_ids" in sizes.names:
        made["decoder_input_ids"] = sizes.words(TARGETS)
    if "bbox" in sizes.names:
        box = torch.randint(0, 40, (BATCH, TOKENS, 4))
        box[..., 2:] += 40
        made["bbox"] = box
    return made


def _pictures(sizes: Sizes) -> list[Inputs]:
    name = next((n for n in PICTURES if n in sizes.names), None)
    grid = next((n for n in ("image_grid_thw", "grid_thw") if n in sizes.names), None)
    s, c = sizes.image, sizes.channels
    made: list[Inputs] = []
    if grid:
        frames = _one(sizes.first("temporal_patch_size", 1))
        where = name or "hidden_states"
        thw = {grid: torch.tensor([[1, 4, 4]] * BATCH)}
        for merge in {"image_merge_sizes", "merge_sizes"} & sizes.names.keys():
            thw[merge] = torch.tensor([2] * BATCH)
        many, p = BATCH * 16, sizes.patch
        flat = [(many, c * t * p**2) for t in dict.fromkeys((frames, 1, 2))]
        shapes = [*flat, (1, many, c, p, p), (many, c, p, p)]
        made += [{where: torch.randn(*shape)} | thw for shape in shapes]
    if name is None:
        return made
    extra = {"image_sizes": torch.tensor([[s, s]] * BATCH)} if "image_sizes" in sizes.names else {}
    made += [
        {name: torch.randn(BATCH, c, s, s)} | more for more in ([extra, {}] if extra else [{}])
    ]
    if {"spatial_shapes", "pixel_attention_mask"} & sizes.names.keys():
        made.insert(0, {name: torch.randn(BATCH, 16, c * sizes.patch**2)})
        if "spatial_shapes" in sizes.names:
            made[0]["spatial_shapes"] = torch.tensor([[4, 4]] * BATCH)
        if "pixel_attention_mask" in sizes.names:
            made[0]["pixel_attention_mask"] = torch.ones(BATCH, 16, dtype=torch.long)
    frames = _one(sizes.first("num_frames", 2))
    for many in dict.fromkeys((frames, 3, 1, 5)):
        made.append({name: torch.randn(BATCH, many, c, s, s)} | extra)
    made.append({name: torch.randn(BATCH, 16, c * sizes.patch**2)})
    return made


PICTURES = ("pixel_values", "pixel_values_videos", "flattened_patches", "image")


def _sounds(sizes: Sizes) -> list[Inputs]:
    made: list[Inputs] = []
    steps = 2 * sizes.first("max_source_positions", 64)
    if "input_features" in sizes.names:
        for shape in ((sizes.mels, steps), (steps, sizes.mels), (1, steps, sizes.mels)):
            given: Inputs = {"input_features": torch.randn(BATCH, *shape)}
            for mask in ("feature_attention_mask", "input_features_mask"):
                if mask in sizes.names:
                    given[mask] = torch.ones(BATCH, steps, dtype=torch.long)
            if "feature_attention_mask" in sizes.names:
                given["attention_mask"] = torch.ones(BATCH, TOKENS, dtype=torch.long)
            made.append(given)
    if "input_values" in sizes.names:
        length = sizes.first("max_length", 128)
        shapes = ((4800,), (1, 4800), (length, sizes.mels))
        made += [{"input_values": torch.randn(BATCH, *shape)} for shape in shapes]
    return made


# Parameters without a default, or which models want in fact.
OTHERS: dict[str, Callable[[Sizes], Tensor]] = {
    "hidden_states": lambda s: torch.randn(BATCH, TOKENS, s.hidden),
    "encoder_hidden_states": lambda s: torch.randn(
        BATCH, TOKENS + 2, s.first("encoder_hidden_size", s.hidden)
    ),
    "inputs_embeds": lambda s: torch.randn(BATCH, TOKENS, s.hidden),
    "attention_mask": lambda s: torch.ones(BATCH, TOKENS, dtype=torch.long),
    "query_embeds": lambda s: torch.randn(BATCH, 8, s.hidden),
    "spectrogram": lambda s: torch.randn(BATCH, 20, s.first("model_in_dim", 64)),
    "past_values": lambda s: torch.randn(BATCH, s.first("context_length", 32)),
    "context": lambda s: torch.randn(BATCH, TOKENS, s.hidden),
    "inputs": lambda s: torch.randn(BATCH, TOKENS, s.first("d_model", 64)),
}


def _others(sizes: Sizes) -> Inputs:
    return {name: make(sizes) for name, make in OTHERS.items() if sizes.names.get(name) is True}
