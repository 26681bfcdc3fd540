"""The residual connections of a layer cut, against the same block written without them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from transformers import (
    BertConfig,
    BertForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
)

from attnwidget import zoo
from attnwidget.changed.compared import compared
from attnwidget.session import Session
from attnwidget.trouble import Trouble
from tests.unit.test_pictures_without import Numbered, without

IDS = torch.tensor([[3, 5, 8, 2, 9, 4]])
SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 30}


class Encoder(nn.Module):
    """torch's own encoder layers, which run as one kernel, and logits."""

    def __init__(self, norm_first: bool) -> None:
        super().__init__()
        self.words = nn.Embedding(30, 16)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, norm_first=norm_first)
            for _ in range(2)
        )
        self.unembed = nn.Linear(16, 30)

    def forward(self, input_ids: Tensor) -> Tensor:
        x = self.words(input_ids)
        for layer in self.layers:
            x = layer(x)
        logits: Tensor = self.unembed(x)
        return logits


def gpt2() -> tuple[nn.Module, Callable[[Any, Tensor], Tensor]]:
    model = GPT2LMHeadModel(GPT2Config(n_embd=16, n_layer=2, n_head=2, vocab_size=30))

    def block(layer: Any, x: Tensor) -> Tensor:
        x = layer.attn(layer.ln_1(x))[0]
        made: Tensor = layer.mlp(layer.ln_2(x))
        return made

    return model, block


def llama() -> tuple[nn.Module, Callable[[Any, Tensor], Tensor]]:
    model = LlamaForCausalLM(LlamaConfig(**SMALL, intermediate_size=32, num_key_value_heads=1))
    turned = model.model.rotary_emb(torch.zeros(1, 6, 16), torch.arange(6)[None])

    def block(layer: Any, x: Tensor) -> Tensor:
        x = layer.self_attn(layer.input_layernorm(x), position_embeddings=turned)[0]
        made: Tensor = layer.mlp(layer.post_attention_layernorm(x))
        return made

    return model, block


def bert() -> tuple[nn.Module, Callable[[Any, Tensor], Tensor]]:
    model = BertForMaskedLM(BertConfig(**SMALL, intermediate_size=32))

    def block(layer: Any, x: Tensor) -> Tensor:
        made = layer.attention.self(x)[0]
        out = layer.attention.output
        x = out.LayerNorm(out.dense(made))
        fed: Tensor = layer.output.LayerNorm(layer.output.dense(layer.intermediate(x)))
        return fed

    return model, block


def encoder(norm_first: bool) -> tuple[nn.Module, Callable[[Any, Tensor], Tensor]]:
    def block(layer: Any, x: Tensor) -> Tensor:
        def fed(y: Tensor) -> Tensor:
            made: Tensor = layer.linear2(torch.relu(layer.linear1(y)))
            return made

        if norm_first:
            y = layer.norm1(x)
            return fed(layer.norm2(layer.self_attn(y, y, y)[0]))
        x = layer.norm1(layer.self_attn(x, x, x)[0])
        made: Tensor = layer.norm2(fed(x))
        return made

    return Encoder(norm_first), block


MODELS: dict[str, tuple[Any, str]] = {
    "gpt2": (gpt2, "transformer.h"),
    "llama": (llama, "model.layers"),
    "bert": (bert, "bert.encoder.layer"),
    "torch, post-norm": (lambda: encoder(False), "layers"),
    "torch, pre-norm": (lambda: encoder(True), "layers"),
}


def of_block(model: nn.Module, path: str, block: Callable[[Any, Tensor], Tensor]) -> Tensor:
    """Logits with `block` in place of layer 1."""
    layer = model.get_submodule(path)[1]  # type: ignore[index]
    before = layer.forward

    def instead(x: Tensor, *_: Any, **__: Any) -> Any:
        made = block(layer, x)
        return made if isinstance(before(x, *_, **__), Tensor) else (made,)

    layer.forward = instead
    try:
        with torch.no_grad():
            made = model(IDS)
    finally:
        del layer.forward
    logits: Tensor = made if isinstance(made, Tensor) else made.logits
    return logits[0]


@pytest.mark.parametrize("name", MODELS)
def test_what_is_predicted_without_them_is_what_the_block_alone_gives(name: str) -> None:
    torch.manual_seed(2)
    make, path = MODELS[name]
    model, block = make()
    model.eval()
    for p in model.parameters():
        p.data += 0.3 * torch.randn_like(p)
    with torch.no_grad():
        whole = model(IDS)
    whole = whole if isinstance(whole, Tensor) else whole.logits
    expected = compared(whole[0], of_block(model, path, block), one_of=True).kl
    session = Session(model, Numbered())
    session.run_inputs({"input_ids": IDS})
    made = without(session, what="residual", heads=[[1, 0]], at=2)
    assert float(expected.max()) > 0.01
    np.testing.assert_allclose(made.arrays["kl"], expected, atol=2e-5, rtol=1e-4)
    assert len(made.facts["parts"]) == 2
    with torch.no_grad():
        again = model(IDS)
    assert torch.equal(again if isinstance(again, Tensor) else again.logits, whole)


def test_each_layer_has_its_own() -> None:
    model, tokenizer = zoo.load("stories")
    session = Session(model, tokenizer)
    session.run("The animal slept because it was too tired.")
    kl = [without(session, what="residual", heads=[[n, 0]], at=5).arrays["kl"] for n in range(3)]
    assert all(float(one[5]) > 0.1 for one in kl)
    assert not np.allclose(kl[0], kl[1])


def test_a_sum_that_is_none_is_said_to_be_none() -> None:
    class Bare(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words = nn.Embedding(30, 16)
            self.attention = nn.MultiheadAttention(16, 2, batch_first=True)
            self.unembed = nn.Linear(16, 30)

        def forward(self, input_ids: Tensor) -> Tensor:
            x = self.words(input_ids)
            logits: Tensor = self.unembed(self.attention(x, x, x)[0])
            return logits

    session = Session(Bare().eval(), Numbered())
    session.run_inputs({"input_ids": IDS})
    with pytest.raises(Trouble, match="No residual connection"):
        without(session, what="residual", heads=[[0, 0]], at=2)
