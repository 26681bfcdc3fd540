"""flex_attention in hand-written modules: its rules, its weights, and a run left unchanged."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._higher_order_ops.flex_attention import FlexAttentionHOP
from torch.nn.attention.flex_attention import (
    AuxRequest,
    and_masks,
    create_block_mask,
    flex_attention,
)

from attnwidget.binding.active import active
from attnwidget.binding.capture import capture
from attnwidget.binding.mask_mods import RuleMask
from attnwidget.selection import Pick
from attnwidget.trace import Trace
from tests.unit.models import HEADS, Projections, merge, split

T = 12
DOCUMENT = torch.tensor([0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2])
SLOPES = torch.tensor([0.5, 0.25, 0.125, 0.0625])
Rule = Callable[..., Tensor]


def causal(b: Tensor, h: Tensor, i: Tensor, j: Tensor) -> Tensor:
    return i >= j


def same_document(b: Tensor, h: Tensor, i: Tensor, j: Tensor) -> Tensor:
    return DOCUMENT[i] == DOCUMENT[j]


def window(b: Tensor, h: Tensor, i: Tensor, j: Tensor) -> Tensor:
    return (i - j).abs() <= 2


def padded(b: Tensor, h: Tensor, i: Tensor, j: Tensor) -> Tensor:
    return (b == 0) | (j < 7)


def first_sees_nothing(b: Tensor, h: Tensor, i: Tensor, j: Tensor) -> Tensor:
    return i > j


def alibi(score: Tensor, b: Tensor, h: Tensor, i: Tensor, j: Tensor) -> Tensor:
    return score - SLOPES[h] * (i - j)


def soft_cap(score: Tensor, b: Tensor, h: Tensor, i: Tensor, j: Tensor) -> Tensor:
    return 2.0 * torch.tanh(score / 2.0)


def hides_later(score: Tensor, b: Tensor, h: Tensor, i: Tensor, j: Tensor) -> Tensor:
    return torch.where(i >= j, score, -math.inf)


class Flexible(Projections):
    def __init__(
        self,
        mask: Rule | None = None,
        score: Rule | None = None,
        kv_heads: int = HEADS,
        batch: int | None = None,
        attend: Callable[..., Any] = flex_attention,
        **options: Any,
    ) -> None:
        super().__init__(kv_heads)
        self.mask, self.score, self.kv_heads, self.batch = mask, score, kv_heads, batch
        self.attend, self.options = attend, options

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x)
        q, k, v = split(q), split(k, self.kv_heads), split(v, self.kv_heads)
        blocks = None
        if self.mask is not None:
            blocks = create_block_mask(self.mask, self.batch, None, T, T, device="cpu")
        grouped = self.kv_heads != HEADS
        y = self.attend(
            q, k, v, score_mod=self.score, block_mask=blocks, enable_gqa=grouped, **self.options
        )
        if isinstance(y, tuple):
            y, aux = y
            lse = aux if isinstance(aux, Tensor) else aux.lse
            return self.out(merge(y * lse[..., None]))
        return self.out(merge(y))


CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "scale": {"scale": 0.3},
    "causal": {"mask": causal},
    "documents": {"mask": and_masks(causal, same_document)},
    "window": {"mask": window},
    "padding": {"mask": padded, "batch": 2},
    "blind first query": {"mask": first_sees_nothing},
    "ALiBi": {"score": alibi},
    "ALiBi causal": {"score": alibi, "mask": causal},
    "soft cap": {"score": soft_cap, "mask": causal},
    "hidden by score": {"score": hides_later},
    "grouped": {"mask": causal, "kv_heads": 2},
    "with logsumexp": {"mask": causal, "return_lse": True},
    "with auxiliary": {"score": alibi, "return_aux": AuxRequest(lse=True)},
}


def shown(name: str, **more: Any) -> tuple[Tensor, Tensor, Trace]:
    torch.manual_seed(0)
    model = Flexible(**CASES[name], **more)
    x = torch.randn(2, T, 16)
    with torch.no_grad():
        without = model(x)
        with capture(model) as trace:
            with_it = model(x)
    return without, with_it, trace


def expected(model_case: dict[str, Any], q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
    """Scores and visible keys, one number at a time."""
    scores = q @ k.repeat_interleave(HEADS // k.shape[1], 1).mT * model_case.get("scale", 0.5)
    seen = torch.ones(scores.shape, dtype=torch.bool)
    for place in torch.cartesian_prod(*(torch.arange(n) for n in scores.shape)):
        at = tuple(place.tolist())
        if "score" in model_case:
            scores[at] = model_case["score"](scores[at], *place)
        if "mask" in model_case:
            seen[at] = model_case["mask"](*place)
    seen &= scores != -math.inf
    return scores.masked_fill(~seen, -math.inf), seen


@pytest.mark.parametrize("name", CASES)
def test_weights_are_those_of_the_rules_and_give_the_output(name: str) -> None:
    without, with_it, trace = shown(name)
    assert torch.equal(without, with_it)
    assert trace.searched.troubles == ()
    (call,) = trace.calls
    assert (call.source, call.status, call.module) == ("flex", "exact", "")
    assert call.check() <= 1e-5
    scores, seen = expected(CASES[name], call.q, call.k)
    weights = scores.softmax(-1).nan_to_num(nan=0.0)
    assert torch.allclose(call.scores(), scores, rtol=0, atol=1e-5)
    assert torch.allclose(call.weights(), weights, rtol=0, atol=1e-5)
    assert torch.equal(call.visible(), seen)
    later = torch.ones(T, T, dtype=torch.bool).triu(1)
    assert call.causal == (not (seen & later).any())


@pytest.mark.parametrize("name", ["documents", "ALiBi causal", "padding", "grouped"])
def test_a_part_is_worked_out_from_the_rules_of_that_part(name: str) -> None:
    _, _, trace = shown(name)
    (call,) = trace.calls
    some = {"head": [3, 1], "queries": slice(4, 11, 3), "batch": 1}
    for read in (call.weights, call.scores, call.visible):
        assert torch.allclose(read(**some), read()[1:, [3, 1], 4:11:3], rtol=0, atol=1e-6)
        assert torch.equal(read(**some, keys=[2, 0]), read(**some)[..., [2, 0]])


def test_a_rule_is_asked_for_the_rows_only() -> None:
    n = 300_000  # all places would take 90 GB
    rule = RuleMask(causal, (1, 1, n, n), (1, 1), torch.device("cpu"))
    seen = rule.visible(Pick.of((1, 1, n, n), queries=[5, n - 1]), torch.device("cpu"))
    assert seen.shape == (1, 1, 2, n)
    assert seen.sum(-1).tolist() == [[[6, n]]]


@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_of_what_a_rule_looks_up_are_the_same(compiled: bool) -> None:
    bias = nn.Parameter(torch.randn(HEADS))

    def biased(score: Tensor, b: Tensor, h: Tensor, i: Tensor, j: Tensor) -> Tensor:
        return score + bias[h] * (i - j)

    attend = torch.compile(flex_attention, backend="aot_eager") if compiled else flex_attention
    # On a CPU torch gives no gradients of q, k and v.
    model = Flexible(causal, biased, attend=attend).requires_grad_(False)
    x = torch.randn(2, T, 16)

    def gradients() -> list[Tensor]:
        out = model(x)
        return [out, *torch.autograd.grad(out.square().sum(), [bias])]

    without = gradients()
    with capture(model) as trace:
        with_it = gradients()
    assert without[1].abs().min() > 0
    assert all(torch.equal(a, b) for a, b in zip(without, with_it, strict=True))
    assert [call.status for call in trace.calls] == ["exact"]


def test_the_operator_is_left_as_it_was_found() -> None:
    before = vars(FlexAttentionHOP)["__call__"]
    _, _, trace = shown("causal")
    assert vars(FlexAttentionHOP)["__call__"] is before
    assert len(trace.calls) == 1


def test_a_mistake_in_the_call_passes_through() -> None:
    model = Flexible(scale="big")
    x = torch.randn(2, T, 16)
    with pytest.raises(TypeError), torch.no_grad():
        model(x)
    with pytest.raises(TypeError), torch.no_grad(), capture(model) as trace:
        model(x)
    assert trace.calls == []
    assert not active.silent


def test_flex_attention_first_loaded_in_the_forward_is_seen() -> None:
    script = """
import sys, torch
from attnwidget.binding.capture import capture

class Late(torch.nn.Module):
    def forward(self, x):
        from torch.nn.attention.flex_attention import flex_attention
        return flex_attention(x, x, x)

late, x = Late(), torch.randn(1, 2, 5, 4)
with torch.no_grad(), capture(late) as trace:
    assert "torch._dynamo" not in sys.modules
    out = late(x)
with torch.no_grad():
    assert torch.equal(out, late(x))
assert [(call.source, call.status) for call in trace.calls] == [("flex", "exact")]
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=True)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("soft cap", {}),
        ("grouped", {"fullgraph": True}),
        ("documents", {"dynamic": True}),
        # The compiler for CPUs gives no logsumexp.
        ("with logsumexp", {"backend": "aot_eager"}),
        ("with auxiliary", {"backend": "aot_eager"}),
    ],
)
def test_compiled_flex_attention_runs_compiled(name: str, options: dict[str, Any]) -> None:
    without, with_it, trace = shown(name, attend=torch.compile(flex_attention, **options))
    assert torch.equal(without, with_it)
    assert [(call.source, call.status) for call in trace.calls] == [("flex", "exact")]
    # So it is no other run that happens to give the same.
    uncompiled, _, _ = shown(name)
    assert ("backend" in options) == torch.equal(uncompiled, without)
