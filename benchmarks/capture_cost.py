"""What capture costs a forward pass, and that it changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn

import attnwidget as aw
from attnwidget.binding.capture import Pass, attach
from benchmarks.models import Plain, gpt2, ids
from benchmarks.timing import medians

LAYERS = 12


def ratios() -> Iterator[tuple[str, str, str]]:
    """Forward under capture ÷ without, GPT-2 size."""
    for what, budget, make in (
        ("transformers registry", "≤ 1.02", gpt2),
        ("torch functions", "≤ 1.05", Plain),
    ):
        for length in (128, 512):
            model = make()
            seconds = _with_and_without(model, ids(length), rounds=15)
            kept, dropped = (seconds[name] / seconds["free"] for name in ("kept", "dropped"))
            figure = f"{kept:.3f} ({dropped:.3f} where no pass is kept"
            if "eager" in seconds:
                figure += f"; {seconds['eager'] / seconds['free']:.3f} by output_attentions=True"
            yield f"forward under capture ÷ without, {what}, T = {length}", budget, f"{figure})"


def absolute() -> Iterator[tuple[str, str, str]]:
    """The cost itself, on models with negligible maths."""
    for what, budget, make in (
        ("registry, per attention call", "≤ 40 µs", gpt2),
        ("torch functions, per layer", "≤ 300 µs", Plain),
    ):
        seconds = _with_and_without(make(LAYERS, 2, 8), ids(8), rounds=25, repeats=20)
        each = (seconds["kept"] - seconds["free"]) / LAYERS * 1e6
        yield f"capture cost, {what}", budget, f"{each:.0f} µs"


def _with_and_without(
    model: nn.Module, inputs: Tensor, rounds: int, repeats: int = 1
) -> dict[str, float]:
    rivals: dict[str, AbstractContextManager[object]] = {
        "free": Unbound(),
        "kept": Bound(model),
        "dropped": Bound(model, keeps=False),
    }
    if hasattr(model, "set_attn_implementation"):
        rivals["eager"] = Eager(model)
    with torch.no_grad():
        return medians(rivals, lambda: model(inputs), rounds, repeats)


class Unbound:
    """The model as it is."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


class Eager:
    """What transformers offers itself: another implementation, which returns its maps."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def __enter__(self) -> None:
        self.before = self.model.config._attn_implementation
        self.model.set_attn_implementation("eager")
        self.model.config.output_attentions = True

    def __exit__(self, *_: object) -> None:
        self.model.config.output_attentions = False
        self.model.set_attn_implementation(self.before)


class Bound:
    """The model bound; each pass is kept until the next is there, or dropped at once.

    A pass that is kept makes the next one write to memory that is not in use, and not in a cache.
    """

    def __init__(self, model: nn.Module, keeps: bool = True) -> None:
        self.model = model
        self.keeps = keeps
        self.last: Pass | None = None

    def __enter__(self) -> None:
        self.binding = attach(self.model, self.keep)

    def keep(self, done: Pass) -> None:
        self.last = done if self.keeps else None

    def __exit__(self, *_: object) -> None:
        self.binding.detach()
        self.last = None


def exactness() -> Iterator[tuple[str, str, str]]:
    """Output with capture, and weights against the model's own."""
    model, inputs = gpt2(), ids(128)
    with torch.no_grad():
        free = model(inputs).logits
        with aw.capture(model) as trace:
            captured = model(inputs).logits
        model.set_attn_implementation("eager")
        own = model(inputs, output_attentions=True).attentions
    same = "bit-identical" if torch.equal(free, captured) else "differs"
    yield "output with capture vs without", "bit-identical", same
    pairs: Any = zip(trace.calls, own, strict=True)
    error = max(float((call.weights() - map_).abs().max()) for call, map_ in pairs)
    yield "captured weights vs the model's own", "≤ 1e-5", f"{error:.1e}"


def memory() -> Iterator[tuple[str, str, str]]:
    """Bytes kept by a trace, against those of its q, k and v."""
    model = gpt2()
    with torch.no_grad(), aw.capture(model) as trace:
        model(ids(512))
    kept = _bytes(t for call in trace.calls for t in call.tensors())
    qkv = _bytes(t for c in trace.calls for t in (c.q, c.k, c.v) if t is not None)
    yield (
        "memory kept, T = 512, 12 × 12",
        "≤ q, k, v",
        f"{kept / 2**20:.0f} MiB, {kept / qkv:.2f} × q, k, v",
    )


def _bytes(tensors: Iterator[Tensor]) -> int:
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}
    return sum(storages.values())
