"""transformers models: the captured weights are those that eager attention reports."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from attnwidget.binding.capture import attach, capture
from attnwidget.call import AttentionCall
from attnwidget.trace import Trace
from tests.unit.models import transformers_inputs, transformers_model

NAMES = ["bert", "gpt2", "llama", "t5", "bart", "vit"]


def reported(model: nn.Module, inputs: dict[str, Tensor]) -> dict[str, tuple[Tensor, ...]]:
    """What the same weights give under eager attention with output_attentions."""
    eager = copy.deepcopy(model)
    eager.set_attn_implementation("eager")
    with torch.no_grad():
        out = eager(**inputs, output_attentions=True)
    if "encoder_attentions" in out:
        return {
            "encoder": out.encoder_attentions,
            "decoder": out.decoder_attentions,
            "cross": out.cross_attentions,
        }
    return {"": out.attentions}


def stacks_of(trace: Trace) -> dict[str, list[AttentionCall]]:
    return trace.stacks if len(trace.stacks) > 1 else {"": next(iter(trace.stacks.values()))}


@pytest.mark.parametrize("padded", ["no", "right", "left"])
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("name", NAMES)
def test_weights_equal_what_eager_reports(name: str, attention: str, padded: str) -> None:
    model = transformers_model(name, attention)
    inputs = transformers_inputs(name, padded)
    expected = reported(model, inputs)
    with torch.no_grad():
        without = model(**inputs)[0]
        with capture(model) as trace:
            with_it = model(**inputs)[0]
    assert torch.equal(without, with_it)
    stacks = stacks_of(trace)
    assert stacks.keys() == expected.keys()
    for stack, maps in expected.items():
        assert [call.layer for call in stacks[stack]] == [0, 1]
        for call, weights in zip(stacks[stack], maps, strict=True):
            assert call.source == "transformers"
            assert call.status == "exact"
            # Kernels differ about queries that may see no key, as left padding makes them.
            rows = call.visible().any(-1)
            assert (call.weights() - weights).abs()[rows].max() <= 1e-5


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("name", NAMES)
def test_training_is_the_same_to_the_last_bit(name: str, attention: str) -> None:
    model = transformers_model(name, attention).train()
    inputs = transformers_inputs(name)

    def step() -> list[Tensor]:
        model.zero_grad()
        torch.manual_seed(5)
        out = model(**inputs)[0]
        out.square().sum().backward()
        return [out, *(p.grad.clone() for p in model.parameters() if p.grad is not None)]

    without = step()
    with capture(model) as trace:
        with_it = step()
    assert all(torch.equal(a, b) for a, b in zip(without, with_it, strict=True))
    assert all(not call.weights().requires_grad for call in trace.calls)


def test_grouped_queries_keep_their_key_value_heads() -> None:
    model = transformers_model("llama")
    with torch.no_grad(), capture(model) as trace:
        model(**transformers_inputs("llama"))
    (call, _) = trace.stacks["decoder"]
    assert (call.heads, call.kv_heads, call.head_dim) == (4, 2, 4)
    assert call.q is not None
    assert call.k is not None
    assert call.q.shape == (2, 4, 7, 4)
    assert call.k.shape == (2, 2, 7, 4)
    assert call.causal
    whole = call.weights()
    for head in range(4):
        assert torch.allclose(call.weights(head=head), whole[:, head : head + 1], atol=1e-6)
    picked = call.weights(head=[3, 0], queries=-1, keys=slice(0, 3), batch=1)
    assert torch.allclose(picked, whole[1:, [3, 0], -1:, :3], atol=1e-6)


@pytest.mark.parametrize("name", ["gemma2", "gpt_oss", "bloom"])
def test_soft_caps_sinks_and_alibi_are_the_models_own(name: str) -> None:
    model = transformers_model(name, "eager")
    inputs = transformers_inputs(name)
    (maps,) = reported(model, inputs).values()
    with torch.no_grad(), capture(model) as trace:
        model(**inputs)
    for call, weights in zip(trace.calls, maps, strict=True):
        assert (call.weights() - weights).abs().max() <= 1e-5
        assert call.check() <= 1e-5
        one = call.weights(head=1, queries=[2, 5])
        assert (one - weights[:, 1:2, [2, 5]]).abs().max() <= 1e-5
        assert call.scores(head=1).shape == (2, 1, 7, 7)


def test_a_sink_takes_its_share_and_is_not_made_up_for() -> None:
    model = transformers_model("gpt_oss", "eager")
    with torch.no_grad(), capture(model) as trace:
        model(**transformers_inputs("gpt_oss"))
    sums = trace.calls[0].weights().sum(-1)
    assert (sums < 0.999).any()
    assert (sums <= 1 + 1e-6).all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("name", ["bert", "llama", "t5"])
def test_other_dtypes(name: str, dtype: torch.dtype) -> None:
    model = transformers_model(name).to(dtype)
    inputs = transformers_inputs(name, "right")
    with torch.no_grad():
        without = model(**inputs)[0]
        with capture(model) as trace:
            with_it = model(**inputs)[0]
    assert torch.equal(without, with_it)
    for call in trace.calls:
        assert call.dtype == dtype
        assert call.weights().dtype == torch.float32
        assert torch.allclose(call.weights().sum(-1), torch.ones(()), atol=1e-5)
        if dtype is torch.float64:
            assert call.status == "exact"
        else:
            assert call.status in ("exact", "checked")
            assert call.status == "exact" or "within its rounding" in call.note


def test_decoding_steps_keep_their_stack_and_grow_their_keys() -> None:
    model = transformers_model("llama")
    ids = transformers_inputs("llama")["input_ids"]
    with torch.no_grad(), capture(model, keep="all") as trace:
        cache = model(ids, use_cache=True).past_key_values
        for _ in range(2):
            cache = model(ids[:, -1:], past_key_values=cache, use_cache=True).past_key_values
    assert [(c.step, c.query_len, c.key_len) for c in trace.calls if c.layer == 0] == [
        (0, 7, 7),
        (1, 1, 8),
        (2, 1, 9),
    ]
    assert {call.stack for call in trace.calls} == {"decoder"}
    assert {call.status for call in trace.calls} == {"exact"}


@pytest.mark.parametrize("clone", [False, True])
@pytest.mark.parametrize("padded", ["no", "left"])
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_steps_of_a_static_cache_stay_readable_without_its_spare_room(
    attention: str, padded: str, clone: bool
) -> None:
    from transformers import StaticCache

    model = transformers_model("llama", attention)
    inputs = transformers_inputs("llama", padded)
    mask = inputs.get("attention_mask", torch.ones(2, 7).long())
    longer = torch.cat([mask, torch.ones(2, 1).long()], 1)

    def run() -> tuple[Tensor, Tensor]:
        cache = StaticCache(config=model.config, max_cache_len=12)
        first = model(inputs["input_ids"], attention_mask=mask, past_key_values=cache)[0]
        one = inputs["input_ids"][:, -1:]
        return first, model(one, attention_mask=longer, past_key_values=cache)[0]

    with torch.no_grad():
        without = run()
        with capture(model, keep="all", copy=clone) as trace:
            with_it = run()
    assert all(torch.equal(a, b) for a, b in zip(without, with_it, strict=True))
    sizes = [(call.query_len, call.key_len) for call in trace.calls if call.layer == 0]
    assert sizes == [(7, 7), (1, 8)]
    assert {call.status for call in trace.calls} == {"exact"}
    assert all(call.k is not None and call.k.shape[2] == call.key_len for call in trace.calls)


def test_after_the_first_pass_the_registry_alone_gives_the_same() -> None:
    model = transformers_model("bart")
    inputs = transformers_inputs("bart")
    passes = []
    binding = attach(model, passes.append)
    with torch.no_grad():
        for _ in range(2):
            model(**inputs)
    binding.detach()
    assert binding._registry_only
    first, second = ([(c.module, c.kind, c.stack, c.layer) for c in p.calls] for p in passes)
    assert first == second
    for one, other in zip(passes[0].calls, passes[1].calls, strict=True):
        assert torch.equal(one.weights(), other.weights())


def test_a_model_that_joins_a_transformers_model_to_attention_by_hand() -> None:
    class Joined(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = transformers_model("bert")
            self.pool = nn.MultiheadAttention(16, 4, batch_first=True)

        def forward(self, input_ids: Tensor) -> Tensor:
            hidden = self.encoder(input_ids)[0]
            return self.pool(hidden, hidden, hidden)[0]

    model = Joined()
    passes = []
    binding = attach(model, passes.append)
    for _ in range(2):
        model(transformers_inputs("bert")["input_ids"])
    binding.detach()
    for one in passes:
        assert [call.source for call in one.calls] == [
            "transformers",
            "transformers",
            "multi_head_attention",
        ]
