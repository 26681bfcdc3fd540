"""What lesson 5 says of the sentiment model holds on it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import attnwidget as aw
from attnwidget import zoo
from attnwidget.explorer import Explorer
from attnwidget.teaching.lessons.encoder_block_measured import CLS, Measured
from attnwidget.zoo.making.sentiment_scores import attention, without_residuals
from attnwidget.zoo.sentiment import Sentiment

CARD = zoo.card("sentiment")


@pytest.fixture(scope="module")
def model() -> Sentiment:
    loaded: Sentiment = zoo.load("sentiment")[0]
    return loaded


@pytest.fixture(scope="module")
def twin() -> Tensor:
    ids: Tensor = zoo.load("sentiment")[1](CARD["twin"])["input_ids"]
    return ids


@pytest.fixture(scope="module")
def facts() -> Measured:
    return Measured(*zoo.load("sentiment"), CARD, zoo.load("stories"))


@pytest.fixture(scope="module")
def lesson() -> Explorer:
    opened = aw.lesson("encoder-block")
    assert isinstance(opened, Explorer)
    return opened


def positive(model: Sentiment, ids: Tensor) -> float:
    with torch.no_grad():
        return float(model(ids).softmax(-1)[0, 1])


def test_every_stop_shows_what_it_names(lesson: Explorer) -> None:
    assert len(lesson.tour or ()) == 15
    for number, stop in enumerate(lesson.tour or ()):
        lesson.stop = number
        for name, value in stop.traits.items():
            assert getattr(lesson, name) == value, f"stop {number}: {name}"
        assert lesson.query == CLS


def test_cls_looks_at_the_word_that_turns_the_review(
    model: Sentiment, twin: Tensor, facts: Measured
) -> None:
    at = CARD["selection"]
    row = attention(model, twin)[at["layer"], at["head"], CLS]
    assert row.argmax() == facts.never
    assert row.max() == pytest.approx(facts.look)
    assert facts.look > 0.9
    assert positive(model, twin) < 0.01


def test_what_is_added_is_as_long_as_hooks_on_the_model_see(
    model: Sentiment, twin: Tensor, facts: Measured
) -> None:
    seen: list[tuple[Tensor, Tensor]] = []
    layers: Any = model.encoder.layers
    parts = [part for layer in layers for part in (layer.self_attention, layer.feed_forward)]
    hooks = [
        part.register_forward_hook(lambda _part, given, out: seen.append((given[0], out)))
        for part in parts
    ]
    positive(model, twin)
    for hook in hooks:
        hook.remove()
    ratios = [float(out[0, CLS].norm() / x[0, CLS].norm()) for x, out in seen]
    assert facts.attention == pytest.approx(ratios[::2])
    assert facts.feed_forward == pytest.approx(ratios[1::2])
    assert facts.attention[1] > 1.2, 'the answer "longer than x"'
    assert facts.post[1:-1] == pytest.approx([float(seen[2][0][0].norm(dim=-1).mean())])


def test_the_stream_grows_where_norms_stand_in_the_branches(facts: Measured) -> None:
    assert facts.pre == sorted(facts.pre)
    assert facts.pre[-1] > 2 * facts.pre[1] > 2 * facts.pre[0]
    assert max(facts.post[1:]) < 1.5 * min(facts.post[1:])
    shortest, longest = facts.normed
    assert longest / shortest < 1.1 < facts.summed[1] / facts.summed[0]


def test_residuals_of_layer_0_are_those_that_matter(
    model: Sentiment, twin: Tensor, facts: Measured
) -> None:
    both = ("self_attention", "feed_forward")
    with without_residuals(model, [(0, part) for part in both]):
        assert positive(model, twin) == pytest.approx(facts.without, abs=1e-4)
    assert facts.without > 0.9
    with without_residuals(model, [(1, part) for part in both]):
        assert positive(model, twin) < 0.1
    words, kept, alone = facts.alike
    assert words < kept < 0.9 < alone
    shares = CARD["without_residuals"]
    for part in ("attention", "both"):
        assert shares[f"layer 0, {part}"] < 0.55
        assert shares[f"layer 1, {part}"] > 0.9
    assert 0.8 < shares["layer 0, feed-forward"] < 0.95
    assert abs(shares["layer 0, both"] - 0.5) < 0.1, 'the answer "as good as tossing a coin"'


def test_the_feed_forward_is_a_convolution_and_knows_no_order(
    model: Sentiment, twin: Tensor
) -> None:
    layers: Any = model.encoder.layers
    block, x = layers[0], model.embed(twin)
    order = torch.randperm(x.shape[1], generator=torch.Generator().manual_seed(0))
    assert torch.allclose(block.feed_forward(x[:, order]), block.feed_forward(x)[:, order])
    alone = x[:, 3:4]
    assert torch.allclose(block.feed_forward(alone), block.feed_forward(x)[:, 3:4], atol=1e-5)
    assert not torch.allclose(
        block.self_attention(alone), block.self_attention(x)[:, 3:4], atol=0.1
    )
    first, relu, second = block.feed_forward
    made = x.transpose(1, 2)
    for linear, then in ((first, relu), (second, nn.Identity())):
        made = then(nn.functional.conv1d(made, linear.weight[:, :, None], linear.bias))
    assert torch.allclose(made.transpose(1, 2), block.feed_forward(x), atol=1e-5)
