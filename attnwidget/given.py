"""What a pass was given, kept so that it can be run once more, and whether it may be."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from attnwidget.running import Encoded
from attnwidget.trouble import Trouble

_HARMLESS = (torch.Tensor, bool, int, float, str, bytes, torch.dtype, torch.device, torch.Size)


@dataclass(frozen=True)
class Given:
    """Arguments of a pass, without their graphs.

    Attributes
    ----------
    encoded : Encoded or None
        None where an argument would not stand a second run.
    why_not : str
        What keeps it from being run once more, as half a sentence.
    versions : tuple of (Tensor, int)
        Its tensors, each with how often it had been written to.
    thread : int or None
        Where the pass was made; None for a run of our own, which is over when it is shown.
    """

    encoded: Encoded | None
    why_not: str
    versions: tuple[tuple[torch.Tensor, int], ...]
    thread: int | None

    @property
    def is_overwritten(self) -> bool:
        """Whether a tensor has been written to since."""
        return any(tensor._version != version for tensor, version in self.versions)

    def check_alone(self) -> None:
        """Raise Trouble where the model may be running elsewhere: a second run would disturb it."""
        if self.thread not in (None, threading.get_ident()):
            raise Trouble(
                "This pass was made in another thread, where the model may be running now.",
                "For this view it is run once more, which could disturb it: run it in a cell of "
                "the notebook.",
            )
        distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
        if distributed and torch.distributed.get_world_size() > 1:
            raise Trouble(
                "The model runs on several processes at once.",
                "For this view it is run once more, which one process cannot do alone.",
            )


def given(args: tuple[Any, ...], kwargs: Mapping[str, Any], *, is_ours: bool = False) -> Given:
    """Keep arguments of a forward by reference; of the user's, or of a run of our own."""
    named = {**{f"argument {i}": value for i, value in enumerate(args)}, **kwargs}
    here = None if is_ours else threading.get_ident()
    for name, value in named.items():
        strange = next((leaf for leaf in _leaves(value) if not _stands_rerun(leaf)), None)
        if strange is not None:
            why = f"{name} holds a {type(strange).__name__}, which a second run might change"
            return Given(None, why, (), here)
    tensors = [leaf for value in named.values() for leaf in _leaves(value) if _is_tensor(leaf)]
    # Tensors of inference mode do not count how often they are written to.
    versions = tuple((t.detach(), t._version) for t in tensors if not t.is_inference())
    kept = Encoded(
        tuple(_detached(value) for value in args),
        {name: _detached(value) for name, value in kwargs.items()},
    )
    return Given(kept, "", versions, here)


def _leaves(value: Any) -> Iterator[Any]:
    if type(value) in (list, tuple):
        for one in value:
            yield from _leaves(one)
    elif type(value) is dict:
        for one in value.values():
            yield from _leaves(one)
    else:
        yield value


def _is_tensor(leaf: object) -> bool:
    return isinstance(leaf, torch.Tensor)


def _stands_rerun(leaf: object) -> bool:
    return leaf is None or isinstance(leaf, _HARMLESS)


def _detached(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach()
    if type(value) in (list, tuple):
        return type(value)(_detached(one) for one in value)
    if type(value) is dict:
        return {name: _detached(one) for name, one in value.items()}
    return value
