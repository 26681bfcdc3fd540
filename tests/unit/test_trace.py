"""Trace: which passes are held, what the report says, and maps from elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from attnwidget.binding.capture import capture
from attnwidget.trace import NOT_SEEN, Trace
from attnwidget.trouble import Trouble
from tests.unit.models import D, NanoGPT, Sdpa


def x() -> Tensor:
    return torch.randn(2, 5, D)


@pytest.mark.parametrize(
    ("keep", "steps"),
    [("last", [3]), (1, [3]), (2, [2, 3]), (9, [0, 1, 2, 3]), ("all", [0, 1, 2, 3])],
)
def test_how_many_passes_are_held(keep: Any, steps: list[int]) -> None:
    model = Sdpa()
    with capture(model, keep=keep) as trace:
        for _ in range(4):
            model(x())
    assert [call.step for call in trace.calls] == steps
    assert [call.step for call in trace.stacks["attention"]] == [3]


def test_the_oldest_passes_go_when_bytes_run_out() -> None:
    model = Sdpa()
    with capture(model, keep="all") as trace:
        model(x())
    one = trace.nbytes
    assert one == 4 * 2 * 5 * D * 4  # q, k, v and output in float32
    with capture(model, keep="all", max_bytes=3 * one) as trace:
        for _ in range(5):
            model(x())
    assert [call.step for call in trace.calls] == [2, 3, 4]
    with capture(model, keep="all", max_bytes=1) as trace:
        for _ in range(5):
            model(x())
    assert [call.step for call in trace.calls] == [4]  # the last pass always stays


def test_bytes_of_shared_storage_count_once() -> None:
    model = NanoGPT(layers=1)  # q, k and v are views of one projection
    with torch.no_grad(), capture(model) as trace:
        model(torch.randint(0, 50, (1, 8)))
    assert trace.nbytes == (3 + 1) * 8 * D * 4


class Hybrid(nn.Module):
    """One layer with attention, one called so that has none, one projection named like it."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([Sdpa(), LinearAttention()])
        self.c_attn = nn.Linear(D, D)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return self.c_attn(x)


class LinearAttention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(D, 3 * D)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).chunk(3, -1)
        return q.softmax(-1) @ (k.softmax(-2).transpose(1, 2) @ v)


def test_the_report_has_a_row_for_layers_without_weights() -> None:
    model = Hybrid()
    with torch.no_grad(), capture(model) as trace:
        model(x())
    seen, missing = trace.report()
    assert (seen.module, seen.stack, seen.layer, seen.source) == (
        "layers.0",
        "attention",
        0,
        "sdpa",
    )
    assert (seen.heads, seen.kv_heads, seen.query_len, seen.key_len) == (4, 4, 5, 5)
    assert seen.status == "exact"
    assert seen.check is not None
    assert seen.check <= 1e-5
    assert (missing.module, missing.status) == ("layers.1", NOT_SEEN)


def test_the_report_prints_as_a_table() -> None:
    model = Hybrid()
    with torch.no_grad(), capture(model) as trace:
        model(x())
    head, first, second = str(trace.report()).splitlines()
    assert (
        head.split() == "stack layer module source heads queries x keys status check note".split()
    )
    assert first.split()[:8] == ["attention", "0", "layers.0", "sdpa", "4", "5", "x", "5"]
    assert "no attention weights seen in this layer" in second
    assert second.endswith("it is a linear-attention layer")


def test_what_was_looked_at_is_told_where_nothing_was_found() -> None:
    model = nn.Sequential(nn.Linear(D, D), LinearAttention())
    with torch.no_grad(), capture(model) as trace:
        model(x())
    assert trace.calls == []
    assert trace.stacks == {}
    searched = trace.searched
    assert (searched.model_class, searched.modules, searched.passes) == ("Sequential", 4, 1)
    assert list(searched.without_record) == ["1"]
    assert repr(trace) == "Trace(0 calls; no attention seen)"


def test_maps_from_elsewhere() -> None:
    first = torch.rand(2, 3, 4, 4).softmax(-1)
    second = np.full((2, 3, 4, 4), 0.25)
    third = torch.rand(2, 3, 4, 4).tril().tolist()
    trace = Trace.from_arrays([first, second, None, third])
    assert [(c.stack, c.layer, c.source, c.status) for c in trace.calls] == [
        ("attention", 0, "array", "exact"),
        ("attention", 1, "array", "exact"),
        ("decoder", 3, "array", "exact"),
    ]
    assert torch.equal(trace.calls[0].weights(head=1), first[:, 1:2])
    assert trace.calls[1].weights().dtype == torch.float32
    assert trace.calls[0].visible().all()
    assert not trace.calls[2].visible()[..., 0, 1:].any()
    assert trace.calls[0].q is None
    assert trace.calls[0].note == "Given as an array."
    with pytest.raises(Trouble, match="scores of a given map are not known"):
        trace.calls[0].scores()


def test_maps_of_another_sequence() -> None:
    trace = Trace.from_arrays([torch.rand(1, 2, 3, 7)])
    assert (trace.calls[0].kind, trace.calls[0].stack) == ("cross", "cross")


@pytest.mark.parametrize(
    ("maps", "message"),
    [
        (
            [torch.rand(1, 2, 3, 3), torch.rand(2, 3, 3)],
            r"Layer 1 of attention has shape \(2, 3, 3\)",
        ),
        ([np.zeros((1, 0, 3, 3))], r"Layer 0 of attention has shape \(1, 0, 3, 3\)"),
        ([[[[[1.0], [1.0, 2.0]]]]], r"Layer 0 of attention cannot be read as an array"),
        (["abcd"], r"Layer 0 of attention"),
        ([torch.zeros(1, 1, 2, 2, dtype=torch.complex64)], r"dtype torch\.complex64"),
        ([], r"attention holds no maps"),
        ([None], r"attention holds no maps"),
        (3, r"attention is a int\. Expected a sequence with one entry per layer"),
        ({"a": 1}, r"attention is a dict"),
    ],
)
def test_maps_of_another_shape_are_named(maps: Any, message: str) -> None:
    with pytest.raises(Trouble, match=message):
        Trace.from_arrays(maps)


def test_traces_print_shortly() -> None:
    model = NanoGPT()
    with capture(model, keep=2) as trace:
        model(torch.randint(0, 50, (1, 4)))
        model(torch.randint(0, 50, (1, 4)))
    assert repr(trace) == "Trace(4 calls, 2 passes; decoder: 2)"
