"""Compiled models: seen while bound, compiled again afterwards."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import attnwidget as aw
from attnwidget.binding.capture import Pass, attach, capture
from tests.unit.models import NanoGPT, Sdpa, transformers_inputs, transformers_model

Runs = list[str]


@pytest.fixture
def runs() -> Iterator[Runs]:
    """One entry for each run of a compiled graph."""
    torch._dynamo.reset()
    with torch.no_grad():
        yield []
    torch._dynamo.reset()


def counting(runs: Runs) -> Callable[..., Any]:
    def backend(graph: torch.fx.GraphModule, given: list[Tensor]) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            runs.append("compiled")
            return graph.forward(*args)

        return run

    return backend


def ids() -> Tensor:
    return torch.randint(0, 50, (2, 5))


def compiled(model: nn.Module, **how: Any) -> tuple[nn.Module, Callable[..., Any]]:
    return (outer := torch.compile(model, **how)), outer


def inner(model: nn.Module, **how: Any) -> tuple[nn.Module, Callable[..., Any]]:
    return model, torch.compile(model, **how)


def whole_graph(model: nn.Module, **how: Any) -> tuple[nn.Module, Callable[..., Any]]:
    return inner(model, fullgraph=True, **how)


def in_place(model: nn.Module, **how: Any) -> tuple[nn.Module, Callable[..., Any]]:
    model.compile(**how)
    return model, model


def layer_by_layer(model: nn.Module, **how: Any) -> tuple[nn.Module, Callable[..., Any]]:
    for layer in model.h:
        layer.compile(**how)
    return model, model


WAYS = [compiled, inner, whole_graph, in_place, layer_by_layer]


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize("way", WAYS)
def test_a_model_compiled_before_is_seen_and_compiled_again_afterwards(
    way: Callable[..., Any], warm: bool, runs: Runs
) -> None:
    model, call = way(NanoGPT().eval(), backend=counting(runs))
    given = ids()
    if warm:
        call(given)
        assert runs
        runs.clear()
    with capture(model, keep="all") as trace:
        bound = call(given), call(given)
    assert not runs
    assert [(call.module, call.step) for call in trace.calls] == [
        ("h.0", 0),
        ("h.1", 0),
        ("h.0", 1),
        ("h.1", 1),
    ]
    assert {call.status for call in trace.calls} == {"exact"}
    free = call(given)
    assert runs
    assert all(torch.allclose(one, free) for one in bound)


@pytest.mark.parametrize("way", WAYS)
def test_a_model_compiled_while_bound_is_seen_and_compiled_afterwards(
    way: Callable[..., Any], runs: Runs
) -> None:
    model = NanoGPT().eval()
    with capture(model) as trace:
        _, call = way(model, backend=counting(runs))
        call(ids())
        assert not runs
        assert len(trace.calls) == 2
    call(ids())
    assert runs


def test_a_compiled_transformers_model_is_seen(runs: Runs) -> None:
    model, inputs = transformers_model("bert"), transformers_inputs("bert")
    call = torch.compile(model, backend=counting(runs))
    call(**inputs)
    with capture(model) as trace:
        call(**inputs)
    assert [call.source for call in trace.calls] == ["transformers"] * 2


@pytest.mark.parametrize("way", [compiled, in_place, layer_by_layer])
def test_the_report_says_that_a_compiled_model_runs_uncompiled(
    way: Callable[..., Any], runs: Runs
) -> None:
    model, call = way(NanoGPT().eval(), backend=counting(runs))
    with capture(model) as trace:
        call(ids())
    del model, call
    assert [row.note for row in trace.report() if row.status == "note"] == [
        "The model is compiled; it runs uncompiled while bound."
    ]


def test_nothing_is_said_of_models_that_are_not_compiled() -> None:
    with capture(model := NanoGPT()) as trace:
        model(ids())
    assert trace.searched.said == ()
    assert {row.status for row in trace.report()} == {"exact"}


def test_passes_of_two_threads_that_overlap_leave_the_compiler_as_it_was(runs: Runs) -> None:
    """Begun in one order and ended in the same: each must not put back what the other set."""
    begun, ended = threading.Event(), threading.Event()

    class First(Sdpa):
        def forward(self, x: Tensor) -> Tensor:
            first_runs.set()
            assert begun.wait(20)
            return super().forward(x)

    class Second(Sdpa):
        def forward(self, x: Tensor) -> Tensor:
            begun.set()
            assert ended.wait(20)
            return super().forward(x)

    first_runs = threading.Event()
    passes: list[Pass] = []
    one, other = First(), Second()
    bindings = [attach(one, passes.append), attach(other, passes.append)]
    x = torch.randn(1, 3, 16)
    workers = [threading.Thread(target=model, args=(x,)) for model in (one, other)]
    workers[0].start()
    assert first_runs.wait(20)
    workers[1].start()
    workers[0].join()
    ended.set()
    workers[1].join()
    for binding in bindings:
        binding.detach()
    assert len(passes) == 2
    torch.compile(Sdpa(), backend=counting(runs))(x)
    assert runs


def test_the_users_own_stance_is_put_back(runs: Runs) -> None:
    call = torch.compile(Sdpa(), backend=counting(runs))
    with torch.compiler.set_stance("force_eager"):
        with capture(model := Sdpa()):
            model(torch.randn(1, 3, 16))
        call(torch.randn(1, 3, 16))
        assert not runs
    call(torch.randn(1, 3, 16))
    assert runs


def test_torch_compile_is_the_original_again() -> None:
    before = torch.compile
    with capture(Sdpa()):
        assert torch.compile is not before
        assert torch.compile.__doc__ == before.__doc__
    assert torch.compile is before


FIRST_COMPILED_WHILE_BOUND = """
import sys, torch
from attnwidget.binding.capture import capture
from tests.unit.models import NanoGPT
model = NanoGPT().eval()
with torch.no_grad(), capture(model) as trace:
    assert "torch._dynamo" not in sys.modules
    torch.compile(model, backend="eager")(torch.randint(0, 50, (2, 5)))
print(len(trace.calls))
"""


def test_the_first_use_of_the_compiler_may_be_while_bound() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FIRST_COMPILED_WHILE_BOUND], capture_output=True, text=True
    )
    assert done.stdout == "2\n", done.stderr


def test_an_explorer_says_that_a_compiled_model_runs_uncompiled(runs: Runs) -> None:
    model = torch.compile(NanoGPT().eval(), backend=counting(runs))
    ex = aw.explore(model, inputs=ids())
    assert "runs uncompiled while bound" in ex.status
    ex.close()
