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
from attnwidget.session import Session

FOLDER = Path(__file__).parent / "fixtures" / "messages"

# As WordPiece writes a pair of sentences; the last is hostile.
PIECES = ["[CLS]", "The", "anim", "##al", "[SEP]", "<b>&"]
SENTENCES = [0, 0, 0, 0, 0, 1]

TOKENS = {"words": False, "hide": [], "renormalise": False, "pair": None}
WORDS = {"words": True, "hide": ["special"], "renormalise": True, "pair": None}
PAIR = {"words": True, "hide": [], "renormalise": False, "pair": [0, 1]}

PLACE = {"stack": "attention", "batch": 0, "reading": TOKENS}
WANTS: list[dict[str, Any]] = [
    {"kind": "model", "key": "model|attention 0 ", **PLACE},
    {"kind": "model", "stack": "", "batch": 7, "reading": WORDS},
    {"kind": "model", **PLACE, "reading": PAIR},
    {"kind": "check", "stack": "attention", "layer": 1},
    {"kind": "overview", **PLACE, "size": 4},
    {"kind": "overview", **PLACE, "reading": WORDS, "size": 4},
    {"kind": "tile", **PLACE, "heads": [[1, 2]], "rows": None, "cols": None, "size": [64, 64]},
    {"kind": "tile", **PLACE, "heads": [[0, 0]], "rows": [1, 5], "cols": [0, 6], "size": [2, 3]},
    {"kind": "tile", **PLACE, "heads": [[0, 0], [1, 1]], "reading": WORDS,
     "rows": None, "cols": None, "size": [64, 64]},
    {"kind": "row", **PLACE, "heads": [[0, 1]], "direction": "from", "at": 3},
    {"kind": "row", **PLACE, "heads": [[1, 0]], "direction": "to", "at": 2, "reading": WORDS},
    {"kind": "row", **PLACE, "heads": [[0, 99]], "direction": "from", "at": 3},
    {"kind": "lines", **PLACE, "heads": [[1, 2]], "direction": "from", "count": 4},
    {"kind": "lines", **PLACE, "heads": [[0, 1]], "direction": "to", "count": 4},
    {"kind": "lines", **PLACE, "heads": [[0, 0], [1, 1]], "direction": "from", "count": 4,
     "reading": PAIR},
    {"kind": "predictions", "stack": "attention", "batch": 0, "at": [0, 16], "count": 5},
]  # fmt: skip


class Tokenizer:
    """Knows the pieces by their numbers."""

    def convert_ids_to_tokens(self, ids: list[int]) -> list[str]:
        return [PIECES[i] for i in ids]


def explorer() -> aw.Explorer:
    """Two layers of three heads over six tokens, with one NaN and one hard zero."""
    steps = torch.arange(2 * 3 * 6 * 6, dtype=torch.float32)
    maps = (steps * 7.0).remainder(13.0).reshape(2, 1, 3, 6, 6).softmax(-1)
    maps[0, 0, 1, 3, 4] = torch.nan
    maps[1, 0, 2, 0, 1:] = 0.0
    session = Session(tokenizer=Tokenizer())
    inputs = {"source": torch.arange(6)[None], "segments": torch.tensor([SENTENCES])}
    session.take(aw.Trace.from_arrays(list(maps)), inputs)
    return aw.Explorer(session)


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
