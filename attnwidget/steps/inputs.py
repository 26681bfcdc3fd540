"""The layers that make queries, keys and values, as far as a module's names and sizes tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from attnwidget.call import AttentionCall
from attnwidget.steps.projection import module_at, places

# As people call them, in small letters, without underscores and a "weight" at the end.
_LETTERS = {"q": ("query", "queries"), "k": ("key", "keys"), "v": ("value", "values")}
_PACKED = {
    "qkv": frozenset(
        "inproj cattn qkv qkvproj wqkv toqkv querykeyvalue qkvlinear linearqkv qkvprojection wpack"
        " attqkv attnqkv projqkv cqkv fusedqkv".split()
    ),
    "kv": frozenset("kv kvproj wkv tokv keyvalue cattn kvlinear kvprojection".split()),
}


def _names(letter: str, words: tuple[str, ...]) -> frozenset[str]:
    known = {letter, *words}
    for word in (letter, *words):
        known |= {f"{word}{more}" for more in ("proj", "projection", "layer", "linear", "lin")}
        known |= {f"{more}{word}" for more in ("w", "to", "proj", "linear", "lin", "fc", "dense")}
    return frozenset(known | {f"{letter}attn", f"{letter}fc", f"c{letter}"})


_NAMES = {letter: _names(letter, words) for letter, words in _LETTERS.items()}


@dataclass(frozen=True)
class Layer:
    """A layer that makes queries, keys or values, or several of them at once.

    Attributes
    ----------
    name, path : str
        Within the place where it was found, and in the model.
    shape : tuple of int
        Of its weight, as the model keeps it.
    inputs, outputs : int
        How many numbers it takes for a token, and makes.
    bias : bool
        Whether it adds one.
    parameters : int
        Numbers in weight and bias.
    """

    name: str
    path: str
    shape: tuple[int, ...]
    inputs: int
    outputs: int
    bias: bool
    parameters: int


def inputs_of(
    model: torch.nn.Module | None, call: AttentionCall, dv: int | None
) -> tuple[dict[str, Layer], str]:
    """What makes the queries, keys and values of a call: by "q", "k", "v", "kv" or "qkv".

    A layer is named only if it is called so, makes as many numbers as the heads need, and is the
    only one at its place that does. In words, why some are missing.
    """
    if model is None:
        return {}, "There is no model to look into."
    d = call.head_dim
    if d is None or dv is None or call.q is None:
        return {}, "There are no queries and keys here to look for."
    if call.kind == "channel":
        return {}, "Queries and keys are features of all tokens here, not a token's."
    module = module_at(model, call.module)
    if module is None:
        return {}, f"The model has no module {call.module!r} any more."
    sizes = _sizes(call, d, dv)
    for prefix, place in places(model, module, call.module):
        found: dict[str, list[Layer]] = {}
        for layer in _layers(place, prefix):
            for role in _roles(layer.name):
                for fitting in _turned(layer, sizes[role], place):
                    found.setdefault(role, []).append(fitting)
        if found:
            return _chosen(found)
    return {}, "No layer was found that fits by its name and its size."


def _chosen(found: dict[str, list[Layer]]) -> tuple[dict[str, Layer], str]:
    single = {role: layers[0] for role, layers in found.items() if len(layers) == 1}
    several = [layer.name for layers in found.values() if len(layers) > 1 for layer in layers]
    if "qkv" in single:
        return {"qkv": single["qkv"]}, ""
    if several:
        return single, f"More than one layer fits: {' and '.join(several)}."
    missing = {"q", "k", "v"} - set("".join(single))
    names = ", ".join(sorted(missing))
    return single, f"No layer that makes {names} was found." if missing else ""


def _sizes(call: AttentionCall, d: int, dv: int) -> dict[str, set[int]]:
    """How many numbers each may make: heads of keys and values may be repeated afterwards."""
    h = call.heads
    shared = [n for n in range(1, h + 1) if h % n == 0]
    return {
        "q": {h * d},
        "k": {n * d for n in shared},
        "v": {n * dv for n in shared},
        "kv": {n * (d + dv) for n in shared},
        "qkv": {h * d + n * (d + dv) for n in shared},
    }


def _roles(name: str) -> list[str]:
    plain = name.lower().replace("_", "").removesuffix("weight")
    return [role for role, names in {**_NAMES, **_PACKED}.items() if plain in names]


def _layers(place: torch.nn.Module, prefix: str) -> Iterator[Layer]:
    """Layers with a weight of two axes among the children, and such weights of its own."""
    for name, child in place.named_children():
        weight: Any = getattr(child, "weight", None)
        if isinstance(weight, torch.Tensor) and _is_matrix(weight):
            bias = getattr(child, "bias", None)
            yield _layer(name, prefix, weight, bias, turned=type(child).__name__ == "Conv1D")
    for name, weight in place.named_parameters(recurse=False):
        if _is_matrix(weight):
            bias = place._parameters.get(name.removesuffix("weight") + "bias")
            packed = place._parameters.get("in_proj_bias")
            if bias is None and packed is not None and _roles(name):
                bias = packed[: len(packed) // 3]  # nn.MultiheadAttention: one for q, k and v
            yield _layer(name, prefix, weight, bias)


def _is_matrix(weight: torch.Tensor) -> bool:
    """Of two axes, or of a convolution that looks at one token at a time."""
    return weight.dim() >= 2 and all(size == 1 for size in weight.shape[2:])


def _layer(
    name: str, prefix: str, weight: torch.Tensor, bias: object, turned: bool = False
) -> Layer:
    outputs, inputs = (int(size) for size in weight.shape[:2])
    if turned:
        outputs, inputs = inputs, outputs
    has_bias = isinstance(bias, torch.Tensor)
    return Layer(
        name=name,
        path=".".join(filter(None, (prefix, name))),
        shape=tuple(weight.shape),
        inputs=inputs,
        outputs=outputs,
        bias=has_bias,
        parameters=weight.numel() + (bias.numel() if isinstance(bias, torch.Tensor) else 0),
    )


def _turned(layer: Layer, sizes: set[int], place: torch.nn.Module) -> Iterator[Layer]:
    """The layer if it makes so many numbers; a bare matrix may be used as x W as well as W x."""
    if layer.outputs in sizes:
        yield layer
    elif layer.name in place._parameters and layer.inputs in sizes:
        yield Layer(**{**vars(layer), "inputs": layer.outputs, "outputs": layer.inputs})
