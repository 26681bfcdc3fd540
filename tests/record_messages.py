"""Record what the kernel sends, so that both sides are tested against the same messages.

``python -m tests.record_messages`` writes tests/fixtures/messages/kernel.json anew. pytest checks
that the kernel still sends this, vitest that the page can read it. The other direction, what the
page asks for (page.json), is recorded by ``npm run record`` in js/.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import torch

import attnwidget as aw

FOLDER = Path(__file__).parent / "fixtures" / "messages"

WORDS = ["The", "animal", "was", "too", "tired", "<b>&"]
WANTS: list[dict[str, Any]] = [
    {"kind": "model", "key": "model"},
    {"kind": "check", "stack": "attention", "layer": 1},
    {"kind": "overview", "stack": "attention", "batch": 0, "size": 4},
    {"kind": "tile", "stack": "attention", "layer": 1, "head": 2, "batch": 0,
     "rows": None, "cols": None, "size": [64, 64]},
    {"kind": "tile", "stack": "attention", "layer": 0, "head": 0, "batch": 0,
     "rows": [1, 5], "cols": [0, 6], "size": [2, 3]},
    {"kind": "row", "stack": "attention", "layer": 0, "head": 1, "batch": 0, "query": 3},
    {"kind": "row", "stack": "attention", "layer": 0, "head": 99, "batch": 0, "query": 3},
]  # fmt: skip


def explorer() -> aw.Explorer:
    """Two layers of three heads over six tokens, with one NaN and one hard zero."""
    steps = torch.arange(2 * 3 * 6 * 6, dtype=torch.float32)
    maps = (steps * 7.0).remainder(13.0).reshape(2, 1, 3, 6, 6).softmax(-1)
    maps[0, 0, 1, 3, 4] = torch.nan
    maps[1, 0, 2, 0, 1:] = 0.0
    return aw.explore(attention=list(maps), tokens=WORDS)


def record() -> list[dict[str, Any]]:
    """The messages that answer `WANTS`, buffers in base64."""
    ex = explorer()
    sent: list[dict[str, Any]] = []

    def keep(content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        texts = [base64.b64encode(buffer).decode() for buffer in buffers or []]
        sent.append({"content": content, "buffers": texts})

    ex.send = keep  # type: ignore[method-assign]
    listed = [{"key": f"want {number}", **want} for number, want in enumerate(WANTS)]
    ex._handle_custom_msg({"type": "wants", "view": "recorded", "wants": listed}, [])
    ex._handle_custom_msg({"type": "run", "text": ""}, [])
    ex.close()
    return sent


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "kernel.json").write_text(json.dumps(record(), indent=1) + "\n")
