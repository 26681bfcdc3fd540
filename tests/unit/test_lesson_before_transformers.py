"""What lesson 7 says holds of the models that it shows."""

from __future__ import annotations

import math

import pytest
import torch

import attnwidget as aw
from attnwidget import zoo
from attnwidget.teaching.lessons.before_transformers import open_lesson
from attnwidget.teaching.lessons.before_transformers_measured import (
    ASKED,
    FLEUR,
    FLOWER,
    LA,
    LONG,
    MANY,
    NOT,
    REINE,
    WHITE,
    Picked,
    Translators,
)
from attnwidget.zoo.making.translation_data import Pair
from attnwidget.zoo.making.translation_scores import translations


@pytest.fixture(scope="module")
def facts() -> Translators:
    return Translators(*zoo.load("recurrent-translator"))


@pytest.fixture(scope="module")
def picked() -> Picked:
    return Picked(*zoo.load("pooling"))


def test_the_words_named_are_where_the_stops_point(facts: Translators) -> None:
    explorer = open_lesson()
    assert (explorer.stack, explorer.query, explorer.key) == ("cross", LA, FLOWER)
    assert [explorer.tokens[at] for at in (REINE, LA, FLEUR)] == ["reine", "la", "fleur"]
    assert [facts.words[at] for at in (NOT, WHITE, FLOWER)] == ["not", "white", "flower"]
    explorer.close()


def test_each_row_looks_at_the_word_that_it_predicts(facts: Translators) -> None:
    model, tokenizer = zoo.load("recurrent-translator")
    with aw.capture(model) as trace, torch.no_grad():
        logits = model(**tokenizer(facts.card["text"]))
    (call,) = trace.stacks["cross"]
    torch.testing.assert_close(call.weights()[0, 0], facts.weights, atol=1e-6, rtol=1e-5)
    said = tokenizer.convert_ids_to_tokens(logits[0].argmax(-1))
    assert (said[LA], said[FLEUR]) == ("fleur", "blanche")
    assert min(facts.weights[LA, FLOWER], facts.weights[FLEUR, WHITE]) > 0.9
    at_not = [said[t] for t in range(len(said)) if facts.weights[t].argmax() == NOT]
    assert at_not == ["ne", "pas"]


def test_only_the_way_that_was_trained_finds_the_flower(facts: Translators) -> None:
    best = {
        way: weights.index(max(weights))
        for way, weights in vars(facts).items()
        if way in ("dot", "cosine", "additive")
    }
    assert best["additive"] == FLOWER
    assert FLOWER not in (best["dot"], best["cosine"])
    torch.testing.assert_close(torch.tensor(facts.additive), facts.weights[LA])
    for weights in (facts.additive, facts.dot, facts.cosine):
        assert sum(weights) == pytest.approx(1, abs=1e-5)
    assert max(facts.cosine) / min(facts.cosine) < math.e**2
    assert max(facts.cosine) < 0.2  # hardly prefers any of nine


def test_one_vector_loses_the_words_that_the_lesson_names(facts: Translators) -> None:
    source, target = (tuple(side.split()) for side in LONG.split(" → "))
    lost = [
        (right, word)
        for right, word in zip(target, facts.through_one_vector, strict=True)
        if right != word
    ]
    assert lost == [("chats", "garçons"), ("forts", "intelligents"), ("rient", "jouent")]
    with_attention = translations(
        *zoo.load("recurrent-translator"), [Pair(source, target, frozenset())]
    )
    assert with_attention == [target]


def test_only_without_attention_the_length_matters(facts: Translators) -> None:
    assert facts.share(facts.card, MANY) > 0.95
    assert facts.share(facts.bottleneck, MANY) < 0.3
    assert facts.share(facts.bottleneck, most=6) > 0.95
    for card in (facts.card, facts.bottleneck):
        assert facts.share(card) == pytest.approx(card["exact"], abs=1e-4)
    chart = facts.by_length()
    for name, card in (("with look-back", facts.card), ("one vector", facts.bottleneck)):
        right, of = card["by_length"]["16"]
        assert chart.series[name][list(chart.x).index(16)] == right / of


def test_the_steps_are_words_or_layers(facts: Translators) -> None:
    transformer, _ = zoo.load("translator")
    layers = len(transformer.encoder.layers) + len(transformer.decoder.layers)
    assert facts.steps == {n: [2 * n, layers] for n in (10, ASKED, 40)}
    assert facts.chain[0] > 5 * facts.chain[1]
    # "It is not that it translates badly."
    assert facts.card["exact"] > facts.transformer["exact"] - 0.02


def test_pooling_picks_the_word_and_the_sentence_that_decide(picked: Picked) -> None:
    assert picked.words == ["the", "food", "was", "good", "."]
    assert picked.words[picked.of_words.index(max(picked.of_words))] == "good"
    assert max(picked.of_words) == pytest.approx(picked.card["weight"], abs=1e-3)
    best = picked.sentences[picked.of_sentences.index(max(picked.of_sentences))]
    assert best == "The food was good."
    assert " ".join(picked.sentences) == picked.card["text"]
    assert max(picked.of_sentences) == pytest.approx(picked.card["sentence_weight"], abs=1e-3)
    for chart in (picked.evenly(), picked.word_level(), picked.sentence_level()):
        (weights,) = chart.series.values()
        assert sum(weight or 0 for weight in weights) == pytest.approx(1)
