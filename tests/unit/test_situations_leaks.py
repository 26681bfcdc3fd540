"""Models that are deleted or changed while they are looked at; and nothing leaks."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import pytest
import torch
from accelerate.hooks import ModelHook, add_hook_to_module, remove_hook_from_module
from torch import Tensor, nn

from attnwidget.binding.active import active
from attnwidget.binding.capture import Pass, attach, capture
from tests.unit.models import NanoGPT, Sdpa, transformers_inputs, transformers_model


def ids() -> Tensor:
    return torch.randint(0, 50, (2, 5))


def x() -> Tensor:
    return torch.randn(2, 5, 16)


# -- deleting, changing ---------------------------------------------------------------------------


@pytest.mark.parametrize("make", [Sdpa, lambda: transformers_model("bert")])
def test_a_model_may_be_deleted_while_bound(make: Callable[[], nn.Module]) -> None:
    model = make()
    gone = [weakref.ref(one) for one in (model, *model.parameters())]
    binding = attach(model, lambda done: None)
    del model
    gc.collect()
    assert all(ref() is None for ref in gone)
    binding.detach()
    assert not binding.attached


def test_a_forward_that_somebody_holds_outlives_the_name_of_the_model() -> None:
    model, passes = Sdpa(), []
    binding = attach(model, passes.append)
    forward = model.forward
    del model
    gc.collect()
    forward(x())
    binding.detach()
    forward(x())
    assert len(passes) == 1


def test_changed_weights_leave_earlier_passes_as_they_were() -> None:
    model, inputs = transformers_model("llama"), transformers_inputs("llama")
    with torch.no_grad(), capture(model) as trace:
        model(**inputs)
    expected = [call.weights() for call in trace.calls]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1.0)
    assert all(torch.equal(c.weights(), w) for c, w in zip(trace.calls, expected, strict=True))
    assert {call.status for call in trace.calls} == {"exact"}


@pytest.mark.parametrize("norm_first", [False, True])
def test_changed_weights_of_a_fused_layer_are_noticed(norm_first: bool) -> None:
    layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, norm_first=norm_first).eval()
    names = ["self_attn.in_proj_weight", "self_attn.in_proj_bias"]
    names += ["norm1.weight", "norm1.bias"] if norm_first else []
    for name in names:
        with torch.no_grad(), capture(layer) as trace:
            layer(x())
        (call,) = trace.calls
        assert call.source == "fused"
        with torch.no_grad():
            layer.get_parameter(name).mul_(1.5).add_(0.1)
        assert call.status in ("unavailable", "approximate")
        assert call.note


# -- nothing leaks --------------------------------------------------------------------------------


def bytes_alive() -> int:
    gc.collect()
    # The compiler's stand-ins for tensors have no storage.
    tensors = [one for one in gc.get_objects() if type(one) in (Tensor, nn.Parameter)]
    storages = [one.untyped_storage() for one in tensors]
    return sum({one.data_ptr(): one.nbytes() for one in storages}.values())


@pytest.mark.parametrize(
    "make",
    [
        NanoGPT,
        lambda: NanoGPT(flash=False),
        lambda: transformers_model("llama"),
        lambda: nn.Sequential(
            nn.Embedding(50, 16), nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
        ),
    ],
    ids=["sdpa", "by hand", "transformers", "fused"],
)
def test_two_hundred_passes_hold_the_memory_of_one(make: Callable[[], nn.Module]) -> None:
    model, given = make().eval(), ids()
    with torch.no_grad():
        model(given)
        before = bytes_alive()
        with capture(model, keep="last") as trace:
            model(given)
            one, counted = bytes_alive() - before, trace.nbytes
            for _ in range(200):
                model(given)
            assert bytes_alive() - before == one
            assert trace.nbytes == counted
        del trace
    assert bytes_alive() == before


class Failing(NanoGPT):
    def forward(self, ids: Tensor) -> Tensor:
        super().forward(ids)
        raise RuntimeError("out of luck")


@pytest.mark.parametrize("make", [NanoGPT, lambda: NanoGPT(flash=False), Failing])
def test_after_detaching_nothing_holds_the_model_or_its_tensors(
    make: Callable[[], nn.Module],
) -> None:
    model, held = make(), []

    def look(done: Pass) -> None:
        held.extend(weakref.ref(one) for call in done.calls for one in call.tensors())

    binding = attach(model, look)
    for _ in range(3):
        try:
            model(ids()).sum().backward()
        except RuntimeError as error:
            assert str(error) == "out of luck"  # noqa: PT017
    binding.detach()
    gone = [weakref.ref(one) for one in (model, *model.parameters())]
    del model
    gc.collect()
    assert all(ref() is None for ref in (*gone, *held))
    assert active.recorders == ()
    assert active.mode is None


def test_a_wrapper_that_is_taken_off_after_detaching_leaves_nothing_of_ours() -> None:
    model = Sdpa()
    binding = attach(model, lambda done: None)
    add_hook_to_module(model, ModelHook())
    binding.detach()
    remove_hook_from_module(model)  # puts back the forward that it found
    model(x())
    assert "forward" not in vars(model)
