"""What people do with a model while it is looked at: checkpoint it, wrap it, misuse it."""

from __future__ import annotations

import copy
import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

import attnwidget as aw
from attnwidget.binding.capture import Pass, attach, capture
from attnwidget.trouble import Trouble
from tests.unit.models import NanoGPT, Router, Sdpa


def ids() -> Tensor:
    return torch.randint(0, 50, (2, 5))


def x() -> Tensor:
    return torch.randn(2, 5, 16)


# -- gradient checkpointing -----------------------------------------------------------------------


class Checkpointed(NanoGPT):
    """Every block is computed again in the backward pass."""

    reentrant = False

    def forward(self, ids: Tensor) -> Tensor:
        x = self.wte(ids)
        for block in self.h:
            x = checkpoint(block, x, use_reentrant=self.reentrant)
        return self.lm_head(x)


def learned(model: nn.Module, given: Tensor) -> list[Tensor]:
    model.zero_grad()
    torch.manual_seed(5)
    model(given).square().mean().backward()
    return [p.grad.clone() for p in model.parameters() if p.grad is not None]


@pytest.mark.parametrize("reentrant", [True, False])
@pytest.mark.parametrize("flash", [True, False])
def test_what_checkpointing_computes_again_is_not_recorded_again(
    flash: bool, reentrant: bool
) -> None:
    model = Checkpointed(flash, dropout=0.0 if flash else 0.2)
    model.reentrant, given = reentrant, ids()
    expected = learned(model, given)
    with capture(model, keep="all") as trace:
        grads = learned(model, given)
    assert [(call.module, call.step) for call in trace.calls] == [("h.0", 0), ("h.1", 0)]
    assert trace.searched.passes == 1
    assert all(torch.equal(a, b) for a, b in zip(grads, expected, strict=True))


@pytest.mark.parametrize("reentrant", [True, False])
def test_a_bound_part_that_is_checkpointed_has_one_pass_and_no_failure(reentrant: bool) -> None:
    model = Checkpointed()
    model.reentrant, given = reentrant, ids()
    expected = learned(model, given)
    passes: list[Pass] = []
    failures: list[Exception] = []
    binding = attach(model.h[1], passes.append, failures.append)
    grads = learned(model, given)
    binding.detach()
    assert [len(done.calls) for done in passes] == [1]
    assert failures == []
    assert all(torch.equal(a, b) for a, b in zip(grads, expected, strict=True))


# -- wrappers -------------------------------------------------------------------------------------


@pytest.fixture
def one_process(tmp_path: Path) -> Iterator[None]:
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1
    )
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.usefixtures("one_process")
@pytest.mark.parametrize("wrap", [nn.DataParallel, nn.parallel.DistributedDataParallel])
def test_wrappers_for_many_devices_are_looked_through(wrap: Callable[..., nn.Module]) -> None:
    given = ids()
    expected = learned(plain := NanoGPT(), given)
    model = wrap(plain)
    with capture(model, keep="all") as trace:
        grads = learned(model, given)
    assert [call.module for call in trace.calls] == ["module.h.0", "module.h.1"]
    assert [call.layer for call in trace.calls] == [0, 1]
    assert all(torch.equal(a, b) for a, b in zip(grads, expected, strict=True))


class Lit(nn.Module):
    """Built as a LightningModule is: the trainer calls training_step and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.model = NanoGPT()

    def forward(self, ids: Tensor) -> Tensor:
        return self.model(ids)

    def training_step(self, batch: Tensor) -> Tensor:
        return self(batch).square().mean()


class LitWithoutForward(Lit):
    def training_step(self, batch: Tensor) -> Tensor:
        return self.model(batch).square().mean()


def test_a_training_step_that_calls_the_module_itself_is_seen() -> None:
    model = Lit()
    with capture(model) as trace:
        model.training_step(ids()).backward()
    assert [call.module for call in trace.calls] == ["model.h.0", "model.h.1"]


def test_a_training_step_that_calls_a_part_is_seen_where_the_part_is_bound() -> None:
    model = LitWithoutForward()
    with capture(model) as whole, capture(model.model) as part:
        model.training_step(ids()).backward()
    assert len(part.calls) == 2
    assert whole.calls == []
    (row,) = whole.report()
    assert row.status == "nothing seen"
    assert "forward of LitWithoutForward was not called" in row.note
    assert "bind that part" in row.note


# -- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize("thing", [3, {"a": 1}, [Sdpa()], Sdpa, "gpt2", lambda x: x])
@pytest.mark.parametrize("bind", [lambda thing: attach(thing, print), aw.explore])
def test_what_is_no_model_is_named(bind: Callable[[Any], Any], thing: Any) -> None:
    with pytest.raises(Trouble, match=rf"model is a {type(thing).__name__}\. Expected a torch\.nn"):
        bind(thing)


def test_a_report_of_nothing_says_so_in_words() -> None:
    with capture(Sdpa()) as unused:
        pass
    assert "The forward of Sdpa was not called." in str(unused.report())
    with capture(model := Router()) as without:
        model(x())
    assert "Router ran" in str(without.report())
    assert "no attention was seen" in str(without.report())


def test_a_trace_outlives_the_model_and_tells_of_tensors_that_were_overwritten() -> None:
    model = Sdpa()
    with torch.no_grad(), capture(model) as trace:
        model(x())
    twin = copy.deepcopy(model)
    del model
    gc.collect()
    call = trace.calls[0]
    assert call.weights().sum(-1).allclose(torch.ones(2, 4, 5))
    with torch.no_grad():
        twin(x())
    call.q.zero_()
    with pytest.raises(Trouble, match=r"q was overwritten after the call: capture with copy=True"):
        call.weights()
    assert [row.status for row in trace.report()] == ["unavailable"]
