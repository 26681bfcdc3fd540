"""What lesson 10 says holds of the melody model that it shows."""

from __future__ import annotations

import pytest
import torch

import attnwidget as aw
from attnwidget import zoo
from attnwidget.teaching.lessons.music import open_lesson
from attnwidget.teaching.lessons.music_measured import (
    D4,
    F4,
    GIVEN,
    HIGHER,
    Measured,
    continued,
    maps,
    transposed,
    without_distances,
)
from attnwidget.zoo.making.melody_data import TONICS


@pytest.fixture(scope="module")
def facts() -> Measured:
    return Measured(*zoo.load("melody"))


def test_the_notes_named_are_where_the_stops_point(facts: Measured) -> None:
    explorer = open_lesson()
    assert (explorer.view, explorer.layer, explorer.head) == ("roll", 0, facts.before)
    assert (explorer.tokens[F4], explorer.tokens[D4]) == ("F4", "D4")
    assert explorer.tokens[F4 - D4 + D4 - 8] == "F4", "a phrase has 8 tokens"
    assert (explorer.tokens[21], len(explorer.tokens)) == ("G4", 22)
    explorer.close()


@pytest.mark.parametrize("layer", [0, 1])
def test_scores_made_here_give_the_weights_of_the_model(facts: Measured, layer: int) -> None:
    model, tokenizer = zoo.load("melody")
    ids = tokenizer(facts.text)["input_ids"]
    with aw.capture(model) as trace, torch.no_grad():
        model(ids)
    own = trace.calls[layer].weights()[0]
    torch.testing.assert_close(maps(model, ids, layer)[2], own, atol=1e-5, rtol=1e-4)


def test_the_note_before_is_found_by_distance_and_what_came_next_by_content(
    facts: Measured,
) -> None:
    content, distance, both = facts.shares["before"]
    assert content < 0.2 < 0.7 < min(distance, both)
    content, distance, both = facts.shares["next"]
    assert distance < 0.2 < 0.9 < min(content, both)
    assert facts.weight == both


def test_the_arc_goes_along_nearly_to_the_end_of_the_phrase(facts: Measured) -> None:
    model, tokenizer = zoo.load("melody")
    weights = maps(model, tokenizer(facts.text)["input_ids"], facts.layer)[2][facts.head]
    assert all(int(weights[i].argmax()) == i - (F4 - D4) for i in range(9, 15))


def test_the_model_says_what_the_question_has_as_right(facts: Measured) -> None:
    note, share = facts.next_note
    assert (note, share > 0.9) == ("E4", True)
    assert transposed("D4 D4-", 2) == "E4 E4-"


def test_with_distances_the_phrase_comes_back_and_without_it_does_not(facts: Measured) -> None:
    first = facts.text.split(" || ")[0]
    assert facts.made == f"{first} || {first} ||"
    assert facts.unplaced_made.startswith(GIVEN)
    assert not facts.unplaced_made.startswith(f"{first} || {first}")
    assert facts.repeating > 0.99 > 0.05 > facts.unplaced
    assert facts.after > 0.8 > 0.3 > facts.unplaced_after


def test_distances_come_back_after_they_were_taken_away() -> None:
    model, tokenizer = zoo.load("melody")
    before = continued(model, tokenizer, GIVEN)
    with without_distances(model):
        assert not any(block.attention.distance.weight.any() for block in model.blocks)
    assert continued(model, tokenizer, GIVEN) == before


def test_the_song_moved_is_in_a_key_of_none_that_were_learned_from(facts: Measured) -> None:
    assert (60 + HIGHER) % 12 not in {tonic % 12 for tonic in TONICS}
    assert facts.moved_weight > 0.5
    assert transposed("<s> C4 R/ | Bb4- ||", 2) == "<s> D4 R/ | C5- ||"
