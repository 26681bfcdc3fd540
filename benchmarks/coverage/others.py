"""Models beside transformers: torch.nn's own, hand-written ones and, where installed, timm's."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn

from tests.unit.models import PLAIN

Made = tuple[nn.Module, tuple[Any, ...], dict[str, Any]]

TIMM = (
    "beit_base_patch16_224",
    "cait_xxs24_224",
    "deit3_small_patch16_224",
    "eva02_tiny_patch14_224",
    "swin_tiny_patch4_window7_224",
    "vit_tiny_patch16_224",
    "xcit_nano_12_p16_224",
)


def other_models() -> dict[str, Callable[[], Made]]:
    """Name to a function that makes the model and what to call it with."""
    made = {f"plain {name}": _plain(name) for name in PLAIN}
    if find_spec("timm") is not None:
        made |= {f"timm {name}": _timm(name) for name in TIMM}
    return made


def _plain(name: str) -> Callable[[], Made]:
    def make() -> Made:
        torch.manual_seed(0)
        shelf = PLAIN[name]
        return shelf.make().eval(), *shelf.inputs()

    return make


def _timm(name: str) -> Callable[[], Made]:
    def make() -> Made:
        import timm

        torch.manual_seed(0)
        model = timm.create_model(name, pretrained=False).eval()
        return model, (torch.randn(2, *model.default_cfg["input_size"]),), {}

    return make
