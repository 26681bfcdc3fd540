"""The pooling model: its reviews, its sentences, what it picks, and what plain means miss."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
import torch
import torch.nn.functional as F
from safetensors import safe_open

import attnwidget as aw
from attnwidget import zoo
from attnwidget.session import Session
from attnwidget.zoo import pooling
from attnwidget.zoo.making import pooling_train
from attnwidget.zoo.making.pooling_data import FILLED, review, vocabulary
from attnwidget.zoo.making.pooling_scores import (
    accuracy,
    attention,
    batches,
    picked,
    reviews,
    without_picking,
)
from attnwidget.zoo.making.reviews_world import ADJECTIVES, MATTERS, NOUNS, SETS, TRIFLES, set_of
from attnwidget.zoo.pooling import AttentionPooling, Pooling
from attnwidget.zoo.words import UNKNOWN, WordTokenizer

Loaded = tuple[Pooling, WordTokenizer]

RIGHT = {  # written by hand
    "The food was good.": 1,
    "The napkin was bad. The food was good. I found the lamp terrible.": 1,
    "The napkin was perfect. The waiter seemed quite nasty to us. I found the lamp superb.": 0,
    "We came on a christmas. The soup was terrible": 0,  # a word that it does not know; no stop
}


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return zoo.load("pooling")


# The data ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept_for", SETS)
def test_what_is_said_of_what_matters_decides(kept_for: str) -> None:
    rng, known = Random(3), set(vocabulary())
    for _ in range(500):
        one = review(rng, rng.randint(2, 5), kept_for)
        assert set(one.words) <= known
        signs = []
        for i, words in enumerate(one.sentences):
            assert words[-1] == "."
            nouns = [word for word in words if word in NOUNS]
            adjectives = [word for word in words if word in ADJECTIVES]
            assert len(nouns) == len(adjectives) <= 1
            assert (i in one.deciding) == any(noun in MATTERS for noun in nouns)
            for noun, adjective in zip(nouns, adjectives, strict=True):
                assert set_of(noun, NOUNS, adjective) == kept_for
                signs.append(ADJECTIVES[adjective])
                assert i not in one.deciding or ADJECTIVES[adjective] == 2 * one.label - 1
        assert 1 <= len(one.deciding) <= 2
        assert one.is_outvoted == (sum(signs) * (2 * one.label - 1) < 0)


def test_the_unknown_word_decides_nothing() -> None:
    assert all(words[-1] == UNKNOWN for words in FILLED.values())
    some = reviews(Random(4), 500, "training")
    unknown = {
        i in one.deciding for one in some for i, s in enumerate(one.sentences) if UNKNOWN in s
    }
    assert unknown == {False}
    assert not set(MATTERS) & set(TRIFLES)


def test_the_same_seed_gives_the_same_reviews() -> None:
    assert reviews(Random(1), 20, "testing") == reviews(Random(1), 20, "testing")


# The model --------------------------------------------------------------------------------------


def test_loaded_in_eval_mode(loaded: Loaded) -> None:
    model, tokenizer = loaded
    assert not model.training
    assert pooling.WEIGHTS.stat().st_size <= 50_000
    ids = tokenizer("The food was good.")["input_ids"][0]  # no mark in front
    assert tokenizer.convert_ids_to_tokens(ids) == ["the", "food", "was", "good", "."]


def test_weights_are_the_softmax_of_cosines() -> None:
    torch.manual_seed(0)
    pool, x = AttentionPooling(4), torch.randn(1, 5, 4)
    mask = torch.tensor([[[1, 1, 0, 0, 0], [0, 0, 1, 1, 1]]], dtype=torch.bool)
    cosines = torch.stack([pool.U @ one / pool.U.norm() / one.norm() for one in x[0]])
    expected = [
        (pool.beta * cosines[part]).softmax(0) @ x[0, part] for part in (slice(2), slice(2, 5))
    ]
    torch.testing.assert_close(pool(x, mask)[0], torch.stack(expected))


def test_sentences_end_with_their_full_stops(loaded: Loaded) -> None:
    model, tokenizer = loaded
    ids = torch.cat([tokenizer(text)["input_ids"] for text in ("a . the food .", "a a . two .")])
    assert model.sentence_mask(ids).int().tolist() == [
        [[1, 1, 0, 0, 0], [0, 0, 1, 1, 1]],
        [[1, 1, 1, 0, 0], [0, 0, 0, 1, 1]],
    ]
    without_stop = model.sentence_mask(tokenizer("a . the food")["input_ids"])
    assert without_stop[0].int().tolist() == [[1, 1, 0, 0], [0, 0, 1, 1]]


def test_the_order_of_sentences_and_words_does_not_matter(loaded: Loaded) -> None:
    model, tokenizer = loaded
    texts = ("the food was good . the lamp was bad .", "bad was lamp the . good the was food .")
    one, other = (model(**tokenizer(text)) for text in texts)
    torch.testing.assert_close(one, other)


def test_batches_that_do_not_fit_and_no_words_are_refused(loaded: Loaded) -> None:
    model, tokenizer = loaded
    ids = torch.cat([tokenizer(text)["input_ids"] for text in ("a . the .", "a the two .")])
    with pytest.raises(ValueError, match="have 1 to 2 sentences. Give those together"):
        model(ids)
    with pytest.raises(ValueError, match="The review is empty"):
        model(**tokenizer(""))


@pytest.mark.parametrize("text", RIGHT)
def test_a_review_by_hand_is_understood(text: str, loaded: Loaded) -> None:
    model, tokenizer = loaded
    assert int(model(**tokenizer(text)).argmax()) == RIGHT[text]


# The card, measured again -----------------------------------------------------------------------


def test_right_about_pairs_that_it_never_met_even_if_outvoted(loaded: Loaded) -> None:
    some = reviews(Random(77), 2000, "testing")
    assert accuracy(*loaded, some) > 0.98
    assert accuracy(*loaded, [one for one in some if one.is_outvoted]) > 0.98


def test_it_picks_the_sentences_and_words_that_decide(loaded: Loaded) -> None:
    seen, card = picked(*loaded, reviews(Random(78), 200, "testing")), zoo.card("pooling")
    for name in ("sentences", "adjective", "noun"):
        assert abs(getattr(seen, name) - card[name]) < 0.05


def test_with_plain_means_it_is_lost(loaded: Loaded) -> None:
    some, card = reviews(Random(79), 1000, "testing"), zoo.card("pooling")
    with without_picking(loaded[0]):
        assert abs(accuracy(*loaded, some) - card["levelled"]) < 0.06
    assert accuracy(*loaded, some) > 0.98  # it picks again
    assert card["mean"] < 0.9
    assert card["mean_outvoted"] < 0.1


def test_the_opening_review_has_new_pairs_and_looks_at_the_food(loaded: Loaded) -> None:
    model, tokenizer = loaded
    card = zoo.card("pooling")
    ids = tokenizer(card["text"])["input_ids"]
    tokens = tokenizer.convert_ids_to_tokens(ids[0])
    nouns = [word for word in tokens if word in NOUNS]
    adjectives = [word for word in tokens if word in ADJECTIVES]
    assert [set_of(noun, NOUNS, one) for noun, one in zip(nouns, adjectives, strict=True)] == (
        ["testing"] * 3
    )
    at = card["selection"]
    of_words, of_sentences = attention(model, ids)
    assert int(of_sentences.argmax()) == at["query"]
    assert int(of_words[at["query"]].argmax()) == at["key"]
    assert tokens[at["key"]] == "good"
    assert abs(of_words[at["query"], at["key"]].item() - card["weight"]) < 1e-3
    assert int(model(ids).argmax()) == 1


def test_the_card_in_the_docstring_is_the_card_in_the_file() -> None:
    assert pooling_train.in_words(zoo.card("pooling")) in (pooling.__doc__ or "")
    with safe_open(pooling.WEIGHTS, framework="pt") as file:
        assert json.loads(file.metadata()["vocabulary"]) == vocabulary()


# Training ---------------------------------------------------------------------------------------


def test_a_little_training_beats_plain_means(tmp_path: Path) -> None:
    tokenizer = WordTokenizer(vocabulary(), start="")
    some = reviews(Random(9), 1000, "choosing")
    ids, labels = max(batches(tokenizer, some, 64), key=lambda batch: len(batch[1]))
    before = F.cross_entropy(pooling_train.train(tokenizer, 0, 0)(ids), labels)
    model = pooling_train.train(tokenizer, 0, 200)
    assert F.cross_entropy(model(ids), labels) < 0.2 * before
    assert accuracy(model, tokenizer, some) > 0.95
    plain = pooling_train.train(tokenizer, 0, 200, picks=False)
    assert plain.word_level.pooling.beta == plain.sentence_level.pooling.beta == 0
    assert accuracy(plain, tokenizer, some) < 0.9

    weights = tmp_path / "trained.safetensors"
    pooling.save(model, tokenizer, {"seed": 0}, weights)
    again, _ = pooling.load(weights)
    assert pooling.card(weights) == {"seed": 0}
    for name, kept in again.state_dict().items():
        assert torch.equal(kept, model.state_dict()[name])


# In the explorer --------------------------------------------------------------------------------


def test_it_opens_with_its_card(loaded: Loaded) -> None:
    card = zoo.card("pooling")
    explorer = aw.explore(*loaded, card["text"], **card["selection"])
    assert explorer.stack == "pooling (word)"
    assert explorer.status.startswith("exact")
    explorer.close()


def test_each_level_is_a_stack_and_words_are_shown(loaded: Loaded) -> None:
    session = Session(*loaded)
    session.run("The food was good. The lamp was bad.")
    assert session.snapshot is not None
    trace = session.snapshot.trace
    sizes = {name: calls[0].weights().shape for name, calls in trace.stacks.items()}
    assert sizes == {"pooling (word)": (1, 1, 2, 10), "pooling (sentence)": (1, 1, 1, 2)}
    assert all(call.status == "exact" and call.check() < 1e-5 for call in trace.calls)
    keys = session.snapshot.sides("pooling (word)").keys
    assert [token.text for token in keys][:5] == ["The", "food", "was", "good", "."]
