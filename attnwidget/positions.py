"""Where a model keeps what it knows of positions: tables that are added, angles, and biases.

Nothing of a call tells this either, so the parts are looked for in the model, by the names that
people give them and by what they hold.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

TableKind = Literal["learned", "sine and cosine"]

# As people call what is added: wpe, pos_emb, position_embeddings, pos_encoder, places, pe.
_CALLED = re.compile(r"(^|_)(wpe|pe|pos|places?)($|_)|pos_?(emb|enc|table)|position", re.I)
_CALLED_OTHERWISE = re.compile(r"rel(ative)?(_|$)|relative|bias|(^|_)ids?$|rotary|rope|mask", re.I)
_ATTENTION = re.compile(r"att(e?n)|attention|mha", re.I)
_ROTARY = re.compile(r"rotary|rope$|^rope|_rope", re.I)
_BIAS = re.compile(r"relative_attention_bias|rel(ative)?_pos\w*_bias$", re.I)
_FLOATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)

LOOKED_FOR = (
    "Looked for: an embedding, parameter or buffer named like positions (wpe, pos_emb, "
    "position_embeddings, places, pe, ...), or called with 0, 1, 2, ...; a rotary module with "
    "inv_freq; a relative_attention_bias; build_alibi_tensor."
)


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


@dataclass(frozen=True, eq=False)
class Rotary:
    """A module that tells how far queries and keys are turned at each position.

    Attributes
    ----------
    path : str
    module : Module
    inv_freq : Tensor
        (d / 2,), angle per position of each pair of numbers, in radians.
    """

    path: str
    module: torch.nn.Module = field(repr=False)
    inv_freq: torch.Tensor = field(repr=False)


@dataclass(frozen=True, eq=False)
class Bias:
    """A number that is added to a score for how far the key is from the query.

    Attributes
    ----------
    path : str
    kind : "learned" or "ALiBi"
    of_distances : callable
        From key − query (n,) to biases (H, n), detached.
    owner, name : Module, str
        Whose parameter holds the numbers, or which method of it makes them.
    """

    path: str
    kind: Literal["learned", "ALiBi"]
    of_distances: Callable[[torch.Tensor], torch.Tensor] = field(repr=False)
    owner: torch.nn.Module = field(repr=False)
    name: str = ""


@dataclass(frozen=True, eq=False)
class Positions:
    """All that was found."""

    tables: tuple[Table, ...] = ()
    rotary: tuple[Rotary, ...] = ()
    biases: tuple[Bias, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.tables or self.rotary or self.biases)

    @property
    def paths(self) -> list[str]:
        """Where they are in the model."""
        tables, rotary, biases = self.tables, self.rotary, self.biases
        return [t.path for t in tables] + [r.path for r in rotary] + [b.path for b in biases]


def positions_of(
    model: torch.nn.Module, run: Callable[[], object] | None = None, length: int = 0
) -> Positions:
    """Find what a model knows of positions.

    Parameters
    ----------
    run : callable, optional
        Runs the model: where no name tells, embeddings are watched that are called with the
        numbers from 0 up.
    length : int
        How many tokens that run has.
    """
    widths = _widths(model)
    found = Positions(tuple(_tables(model, widths)), tuple(_rotary(model)), tuple(_biases(model)))
    if not found and run is not None and length > 2:
        return Positions(tuple(_called_in_order(model, run, length, widths)))
    return found


# -- tables --------------------------------------------------------------------------------------


def _tables(model: torch.nn.Module, widths: set[int]) -> Iterator[Table]:
    has_image = _reads_images(model)
    for path, module in model.named_modules():
        if _ATTENTION.search(path):
            continue  # GPT-J keeps its rotary sines there
        own = path.rpartition(".")[2]
        named = _is_called_so(own) or (path != "" and _is_called_so(_snake(type(module).__name__)))
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
    is_plain = tensor.dtype in _FLOATS and tensor.device.type != "meta"
    return is_plain and tensor.dim() <= 4 and len(sides) == 2


def _as_table(tensor: torch.Tensor) -> torch.Tensor:
    """Without axes of one: (1, P, E) and (P, 1, E) are (P, E)."""
    sides = [n for n in tensor.shape if n != 1]
    return tensor.reshape(sides) if len(sides) == 2 else tensor


def _is_called_so(name: str) -> bool:
    return bool(_CALLED.search(name)) and not _CALLED_OTHERWISE.search(name)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def is_sine_and_cosine(table: torch.Tensor) -> bool:
    """Whether each pair of columns lies on a circle: neighbours, or one from either half."""
    if table.shape[0] < 2 or table.shape[1] % 2:
        return False
    numbers = table.double()
    half = numbers.shape[1] // 2
    for one, other in (
        (numbers[:, 0::2], numbers[:, 1::2]),
        (numbers[:, :half], numbers[:, half:]),
    ):
        radius = one.square() + other.square()
        if float((radius - radius.mean()).abs().max()) < 1e-2 * float(radius.mean()):
            return True
    return False


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


def _called_in_order(
    model: torch.nn.Module, run: Callable[[], object], length: int, widths: set[int]
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
        for module in in_order:
            yield from _table(paths[module], module, "weight", widths, False)


# -- rotary --------------------------------------------------------------------------------------


def _rotary(model: torch.nn.Module) -> Iterator[Rotary]:
    for path, module in model.named_modules():
        buffers = {name: b for name, b in module._buffers.items() if b is not None and b.dim() == 1}
        name = next((n for n in buffers if n.endswith("inv_freq") and "original" not in n), None)
        if name is None and _is_rotary(path, module):
            name = next((n for n, b in buffers.items() if _falls(b)), None)
        elif name is not None and not _is_rotary(path, module):
            continue  # XLNet makes sines of it
        if name is not None and buffers[name].device.type != "meta":
            yield Rotary(path, module, buffers[name].detach())


def _is_rotary(path: str, module: torch.nn.Module) -> bool:
    names = (path.rpartition(".")[2], _snake(type(module).__name__))
    return any(_ROTARY.search(name) for name in names)


def _falls(numbers: torch.Tensor) -> bool:
    is_float = numbers.is_floating_point() and numbers.numel() > 1
    return is_float and bool((numbers.diff() < 0).all()) and bool((numbers > 0).all())


# -- biases --------------------------------------------------------------------------------------


def _biases(model: torch.nn.Module) -> Iterator[Bias]:
    for path, module in model.named_modules():
        for name, child in module.named_children():
            buckets = getattr(module, "_relative_position_bucket", None)
            if isinstance(child, torch.nn.Embedding) and _BIAS.search(name) and callable(buckets):
                full = f"{path}.{name}" if path else name
                yield Bias(full, "learned", _bucketed(module, child, buckets), child, "weight")
        make: Any = getattr(module, "build_alibi_tensor", None)
        heads = getattr(module, "num_heads", None)
        takes = any("alibi" in inspect.signature(m.forward).parameters for m in module.modules())
        if callable(make) and isinstance(heads, int) and takes:
            full = f"{path}.build_alibi_tensor" if path else "build_alibi_tensor"
            yield Bias(full, "ALiBi", _alibi(make, heads), module, "build_alibi_tensor")


def _bucketed(
    attention: Any, table: torch.nn.Embedding, buckets: Callable[..., torch.Tensor]
) -> Callable[[torch.Tensor], torch.Tensor]:
    """As T5 has it: distances share buckets that grow with the distance."""

    def of_distances(distances: torch.Tensor) -> torch.Tensor:
        numbers = buckets(
            distances,
            bidirectional=not getattr(attention, "is_decoder", False),
            num_buckets=table.num_embeddings,
            max_distance=getattr(attention, "relative_attention_max_distance", 128),
        )
        return table.weight.detach().cpu()[numbers].T

    return of_distances


def _alibi(make: Callable[..., torch.Tensor], heads: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """As Bloom has it: a slope for each head (Press et al. 2022, "Train Short, Test Long")."""

    def of_distances(distances: torch.Tensor) -> torch.Tensor:
        ones = torch.ones(1, 2, dtype=torch.int64)
        slopes = make(ones, heads, torch.float32).detach().reshape(heads, 2).diff(dim=1)
        # The model adds slope · key: the same for the softmax, as a row's constant cancels out.
        biases: torch.Tensor = slopes.cpu() * distances
        return biases

    return of_distances
