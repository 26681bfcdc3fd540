"""Layers without a record say why, where that can be known."""

from __future__ import annotations

import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from attnwidget.binding.attribution import Names
from attnwidget.binding.capture import capture
from attnwidget.binding.unseen import without_record
from attnwidget.trace import NOT_SEEN
from tests.unit.models import D, Sdpa

KERNELS = """
import numpy as np
import torch

def flash_attn_func(q, k, v, softmax_scale=1.0):
    q, k, v = (part.detach().numpy() for part in (q, k, v))
    scores = np.exp(q @ k.swapaxes(-1, -2) * softmax_scale)
    return torch.from_numpy(scores / scores.sum(-1, keepdims=True) @ v)
"""
BOUND = """
class BoundAttention(nn.Module):
    def forward(self, x):
        return attend(x, x, x)
"""
OUTSIDE = (
    "not visible here, because its attention runs in {}, outside torch;"
    " switch it to scaled_dot_product_attention to see it"
)


@pytest.fixture
def kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A package that computes attention outside torch, under the name of one that does."""
    package = tmp_path / "flash_attn"
    package.mkdir()
    (package / "__init__.py").write_text(KERNELS)
    monkeypatch.syspath_prepend(tmp_path)
    import flash_attn

    yield flash_attn
    del sys.modules["flash_attn"]


def through_a_function(x: Tensor) -> Tensor:
    import flash_attn

    return flash_attn.flash_attn_func(x, x, x)


class ImportingAttention(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        from flash_attn import flash_attn_func

        return flash_attn_func(x, x, x)


class CallingAttention(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return self.attend(x)

    def attend(self, x: Tensor) -> Tensor:
        return through_a_function(x)


class InnerAttention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.core = ImportingAttention()

    def forward(self, x: Tensor) -> Tensor:
        return self.core(x)


class ExpAttention(nn.Module):
    """No softmax, and no package: nothing can be said."""

    def forward(self, x: Tensor) -> Tensor:
        scores = torch.exp(x @ x.mT)
        return scores / scores.sum(-1, keepdim=True) @ x


class Wrapped(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = ExpAttention()

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x)


@pytest.mark.parametrize("kind", [ImportingAttention, CallingAttention, InnerAttention])
def test_attention_in_a_package_outside_torch_is_named(kind: Any, kernels: Any) -> None:
    model = nn.Sequential(kind(), Sdpa())
    with torch.no_grad(), capture(model) as trace:
        model(torch.randn(2, 5, D))
    rows = {row.module: row for row in trace.report()}
    assert rows["1"].status == "exact"
    assert (rows["0"].status, rows["0"].note) == (NOT_SEEN, OUTSIDE.format("flash_attn"))


def test_a_name_bound_at_import_is_followed_to_its_package(kernels: Any) -> None:
    world: dict[str, Any] = {"nn": nn, "attend": kernels.flash_attn_func, "__name__": "theirs"}
    exec(BOUND, world)
    model = nn.Sequential(world["BoundAttention"]())
    assert without_record(Names(model), set()) == {"0": OUTSIDE.format("flash_attn")}


def test_a_package_that_is_not_loaded_is_no_reason() -> None:
    assert "flash_attn" not in sys.modules
    model = nn.Sequential(ImportingAttention(), ExpAttention())
    assert without_record(Names(model), set()) == {"0": "", "1": ""}


def layer(name: str, **inner: nn.Module) -> nn.Module:
    made = type(name, (nn.Module,), {})()
    for path, module in inner.items():
        made.add_module(path, module)
    return made


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Mamba", "state-space"),
        ("MambaMixer", "state-space"),
        ("Mamba2Mixer", "state-space"),
        ("FalconMambaMixer", "state-space"),
        ("JambaMambaMixer", "state-space"),
        ("NemotronHMamba2Mixer", "state-space"),
        ("GraniteMoeHybridMambaLayer", "state-space"),
        ("BambaMixer", "state-space"),
        ("FalconH1Mixer", "state-space"),
        ("S4D", "state-space"),
        ("Qwen3NextGatedDeltaNet", "linear-attention"),
        ("KimiLinearDeltaAttention", "linear-attention"),
        ("RwkvSelfAttention", "linear-attention"),
        ("MiniMaxLightningAttention", "linear-attention"),
        ("MultiScaleRetention", "linear-attention"),
        ("RecurrentGemmaRecurrentBlock", "recurrent"),
        ("mLSTMLayer", "recurrent"),
        ("Lfm2ShortConv", "convolution"),
        ("HyenaOperator", "convolution"),
        ("FNetFourierTransform", "Fourier-transform"),
    ],
)
def test_layers_that_mix_tokens_without_weights_are_named(name: str, kind: str) -> None:
    model = nn.Sequential(layer("Block", mixer=layer(name, norm=nn.LayerNorm(3))), nn.Linear(3, 3))
    reason = f"no attention weights in this layer: it is a {kind} layer"
    assert without_record(Names(model), set()) == {"0.mixer": reason}


def test_a_layer_named_after_what_is_in_it_is_one_row() -> None:
    inner = layer("OlmoHybridGatedDeltaNet")
    model = nn.Sequential(layer("OlmoHybridLinearAttentionDecoderLayer", linear_attn=inner))
    (reason,) = without_record(Names(model), set()).values()
    assert reason.endswith("it is a linear-attention layer")


@pytest.mark.parametrize(
    "name",
    ["MambaModel", "MambaBlock", "JambaMambaDecoderLayer", "MambaRMSNormGated", "ClvpGatedLinear"],
)
def test_what_is_only_near_such_a_layer_is_no_row(name: str) -> None:
    assert without_record(Names(nn.Sequential(layer(name))), set()) == {}


def test_attention_of_a_model_called_linear_is_not_taken_for_linear() -> None:
    assert without_record(Names(nn.Sequential(layer("KimiLinearAttention"))), set()) == {"0": ""}


def test_parts_of_a_recorded_layer_are_no_rows() -> None:
    attention = layer("Attention", conv=layer("Lfm2ShortConv"))
    model = nn.Sequential(layer("Lfm2ShortConv"), layer("Block", self_attn=attention))
    assert list(without_record(Names(model), {"1.self_attn"})) == ["0"]


def test_a_graph_gives_its_records_as_a_whole() -> None:
    args = (torch.randn(2, 5, D),)
    with torch.no_grad():
        seen = torch.jit.trace(nn.Sequential(OrderedDict(self_attn=Sdpa())), args)
        unseen = torch.jit.trace(nn.Sequential(OrderedDict(self_attn=Wrapped())), args)
        with capture(seen) as first, capture(unseen) as second:
            seen(*args)
            unseen(*args)
    assert [row.status for row in first.report()] == ["exact"]
    row = second.report()[0]
    assert (row.module, row.status) == ("self_attn", NOT_SEEN)
    assert "part of a scripted, traced or exported graph" in row.note


def test_the_reasons_print_in_the_report() -> None:
    class MambaMixer(nn.Identity):
        pass

    model = nn.Sequential(Sdpa(), MambaMixer())
    with torch.no_grad(), capture(model) as trace:
        model(torch.randn(2, 5, D))
    assert str(trace.report()).count("it is a state-space layer") == 1
