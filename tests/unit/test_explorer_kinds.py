"""An explorer opens on every kind of attention, and every picture of it can be drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

import attnwidget as aw
from attnwidget.reading import Reading
from tests.unit.models import D
from tests.unit.test_capture_kinds import XCA, DeformableAttention, MAPHead, Pooling, Recurrent
from tests.unit.test_explorer import listen, say
from tests.unit.test_sparse_layouts import LENGTH, model_of


def x() -> torch.Tensor:
    return torch.randn(2, 5, D)


MODELS: dict[str, tuple[Callable[[], nn.Module], Callable[[], Any], str]] = {
    "additive": (lambda: Recurrent("bmm"), x, "cross"),
    "pooling": (Pooling, x, "pooling"),
    "learned query": (MAPHead, x, "pooling"),
    "channel": (XCA, x, "channel"),
    "deformable": (DeformableAttention, lambda: (x(), torch.randn(2, 4, 4, D)), "deformable"),
    "window": (
        lambda: model_of("longformer"),
        lambda: torch.randint(4, 50, (2, LENGTH)),
        "encoder",
    ),
    "buckets": (lambda: model_of("reformer"), lambda: torch.randint(4, 50, (2, LENGTH)), "encoder"),
}


def wants(ex: aw.Explorer) -> list[dict[str, Any]]:
    context = {"stack": ex.stack, "batch": 1, "reading": Reading().facts}
    head = {"heads": [[ex.layer, ex.head]]}
    listed: list[dict[str, Any]] = [
        {"kind": "model", **context},
        {"kind": "tile", **context, **head, "rows": None, "cols": None, "size": [256, 256]},
        {"kind": "overview", **context, "size": 24},
        {"kind": "check", "stack": ex.stack, "layer": ex.layer},
        {"kind": "row", **context, **head, "direction": "from", "at": 0},
        {"kind": "row", **context, **head, "direction": "to", "at": 0},
        {"kind": "lines", **context, **head, "direction": "from", "count": 24},
    ]
    return [{"key": want["kind"] + str(n), **want} for n, want in enumerate(listed)]


@pytest.mark.parametrize("name", MODELS)
def test_every_picture_of_every_kind_is_drawn(name: str) -> None:
    make, inputs, stack = MODELS[name]
    torch.manual_seed(0)
    ex = aw.explore(make().eval(), inputs=inputs())
    assert list(ex.trace.stacks) == [stack]
    sent = listen(ex)
    asked = wants(ex)
    say(ex, {"type": "wants", "view": "test", "wants": asked})
    ex.close()
    assert not [content for content, _ in sent if content["type"] == "trouble"]
    drawn = {content["key"] for content, _ in sent if content["type"] == "picture"}
    assert drawn == {want["key"] for want in asked}
