"""Bands, blocks, hash buckets and landmarks: the whole map, read off the module's answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import transformers as hf
from torch import Tensor, nn

from attnwidget.binding.capture import capture
from attnwidget.trouble import Trouble
from tests.unit.models import HEADS, D

SMALL = {"hidden_size": D, "intermediate_size": 32, "num_hidden_layers": 2}
WORDS = {"vocab_size": 50, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2}
REFORMER = {
    "attention_head_size": D // HEADS,
    "num_attention_heads": HEADS,
    "hidden_size": D,
    "feed_forward_size": 32,
    "attn_layers": ["local", "lsh"],
    "local_attn_chunk_length": 4,
    "lsh_attn_chunk_length": 4,
    "num_buckets": 4,
    "num_hashes": 2,
    "axial_pos_embds": False,
    "is_decoder": False,
    "max_position_embeddings": 64,
    "hidden_dropout_prob": 0.0,
    "local_attention_probs_dropout_prob": 0.0,
    **WORDS,
}
PEGASUS = {
    "d_model": D,
    "encoder_layers": 2,
    "decoder_layers": 1,
    "encoder_ffn_dim": 32,
    "decoder_ffn_dim": 32,
    "encoder_attention_heads": HEADS,
    "decoder_attention_heads": HEADS,
    "block_size": 4,
    "num_random_blocks": 1,
    "decoder_start_token_id": 1,
    **WORDS,
}

MODELS: dict[str, Callable[[], Any]] = {
    "longformer": lambda: hf.LongformerConfig(
        **SMALL, **WORDS, num_attention_heads=HEADS, attention_window=4, sep_token_id=3
    ),
    "big_bird": lambda: hf.BigBirdConfig(
        **SMALL, **WORDS, num_attention_heads=HEADS, block_size=4, num_random_blocks=1
    ),
    "bigbird_pegasus": lambda: hf.BigBirdPegasusConfig(**PEGASUS),
    "reformer": lambda: hf.ReformerConfig(**REFORMER),
    "nystromformer": lambda: hf.NystromformerConfig(
        **SMALL, **WORDS, num_attention_heads=HEADS, num_landmarks=4, segment_means_seq_len=48
    ),
}
LENGTH = 48


def model_of(name: str) -> nn.Module:
    torch.manual_seed(3)
    return hf.AutoModel.from_config(MODELS[name]()).eval()


def ids() -> Tensor:
    torch.manual_seed(4)
    return torch.randint(4, 50, (2, LENGTH))


def first(output: Any) -> Tensor:
    return output[0]


@pytest.mark.parametrize("name", MODELS)
def test_the_map_gives_the_output_and_looking_changes_nothing(name: str) -> None:
    model, inputs = model_of(name), ids()
    with torch.no_grad():
        torch.manual_seed(5)
        without = first(model(inputs))
        with capture(model) as trace:
            torch.manual_seed(5)
            with_it = first(model(inputs))
    assert torch.equal(without, with_it)
    calls = trace.stacks["encoder"]
    state, drawn = torch.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002
    for number, call in enumerate(calls):
        assert (call.source, call.layer, call.status) == ("probed", number, "exact")
        assert (call.batch_size, call.heads, call.query_len) == (2, HEADS, LENGTH)
        weights = call.weights()
        assert call.v is not None
        assert call.output is not None
        assert (weights @ call.v - call.output).abs().max() <= 1e-5 * call.output.abs().max()
        assert call.output.abs().max() > 0.01
        if name != "nystromformer":
            assert torch.allclose(weights.sum(-1), torch.ones(()), atol=1e-5)
            assert (weights == 0).float().mean() > 0.1, "sparse"
        assert torch.equal(call.visible(), weights != 0)
    assert torch.equal(torch.get_rng_state(), state)
    assert np.array_equal(np.random.get_state()[1], drawn)  # noqa: NPY002


@pytest.mark.parametrize("name", MODELS)
def test_a_part_is_that_part_of_the_whole(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of(name)
    with torch.no_grad(), capture(model) as trace:
        model(ids())
    whole = trace.calls[1].weights()
    monkeypatch.setattr("attnwidget.binding.probed_map._BYTES_KEPT", 0)
    with torch.no_grad(), capture(model) as trace:
        model(ids())
    if name == "reformer":  # hashes in other directions each time
        whole = trace.calls[1].weights()
    part = trace.calls[1].weights(head=2, queries=[9, 3], keys=[7, 5, 7, 40], batch=1)
    expected = whole[1:, 2:3][:, :, [9, 3]][..., [7, 5, 7, 40]]
    assert torch.allclose(part, expected, rtol=0, atol=1e-6)


def unfolded(band: Tensor, window: int) -> Tensor:
    """Longformer's (B, T, H, window + 1), the middle being the token itself, as (B, H, T, T)."""
    b, t, h, _ = band.shape
    full = torch.zeros(b, h, t, t)
    for i in range(t):
        for n in range(window + 1):
            j = i + n - window // 2
            if 0 <= j < t:
                full[:, :, i, j] = band[:, i, :, n]
    return full


def test_a_window_is_what_the_model_reports_in_another_layout() -> None:
    model = model_of("longformer")
    with torch.no_grad(), capture(model) as trace:
        own = model(ids(), output_attentions=True).attentions
    for call, reported in zip(trace.calls, own, strict=True):
        band = reported if reported.shape[1] == LENGTH else reported.transpose(1, 2)
        assert (call.weights() - unfolded(band, 4)).abs().max() <= 1e-6


def test_global_tokens_see_all_and_are_seen_by_all() -> None:
    model, inputs = model_of("longformer"), ids()
    is_global = torch.zeros_like(inputs)
    is_global[:, 0] = 1
    is_global[1, 20] = 1
    with torch.no_grad(), capture(model) as trace:
        model(inputs, global_attention_mask=is_global)
    for call in trace.calls:
        assert call.status == "exact"
        weights = call.weights()
        assert (weights[1, :, 20] > 0).all()
        assert (weights[1, :, :, 20] > 0).all()
        assert (weights[0, :, 30, 20] == 0).all()


def test_parameters_that_were_trained_since_are_noticed() -> None:
    model = model_of("longformer")
    with torch.no_grad(), capture(model) as trace:
        model(ids())
        model.encoder.layer[0].attention.self.query.weight.mul_(2.0)
    assert trace.calls[0].status == "unavailable"
    with pytest.raises(Trouble, match="query"):
        trace.calls[0].weights()


def test_classes_are_as_before_when_nothing_is_bound() -> None:
    from transformers.models.longformer.modeling_longformer import LongformerSelfAttention

    before = LongformerSelfAttention.forward
    with capture(model_of("longformer")):
        assert LongformerSelfAttention.forward is not before
    assert LongformerSelfAttention.forward is before
