"""What lesson 8 says holds of the digits models."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from attnwidget import zoo
from attnwidget.changed.places import shuffled
from attnwidget.images.filters import principal_components
from attnwidget.teaching.lessons.vision import open_lesson
from attnwidget.teaching.lessons.vision_measured import (
    CLASS,
    EIGHT,
    FIRST,
    LAST,
    PATTERNS,
    Measured,
    place,
)
from attnwidget.teaching.questions import Choose, Estimate
from attnwidget.zoo.digits import held_out
from attnwidget.zoo.making import digits_scores

LAYERS, HEADS = 4, 4


@pytest.fixture(scope="module")
def vit() -> Any:
    return zoo.load("digits-vit")[0]


@pytest.fixture(scope="module")
def hybrid() -> Any:
    return zoo.load("digits-hybrid")[0]


@pytest.fixture(scope="module")
def facts(vit: Any, hybrid: Any) -> Measured:
    return Measured(vit, hybrid, (zoo.card("digits-vit"), zoo.card("digits-hybrid")))


def read(model: Any, pixels: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        guesses: torch.Tensor = model(pixels).argmax(-1)
    return guesses


def test_the_lesson_opens_at_an_8_that_is_read_rightly(facts: Measured) -> None:
    explorer = open_lesson()
    at = (explorer.view, explorer.batch, explorer.layer, explorer.head, explorer.query)
    assert at == ("image", EIGHT, *LAST, CLASS)
    assert [explorer.tokens[token] for token in (0, 1, 7, 16)] == [
        "class token",
        *map(place, (1, 7, 16)),
    ]
    first, *_ = explorer.tour
    assert isinstance(first.ask, Estimate)
    assert first.ask.answer == len(explorer.tokens)
    explorer.close()
    labels = held_out()[1]
    assert labels[[EIGHT, facts.seven]].tolist() == [8, 7]


def test_the_first_question_of_the_class_token_is_the_same_for_all_images(
    vit: Any, facts: Measured
) -> None:
    layer = vit.encoder.layers[FIRST[0]]
    with torch.no_grad():
        x = layer.norm_1(vit.embed(facts.pixels))
        queries, keys = layer.self_attention.query(x)[:, CLASS], layer.self_attention.key(x)
    assert torch.equal(queries, queries[:1].expand_as(queries))
    assert float(keys[:, 1:].std(0).max()) > 0.1


def test_weights_of_the_class_token_are_those_said(vit: Any, facts: Measured) -> None:
    weights = digits_scores.attention(vit, held_out()[0])[:, :, :, CLASS]  # (N, L, H, T)
    of_first, of_last = (weights[:, layer, head] for layer, head in (FIRST, LAST))  # (N, T)
    (there, share), (here, weight) = facts.first, facts.last
    assert float(of_first[EIGHT].max()) == pytest.approx(share, abs=1e-5)
    assert float(of_first[facts.seven].max()) == pytest.approx(facts.first_of_seven, abs=1e-5)
    assert int(of_first[facts.seven].argmax()) == there
    assert float(of_last[EIGHT, here]) == pytest.approx(weight, abs=1e-5)
    assert weight > 0.5
    assert facts.last_blanked < weight / 3
    row, column = divmod(there - 1, 4)
    ink = facts.pixels[EIGHT, 0, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
    assert float(ink.mean()) < 0.1


def test_without_the_patch_it_looks_at_the_8_is_another_digit(vit: Any, facts: Measured) -> None:
    changed = facts.pixels[facts.blanked, 0] - facts.pixels[EIGHT, 0]
    rows, columns = changed.nonzero().T
    assert {(int(r) // 2, int(c) // 2) for r, c in zip(rows, columns, strict=True)} == {
        divmod(facts.last[0] - 1, 4)
    }
    assert (int(read(vit, facts.pixels[EIGHT:][:1])), facts.read[0]) == (8, "9")
    assert facts.read[1] > 0.8
    explorer = open_lesson()
    asked = [stop.ask for stop in explorer.tour if isinstance(stop.ask, Choose)]
    assert any(ask.options[ask.answer] == f"a {facts.read[0]}" for ask in asked)
    explorer.close()


def test_eights_are_lost_where_the_last_layer_looks(vit: Any, facts: Measured) -> None:
    images, labels = held_out()
    pixels = images[labels == 8][:, None].float() / 16
    eights = pixels[read(vit, pixels) == 8]
    assert len(eights) == facts.eights
    lost = []
    for patch in range(16):
        without = eights.clone()
        without.view(-1, 4, 2, 4, 2)[:, patch // 4, :, patch % 4] = 0
        lost.append(int((read(vit, without) != 8).sum()))
    assert [round(share * len(eights)) for share in facts.lost] == lost
    assert facts.kept == len(eights) - lost[facts.last[0] - 1] < 4
    assert lost[facts.first[0] - 1] == 0
    assert facts.first_of_eights > 0.7
    assert facts.eights - facts.inked <= 1
    of_last = torch.tensor(list(facts.weights.values())[-1])
    ranks = torch.stack([digits_scores._ranks(x) for x in (of_last, torch.tensor(lost).float())])
    assert facts.agree == pytest.approx(float(torch.corrcoef(ranks)[0, 1]), abs=1e-5)
    assert facts.agree > 0.8


def test_the_filters_differ_by_edges_first(vit: Any, facts: Measured) -> None:
    assert [name for name, _ in facts.components] == list(PATTERNS)
    shares = [share for _, share in facts.components]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1)
    weights = digits_scores.first_filters(vit)[..., None]
    found, _ = principal_components(weights, 4)
    for component, pattern in zip(found, PATTERNS.values(), strict=True):
        alike = torch.dot(component.flatten(), torch.tensor(pattern).double() / 2)
        assert abs(float(alike)) > 0.95


def test_heads_look_as_far_as_said(vit: Any, hybrid: Any, facts: Measured) -> None:
    # The lesson shows one image more than the cards have, which must not change what is read.
    images = (facts.pixels[:, 0] * 16).round().to(torch.uint8)
    for model, card in ((vit, facts.vit), (hybrid, facts.hybrid)):
        measured = digits_scores.attention_distance(model, images) / 2
        assert measured.mean(1).tolist() == pytest.approx(facts.by_layer(card), abs=2e-3)
    assert facts.even == pytest.approx(float(digits_scores.distances().mean()) / 2)
    vit_means, hybrid_means = facts.by_layer(facts.vit), facts.by_layer(facts.hybrid)
    assert max(vit_means[:2]) < min(vit_means[2:])
    assert min(hybrid_means) > max(vit_means)
    local = [
        (layer, head)
        for layer in range(LAYERS)
        for head in range(HEADS)
        if facts.distance(layer, head) < 2 / 3 * facts.even
    ]
    chosen = facts.vit["selection"]
    assert local == [(chosen["layer"], chosen["head"])]
    assert chosen["key"] == chosen["query"] + 4, "the one below"
    assert facts.hybrid["strongly_local"] == 0


def test_only_the_vit_needs_its_positions(vit: Any, hybrid: Any, facts: Measured) -> None:
    assert facts.vit["nearness"] > 0.5 > 0.2 > facts.hybrid["nearness"]
    assert facts.vit["without_positions"] < 0.25
    assert facts.hybrid["without_positions"] > facts.hybrid["accuracy"] - 0.02
    eight = facts.pixels[EIGHT:][:1]
    places = vit.position_embedding.detach().clone()
    for other in (torch.zeros_like(places), places[:, [0, *(1 + i for i in shuffled(16))]]):
        try:
            vit.position_embedding.data = other
            assert int(read(vit, eight)) != 8
        finally:
            vit.position_embedding.data = places


def test_a_place_is_told_by_what_the_convolutions_make(
    vit: Any, hybrid: Any, facts: Measured
) -> None:
    pixels = held_out()[0][:, None].float() / 16
    for look, told in zip((vit.patch_embedding, hybrid.resnet), facts.place_told, strict=True):
        with torch.no_grad():
            seen = look(pixels).flatten(2).transpose(1, 2).double().numpy()  # (N, P, C)
        half = len(seen) // 2
        means = seen[:half].mean(0)
        apart = np.linalg.norm(seen[half:, :, None] - means, axis=-1)
        assert (apart.argmin(-1) == np.arange(16)).mean() == pytest.approx(told, abs=2e-3)
    patch, features = facts.place_told
    assert features > 2 * patch
    with torch.no_grad():
        blank = hybrid.resnet(torch.zeros(1, 1, 8, 8))[0].flatten(1).T  # (P, C)
    assert float(torch.cdist(blank, blank)[0, 1:].min()) > 0.1, "edges tell places of bare paper"
