"""Tables: a row of numbers for each position, which a model adds to what it knows of a token."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

from attnwidget.positions.names import names_of
from attnwidget.steps.projection import ATTENTION, FLOATS

TableKind = Literal["learned", "sine and cosine"]

# As people call what is added: wpe, pos_emb, position_embeddings, pos_encoder, places, pe.
_CALLED = re.compile(r"(^|_)(wpe|pe|pos|places?)($|_)|pos_?(emb|enc|table)|position", re.I)
_CALLED_OTHERWISE = re.compile(r"rel(ative)?(_|$)|relative|bias|(^|_)ids?$|rotary|rope|mask", re.I)


@dataclass(frozen=True, eq=False)
class Table:
    """A row of numbers for each position, which the model adds to what it knows of each token.

    Attributes
    ----------
    path : str
        Where the numbers are in the model.
    owner, name : Module, str
        Whose parameter or buffer they are, and which.
    first : int
        Rows before that of position 0.
    kind : "learned" or "sine and cosine"
    is_added : bool
        Whether rows are as wide as the embeddings are.
    grid : (rows, columns, tokens before it) or None
        Where positions are those of an image's patches.
    """

    path: str
    owner: torch.nn.Module = field(repr=False)
    name: str
    first: int
    kind: TableKind
    is_added: bool
    grid: tuple[int, int, int] | None = None

    @property
    def numbers(self) -> torch.Tensor:
        """(P, E), one row per position, detached."""
        return _as_table(getattr(self.owner, self.name).detach())[self.first :]


def tables_of(model: torch.nn.Module) -> Iterator[Table]:
    """Parameters and buffers that are called like positions and are rows of numbers."""
    widths = _widths(model)
    has_image = _reads_images(model)
    for path, module in model.named_modules():
        if ATTENTION.search(path):
            continue  # GPT-J keeps its rotary sines there
        own, of_class = names_of(path, module)
        named = _is_called_so(own) or (path != "" and _is_called_so(of_class))
        if isinstance(module, torch.nn.Embedding):
            if named:
                yield from _table(path, module, "weight", widths, has_image)
            continue
        entries = {**module._parameters, **module._buffers}
        for name in entries:
            generic = named and name in ("weight", "table", "emb", "embedding", "encoding", "pe")
            if generic or _is_called_so(name):
                yield from _table(path, module, name, widths, has_image)


def _table(
    path: str, owner: torch.nn.Module, name: str, widths: set[int], has_image: bool
) -> Iterator[Table]:
    tensor = getattr(owner, name, None)
    if not isinstance(tensor, torch.Tensor) or not _is_table(tensor):
        return
    first = 0
    if isinstance(owner, torch.nn.Embedding):
        # RoBERTa counts from behind its padding; OPT and BART leave rows out by a number.
        offset = getattr(owner, "offset", None)
        first = offset if isinstance(offset, int) else (owner.padding_idx or -1) + 1
    numbers = _as_table(tensor.detach())
    if first >= numbers.shape[0] - 1:
        first = 0
    numbers = numbers[first:]
    kind: TableKind = "sine and cosine" if is_sine_and_cosine(numbers) else "learned"
    yield Table(
        f"{path}.{name}" if path else name,
        owner,
        name,
        first,
        kind,
        numbers.shape[1] in widths,
        _grid(numbers.shape[0]) if has_image else None,
    )


def _is_table(tensor: torch.Tensor) -> bool:
    sides = [n for n in tensor.shape if n != 1]
    is_plain = tensor.dtype in FLOATS and tensor.device.type != "meta"
    return is_plain and tensor.dim() <= 4 and len(sides) == 2


def _as_table(tensor: torch.Tensor) -> torch.Tensor:
    """Without axes of one: (1, P, E) and (P, 1, E) are (P, E)."""
    sides = [n for n in tensor.shape if n != 1]
    return tensor.reshape(sides) if len(sides) == 2 else tensor


def _is_called_so(name: str) -> bool:
    return bool(_CALLED.search(name)) and not _CALLED_OTHERWISE.search(name)


def is_sine_and_cosine(table: torch.Tensor) -> bool:
    """Whether each pair of columns lies on a circle: neighbours, or one from either half."""
    if table.shape[0] < 2 or table.shape[1] % 2:
        return False
    half = table.shape[1] // 2
    return is_interleaved(table) or _lie_on_circle(table[:, :half], table[:, half:])


def is_interleaved(table: torch.Tensor) -> bool:
    """Whether sine and cosine of a frequency are neighbours, rather than in either half."""
    return _lie_on_circle(table[:, 0::2], table[:, 1::2])


def _lie_on_circle(one: torch.Tensor, other: torch.Tensor) -> bool:
    radius = one.double().square() + other.double().square()
    return bool((radius - radius.mean()).abs().max() < 1e-2 * radius.mean())


def _widths(model: torch.nn.Module) -> set[int]:
    """How wide the model's embeddings may be."""
    found = {m.normalized_shape[-1] for m in model.modules() if isinstance(m, torch.nn.LayerNorm)}
    for name in ("hidden_size", "n_embd", "d_model", "embed_dim"):
        size = getattr(getattr(model, "config", None), name, None)
        found |= {size} if isinstance(size, int) else set()
    others = (
        module.embedding_dim
        for path, module in model.named_modules()
        if isinstance(module, torch.nn.Embedding) and not _CALLED.search(path)
    )
    return found | set(others)


def _reads_images(model: torch.nn.Module) -> bool:
    config = getattr(model, "config", None)
    if getattr(config, "vocab_size", None) is not None:
        return False
    has_patches = getattr(config, "patch_size", None) is not None
    return has_patches or any(isinstance(m, torch.nn.Conv2d) for m in model.modules())


def _grid(positions: int) -> tuple[int, int, int] | None:
    """A square of patches, with a class token before it or without."""
    for before in (0, 1, 2):
        side = math.isqrt(max(0, positions - before))
        if side > 1 and side * side == positions - before:
            return side, side, before
    return None


def tables_called_in_order(
    model: torch.nn.Module, run: Callable[[], object], length: int
) -> Iterator[Table]:
    """Embeddings that are asked for the rows 0, 1, 2, ... of every text, and for nothing else."""
    asked: dict[torch.nn.Module, bool] = {}

    def watch(module: torch.nn.Module, args: tuple[Any, ...]) -> None:
        ids = args[0] if args and isinstance(args[0], torch.Tensor) else None
        is_so = ids is not None and ids.dim() > 0 and ids.shape[-1] == length
        if ids is not None and is_so:
            is_so = bool((ids == torch.arange(length, device=ids.device)).all())
        asked[module] = asked.get(module, True) and is_so

    paths: dict[torch.nn.Module, str] = {
        m: path for path, m in model.named_modules() if isinstance(m, torch.nn.Embedding)
    }
    hooks = [module.register_forward_pre_hook(watch) for module in paths]
    try:
        run()
    finally:
        for hook in hooks:
            hook.remove()
    in_order = [module for module, is_so in asked.items() if is_so]
    if len(in_order) < len(paths):  # else the text itself may count so
        widths = _widths(model)
        for module in in_order:
            yield from _table(paths[module], module, "weight", widths, False)
