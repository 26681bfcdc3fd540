"""What the pictures of a head have in common: heads without products, any wants, plain JSON."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from attnwidget import messages
from attnwidget.messages import Picture
from attnwidget.trouble import Trouble
from tests.unit.models import D
from tests.unit.test_capture_kinds import DeformableAttention, Pooling, Recurrent
from tests.unit.test_messages import JSON
from tests.unit.test_pictures import draw, session_of

# Models whose scores are no products of queries and keys, by how the remark on them begins.
NO_PRODUCTS: dict[str, tuple[Callable[[], nn.Module], Callable[[], Any]]] = {
    "Additive": (lambda: Recurrent("bmm"), lambda: torch.randn(2, 5, D)),
    "Pooling": (Pooling, lambda: torch.randn(2, 5, D)),
    "Deformable": (
        DeformableAttention,
        lambda: (torch.randn(2, 3, D), torch.randn(2, 4, 4, D)),
    ),
}


def ask_anything(kind: str, *names: str) -> None:
    """Ask for a picture with any JSON under these names: it is made, or refused by a Trouble."""
    session = session_of(1, 2, 4, 5)

    @given(st.fixed_dictionaries(dict.fromkeys(names, JSON)))
    def ask(want: dict[str, Any]) -> None:
        with contextlib.suppress(Trouble):
            draw(session, kind=kind, **want)

    ask()


def check_plain_json(made: Picture) -> None:
    """No NaN and no infinity among the facts: browsers read none."""
    content, _ = messages.picture("k", 1, made)
    json.dumps(content, allow_nan=False)
