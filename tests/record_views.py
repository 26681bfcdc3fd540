"""Record what the views that have a picture of their own are sent, from the bundled model.

``python -m tests.record_views`` writes tests/fixtures/views anew, a file for each kind of picture.
pytest checks that the kernel still sends this, vitest draws it, and so does the page in js/dev.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import attnwidget as aw

FOLDER = Path(__file__).parent / "fixtures" / "views"

PLACE = {"stack": "", "batch": 0,
         "reading": {"words": False, "hide": [], "renormalise": False, "pair": None}}  # fmt: skip
IT, LAYER, HEAD = 14, 2, 2  # where the bundled model finds the animal
WANTS: list[dict[str, Any]] = [
    {"kind": "block", **PLACE},
    {"kind": "steps", **PLACE, "heads": [[LAYER, HEAD]], "query": IT, "keys": None},
    {"kind": "order", **PLACE, "heads": [[LAYER, HEAD]]},
    {"kind": "shapes", **PLACE, "layer": LAYER},
    {"kind": "scaling", **PLACE, "heads": [[LAYER, HEAD]]},
    {"kind": "positions", **PLACE},
    *(
        {"kind": "without", **PLACE, "heads": [[LAYER, HEAD]], "at": IT, "what": what}
        for what in ("head", "positions", "order")
    ),
    {"kind": "scaling", **PLACE, "heads": [[0, 0]]},
]


def record() -> dict[str, list[dict[str, Any]]]:
    """By kind: wants, each with the message that answers it, its buffers in base64."""
    ex = aw.explore()
    sent: list[tuple[dict[str, Any], list[bytes]]] = []

    def keep(content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        if content["type"] == "picture" and not content["coarse"]:
            sent.append((content, buffers or []))

    ex.send = keep  # type: ignore[method-assign]
    listed = [{"key": f"{number}", **want} for number, want in enumerate(WANTS)]
    ex._handle_custom_msg({"type": "wants", "view": "recorded", "wants": listed}, [])
    ex.close()
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for content, buffers in sent:
        want = WANTS[int(content["key"])]
        texts = [base64.b64encode(buffer).decode() for buffer in buffers]
        made = {"want": want, "content": content, "buffers": texts}
        by_kind.setdefault(want["kind"], []).append(made)
    return by_kind


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for kind, made in record().items():
        (FOLDER / f"{kind}.json").write_text(json.dumps(made, indent=1) + "\n")
