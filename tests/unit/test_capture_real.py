"""Real weights on real sentences: captured weights against the model's own, under eager."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import attnwidget as aw

SENTENCES = {
    "minilm": [
        "The animal didn't cross the street because it was too tired.",
        "Attention is a soft lookup: a query is held against every key, and the values are mixed.",
    ],
    "smollm2": [
        "The capital of France is",
        "When Mary and John went to the store, John gave a drink to",
    ],
}


@pytest.fixture(scope="module", params=list(SENTENCES))
def real(request: pytest.FixtureRequest) -> tuple[str, Any, Any]:
    return (request.param, *aw.zoo.load(request.param))


def test_weights_equal_what_eager_reports(real: tuple[str, Any, Any]) -> None:
    name, model, tokenizer = real
    for sentence in SENTENCES[name]:
        inputs = tokenizer(sentence, return_tensors="pt")
        with torch.no_grad():
            without = model(**inputs)[0]
            with aw.capture(model) as trace:
                with_it = model(**inputs)[0]
            model.set_attn_implementation("eager")
            own = model(**inputs, output_attentions=True).attentions
            model.set_attn_implementation("sdpa")
        assert torch.equal(without, with_it)
        assert len(trace.calls) == len(own) == model.config.num_hidden_layers
        for call, weights in zip(trace.calls, own, strict=True):
            assert call.status == "exact"
            assert call.kv_heads == getattr(model.config, "num_key_value_heads", call.heads)
            assert (call.weights() - weights).abs().max() <= 1e-5
