"""Sequences packed into one row, and samples of different lengths: blocks on the diagonal."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
from transformers.models.qwen2_vl.configuration_qwen2_vl import Qwen2VLVisionConfig
from transformers.models.qwen2_vl.modeling_qwen2_vl import Qwen2VisionTransformerPretrainedModel

from attnwidget.binding.capture import capture
from attnwidget.call import AttentionCall
from attnwidget.trouble import Trouble
from tests.unit.models import HEADS, D, Projections, merge, split, transformers_model

# Two frames of 4 x 4 patches and a picture of 2 x 4.
GRID = torch.tensor([[2, 4, 4], [1, 2, 4]])
LENGTHS = [16, 16, 8]
PACKED = "Packed: 3 sequences one behind the other, each looks at itself only."


def blocks(lengths: list[int], causal: bool = False) -> Tensor:
    """What packed sequences may see."""
    seen = torch.block_diag(*(torch.ones(n, n) for n in lengths)).bool()
    return seen.tril() if causal else seen


def tower(attention: str = "sdpa") -> Any:
    torch.manual_seed(0)
    config = Qwen2VLVisionConfig(
        depth=2,
        embed_dim=D,
        hidden_size=D,
        num_heads=HEADS,
        mlp_ratio=2,
        patch_size=4,
        temporal_patch_size=1,
    )
    return attending(Qwen2VisionTransformerPretrainedModel(config).eval(), attention)


def attending(model: Any, attention: str) -> Any:
    """The model with another attention; by its setter, flash attention would be looked up."""
    model.config._attn_implementation = attention
    return model


def by_lengths(
    module: nn.Module, q: Tensor, k: Tensor, v: Tensor, attention_mask: None, **kwargs: Any
) -> tuple[Tensor, None]:
    """What ``flash_attn_varlen_func`` computes, one sequence after the other."""
    causal = kwargs.get("is_causal", getattr(module, "is_causal", True))
    if kwargs.get("cu_seq_lens_q") is not None:
        ends = kwargs["cu_seq_lens_q"].tolist()
    else:
        positions = kwargs["position_ids"].flatten()
        ends = [*(positions == 0).nonzero().flatten().tolist(), len(positions)]
    parts = [
        F.scaled_dot_product_attention(
            q[:, :, a:b], k[:, :, a:b], v[:, :, a:b], is_causal=causal, enable_gqa=True
        )
        for a, b in itertools.pairwise(ends)
    ]
    return torch.cat(parts, 2).transpose(1, 2), None


by_lengths.__name__ = "flash_attention_by_lengths"
AttentionInterface.register("flash_by_lengths", by_lengths)
AttentionMaskInterface.register(
    "flash_by_lengths", ALL_MASK_ATTENTION_FUNCTIONS["flash_attention_2"]
)


def whole(call: AttentionCall) -> Tensor:
    """The map worked out from q and k over all packed tokens at once."""
    scores = call.q @ call.k.transpose(-2, -1) * call.scale
    return scores.masked_fill(~call.visible(), -math.inf).softmax(-1)


def near(part: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(part, expected, rtol=0, atol=1e-6)


# -- pictures one behind the other ----------------------------------------------------------------


@pytest.mark.parametrize("copied", [False, True])
@pytest.mark.parametrize("attention", ["sdpa", "eager", "flash_by_lengths"])
def test_pictures_of_one_tower_are_one_map_per_layer(attention: str, copied: bool) -> None:
    model, patches = tower(attention), torch.randn(40, 48)
    with torch.no_grad():
        expected = model(patches, grid_thw=GRID).last_hidden_state
        with capture(model, copy=copied) as trace:
            made = model(patches, grid_thw=GRID).last_hidden_state
    assert torch.equal(made, expected)
    assert [(call.module, call.layer) for call in trace.calls] == [
        ("blocks.0.attn", 0),
        ("blocks.1.attn", 1),
    ]
    for call in trace.calls:
        assert call.weights().shape == (1, HEADS, 40, 40)
        assert call.q.shape == call.k.shape == call.v.shape == call.output.shape
        assert call.q.shape == (1, HEADS, 40, D // HEADS)
        assert (call.status, call.note, call.causal) == ("exact", PACKED, False)
        assert torch.equal(call.visible(), blocks(LENGTHS).expand(1, HEADS, 40, 40))
        assert (call.weights() - whole(call)).abs().max() <= 1e-6
        assert (call.weights() @ call.v - call.output).abs().max() <= 1e-6
        assert (call.weights()[~call.visible()] == 0).all()
        assert (call.scores()[~call.visible()] < -1e9).all()


def test_any_part_of_a_packed_map_is_that_part_of_the_whole() -> None:
    model = tower()
    with capture(model) as trace:
        model(torch.randn(40, 48), grid_thw=GRID)
    call = trace.calls[0]
    for read in (call.weights, call.scores, call.visible):
        rows, columns = [39, 0, 17, 39], [33, 2, 16, 33]
        part = read(head=[2, 0], queries=rows, keys=columns)
        near(part, read()[:, [2, 0]][:, :, rows][..., columns])
        near(read(queries=slice(10, 20), keys=3), read()[:, :, 10:20, 3:4])
        assert read(queries=[]).shape == (1, HEADS, 0, 40)


def test_a_row_asks_its_own_sequence_only() -> None:
    model = tower()
    with capture(model) as trace:
        model(torch.randn(40, 48), grid_thw=GRID)
    call = trace.calls[0]
    for other in (0, 2):
        call._evidence._parts[other]._eager = None  # to run these would raise
    assert call.weights(queries=20).sum(-1).allclose(torch.ones(()))
    with pytest.raises(Trouble, match="could not be run again"):
        call.weights(queries=2)


def test_an_overwritten_sequence_is_told() -> None:
    model = tower()
    with torch.no_grad(), capture(model) as trace:
        model(torch.randn(40, 48), grid_thw=GRID)
    trace.calls[0]._evidence._parts[1].q.zero_()
    with pytest.raises(Trouble, match="cannot be read"):
        trace.calls[0].weights()
    assert trace.calls[0].status == "unavailable"
    assert trace.calls[1].status == "exact"


# -- which calls belong together ------------------------------------------------------------------


class Several(Projections):
    """Calls attention several times in one forward, in the ways that people have."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (split(part) for part in self.qkv(x))
        if self.how == "heads":  # diffllama: half of the heads each
            pairs = zip(*(part.chunk(2, dim=1) for part in (q, k, v)), strict=True)
        elif self.how == "one head each":
            pairs = zip(*(part.contiguous().split(1, dim=1) for part in (q, k, v)), strict=True)
        elif self.how == "queries in pieces":
            pairs = ((piece, k, v) for piece in q.split(3, dim=2))
        elif self.how == "steps":  # a decoder within one forward
            pairs = ((q[:, :, t : t + 1], k[:, :, : t + 1], v[:, :, : t + 1]) for t in range(6))
        else:
            lengths = [1, 3, 2]
            pairs = zip(*(part.split(lengths, dim=2) for part in (q, k, v)), strict=True)
        axis = 1 if "head" in self.how else 2
        made = torch.cat([self.attend(*pair) for pair in pairs], dim=axis)
        return self.out(merge(made))

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        if self.how == "by hand":
            return (q @ k.mT / math.sqrt(q.shape[-1])).softmax(-1) @ v
        return F.scaled_dot_product_attention(q, k, v, is_causal=self.how == "causal")


@pytest.mark.parametrize(
    ("how", "calls"),
    [
        ("sequences", 1),
        ("causal", 1),
        ("by hand", 1),
        ("heads", 2),
        ("one head each", HEADS),
        ("queries in pieces", 2),
        ("steps", 6),
    ],
)
def test_only_slices_along_the_tokens_are_joined(how: str, calls: int) -> None:
    torch.manual_seed(0)
    model, x = Several(how).eval(), torch.randn(1, 6, D)
    with torch.no_grad():
        expected = model(x)
        with capture(model) as trace:
            assert torch.equal(model(x), expected)
    assert len(trace.calls) == calls
    assert all(call.status == "exact" for call in trace.calls)
    if calls == 1:
        call = trace.calls[0]
        assert torch.equal(call.visible()[0, 0], blocks([1, 3, 2], how == "causal"))
        assert (call.weights() - whole(call)).abs().max() <= 1e-6
        assert call.causal is (how == "causal")


class Again(nn.Module):
    """One layer used twice."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.layer = Several(how)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(self.layer(x))


@pytest.mark.parametrize("copied", [False, True])
@pytest.mark.parametrize("how", ["", "whole"])
def test_a_layer_used_again_has_a_map_for_each_time(how: str, copied: bool) -> None:
    model = Again("sequences")
    if how:
        model.layer.forward = lambda x: model.layer.out(  # type: ignore[method-assign]
            merge(F.scaled_dot_product_attention(*(split(p) for p in model.layer.qkv(x))))
        )
    with capture(model, copy=copied) as trace:
        model(torch.randn(1, 6, D))
    assert [call.key_len for call in trace.calls] == [6, 6]
    assert [call.layer for call in trace.calls] == [0, 1]


# -- packed text ----------------------------------------------------------------------------------


@pytest.mark.parametrize("attention", ["sdpa", "eager", "flash_by_lengths"])
def test_positions_that_start_again_separate_texts(attention: str) -> None:
    model: Any = attending(transformers_model("llama"), attention)
    alike: Any = transformers_model("llama")
    ids = torch.randint(3, 50, (1, 9))
    positions = torch.cat([torch.arange(n) for n in (4, 2, 3)])[None]
    with torch.no_grad():
        with capture(model) as trace:
            model(ids, position_ids=positions, use_cache=False)
        with capture(alike) as alone:
            alike(ids[:, 4:6])
    for call in trace.calls:
        assert call.status == "exact"
        assert call.causal
        assert torch.equal(call.visible()[0, 0], blocks([4, 2, 3], causal=True))
        assert ("Packed: 3 " in call.note) is (attention == "flash_by_lengths")
    for call, short in zip(trace.calls, alone.calls, strict=True):
        part = call.weights(queries=slice(4, 6), keys=slice(4, 6))
        assert (part - short.weights()).abs().max() <= 1e-5


# -- nested tensors -------------------------------------------------------------------------------


class Nested(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.projections = nn.ModuleList(nn.Linear(D, D) for _ in range(3))

    def forward(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        sources = x, *(2 * (x if other is None else other,))
        q, k, v = (
            self.heads(project(part))
            for project, part in zip(self.projections, sources, strict=True)
        )
        return F.scaled_dot_product_attention(q, k, v)

    def heads(self, x: Tensor) -> Tensor:
        if x.layout is torch.jagged:
            return x.unflatten(-1, (2, D // 2)).transpose(1, 2)
        return x.view(x.size(0), -1, 2, D // 2).transpose(1, 2).contiguous()


def nested(layout: torch.layout, *lengths: int) -> Tensor:
    return torch.nested.nested_tensor([torch.randn(n, D) for n in lengths], layout=layout)


@pytest.mark.filterwarnings("ignore:.*nested tensors:UserWarning")
@pytest.mark.parametrize("mode", [torch.no_grad, torch.enable_grad])
@pytest.mark.parametrize("keys", [None, [2, 2, 6]])
@pytest.mark.parametrize("layout", [torch.jagged, torch.strided])
def test_samples_of_nested_tensors_keep_their_lengths(
    layout: torch.layout, keys: list[int] | None, mode: Callable[[], Any]
) -> None:
    torch.manual_seed(0)
    model, x = Nested().eval(), nested(layout, 3, 5, 2)
    given = (x,) if keys is None else (x, nested(layout, *keys))
    with mode():
        expected = model(*given)
        with capture(model) as trace:
            made = model(*given)
    assert all(torch.equal(a, b) for a, b in zip(made.unbind(), expected.unbind(), strict=True))
    (call,) = trace.calls
    keys = keys or [3, 5, 2]
    assert not trace.searched.troubles
    assert (call.batch_size, call.heads, call.query_len, call.key_len) == (3, 2, 5, max(keys))
    assert (call.status, call.windows) == ("exact", 1)
    assert trace.nbytes > 0
    for n, (tq, tk) in enumerate(zip([3, 5, 2], keys, strict=True)):
        weights, seen = call.weights(batch=n)[0], call.visible(batch=n)[0]
        inside = torch.zeros_like(seen)
        inside[:, :tq, :tk] = True
        assert torch.equal(seen, inside)
        assert (weights[~inside] == 0).all()
        q, k = call.q[n, :, :tq], call.k[n, :, :tk]
        right = (q @ k.mT / math.sqrt(D // 2)).softmax(-1)
        assert (weights[:, :tq, :tk] - right).abs().max() <= 1e-6
        assert (call.output[n, :, :tq] - expected.unbind()[n]).abs().max() == 0
