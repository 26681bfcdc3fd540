"""What the libraries around transformers do to a model while it is looked at."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import cpu_offload, dispatch_model
from accelerate.hooks import ModelHook, add_hook_to_module, remove_hook_from_module
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn

from attnwidget.binding.capture import capture
from tests.unit.models import NanoGPT, transformers_inputs, transformers_model

NAMES = ["bert", "llama", "t5", "vit"]


# -- modes ----------------------------------------------------------------------------------------


def autocast() -> AbstractContextManager[None]:
    return torch.autocast("cpu", dtype=torch.bfloat16)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, autocast])
@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_the_same_to_the_last_bit_in_every_mode(
    name: str, mode: Callable[[], AbstractContextManager[None]]
) -> None:
    model, inputs = transformers_model(name), transformers_inputs(name)
    with mode():
        expected = model(**inputs).last_hidden_state
        with capture(model) as trace:
            assert torch.equal(model(**inputs).last_hidden_state, expected)
    half = mode is autocast
    for call in trace.calls:
        # Under autocast the kernel may be given float32 and still compute in bfloat16.
        assert call.output.dtype is (torch.bfloat16 if half else torch.float32)
        assert call.check() <= (2 * torch.finfo(torch.bfloat16).eps if half else 1e-5)
        assert half or call.status == "exact"
        assert call.weights().dtype is torch.float32


@pytest.mark.parametrize("name", ["bert", "t5"])
def test_dropout_draws_the_same_numbers_and_the_note_says_it_was_active(name: str) -> None:
    model, inputs = transformers_model(name).train(), transformers_inputs(name)
    torch.manual_seed(8)
    expected = model(**inputs).last_hidden_state
    after = torch.get_rng_state()
    torch.manual_seed(8)
    with capture(model) as trace:
        made = model(**inputs).last_hidden_state
    assert torch.equal(made, expected)
    assert {call.status for call in trace.calls} == {"approximate"}
    assert all("dropout (0.1) was active" in call.note for call in trace.calls)
    assert trace.calls[0].weights().sum(-1).allclose(torch.ones(1))
    assert torch.equal(torch.get_rng_state(), after)


# -- gradient checkpointing -----------------------------------------------------------------------


def grads(model: nn.Module, inputs: dict[str, Tensor]) -> list[Tensor]:
    model.zero_grad()
    torch.manual_seed(8)
    model(**inputs).last_hidden_state.square().mean().backward()
    return [p.grad.clone() for p in model.parameters() if p.grad is not None]


@pytest.mark.filterwarnings("ignore:.*gradient_checkpointing:FutureWarning")  # renamed since
@pytest.mark.parametrize("reentrant", [True, False])
@pytest.mark.parametrize("name", ["bert", "llama", "t5"])
def test_what_checkpointing_computes_again_is_not_recorded_again(
    name: str, reentrant: bool
) -> None:
    model, inputs = transformers_model(name).train(), transformers_inputs(name)
    with capture(model) as trace:
        plain = grads(model, inputs)
    seen = [call.module for call in trace.calls]
    model.gradient_checkpointing_enable({"use_reentrant": reentrant})
    model.enable_input_require_grads()  # without it reentrant checkpoints learn nothing
    with capture(model, keep="all") as trace:
        again = grads(model, inputs)
    assert [(call.module, call.step) for call in trace.calls] == [(path, 0) for path in seen]
    assert trace.searched.passes == 1
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(again, plain, strict=True))


class Force(nn.Module):
    """An energy whose gradient is taken within the forward itself, as force fields do."""

    def __init__(self) -> None:
        super().__init__()
        self.model = transformers_model("llama").train()
        self.model.gradient_checkpointing_enable({"use_reentrant": False})

    def forward(self, x: Tensor) -> Tensor:
        energy = self.model(inputs_embeds=x.requires_grad_()).last_hidden_state.square().sum()
        return torch.autograd.grad(energy, x)[0]


@pytest.mark.filterwarnings("ignore:.*gradient_checkpointing:FutureWarning")
def test_a_backward_pass_within_the_forward_adds_no_calls() -> None:
    model = Force()
    with capture(model) as trace:
        model(torch.randn(2, 5, 16))
    assert [call.module[-18:] for call in trace.calls] == [
        "layers.0.self_attn",
        "layers.1.self_attn",
    ]


# -- accelerate -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "attention"),
    [("bert", "sdpa"), ("llama", "sdpa"), ("t5", "sdpa"), ("gemma2", "eager"), ("bloom", "eager")],
)
def test_weights_that_live_elsewhere_are_not_missed(name: str, attention: str) -> None:
    plain, inputs = transformers_model(name, attention), transformers_inputs(name)
    model = cpu_offload(copy.deepcopy(plain), execution_device="cpu")
    with torch.no_grad(), capture(model) as trace, capture(plain) as expected:
        out = model(**inputs).last_hidden_state
        assert torch.equal(out, plain(**inputs).last_hidden_state)
    assert {p.device.type for p in model.parameters()} == {"meta"}
    assert len(trace.calls) == len(expected.calls) > 0
    for call, same in zip(trace.calls, expected.calls, strict=True):
        assert call.status == "exact"
        assert torch.equal(call.q, same.q)
        assert torch.equal(call.weights(), same.weights())


def test_fused_layers_are_read_though_their_weights_have_left() -> None:
    plain = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True).eval()
    model, x = copy.deepcopy(plain), torch.randn(2, 5, 16)
    cpu_offload(model, "cpu", preload_module_classes=["TransformerEncoderLayer"])
    with torch.no_grad(), capture(model) as trace, capture(plain) as expected:
        model(x)
        plain(x)
    assert {p.device.type for p in model.parameters()} == {"meta"}
    assert [call.status for call in trace.calls] == ["exact"]
    assert torch.allclose(trace.calls[0].weights(), expected.calls[0].weights(), atol=1e-6)


def test_layers_on_disk_are_seen_as_those_in_memory(tmp_path: Path) -> None:
    plain, ids = NanoGPT().eval(), torch.randint(0, 50, (2, 5))
    model = dispatch_model(
        copy.deepcopy(plain),
        {"wte": "cpu", "h.0": "cpu", "h.1": "disk", "lm_head": "cpu"},
        main_device="cpu",
        offload_dir=tmp_path,
        force_hooks=True,
    )
    with torch.no_grad(), capture(model) as trace:
        assert torch.equal(model(ids), plain(ids))
    assert [call.module for call in trace.calls] == ["h.0", "h.1"]
    assert {call.status for call in trace.calls} == {"exact"}


def test_hooks_may_come_and_go_while_bound() -> None:
    model, ids = NanoGPT(), torch.randint(0, 50, (2, 5))
    with capture(model, keep="all") as trace:
        add_hook_to_module(model, ModelHook())
        model(ids)
        remove_hook_from_module(model)
        model(ids)
    assert len(trace.calls) == 4
    assert "forward" not in vars(model)


# -- peft -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize(
    ("make", "target", "inputs"),
    [
        (lambda: transformers_model("llama"), "q_proj", lambda: transformers_inputs("llama")),
        (NanoGPT, "c_attn", lambda: {"ids": torch.randint(0, 50, (2, 5))}),
    ],
    ids=["llama", "nanoGPT"],
)
def test_models_with_adapters_are_looked_through(
    make: Callable[[], nn.Module],
    target: str,
    inputs: Callable[[], dict[str, Tensor]],
    before: bool,
) -> None:
    """Bound as a whole; or the model was bound before the adapters were put into it."""
    base, given = make(), inputs()
    config = LoraConfig(target_modules=[target], r=2, init_lora_weights=False)
    adapted = None if before else get_peft_model(base, config)
    with torch.no_grad(), capture(adapted or base) as trace:
        adapted = adapted or get_peft_model(base, config)
        bound = adapted(**given)
    with torch.no_grad():
        free = adapted(**given)
    prefix = "" if before else "base_model.model."
    assert [call.module.startswith(prefix) for call in trace.calls] == [True, True]
    assert [call.layer for call in trace.calls] == [0, 1]
    assert {call.status for call in trace.calls} == {"exact"}
    assert all(torch.equal(a, b) for a, b in zip(tensors(bound), tensors(free), strict=True))


def tensors(output: Any) -> Iterator[Tensor]:
    yield output if isinstance(output, Tensor) else output.last_hidden_state
