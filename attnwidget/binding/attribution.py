"""Which module made an attention call, and where it stands.

No hooks: a hook on every module costs more than the attention of a small model, and switches off
torch's fused layers. The Python frames that lead to a call tell the same.
"""

from __future__ import annotations

import functools
import re
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType

import torch

from attnwidget.call import AttentionCall

_VISION = re.compile(r"vision|visual|(?<![a-z])vit(?![a-z])", re.I)
_VISION_CLASS = re.compile(r"Vision|Visual|ViT(?![a-z])")
_ENCODER_DECODER = re.compile(r"encoder|decoder", re.I)
_ATTENTION_NAME = re.compile(r"att(e?n)|attention|(^|_)mha($|_)", re.I)
_NOT_ATTENTION = re.compile(r"norm|dropout|mask|bias|rotary|embed|pool|output|proj|loss", re.I)


class Names:
    """Modules of a bound model by identity.

    Parameters
    ----------
    root : Module
        The bound model.
    """

    def __init__(self, root: torch.nn.Module) -> None:
        self._root = weakref.ref(root)
        self._by_id: dict[int, tuple[weakref.ref[torch.nn.Module], str]] = {}
        self.classes: dict[str, str] = {}
        # Found once per module: the word and the anchor of its stack, by (path, kind).
        self.stacks: dict[tuple[str, str], tuple[str, str]] = {}
        self.refresh()

    def root(self) -> torch.nn.Module | None:
        """The bound model, while it exists."""
        return self._root()

    def refresh(self) -> None:
        """Read the tree again; modules may be added while the model is bound."""
        root = self._root()
        if root is None:
            return
        self._by_id = {}
        self.classes = {}
        for path, module in root.named_modules():
            name = ".".join(part for part in path.split(".") if part != "_orig_mod")
            self._by_id[id(module)] = (weakref.ref(module), name)
            self.classes[name] = type(module).__name__

    def of(self, module: object) -> str | None:
        """Return the dotted path of a module, or None if it is not part of the model."""
        found = self._by_id.get(id(module))
        return found[1] if found is not None and found[0]() is module else None

    def modules(self) -> Iterator[tuple[str, torch.nn.Module]]:
        """Each (path, module) that still exists."""
        for ref, name in self._by_id.values():
            module = ref()
            if module is not None:
                yield name, module


@dataclass(frozen=True)
class Caller:
    """The module whose code made a call, and the frame of its forward."""

    module: torch.nn.Module
    frame: FrameType


def callers(frame: FrameType | None) -> Iterator[Caller]:
    """Modules whose methods led to this frame, innermost first."""
    seen = None
    while frame is not None:
        code = frame.f_code
        if code.co_argcount and code.co_varnames[0] in ("self", "module"):
            owner = frame.f_locals.get(code.co_varnames[0])
            if isinstance(owner, torch.nn.Module) and owner is not seen:
                seen = owner
                yield Caller(owner, frame)
        frame = frame.f_back


def place_calls(calls: list[AttentionCall], names: Names, layer_idx: dict[int, int]) -> None:
    """Sort the calls of one pass into stacks and number them there.

    Parameters
    ----------
    layer_idx : dict
        ``module.layer_idx`` by index into `calls`, where a module has one.
    """
    stacks: dict[tuple[str, str], list[int]] = {}
    for i, call in enumerate(calls):
        key = call.module, call.kind
        if key not in names.stacks:
            # Kept for the life of the binding: a single decoding step cannot tell by itself
            # whether its model looks back only.
            names.stacks[key] = _stack(call, names)
        stacks.setdefault(names.stacks[key], []).append(i)
    words = [word for word, _ in stacks]
    for (word, anchor), members in stacks.items():
        # Two towers of one kind are told apart by where they hang in the model.
        name = anchor if words.count(word) > 1 and anchor else word
        numbers = [_number(calls[i].module, layer_idx.get(i)) for i in members]
        if None in numbers or len(set(numbers)) < len(numbers):
            numbers = list(range(len(members)))
        for i, number in zip(members, numbers, strict=True):
            calls[i].stack, calls[i].layer = name, number or 0


def _stack(call: AttentionCall, names: Names) -> tuple[str, str]:
    """Word for the stack of a call, and the path that a stack named in the path hangs on."""
    if call.kind != "self":
        # Additive attention of a recurrent decoder looks at its encoder.
        return ("cross" if call.kind == "additive" else call.kind), ""
    path = call.module.split(".") if call.module else []
    prefixes = [".".join(path[:n]) for n in range(len(path), -1, -1)]
    for prefix in prefixes:
        component = prefix.rpartition(".")[2]
        if _VISION.search(component):
            return "vision", _anchor(prefix)
        if _VISION_CLASS.search(names.classes.get(prefix, "")):
            return "vision", ""
    for prefix in prefixes:
        component = prefix.rpartition(".")[2]
        for text, anchor in ((component, _anchor(prefix)), (names.classes.get(prefix, ""), "")):
            found = {word.lower() for word in _ENCODER_DECODER.findall(text)}
            if len(found) == 1:
                return found.pop(), anchor
    return "decoder" if call.causal else "attention", ""


def _anchor(prefix: str) -> str:
    parts = []
    for part in prefix.split("."):
        if part.isdigit():
            break
        parts.append(part.rstrip("0123456789_"))
    return ".".join(parts)


@functools.lru_cache(maxsize=4096)
def _number(path: str, layer_idx: int | None) -> int | None:
    for part in path.split("."):
        if part.isdigit():
            return int(part)
    if layer_idx is not None:
        return layer_idx
    trailing = re.findall(r"[A-Za-z_](\d+)(?=\.|$)", path)
    return int(trailing[0]) if trailing else None


def attention_like(names: Names, seen: set[str]) -> list[str]:
    """Paths of modules called attention by name or class that gave no record.

    A module around or inside a recorded one is part of it; of nested ones the outermost counts.
    """
    inside = {path for name in seen for path in _above(name)}
    found: list[str] = []
    taken = set(seen)
    order = {name: i for i, (name, _) in enumerate(names.modules())}
    for name, module in sorted(names.modules(), key=lambda pair: pair[0].count(".")):
        if not name or name in inside or not taken.isdisjoint(_above(name)):
            continue
        if _looks_like_attention(name, module):
            found.append(name)
            taken.add(name)
    return sorted(found, key=lambda name: order[name])


def _looks_like_attention(name: str, module: torch.nn.Module) -> bool:
    words = [type(module).__name__]
    if next(module.children(), None) is not None:  # a Linear called "attn" is no attention
        words.append(name.rpartition(".")[2])
    if isinstance(module, torch.nn.ModuleList | torch.nn.ModuleDict):
        return False
    return any(_ATTENTION_NAME.search(w) and not _NOT_ATTENTION.search(w) for w in words)


def _above(name: str) -> list[str]:
    """Return the paths of a module and of all it is inside of, without the root."""
    parts = name.split(".") if name else []
    return [".".join(parts[: n + 1]) for n in range(len(parts))]
