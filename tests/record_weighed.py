"""Record pictures of more than the pattern, from the bundled model.

``python -m tests.record_weighed`` writes tests/fixtures/weighed.json anew. pytest checks that the
kernel still sends this, vitest draws it, and so does the page in js/dev.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import attnwidget as aw

FILE = Path(__file__).parent / "fixtures" / "weighed.json"

PLAIN = {"words": False, "hide": [], "renormalise": False, "pair": None}
IT, SLEPT = 14, 307  # a position, and what the bundled model says comes after it
WHOLE = {"heads": [[2, 2]], "rows": None, "cols": None, "size": [2048, 2048]}
READINGS: list[dict[str, Any]] = [
    {"weigh": "values"},
    {"weigh": "output"},
    {"weigh": "gradient", "target": None},
    {"weigh": "gradient", "target": [IT, SLEPT]},
    {"weigh": "rollout"},
]
WANTS: list[dict[str, Any]] = [
    {"kind": kind, "stack": "", "batch": 0, "reading": {**PLAIN, **reading}, **rest}
    for reading in READINGS
    for kind, rest in (
        ("model", {}),
        ("tile", WHOLE),
        ("overview", {"size": 24}),
        ("overview", {"size": 48}),
        ("lines", {"heads": [[2, 2]], "direction": "from", "count": 4}),
        ("row", {"heads": [[2, 2]], "direction": "from", "at": IT}),
        *([("direct", {})] if reading["weigh"] == "gradient" else []),
    )
] + [{"kind": "predictions", "stack": "", "batch": 0, "at": [0, 16], "count": 5}]


def record() -> list[dict[str, Any]]:
    """The wants, each with the message that answers it, its buffers in base64."""
    ex = aw.explore()
    made: list[dict[str, Any]] = []

    def keep(content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        if content["type"] != "progress" and not content.get("coarse"):
            texts = [base64.b64encode(buffer).decode() for buffer in buffers or []]
            made.append({"content": content, "buffers": texts})

    ex.send = keep  # type: ignore[method-assign]
    listed = [{"key": f"{number}", **want} for number, want in enumerate(WANTS)]
    ex._handle_custom_msg({"type": "wants", "view": "recorded", "wants": listed}, [])
    ex.close()
    return [{"want": WANTS[int(one["content"]["key"])], **one} for one in made]


if __name__ == "__main__":
    FILE.write_text(json.dumps(record(), indent=1) + "\n")
