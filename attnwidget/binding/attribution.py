"""Which module made an attention call, and where it stands.

No hooks: a hook on every module costs more than the attention of a small model, and switches off
torch's fused layers. The Python frames that lead to a call tell the same.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType

import torch

from attnwidget.binding.stacks import Stack

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
        # Found once: the stack of each module by (path, kind), and all stacks there are.
        self.stacks: dict[tuple[str, str], Stack] = {}
        self.groups: dict[tuple[str, str, str], Stack] = {}
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


def attention_like(names: Names, seen: set[str]) -> list[str]:
    """Paths of modules called attention by name or class that gave no record.

    A module around or inside a recorded one is part of it; of nested ones the outermost counts.
    """
    inside = {path for name in seen for path in above(name)}
    found: list[str] = []
    taken = set(seen)
    order = {name: i for i, (name, _) in enumerate(names.modules())}
    for name, module in sorted(names.modules(), key=lambda pair: pair[0].count(".")):
        if not name or name in inside or not taken.isdisjoint(above(name)):
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


def above(name: str) -> list[str]:
    """Return the paths of a module and of all it is inside of, without the root."""
    parts = name.split(".") if name else []
    return [".".join(parts[: n + 1]) for n in range(len(parts))]
