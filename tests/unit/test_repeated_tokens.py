"""Random tokens said twice: induction as it is usually measured, and no mark on the model."""

from __future__ import annotations

import itertools
import math
from random import Random
from typing import Any

import pytest
import torch
from torch import nn

import attnwidget as aw
from attnwidget.binding.capture import attach, capture
from attnwidget.trouble import Trouble
from attnwidget.zoo.making.stories_scores import induction
from tests.unit.models import HEADS, NanoGPT, Sdpa, transformers_model


def test_the_bundled_model_has_its_induction_head() -> None:
    model, tokenizer = aw.zoo.load("stories")
    words = [i for i, word in enumerate(tokenizer.vocabulary) if word.isalpha()]
    trace = aw.repeated_tokens(model, start=tokenizer.ids["<s>"], among=words)
    best = trace.heads().sort_by("induction")[0]
    assert (best.layer, best.head) == (2, 0)
    assert best.induction > 0.9


def test_the_score_is_the_one_of_the_models_own_card() -> None:
    model, tokenizer = aw.zoo.load("stories")
    rng = Random(5)
    songs = [rng.sample([i for i, w in enumerate(tokenizer.vocabulary) if w.isalpha()], 20)
             for _ in range(30)]  # fmt: skip
    ids = torch.tensor([[tokenizer.ids["<s>"], *song, *song] for song in songs])
    with capture(model) as trace, torch.no_grad():
        model(ids)
    own = torch.tensor([row.induction for row in trace.heads()]).reshape(3, HEADS)
    card = induction(model, tokenizer, Random(5), 30).weight
    torch.testing.assert_close(own, card, atol=1e-5, rtol=0)


def test_tokens_are_said_twice_and_each_half_has_no_repeats() -> None:
    trace = aw.repeated_tokens(transformers_model("gpt2"), length=12, batch=3, start=7)
    ids = trace.inputs["source"]
    assert ids.shape == (3, 25)
    assert ids[:, 0].tolist() == [7] * 3
    assert torch.equal(ids[:, 1:13], ids[:, 13:])
    assert all(len(set(row)) == 12 for row in ids[:, 1:13].tolist())
    assert not {0, 1, 2} & set(ids[:, 1:].flatten().tolist()), "special ids are not drawn"
    again = aw.repeated_tokens(transformers_model("gpt2"), length=12, batch=3, start=7)
    assert torch.equal(again.inputs["source"], ids)
    other = aw.repeated_tokens(transformers_model("gpt2"), length=12, batch=3, start=7, seed=1)
    assert not torch.equal(other.inputs["source"], ids)


def test_a_text_begins_as_the_config_says() -> None:
    ids = aw.repeated_tokens(transformers_model("llama"), length=4, batch=2).inputs["source"]
    assert ids.shape == (2, 9)
    assert ids[:, 0].tolist() == [0, 0]


@pytest.mark.parametrize("name", ["bert", "gpt2", "llama", "t5", "bart"])
def test_models_of_any_kind_are_run(name: str) -> None:
    table = aw.repeated_tokens(transformers_model(name), length=6, batch=2).heads()
    for row in table:
        assert math.isnan(row.induction) == (row.stack == "cross")
        assert math.isnan(row.induction) or 0 <= row.induction <= 1


def test_a_plain_model_tells_its_ids_by_its_embedding() -> None:
    model = NanoGPT()
    trace = aw.repeated_tokens(model, length=20)
    assert trace.inputs["source"].shape == (8, 40)
    assert int(trace.inputs["source"].max()) < 50
    assert len(trace.heads()) == 2 * HEADS


def test_the_model_is_left_as_it_was_found() -> None:
    model = NanoGPT(flash=False, dropout=0.3).train()
    before = dict(vars(model)), torch.random.get_rng_state()
    seen: list[Any] = []
    binding = attach(model, seen.append)
    with capture(model) as mine:
        trace = aw.repeated_tokens(model, length=10)
        assert not mine.calls
        assert not seen
        model(torch.tensor([[1, 2, 3]]))
        assert mine.calls[0].key_len == 3
    binding.detach()
    assert len(seen) == 1
    assert trace.calls[0].key_len == 20
    assert not trace.calls[0].weights().requires_grad
    assert all(module.training for module in model.modules())
    assert vars(model).keys() == before[0].keys()
    assert not any(p.grad is not None for p in model.parameters())


def test_random_numbers_go_on_as_if_none_had_been_drawn() -> None:
    model = NanoGPT(flash=False, dropout=0.3)
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    aw.repeated_tokens(model, length=5)
    assert torch.equal(torch.rand(3), expected)


def test_dropout_is_off() -> None:
    model = NanoGPT(flash=False, dropout=0.9).train()
    one, other = (aw.repeated_tokens(model, length=5).heads() for _ in range(2))
    for a, b in zip(one, other, strict=True):
        assert a.entropy == b.entropy


def test_a_widget_that_follows_the_model_stays_where_it_is() -> None:
    model, tokenizer = aw.zoo.load("stories")
    ex = aw.explore(model, tokenizer, "The animal slept.")
    ex.attach()
    before = ex._session.snapshot
    aw.repeated_tokens(model, length=5)
    assert ex._session.snapshot is before
    assert ex._session.trouble is None
    ex.close()


@pytest.mark.parametrize(
    ("model", "asked", "words"),
    [
        (Sdpa(), {}, "Sdpa has no vocabulary"),
        (
            NanoGPT(),
            {"length": 51},
            "length=51 was asked for. Expected a whole number from 1 to 50",
        ),
        (NanoGPT(), {"batch": 0}, "batch=0 was asked for. Expected a whole number from 1 up"),
        (NanoGPT(), {"among": [3, 4], "length": 3}, "from 1 to 2"),
        (nn.Sequential(nn.Embedding(30, 4)), {}, "No attention was seen"),
    ],
)
def test_what_cannot_be_run_is_said(model: nn.Module, asked: dict[str, Any], words: str) -> None:
    with pytest.raises(Trouble) as raised:
        aw.repeated_tokens(model, **asked)
    assert words in str(raised.value)


def test_too_few_positions_are_said_with_a_length_that_fits() -> None:
    model = transformers_model("bert", max_position_embeddings=16)
    with pytest.raises(Trouble, match="has 16 positions. Give a smaller one, such as length=7"):
        aw.repeated_tokens(model)
    trace = aw.repeated_tokens(model, length=7)
    assert trace.calls[0].key_len == 15


def test_repeats_of_the_second_half_alone_count() -> None:
    trace = aw.repeated_tokens(transformers_model("gpt2"), length=5, batch=2)
    (call, *_) = trace.calls
    a = call.weights()
    weights = [float(a[b, 2, 6 + i, 2 + i]) for b, i in itertools.product(range(2), range(5))]
    row = next(row for row in trace.heads() if (row.layer, row.head) == (call.layer, 2))
    assert row.induction == pytest.approx(sum(weights) / 10, abs=1e-6)
