"""Record key-value stores, so that both sides are tested against the same numbers.

``python -m tests.record_store`` writes tests/fixtures/store/stores.json anew. pytest checks that
Python still says this, vitest that the page computes the same from the same traits.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

import attnwidget as aw

TINTS = ((1, 0.4, 0.2), (1, 1, 1), (0.2, 0.5, 1))
PATH = Path(__file__).parent / "fixtures" / "store" / "stores.json"


def stores() -> dict[str, aw.KeyValueStore]:
    """One for each screen, kind of value and way to weigh."""
    rng = np.random.default_rng(7)
    steps = np.linspace(0, 1, 6)
    flags = [np.stack([steps[:, None] * a + steps[None] * (1 - a)] * 3, -1) for a in (0, 0.5, 1)]
    flags = [flag * tint for flag, tint in zip(flags, TINTS, strict=True)]
    return {
        "recipes": aw.KeyValueStore(),
        "numbers": aw.KeyValueStore(screen="numbers"),
        "regression": aw.KeyValueStore(screen="regression"),
        "ties": aw.KeyValueStore([[2, 1], [0, 1], [2, 1]], [1, 5, 4], [1, 1], beta=float("inf")),
        "hard": aw.KeyValueStore([[2, 1], [0, 1], [2, 1]], [1, 5, 4], [1, 1], hard=True),
        "mean": aw.KeyValueStore([[2, 1], [0, 1]], [[1, 2, 3], [3, 2, -1]], [[1, 1]], beta=0),
        "vectors": aw.KeyValueStore(
            rng.normal(size=(7, 16)), rng.normal(size=(7, 24)), rng.normal(size=(2, 16))
        ),
        "pictures": aw.KeyValueStore(
            [[1, 0], [0, 1], [-1, -1]], flags, [0.5, 0.4], names=["red", "grey", "blue"], beta=2
        ),
        "large": aw.KeyValueStore([[600, -3], [599, 2]], [1, -1], [7, 2]),
    }


def record() -> dict[str, Any]:
    """The traits of each store as the page gets them, and what Python makes of them."""
    return {name: recorded(store) for name, store in stores().items()}


def recorded(store: aw.KeyValueStore) -> dict[str, Any]:
    ours = {name for name, trait in type(store).class_traits(sync=True).items()
            if isinstance(trait.this_class, type) and trait.this_class.__module__.startswith(
                "attnwidget.")}  # fmt: skip
    ours -= {"_anywidget_id", "_css", "_esm"}
    result = [r.tolist() if isinstance(r, np.ndarray) else r for r in store.result]
    return {"traits": store.get_state(ours), "weights": store.weights, "result": result}


if __name__ == "__main__":
    PATH.parent.mkdir(parents=True, exist_ok=True)
    PATH.write_text(json.dumps(record(), ensure_ascii=False, indent=1, sort_keys=True) + "\n")
