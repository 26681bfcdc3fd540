"""The recorded messages, read by this test and by js/tests: neither side can drift alone."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest

from tests import record_views
from tests.record_messages import FOLDER, explorer, record

# A byte may round the other way on another processor.
ROUNDING = {"uint8": 1, "int32": 0, "float32": 1e-6}


def recorded(name: str) -> list[dict[str, Any]]:
    return json.loads((FOLDER / name).read_text())  # type: ignore[no-any-return]


def test_the_kernel_still_sends_what_was_recorded() -> None:
    """If this is meant to change: `python -m tests.record_messages`, then js/src/messages.js."""
    now, before = record(), recorded("kernel.json")
    assert [m["content"].get("key") for m in now] == [m["content"].get("key") for m in before]
    for new, old in zip(now, before, strict=True):
        assert_same(new, old)


def test_it_still_sends_each_view_what_was_recorded() -> None:
    """If this is meant to change: `python -m tests.record_views`, then js/src/views."""
    now = record_views.record()
    kinds = sorted(path.stem for path in record_views.FOLDER.iterdir())
    assert sorted(now) == kinds
    for kind in kinds:
        before = json.loads((record_views.FOLDER / f"{kind}.json").read_text())
        for new, old in zip(now[kind], before, strict=True):
            assert new["want"] == old["want"]
            assert_same(new, old)


def assert_same(new: dict[str, Any], old: dict[str, Any]) -> None:
    """Facts and numbers of two messages, but for how a processor rounds."""
    sent = json.loads(json.dumps(new["content"]))
    assert set(sent) == set(old["content"])
    for name, value in old["content"].items():
        if name == "pass" and old["content"]["kind"] == "generation":
            continue  # how many of its steps were shown meanwhile is a matter of time
        if isinstance(value, float):
            assert sent[name] == pytest.approx(value, rel=1e-5, abs=1e-7), name
        else:
            assert sent[name] == value, name
    for fact, a, b in zip(
        old["content"].get("arrays", []), new["buffers"], old["buffers"], strict=True
    ):
        drawn, kept = (np.frombuffer(base64.b64decode(t), fact["dtype"]) for t in (a, b))
        assert drawn.size == np.prod(fact["shape"])
        np.testing.assert_allclose(
            drawn.astype(float), kept.astype(float), rtol=1e-5, atol=ROUNDING[fact["dtype"]]
        )


def test_the_kernel_answers_all_that_the_page_was_recorded_to_want() -> None:
    ex = explorer()
    sent: list[dict[str, Any]] = []
    ex.send = lambda content, buffers=None: sent.append(content)  # type: ignore[method-assign]
    for message in recorded("page.json"):
        ex._handle_custom_msg(message, [])
        # Arrays have no logits, and a want of predictions is told so.
        wanted = {w["key"] for w in message.get("wants", []) if w["kind"] != "predictions"}
        pictures = {m["key"] for m in sent if m["type"] == "picture"}
        assert wanted <= pictures
