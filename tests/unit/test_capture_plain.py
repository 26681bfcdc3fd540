"""Hand-written attention and torch.nn's own: found, exact, and nothing changed by looking."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from attnwidget.binding.capture import capture
from tests.unit.models import (
    PLAIN,
    SQUARE,
    ConcatenatedHeads,
    Folded,
    NanoGPT,
    Notebook,
    Sdpa,
    Shelf,
)


def made(shelf: Shelf, train: bool) -> tuple[nn.Module, tuple[Any, ...], dict[str, Any]]:
    torch.manual_seed(0)
    model = shelf.make().train(train)
    return model, *shelf.inputs()


def outputs(model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Tensor]:
    torch.manual_seed(1)
    result = model(*args, **kwargs)
    parts = result if isinstance(result, tuple) else (result,)
    return [part for part in parts if part is not None]


def gradients(model: nn.Module, made: list[Tensor]) -> list[Tensor]:
    model.zero_grad()
    made[0].square().sum().backward()
    return [p.grad.clone() for p in model.parameters() if p.grad is not None]


@pytest.mark.parametrize("name", PLAIN)
def test_outputs_are_the_same_to_the_last_bit_without_gradients(name: str) -> None:
    model, args, kwargs = made(PLAIN[name], train=False)
    with torch.no_grad():
        without = outputs(model, args, kwargs)
        with capture(model):
            with_it = outputs(model, args, kwargs)
    assert all(torch.equal(a, b) for a, b in zip(without, with_it, strict=True))


@pytest.mark.parametrize("name", PLAIN)
def test_outputs_and_gradients_are_the_same_in_training(name: str) -> None:
    model, args, kwargs = made(PLAIN[name], train=True)
    without = outputs(model, args, kwargs)
    expected = gradients(model, without)
    with capture(model) as trace:
        with_it = outputs(model, args, kwargs)
        found = gradients(model, with_it)
    assert all(torch.equal(a, b) for a, b in zip(without, with_it, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(expected, found, strict=True))
    assert len(trace.calls) == PLAIN[name].calls


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("name", PLAIN)
def test_every_call_is_found_and_its_weights_give_the_output(name: str, train: bool) -> None:
    shelf = PLAIN[name]
    model, args, kwargs = made(shelf, train)
    with torch.set_grad_enabled(train), capture(model) as trace:
        outputs(model, args, kwargs)
    assert trace.searched.troubles == ()
    assert len(trace.calls) == shelf.calls
    for call in trace.calls:
        shape = (call.batch_size, call.heads, call.query_len, call.key_len)
        assert shelf.shape in (None, shape)
        assert call.weights().shape == shape
        assert call.weights().dtype == torch.float32
        if "ropout" in call.note:
            assert train
        else:
            assert call.status == "exact"
            assert call.check() <= 1e-5
        if shelf.source and not train:
            assert call.source == shelf.source


@pytest.mark.parametrize("name", [n for n in PLAIN if n != "talking heads"])
def test_softmax_of_the_scores_is_the_weights(name: str) -> None:
    model, args, kwargs = made(PLAIN[name], train=False)
    with torch.no_grad(), capture(model) as trace:
        outputs(model, args, kwargs)
    for call in trace.calls:
        seen = call.visible()
        again = torch.softmax(call.scores(), dim=-1)
        # Queries of cut-off padding exist in no kernel: nothing is visible to them.
        rows = seen.any(-1, keepdim=True)
        assert torch.allclose(
            again.where(rows, 0), call.weights().where(rows, 0), rtol=0, atol=1e-6
        )
        assert not (call.weights() * ~seen).any()


@pytest.mark.parametrize("name", [n for n in PLAIN if n not in ("talking heads", "in place")])
def test_scores_are_scaled_products_of_q_and_k(name: str) -> None:
    model, args, kwargs = made(PLAIN[name], train=False)
    with torch.no_grad(), capture(model) as trace:
        outputs(model, args, kwargs)
    for call in trace.calls:
        assert call.q is not None
        assert call.k is not None
        assert call.scale is not None
        assert call.q.shape == (call.batch_size, call.heads, call.query_len, call.head_dim)
        assert call.k.shape[1] == call.kv_heads
        keys = call.k.repeat_interleave(call.heads // call.kv_heads, dim=1)
        products = call.q @ keys.transpose(-2, -1) * call.scale
        seen = call.visible()
        assert torch.allclose(products[seen], call.scores()[seen], rtol=0, atol=1e-6)


def attention_by_hand(model: Any, x: Tensor, causal: bool = False) -> Tensor:
    q, k, _ = (part.unflatten(-1, (4, -1)).transpose(1, 2) for part in model.qkv(x))
    scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5
    if causal:
        upper = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
        scores = scores.masked_fill(upper, -torch.inf)
    return scores.softmax(-1)


@pytest.mark.parametrize(
    ("model", "causal"),
    [
        (Sdpa(), False),
        (Sdpa("causal"), True),
        (Sdpa("bool"), True),
        (Folded("sdpa"), False),
        (Folded("bmm"), False),
        (Folded("baddbmm"), True),
        (ConcatenatedHeads(), False),
        (Notebook(), False),
    ],
)
def test_heads_and_batch_are_where_they_belong(model: nn.Module, causal: bool) -> None:
    x = torch.randn(2, 5, 16)
    with torch.no_grad(), capture(model) as trace:
        model(x)
        expected = attention_by_hand(model, x, causal)
    assert torch.allclose(trace.calls[0].weights(), expected, rtol=0, atol=1e-6)
    assert trace.calls[0].causal == causal
    assert trace.calls[0].stack == ("decoder" if causal else "attention")


def test_time_first_heads_are_unfolded_though_the_first_axis_is_no_batch() -> None:
    model = PLAIN["time first"].make()
    x = torch.randn(4, 2, 16)  # 4 tokens: N = 8 would also divide by 4
    with torch.no_grad(), capture(model) as trace:
        model(x)
        q, k = (p(x).view(4, 2, 4, 4).permute(1, 2, 0, 3) for p in (model.q_proj, model.k_proj))
    expected = (q @ k.transpose(-2, -1) / 2).softmax(-1)
    assert torch.allclose(trace.calls[0].weights(), expected, rtol=0, atol=1e-6)


def test_columns_are_turned_into_rows() -> None:
    model = PLAIN["columns"].make()
    x = torch.randn(16, 5)
    with torch.no_grad(), capture(model) as trace:
        _, a = model(x)
    assert torch.equal(trace.calls[0].weights()[0, 0], a.T)


def test_the_map_a_notebook_returns_is_the_one_that_is_shown() -> None:
    model = Notebook()
    with capture(model) as trace:
        _, weights = model(torch.randn(2, 5, 16))
    assert torch.equal(trace.calls[0].weights(), weights)
    assert trace.calls[0].tensors()[0].data_ptr() == weights.data_ptr()


def test_nothing_is_left_on_the_tensors_a_model_returns() -> None:
    model = Notebook()
    before = set(dir(torch.zeros(1)))
    with capture(model):
        parts = model(torch.randn(2, 5, 16))
    for part in parts:
        assert set(dir(part)) == before
        assert part.__dict__ == {}


def test_weights_before_dropout_are_shown_and_said_so() -> None:
    model = NanoGPT(flash=False, dropout=0.5)
    ids = torch.randint(0, 50, (2, 6))
    with torch.no_grad():
        with capture(model.eval()) as calm:
            model(ids)
        with capture(model.train()) as noisy:
            model(ids)
    assert torch.allclose(noisy.calls[0].weights(), calm.calls[0].weights(), atol=1e-6)
    assert noisy.calls[0].status == "exact"
    assert "Dropout (0.5) was active" in noisy.calls[0].note
    assert str(noisy.calls[0].check()) == "nan"


def test_mixing_across_heads_after_the_softmax_is_in_the_weights() -> None:
    model = PLAIN["talking heads"].make()
    with torch.no_grad(), capture(model) as trace:
        model(torch.randn(2, 5, 16))
    (call,) = trace.calls
    assert call.check() <= 1e-5
    assert "changes the weights after the softmax (linear)" in call.note


@pytest.mark.parametrize("train", [False, True])
def test_mha_weights_are_those_it_returns(train: bool) -> None:
    model = nn.MultiheadAttention(16, 4, batch_first=True).train(train)
    x = torch.randn(2, 5, 16)
    with torch.set_grad_enabled(train), capture(model) as trace:
        _, weights = model(x, x, x, average_attn_weights=False)
    assert torch.allclose(trace.calls[0].weights(), weights, rtol=0, atol=1e-6)
    assert trace.calls[0].source == ("multi_head_attention" if train else "fused")


@pytest.mark.parametrize(
    "name", ["encoder", "encoder norm first", "encoder padded", "encoder mask"]
)
def test_fused_layers_show_what_the_same_layers_compute_one_by_one(name: str) -> None:
    model, args, kwargs = made(PLAIN[name], train=False)
    with torch.no_grad():
        with capture(model) as fused:
            model(*args, **kwargs)
        torch.backends.mha.set_fastpath_enabled(False)
        try:
            with capture(model) as slow:
                model(*args, **kwargs)
        finally:
            torch.backends.mha.set_fastpath_enabled(True)
    for quick, plain in zip(fused.calls, slow.calls, strict=True):
        assert (quick.source, plain.source) == ("fused", "multi_head_attention")
        rows = quick.visible().any(-1)  # the kernel does not compute padding
        difference = (quick.weights() - plain.weights()).abs()
        assert difference[rows].max() <= 1e-5


@pytest.mark.parametrize("name", ["mha", "encoder", "sdpa", "notebook"])
def test_a_default_device_changes_nothing(name: str) -> None:
    model, args, kwargs = made(PLAIN[name], train=False)
    with torch.no_grad(), torch.device("cpu"):
        without = outputs(model, args, kwargs)
        with capture(model) as trace:
            with_it = outputs(model, args, kwargs)
    assert all(torch.equal(a, b) for a, b in zip(without, with_it, strict=True))
    assert [call.status for call in trace.calls] == ["exact"] * PLAIN[name].calls


def test_queries_that_see_no_key_are_as_the_kernel_left_them() -> None:
    layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True).eval()
    padding = torch.tensor([[False] * 5, [True] * 5])
    with torch.no_grad(), capture(layer) as fused:
        out = layer(torch.randn(2, 5, 16), src_key_padding_mask=padding)
    assert out[1].isnan().all()
    assert fused.calls[0].weights(batch=1).isnan().all()
    assert fused.calls[0].check() <= 1e-5
    assert not fused.calls[0].visible(batch=1).any()

    q = torch.randn(1, 2, 3, 4)
    mask = torch.tensor([[True, True, True], [False, False, False], [True, False, True]])

    class Blind(nn.Module):
        def forward(self, q: Tensor) -> Tensor:
            return nn.functional.scaled_dot_product_attention(q, q, q, attn_mask=mask)

    with torch.no_grad(), capture(model := Blind()) as trace:
        model(q)
    assert trace.calls[0].weights(queries=1).eq(0).all()
    assert trace.calls[0].check() <= 1e-5


def test_kinds_and_stacks_of_an_encoder_decoder() -> None:
    model, args, kwargs = made(PLAIN["transformer"], train=False)
    with torch.no_grad(), capture(model) as trace:
        model(*args, **kwargs)
    found = {
        name: [(call.layer, call.kind, call.module) for call in calls]
        for name, calls in trace.stacks.items()
    }
    assert found == {
        "encoder": [(i, "self", f"encoder.layers.{i}") for i in range(2)],
        "decoder": [(i, "self", f"decoder.layers.{i}.self_attn") for i in range(2)],
        "cross": [(i, "cross", f"decoder.layers.{i}.multihead_attn") for i in range(2)],
    }


def test_layers_of_a_hand_written_model_are_numbered_by_their_path() -> None:
    model = NanoGPT(layers=3)
    with capture(model) as trace:
        model(torch.randint(0, 50, (1, 4)))
    calls = trace.stacks["decoder"]
    assert [(c.layer, c.module) for c in calls] == [(i, f"h.{i}") for i in range(3)]


def test_a_module_used_again_and_again_is_numbered_by_order() -> None:
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.block = Sdpa()

        def forward(self, x: Tensor) -> Tensor:
            for _ in range(3):
                x = self.block(x)
            return x

    model = Shared()
    with capture(model) as trace:
        model(torch.randn(*SQUARE[:1], 5, 16))
    assert [c.layer for c in trace.stacks["attention"]] == [0, 1, 2]


def test_a_softmax_that_meets_no_values_gives_no_record() -> None:
    model = PLAIN["router"].make()
    with capture(model) as trace:
        model(torch.randn(2, 5, 16))
    assert trace.calls == []
    assert trace.searched.modules == 5
    assert trace.searched.model_class == "Router"
