"""From the end of a forward pass to the first picture: bytes and time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

import torch

import attnwidget as aw
from attnwidget.reading import Reading
from benchmarks.models import gpt2, ids


def first_picture() -> Iterator[tuple[str, str, str]]:
    """12 × 12 heads, T = 128: what the kernel does and sends until all that is on screen is there.

    The page's own share (decoding and drawing) is measured in a browser by `page`.
    """
    model, inputs = gpt2(), ids(128)
    seconds, sizes = [], []
    for _ in range(7):
        with torch.no_grad(), aw.capture(model) as trace:
            model(inputs)
        start = time.perf_counter()
        ex = aw.explore(trace=trace)
        sizes.append(_answer(ex))
        seconds.append(time.perf_counter() - start)
        ex.close()
    yield (
        "first picture after the forward pass (kernel), 12 × 12, T = 128",
        "≤ 300 ms",
        f"{statistics.median(seconds) * 1000:.0f} ms",
    )
    yield (
        "bytes to the first picture, 12 × 12, T = 128",
        "few",
        f"{statistics.median(sizes) / 1000:.0f} kB",
    )


def switches() -> Iterator[tuple[str, str, str]]:
    """Kernel time of another head, T = 512, in each of the views."""
    model = gpt2()
    with torch.no_grad(), aw.capture(model) as trace:
        model(ids(512))
    ex = aw.explore(trace=trace)
    for view, kinds in (("matrix", ("tile",)), ("lines", ("row", "lines"))):
        seconds = []
        for head in range(12):
            start = time.perf_counter()
            _answer(ex, head=head, only=kinds)
            seconds.append(time.perf_counter() - start)
        yield (
            f"change head or layer, {view} view (kernel), T = 512",
            "≤ 50 ms",
            f"{statistics.median(seconds) * 1000:.0f} ms",
        )
    ex.close()


def _answer(ex: Any, head: int | None = None, only: tuple[str, ...] | None = None) -> int:
    """Answer the wants that a page of 800 px opens with; the bytes sent."""
    sent = 0

    def count(_content: object, buffers: list[bytes] | None = None) -> None:
        nonlocal sent
        sent += sum(len(buffer) for buffer in buffers or ())

    ex.send = count
    at = {"heads": [[ex.layer, ex.head if head is None else head]]}
    wants = [
        {"kind": "model"},
        {"kind": "row", **at, "direction": "from", "at": ex.query},
        {"kind": "lines", **at, "direction": "from", "count": 32},
        {"kind": "lines", **at, "direction": "to", "count": 32},
        {"kind": "tile", **at, "rows": None, "cols": None, "size": [512, 512]},
        {"kind": "overview", "size": 24},
        {"kind": "check", "layer": ex.layer},
    ]
    context = {"stack": ex.stack, "batch": 0, "reading": Reading().facts}
    listed = [
        {"key": f"{n}/{head}", **context, **want}
        for n, want in enumerate(wants)
        if only is None or want["kind"] in only
    ]
    ex._handle_custom_msg({"type": "wants", "view": "bench", "wants": listed}, [])
    return sent
