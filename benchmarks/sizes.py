"""Sizes: the script, the import, what a notebook saves."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attnwidget as aw

_STATIC = Path(aw.__file__).parent / "static"
_IMPORT = """
import time, torch, numpy
start = time.perf_counter()
import attnwidget
print(time.perf_counter() - start)
"""


def script() -> Iterator[tuple[str, str, str]]:
    """Bytes of the bundle."""
    yield "script, minified", "≤ 100 kB", f"{(_STATIC / 'widget.js').stat().st_size / 1000:.0f} kB"


def imports() -> Iterator[tuple[str, str, str]]:
    """Seconds of `import attnwidget` beyond torch, in fresh processes."""
    seconds = [
        float(subprocess.check_output([sys.executable, "-c", _IMPORT], text=True)) for _ in range(5)
    ]
    yield "import attnwidget, beyond torch", "≤ 0.3 s", f"{statistics.median(seconds):.3f} s"


def notebook() -> Iterator[tuple[str, str, str]]:
    """Bytes of saved widget state, beside the script, for a short and a longer text."""
    short = "The animal didn't cross the street because it was too tired"
    for text in (None, short):
        ex = aw.explore() if text is None else aw.explore(*aw.zoo.load("stories"), text)
        state = {k: v for k, v in ex.get_state().items() if k not in ("_esm", "_css")}
        size = len(json.dumps(state))
        yield f"saved per widget, {len(ex.tokens)} tokens", "script + ≤ 20 kB", f"script + {size} B"
        ex.close()
