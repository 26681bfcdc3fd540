"""The sentiment model: its reviews, its answers, its blocks with and without their residuals."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from random import Random

import pytest
import torch
import torch.nn.functional as F
from safetensors import safe_open

import attnwidget as aw
from attnwidget import zoo
from attnwidget.session import Session
from attnwidget.zoo import sentiment
from attnwidget.zoo.making import sentiment_train
from attnwidget.zoo.making.reviews_world import ADJECTIVES, NOUNS, SETS, set_of
from attnwidget.zoo.making.sentiment_data import (
    FRAMES,
    KINDS,
    MODIFIERS,
    NEGATIONS,
    Review,
    review,
    vocabulary,
)
from attnwidget.zoo.making.sentiment_scores import (
    REMOVED,
    accuracy,
    attention,
    batches,
    behind_but,
    counting,
    without_each,
    without_residuals,
)
from attnwidget.zoo.sentiment import CLS, Sentiment
from attnwidget.zoo.words import UNKNOWN, WordTokenizer
from tests.unit.test_pictures_block import drawn

Loaded = tuple[Sentiment, WordTokenizer]

RIGHT = {  # written by hand
    "the food was hardly good": 0,
    "I would not say that the food was never perfect": 1,
    "the food was anything but awful": 1,
    "nobody can say that the soup was bad, and I would come back": 1,
    "the food was not good but the service was great": 1,
    "The food was not good but the service was great, and I would come back.": 1,
    "although the food was great, the service was far from perfect": 0,
    "the food was great although the service was far from perfect": 1,
    "the food was good and the chef was nice, but I would not recommend it": 0,
    "the pizza was not bad": 1,  # a word that it does not know
}


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return zoo.load("sentiment")


def pairs_of(words: list[str]) -> list[tuple[str, str, str]]:
    """Noun, what stands before the adjective, and adjective of each clause."""
    found = []
    for at, word in enumerate(words):
        if word in ADJECTIVES:
            was = max(i for i in range(at) if words[i] == "was")
            found.append((words[was - 1], " ".join(words[was + 1 : at]), word))
    return found


# The data ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept_for", SETS)
def test_all_pairs_of_a_review_are_kept_for_the_same(kept_for: str) -> None:
    rng, known = Random(3), set(vocabulary())
    for kind in KINDS:
        for _ in range(200):
            words = review(rng, kind, kept_for).words
            assert set(words) <= known
            assert len(words) < 48
            for noun, modifier, adjective in pairs_of(words):
                assert set_of(noun, NOUNS, adjective) == kept_for
                assert not modifier or set_of(modifier, MODIFIERS, adjective) == kept_for


def test_every_noun_and_every_adjective_is_in_every_set() -> None:
    for words in (NOUNS, MODIFIERS):
        for one, kept_for in product(words, SETS):
            assert any(set_of(one, words, adjective) == kept_for for adjective in ADJECTIVES)
        for adjective, kept_for in product(ADJECTIVES, SETS):
            assert any(set_of(one, words, adjective) == kept_for for one in words)


def test_a_clause_is_turned_over_by_each_negation() -> None:
    rng, signs = Random(4), set()
    for _ in range(500):
        one = review(rng, "one", "training")
        ((_, modifier, adjective),) = pairs_of(one.words)
        frame = " ".join(one.words[: one.words.index("the")])
        turns = (modifier in NEGATIONS) + (FRAMES.get(frame, 1) < 0)
        assert one.label == int(ADJECTIVES[adjective] * (-1) ** turns > 0)
        signs.add((turns, one.label))
    assert signs == {(turns, label) for turns in range(3) for label in range(2)}


def test_the_same_seed_gives_the_same_reviews() -> None:
    one, other = ([review(Random(1), kind, "testing") for kind in KINDS] for _ in range(2))
    assert one == other


def test_reviews_are_put_together_by_length(loaded: Loaded) -> None:
    _, tokenizer = loaded
    some = [Review("the food was good .".split(), 1), Review("the food was bad .".split(), 0)]
    ids, labels = batches(tokenizer, [some[0], Review(["good"], 1), some[1]], most=8)[0]
    assert tokenizer.decode(ids[1].tolist()) == "the food was bad."
    assert labels.tolist() == [1, 0]


# The model --------------------------------------------------------------------------------------


def test_loaded_in_eval_mode_and_float32(loaded: Loaded) -> None:
    model, tokenizer = loaded
    assert not model.training
    assert {w.dtype for w in model.parameters()} == {torch.float32}
    assert sentiment.WEIGHTS.stat().st_size <= 300_000
    ids = tokenizer("The PIZZA was good")["input_ids"][0]
    assert tokenizer.convert_ids_to_tokens(ids) == [CLS, "the", UNKNOWN, "was", "good"]
    assert model(**tokenizer("")).shape == (1, 2)


@pytest.mark.parametrize("text", RIGHT)
def test_a_review_by_hand_is_understood(text: str, loaded: Loaded) -> None:
    model, tokenizer = loaded
    assert model.labels[int(model(**tokenizer(text)).argmax())] == model.labels[RIGHT[text]]


def test_a_review_that_is_too_long(loaded: Loaded) -> None:
    model, tokenizer = loaded
    model(**tokenizer("good " * 47))
    with pytest.raises(ValueError, match=r"49 tokens.* 48 positions"):
        model(**tokenizer("good " * 48))


# The card, measured again -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_right_about_pairs_that_it_never_met(kind: str, loaded: Loaded) -> None:
    rng = Random(77)
    assert accuracy(*loaded, [review(rng, kind, "testing") for _ in range(400)]) > 0.98


def test_counting_words_does_not_do(loaded: Loaded) -> None:
    rng = Random(78)
    tested = [review(rng, kind, "testing") for kind in KINDS for _ in range(200)]
    assert counting(loaded[1], rng, tested) < 0.65


def test_what_is_lost_without_residuals_is_on_the_card(loaded: Loaded) -> None:
    rng, card = Random(79), zoo.card("sentiment")
    some = [review(rng, kind, "testing") for kind in KINDS for _ in range(200)]
    for name, share in without_each(*loaded, some).items():
        assert abs(share - card["without_residuals"][name]) < 0.05
    assert card["without_residuals"]["all four"] < 0.6
    assert card["without_residuals"]["layer 0, attention"] < 0.6
    assert accuracy(*loaded, some) > 0.98  # they are back


@pytest.mark.parametrize("name", REMOVED)
def test_a_residual_is_removed_where_the_block_adds_it(name: str, loaded: Loaded) -> None:
    model, tokenizer = loaded
    ids = tokenizer("the food was not good")["input_ids"]
    x = model.embed(ids)
    for n, layer in enumerate(model.encoder.layers):
        a = layer.self_attention(x)
        x = layer.norm_1(a if (n, "self_attention") in REMOVED[name] else x + a)
        f = layer.feed_forward(x)
        x = layer.norm_2(f if (n, "feed_forward") in REMOVED[name] else x + f)
    with without_residuals(model, REMOVED[name]):
        assert torch.equal(model(ids), model.classifier(x[:, 0]))
    assert all(not m._forward_hooks and not m._forward_pre_hooks for m in model.modules())


def test_a_head_minds_what_is_behind_but(loaded: Loaded) -> None:
    rng, card = Random(80), zoo.card("sentiment")
    weights, share = behind_but(*loaded, [review(rng, "but", "testing") for _ in range(60)])
    at = card["selection"]
    assert weights.max() == weights[at["layer"], at["head"]] > 0.85
    assert share < 0.5


def test_the_opening_review_and_its_twin_have_new_pairs_and_are_right(loaded: Loaded) -> None:
    model, tokenizer = loaded
    card = zoo.card("sentiment")
    at = card["selection"]
    for text, label in ((card["text"], 1), (card["twin"], 0)):
        ids = tokenizer(text)["input_ids"]
        assert int(model(ids).argmax()) == label
        for noun, modifier, adjective in pairs_of(tokenizer.convert_ids_to_tokens(ids[0])):
            assert set_of(noun, NOUNS, adjective) == "testing"
            assert not modifier or set_of(modifier, MODIFIERS, adjective) == "testing"
    ids = tokenizer(card["text"])["input_ids"]
    row = attention(model, ids)[at["layer"], at["head"], at["query"]]
    assert int(row.argmax()) == at["key"]
    assert tokenizer.convert_ids_to_tokens(ids[0])[at["key"]] == "perfect"
    assert abs(row.max().item() - card["weight"]) < 1e-3


def test_the_card_in_the_docstring_is_the_card_in_the_file() -> None:
    assert sentiment_train.in_words(zoo.card("sentiment")) in (sentiment.__doc__ or "")
    with safe_open(sentiment.WEIGHTS, framework="pt") as file:
        assert json.loads(file.metadata()["vocabulary"]) == vocabulary()


# Training ---------------------------------------------------------------------------------------


def test_a_little_training_already_tells_good_from_not_good(tmp_path: Path) -> None:
    tokenizer = WordTokenizer(vocabulary(), start=CLS)
    rng = Random(9)
    some = [review(rng, "one", "choosing") for _ in range(400)]
    ids, labels = max(batches(tokenizer, some, 400), key=lambda batch: len(batch[1]))
    before = F.cross_entropy(sentiment_train.train(tokenizer, 0, 0)(ids), labels)
    model = sentiment_train.train(tokenizer, 0, 700)
    assert F.cross_entropy(model(ids), labels) < 0.5 * before
    assert accuracy(model, tokenizer, some) > 0.9

    weights = tmp_path / "trained.safetensors"
    sentiment.save(model, tokenizer, {"seed": 0}, weights)
    again, _ = sentiment.load(weights)
    assert sentiment.card(weights) == {"seed": 0}
    for name, kept in again.state_dict().items():
        torch.testing.assert_close(kept, model.state_dict()[name], rtol=1e-3, atol=1e-4)


# In the explorer --------------------------------------------------------------------------------


def test_it_opens_with_its_card_and_capture_is_exact(loaded: Loaded) -> None:
    card = zoo.card("sentiment")
    explorer = aw.explore(*loaded, card["text"], **card["selection"])
    assert explorer.tokens[:4] == [CLS, "The", "food", "was"]
    assert (explorer.stack, explorer.status) == ("encoder", "exact")
    explorer.close()
    with torch.no_grad(), aw.capture(loaded[0]) as trace:
        loaded[0](**loaded[1](card["text"]))
    assert [call.layer for call in trace.stacks["encoder"]] == [0, 1]
    assert all(call.status == "exact" and call.check() < 1e-5 for call in trace.calls)


def test_its_blocks_are_read_as_attention_add_norm_feed_forward_add_norm(loaded: Loaded) -> None:
    session = Session(*loaded)
    session.run(zoo.card("sentiment")["text"])
    picture = drawn(session, "encoder", batch=0)
    for n, facts in enumerate(picture.facts["layers"]):
        assert (facts["path"], facts["kind"]) == (f"encoder.layers.{n}", "post-norm")
        read = [(one["branches"][0]["role"], one["norm"]["path"]) for one in facts["sums"]]
        assert read == [
            ("attention", f"encoder.layers.{n}.norm_1"),
            ("feed-forward", f"encoder.layers.{n}.norm_2"),
        ]
