"""Scripted, traced and exported modules: their attention is seen in the kernels that run."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.attention.flex_attention import flex_attention

from attnwidget.binding.capture import attach, capture
from attnwidget.binding.dispatch import is_graph
from attnwidget.call import KERNEL_LEVEL
from tests.unit.models import (
    HEADS,
    SQUARE,
    D,
    Einsum,
    Folded,
    InPlace,
    NanoGPT,
    Notebook,
    Projections,
    Router,
    Sdpa,
    TalkingHeads,
    TimeFirst,
    merge,
    split,
)
from tests.unit.test_flex import Flexible, T

Graph = Callable[[nn.Module, tuple[Any, ...]], nn.Module]
Modes = Callable[[], AbstractContextManager[Any]]


def exported(model: nn.Module, args: tuple[Any, ...]) -> nn.Module:
    return torch.export.export(model, args).module()


def decomposed(model: nn.Module, args: tuple[Any, ...]) -> nn.Module:
    return torch.export.export(model, args).run_decompositions().module()


def unflattened(model: nn.Module, args: tuple[Any, ...]) -> nn.Module:
    return torch.export.unflatten(torch.export.export(model, args))


def traced(model: nn.Module, args: tuple[Any, ...]) -> nn.Module:
    return torch.jit.trace(model, args, check_trace=False)


def frozen(model: nn.Module, args: tuple[Any, ...]) -> nn.Module:
    return torch.jit.freeze(torch.jit.trace(model, args, check_trace=False))


def scripted(model: nn.Module, args: tuple[Any, ...]) -> nn.Module:
    return torch.jit.script(model)


GRAPHS = {f.__name__: f for f in (exported, decomposed, unflattened, traced, frozen)}
MODES: dict[str, Modes] = {
    "no_grad": torch.no_grad,
    "grad": torch.enable_grad,
    "inference": torch.inference_mode,
}


def x(*shape: int) -> tuple[Any, ...]:
    return (torch.randn(*(shape or (2, 5, D))),)


def ids() -> tuple[Any, ...]:
    return (torch.randint(0, 50, (2, 5)),)


MODELS: dict[str, tuple[Callable[[], nn.Module], Callable[..., tuple[Any, ...]], int]] = {
    "sdpa causal": (lambda: Sdpa("causal"), x, 1),
    "sdpa float mask": (lambda: Sdpa("float"), x, 1),
    "sdpa grouped": (lambda: Sdpa(kv_heads=2), x, 1),
    "sdpa folded": (lambda: Folded("sdpa"), x, 1),
    "by hand": (Notebook, x, 1),
    "folded": (lambda: Folded("bmm"), x, 1),
    "baddbmm": (lambda: Folded("baddbmm"), x, 1),
    "in place": (InPlace, x, 1),
    "time first": (TimeFirst, lambda: x(5, 2, D), 1),
    "dots": (lambda: Einsum(dots=True), x, 1),
    "nanoGPT": (NanoGPT, ids, 2),
    "nanoGPT by hand": (lambda: NanoGPT(flash=False), ids, 2),
    "router": (Router, x, 0),
}


def run(model: nn.Module, args: tuple[Any, ...]) -> list[Tensor]:
    made = model(*args)
    return [made] if isinstance(made, Tensor) else list(made)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize("name", MODELS)
def test_kernels_tell_the_weights_and_outputs_stay_the_same(
    name: str, graph: str, mode: str
) -> None:
    torch.manual_seed(0)
    make, inputs, calls = MODELS[name]
    args = inputs()
    with torch.no_grad():
        model = GRAPHS[graph](make().eval(), args)
    with MODES[mode]():
        without = run(model, args)
        keys = sorted(vars(model))
        with capture(model) as trace:
            with_it = run(model, args)
        assert sorted(vars(model)) == keys
        again = run(model, args)
    for other in (with_it, again):
        assert all(torch.equal(a, b) for a, b in zip(without, other, strict=True))
    assert trace.searched.troubles == ()
    assert [call.status for call in trace.calls] == ["exact"] * calls
    assert [call.layer for call in trace.calls] == list(range(calls))
    for call in trace.calls:
        shape = call.batch_size, call.heads, call.query_len, call.key_len
        assert shape == SQUARE
        assert call.source == "kernel"
        assert call.note.startswith(KERNEL_LEVEL)
        assert call.weights().sum(-1).allclose(torch.ones(()))
        assert call.check() <= 1e-5


def test_the_weights_are_those_of_the_module_it_was_made_from() -> None:
    model, args = NanoGPT(flash=False).eval(), ids()
    graphs = [make(model, args) for make in GRAPHS.values()]
    with torch.no_grad(), capture(model) as own:
        model(*args)
    for graph in graphs:
        with torch.no_grad(), capture(graph) as trace:
            graph(*args)
        for ours, theirs in zip(own.calls, trace.calls, strict=True):
            assert torch.allclose(ours.weights(), theirs.weights(), rtol=0, atol=1e-6)
            assert torch.allclose(ours.scores(), theirs.scores(), rtol=0, atol=1e-5)
            assert torch.equal(ours.visible(), theirs.visible())


@pytest.mark.parametrize("backend", [SDPBackend.FLASH_ATTENTION, SDPBackend.MATH])
def test_fused_and_plain_kernels_give_the_same_weights(backend: SDPBackend) -> None:
    model, args = Sdpa("causal").eval(), x()
    graph = traced(model, args)
    with torch.no_grad(), sdpa_kernel(backend), capture(graph) as trace:
        graph(*args)
    with torch.no_grad(), capture(model) as own:
        model(*args)
    (call,) = trace.calls
    assert call.status == "exact"
    assert torch.allclose(call.weights(), own.calls[0].weights(), rtol=0, atol=1e-6)


class Scriptable(Projections):
    """Attention that TorchScript can read, with dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.3)

    def forward(self, x: Tensor) -> Tensor:
        b, t, c = x.shape
        q = self.q_proj(x).view(b, t, 4, 4).transpose(1, 2)
        k = self.k_proj(x).view(b, t, 4, 4).transpose(1, 2)
        v = self.v_proj(x).view(b, t, 4, 4).transpose(1, 2)
        scores = torch.matmul(q, k.transpose(-2, -1)) / 2.0
        weights = self.dropout(torch.softmax(scores, -1))
        y = torch.matmul(weights, v)
        y = y + nn.functional.scaled_dot_product_attention(q, k, v)
        return self.out(y.transpose(1, 2).reshape(b, t, c))


@pytest.mark.parametrize("train", [False, True])
def test_scripted_modules_in_training_and_after_torch_has_optimised_them(train: bool) -> None:
    model, args = scripted(Scriptable(), ()).train(train), x()
    for _ in range(4):  # the first runs are profiled
        torch.manual_seed(3)
        without = model(*args)
        expected = torch.autograd.grad(without.sum(), list(model.parameters()))
        torch.manual_seed(3)
        with capture(model) as trace:
            with_it = model(*args)
            found = torch.autograd.grad(with_it.sum(), list(model.parameters()))
        assert torch.equal(without, with_it)
        assert all(torch.equal(a, b) for a, b in zip(expected, found, strict=True))
        assert [call.source for call in trace.calls] == ["kernel", "kernel"]
        assert [call.status for call in trace.calls] == ["exact", "exact"]


class Mixed(nn.Module):
    """Ordinary layers around scripted and exported ones."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [Sdpa(), traced(Notebook().eval(), x()), Sdpa("causal"), exported(Sdpa().eval(), x())]
        )

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            made = layer(x)
            x = x + (made[0] if isinstance(made, tuple) else made)
        return x


def test_a_graph_inside_an_ordinary_model_is_seen_and_nothing_is_seen_twice() -> None:
    model, args = Mixed(), x()
    with torch.no_grad():
        without = model(*args)
        with capture(model) as trace:
            assert torch.equal(model(*args), without)
    assert [(call.module, call.source, call.layer) for call in trace.calls] == [
        ("layers.0", "sdpa", 0),
        ("layers.1", "kernel", 1),
        ("layers.2", "sdpa", 2),
        ("layers.3", "kernel", 3),
    ]
    assert [row.status for row in trace.report()] == ["exact"] * 4


@pytest.mark.parametrize("compiled", [False, True])
def test_flex_attention_beside_a_graph_runs_as_it_would_alone(compiled: bool) -> None:
    attend = torch.compile(flex_attention, backend="aot_eager") if compiled else flex_attention
    model = nn.Sequential(traced(Sdpa().eval(), x()), Flexible(attend=attend))
    args = x(2, T, D)
    with torch.no_grad():
        without = model(*args)
        with capture(model) as trace:
            assert torch.equal(model(*args), without)
    assert [call.source for call in trace.calls] == ["kernel", "flex"]
    assert [call.status for call in trace.calls] == ["exact", "exact"]


class PartlyWithoutGradients(nn.Module):
    """A part that export makes a graph of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.last = Sdpa(), Notebook()

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            x = self.one(x)
        return self.last(x)[0]


def test_graphs_inside_a_graph_are_seen() -> None:
    graph, args = exported(PartlyWithoutGradients().eval(), x()), x()
    without = graph(*args)
    with capture(graph) as trace:
        assert torch.equal(graph(*args), without)
    assert [call.status for call in trace.calls] == ["exact", "exact"]


def test_a_graph_in_which_nothing_was_seen_says_what_may_hide_it() -> None:
    graph, args = traced(nn.Linear(D, D), x()), x()
    with capture(graph) as trace:
        graph(*args)
    assert "a scripted, traced or exported graph" in str(trace.report())


def test_a_graph_and_the_model_around_it_may_both_be_bound() -> None:
    model, args = Mixed(), x()
    with torch.no_grad(), capture(model) as whole, capture(model.layers[1]) as part:
        model(*args)
    assert len(whole.calls) == 4
    assert [call.module for call in part.calls] == [""]
    assert torch.equal(part.calls[0].weights(), whole.calls[1].weights())


def test_only_graphs_are_listened_to_at_kernel_level() -> None:
    assert not is_graph(Sdpa())
    assert not is_graph(torch.fx.symbolic_trace(Folded("sdpa"), concrete_args={"x": x()[0]}))
    model = Sdpa()
    modes: list[int] = []
    model.out.register_forward_hook(lambda *_: modes.append(torch._C._len_torch_dispatch_stack()))
    with torch.no_grad(), capture(model):
        model(*x())
    assert modes == [0]


class Grouped(Projections):
    def __init__(self) -> None:
        super().__init__(kv_heads=2)

    def forward(self, x: Tensor, memory: Tensor) -> Tensor:
        q, k, v = self.q_proj(x), self.k_proj(memory), self.v_proj(memory)
        return self.out(
            merge(
                nn.functional.scaled_dot_product_attention(
                    split(q), split(k, 2), split(v, 2), enable_gqa=True, scale=0.7
                )
            )
        )


def test_fewer_key_value_heads_another_sequence_and_a_scale() -> None:
    args = (torch.randn(2, 3, D), torch.randn(2, 7, D))
    graph = traced(Grouped().eval(), args)
    with torch.no_grad(), capture(graph) as trace:
        graph(*args)
    (call,) = trace.calls
    assert (call.heads, call.kv_heads, call.query_len, call.key_len) == (HEADS, 2, 3, 7)
    assert (call.scale, call.status) == (0.7, "exact")


def test_maps_mixed_by_a_linear_layer_are_followed() -> None:
    graph = exported(TalkingHeads().eval(), args := x())
    with torch.no_grad(), capture(graph) as trace:
        graph(*args)
    (call,) = trace.calls
    assert call.status == "exact"
    assert "changes the weights after the softmax" in call.note


def test_a_bound_graph_can_be_saved_and_let_go(tmp_path: Any) -> None:
    graph, args = traced(Sdpa().eval(), x()), x()
    binding = attach(graph, lambda done: None)
    torch.jit.save(graph, tmp_path / "model.pt")
    expected = graph(*args)
    binding.detach()
    twin = torch.jit.load(tmp_path / "model.pt")
    assert torch.equal(twin(*args), expected)
    assert torch.equal(graph(*args), expected)
    with torch.no_grad(), capture(twin) as trace:
        twin(*args)
    assert [call.status for call in trace.calls] == ["exact"]
