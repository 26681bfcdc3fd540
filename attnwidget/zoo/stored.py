"""A trained model in one file: its weights, and as JSON its vocabulary and its card."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn


def read_tensors(weights: Path) -> dict[str, Tensor]:
    """The weights by name, in float32."""
    with safe_open(weights, framework="pt") as file:
        return {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118


def read_vocabulary(weights: Path) -> list[str]:
    """The tokens that the model knows, in the order of their ids."""
    found: list[str] = _read(weights, "vocabulary")
    return found


def read_card(weights: Path) -> dict[str, Any]:
    """What is known of the model: its size, its scores, and something to open with."""
    found: dict[str, Any] = _read(weights, "card")
    return found


def _read(weights: Path, name: str) -> Any:
    with safe_open(weights, framework="pt") as file:
        return json.loads(file.metadata()[name])


def write(
    weights: Path,
    model: nn.Module,
    card: dict[str, Any],
    vocabulary: Sequence[str] | None = None,
    *,
    halves: bool = True,
) -> None:
    """Write all of it; the weights in 16 bits, or as they are."""
    metadata = {"card": json.dumps(card)}
    if vocabulary is not None:
        metadata["vocabulary"] = json.dumps(vocabulary)
    tensors = {name: w.half() if halves else w for name, w in model.state_dict().items()}
    save_file(tensors, weights, metadata)
