"""Attention without queries and keys, over features or over sampled points; and what is none."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attnwidget.binding.capture import capture
from attnwidget.call import AttentionCall
from tests.unit.models import HEADS, D, Projections, Router, merge, split


class Bahdanau(nn.Module):
    """score(tanh(W q + U k)), weighed in one of the ways people write it."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.of_query, self.of_key, self.score = nn.Linear(D, D), nn.Linear(D, D), nn.Linear(D, 1)

    def forward(self, query: Tensor, keys: Tensor) -> Tensor:
        scores = self.score(torch.tanh(self.of_query(query).unsqueeze(1) + self.of_key(keys)))
        if self.how == "sum":
            return (torch.softmax(scores, dim=1) * keys).sum(dim=1)
        if self.how == "transposed":
            return (torch.softmax(scores, dim=1).transpose(1, 2) @ keys).squeeze(1)
        weights = F.softmax(scores.squeeze(2), dim=-1)
        if self.how == "einsum":
            return torch.einsum("bt,btd->bd", weights, keys)
        if self.how == "einsum of a list":
            return torch.einsum("bt,btd->bd", [weights, keys])
        return torch.bmm(weights.unsqueeze(1), keys).squeeze(1)


class Recurrent(nn.Module):
    """A decoder that asks for its encoder's states at every step."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.attention, self.cell = Bahdanau(how), nn.GRUCell(D, D)

    def forward(self, states: Tensor) -> Tensor:
        hidden = states[:, -1]
        for _ in range(3):
            hidden = self.cell(self.attention(hidden, states), hidden)
        return hidden


class Pooling(nn.Module):
    """One weight for each token and head, from the token alone."""

    def __init__(self) -> None:
        super().__init__()
        self.score = nn.Linear(D, HEADS)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        scores = self.score(x)
        if mask is not None:
            scores = scores.masked_fill(~mask.unsqueeze(-1), float("-inf"))
        weights = scores.softmax(dim=1)
        return (weights.unsqueeze(-1) * x.unflatten(-1, (HEADS, -1))).sum(1).flatten(1)


class MAPHead(nn.Module):
    """A learned query over all patches."""

    def __init__(self) -> None:
        super().__init__()
        self.probe = nn.Parameter(torch.randn(1, 1, D))
        self.attention = nn.MultiheadAttention(D, HEADS, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(self.probe.expand(len(x), -1, -1), x, x)[0].squeeze(1)


class XCA(Projections):
    """Cross-covariance attention: features attend to features."""

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (split(part).transpose(-2, -1) for part in self.qkv(x))
        weights = (F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).mT).softmax(-1)
        return self.out(merge((weights @ v).transpose(-2, -1)))


class DeformableAttention(nn.Module):
    """Values at points sampled from a picture, weighed for each query and head."""

    POINTS = 6

    def __init__(self) -> None:
        super().__init__()
        self.value = nn.Linear(D, D)
        self.places = nn.Linear(D, HEADS * self.POINTS * 2)
        self.weigh = nn.Linear(D, HEADS * self.POINTS)

    def forward(self, x: Tensor, picture: Tensor) -> Tensor:
        b, q, _ = x.shape
        weights = F.softmax(self.weigh(x).view(b, q, HEADS, self.POINTS), -1)
        weights = weights.view(b, q, HEADS, 2, self.POINTS // 2)  # two levels
        places = self.places(x).tanh().view(b, q, HEADS, self.POINTS, 2)
        places = places.transpose(1, 2).flatten(0, 1)
        values = self.value(picture).permute(0, 3, 1, 2)
        values = values.reshape(b * HEADS, D // HEADS, *values.shape[2:])
        sampled = F.grid_sample(values, places, align_corners=False)
        weights = weights.transpose(1, 2).reshape(b * HEADS, 1, q, self.POINTS)
        return (sampled * weights).sum(-1).view(b, D, q).transpose(1, 2)


def calls_of(model: nn.Module, *given: Tensor) -> list[AttentionCall]:
    with torch.no_grad():
        free = model(*given)
        with capture(model) as trace:
            assert torch.equal(model(*given), free)
    assert trace.searched.troubles == ()
    assert all(call.status == "exact" for call in trace.calls)
    assert all(call.check() <= 1e-6 for call in trace.calls)
    return trace.calls


WAYS = ["sum", "transposed", "einsum", "einsum of a list", "bmm"]


@pytest.mark.parametrize("how", WAYS)
def test_additive_attention_has_weights_and_scores_but_no_queries(how: str) -> None:
    torch.manual_seed(0)
    model, states = Recurrent(how), torch.randn(2, 5, D)
    calls = calls_of(model, states)
    assert [(c.kind, c.stack, c.layer) for c in calls] == [
        ("additive", "cross", n) for n in (0, 1, 2)
    ]
    first = calls[0]
    assert (first.batch_size, first.heads, first.query_len, first.key_len) == (2, 1, 1, 5)
    assert first.q is None
    assert first.k is None
    assert first.scale is None
    assert "no products of queries and keys" in first.note
    of = model.attention
    with torch.no_grad():
        scores = of.score(torch.tanh(of.of_query(states[:, -1]).unsqueeze(1) + of.of_key(states)))
    assert torch.allclose(first.scores().flatten(), scores.flatten(), atol=1e-6)
    assert torch.allclose(first.weights().flatten(), scores.softmax(1).flatten(), atol=1e-6)
    assert first.v is not None
    assert torch.equal(first.v[:, 0], states)


def test_pooling_by_scores_of_tokens_has_its_heads_and_its_mask() -> None:
    mask = torch.ones(2, 5, dtype=torch.bool)
    mask[1, 3:] = False
    (call,) = calls_of(Pooling(), torch.randn(2, 5, D), mask)
    assert (call.kind, call.stack) == ("pooling", "pooling")
    assert (call.batch_size, call.heads, call.query_len, call.key_len) == (2, HEADS, 1, 5)
    assert torch.equal(call.visible()[:, 0, 0], mask)
    assert torch.allclose(call.weights().sum(-1), torch.ones(()))


def test_a_learned_query_pools() -> None:
    (call,) = calls_of(MAPHead().eval(), torch.randn(2, 5, D))
    assert (call.kind, call.heads, call.query_len, call.key_len) == ("pooling", HEADS, 1, 5)
    assert call.q is not None


def test_channel_attention_is_called_so() -> None:
    (call,) = calls_of(XCA(), torch.randn(2, 5, D))
    assert call.kind == "channel"
    assert (call.heads, call.query_len, call.key_len) == (HEADS, D // HEADS, D // HEADS)
    assert "features, not tokens" in call.note


def test_deformable_attention_weighs_sampled_points() -> None:
    model, x = DeformableAttention(), torch.randn(2, 3, D)
    (call,) = calls_of(model, x, torch.randn(2, 4, 4, D))
    assert (call.kind, call.stack) == ("deformable", "deformable")
    assert (call.batch_size, call.heads, call.query_len, call.key_len) == (2, HEADS, 3, 6)
    with torch.no_grad():
        own = model.weigh(x).view(2, 3, HEADS, 6).softmax(-1).transpose(1, 2)
    assert torch.allclose(call.weights(), own, atol=1e-6)
    assert call.v is None, "every query has points of its own"
    assert "points sampled" in call.note


class DenseExperts(nn.Module):
    """Every expert, mixed by a softmax: written as a sum and as a product."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.gate = nn.Linear(D, 3)
        self.experts = nn.ModuleList(nn.Linear(D, D) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        share = self.gate(x).softmax(-1)
        made = torch.stack([expert(x) for expert in self.experts], dim=-2)
        if self.how == "sum":
            return (share.unsqueeze(-1) * made).sum(-2)
        return torch.einsum("bte,bted->btd", share, made)


class LayerMix(nn.Module):
    """A learned mixture of layers, and soft embeddings of a distribution over words."""

    def __init__(self) -> None:
        super().__init__()
        self.mix, self.words = nn.Parameter(torch.zeros(3)), nn.Embedding(7, D)
        self.head = nn.Linear(D, 7)

    def forward(self, x: Tensor) -> Tensor:
        layers = torch.stack([x, x.tanh(), x.sigmoid()])
        x = (self.mix.softmax(0)[:, None, None, None] * layers).sum(0)
        return self.head(x).softmax(-1) @ self.words.weight


class EfficientLinearAttention(nn.Module):
    """Softmaxes over features and over tokens, but never a map from tokens to tokens."""

    def forward(self, x: Tensor) -> Tensor:
        return x.softmax(-1) @ (x.softmax(-2).transpose(1, 2) @ x)


class WrongAxis(nn.Module):
    """A softmax over one axis, and a sum over another."""

    def forward(self, x: Tensor) -> Tensor:
        return x.softmax(1) @ x.transpose(1, 2)


@pytest.mark.parametrize(
    "make",
    [
        Router,
        lambda: DenseExperts("sum"),
        lambda: DenseExperts("einsum"),
        LayerMix,
        EfficientLinearAttention,
        WrongAxis,
    ],
)
def test_a_softmax_that_weighs_no_tokens_gives_no_record(make: Callable[[], nn.Module]) -> None:
    assert calls_of(make(), torch.randn(2, 5, D)) == []


class Assigning(Projections):
    """Each patch goes to its best group, with the gradient of a softmax over groups."""

    def forward(self, groups: Tensor, patches: Tensor) -> Tensor:
        q, k, v = self.q_proj(groups), self.k_proj(patches), self.v_proj(patches)
        soft = (q @ k.mT).softmax(-2)
        hard = torch.zeros_like(soft).scatter_(-2, soft.max(-2, keepdim=True)[1], 1.0)
        weights = hard - soft.detach() + soft
        return self.out((weights / (weights.sum(-1, keepdim=True) + 1.0)) @ v)


def test_what_is_done_to_weights_afterwards_is_in_them() -> None:
    (call,) = calls_of(Assigning(), torch.randn(2, 3, D), torch.randn(2, 5, D))
    assert (call.query_len, call.key_len) == (3, 5)
    assert ((call.weights() > 0.1).sum(2) == 1).all(), "one group for each patch"
    assert "changes the weights after the softmax" in call.note


@pytest.mark.parametrize("make", [lambda: Recurrent("bmm"), lambda: Recurrent("sum"), Pooling])
def test_gradients_are_the_same(make: Callable[[], nn.Module]) -> None:
    model, x = make(), torch.randn(2, 5, D)

    def gradients() -> list[Tensor]:
        model.zero_grad()
        model(x).square().sum().backward()
        return [p.grad.clone() for p in model.parameters() if p.grad is not None]

    free = gradients()
    with capture(model) as trace:
        assert all(torch.equal(a, b) for a, b in zip(gradients(), free, strict=True))
    assert trace.calls


@pytest.mark.parametrize("how", WAYS)
def test_the_steps_of_a_recurrent_decoder_are_one_map(how: str) -> None:
    torch.manual_seed(0)
    model, states = Recurrent(how), torch.randn(2, 3, D)  # as many keys as steps
    with torch.no_grad(), capture(model) as trace:
        model(states)
    (joined,) = trace.stacks["cross"]
    assert (joined.query_len, joined.key_len, joined.layer, joined.causal) == (3, 3, 0, False)
    assert torch.equal(joined.weights(), torch.cat([c.weights() for c in trace.calls], 2))
    assert torch.equal(joined.scores(), torch.cat([c.scores() for c in trace.calls], 2))
    assert joined.output is not None
    assert torch.equal(joined.output, torch.cat([c.output for c in trace.calls], 2))
    assert joined.status == "exact"
    assert "one of 3 steps" in joined.note
    assert [row.query_len for row in trace.report()] == [3]


def test_two_recurrent_attentions_are_two_layers_of_one_map_each() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = Bahdanau("bmm"), Bahdanau("bmm")

        def forward(self, states: Tensor) -> Tensor:
            hidden = states[:, -1]
            for _ in range(4):
                hidden = self.second(self.first(hidden, states), states)
            return hidden

    model = Two()
    with torch.no_grad(), capture(model) as trace:
        model(torch.randn(1, 5, D))
    calls = trace.stacks["cross"]
    assert [(c.module, c.layer, c.query_len) for c in calls] == [("first", 0, 4), ("second", 1, 4)]
