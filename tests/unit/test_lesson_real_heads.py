"""What lesson 9 says of the bundled language model, made again by hand."""

from __future__ import annotations

import copy
from contextlib import ExitStack
from typing import Any

import pytest
import torch
from torch import Tensor

import attnwidget as aw
from attnwidget.changed.heads import head_muted
from attnwidget.explorer import Explorer
from attnwidget.teaching.lessons.heads_measured import ANIMAL, IT, TEXT
from attnwidget.teaching.lessons.real_heads_measured import (
    CLOCK,
    MOUSE,
    SONG,
    STREET,
    TIRED,
    TWIN,
    Measured,
    Sung,
)
from attnwidget.zoo.making.stories_scores import attention
from attnwidget.zoo.stories import Stories


@pytest.fixture(scope="module")
def stories() -> tuple[Stories, Any]:
    return aw.zoo.load("stories")


@pytest.fixture(scope="module")
def facts(stories: tuple[Stories, Any]) -> Measured:
    return Measured(*stories)


@pytest.fixture(scope="module")
def sung(stories: tuple[Stories, Any]) -> Sung:
    return Sung(*stories)


def without(model: Stories, layer: int, head: int) -> Stories:
    """A copy whose head reaches no word: zeros in its columns of the output matrix."""
    muted = copy.deepcopy(model)
    output: Any = muted.blocks[layer].attention
    with torch.no_grad():
        output.output.weight.unflatten(1, (4, -1))[:, head] = 0
    return muted


def read(model: Stories, tokenizer: Any, text: str) -> tuple[Tensor, Tensor]:
    """Weights (L, H, T, T) by the formula, and shares (T, V)."""
    weights, logits = attention(model, tokenizer(text)["input_ids"])
    return weights[0], logits[0].softmax(-1)


@pytest.mark.parametrize(
    ("text", "at", "word"),
    [
        (TEXT, IT, "it"),
        (TEXT, ANIMAL, "animal"),
        (TEXT, STREET, "street"),
        (TEXT, TIRED, "tired"),
        (TWIN, IT, "it"),
        (TWIN, STREET, "street"),
        (SONG, CLOCK, "clock"),
        (SONG, MOUSE, "mouse"),
    ],
)
def test_the_places_are_those_of_the_words(
    stories: tuple[Stories, Any], text: str, at: int, word: str
) -> None:
    _, tokenizer = stories
    assert tokenizer.vocabulary[int(tokenizer(text)["input_ids"][0, at])] == word


def test_the_head_that_is_named_links_it_and_its_muting_moves_the_prediction(
    stories: tuple[Stories, Any], facts: Measured
) -> None:
    model, tokenizer = stories
    card = aw.zoo.card("stories")
    weights, shares = read(model, tokenizer, TEXT)
    slept, rested = tokenizer.ids["slept"], tokenizer.ids["rested"]
    assert facts.pronoun == (card["selection"]["layer"], card["selection"]["head"]) == (2, 2)
    assert facts.weight[2, 2] == pytest.approx(float(weights[2, 2, IT, ANIMAL]), abs=1e-5)
    assert facts.weight[2, 2] == pytest.approx(card["weight"], abs=1e-3)
    assert facts.said == pytest.approx(float(shares[IT, slept]), abs=1e-5)
    _, after = read(without(model, 2, 2), tokenizer, TEXT)
    assert facts.without[2, 2] == pytest.approx(float(after[IT, slept]), abs=1e-4)
    word, share = facts.next_best
    assert word == "rested"
    assert share == pytest.approx(float(after[IT, rested]), abs=1e-4)
    assert facts.said > 0.95
    assert facts.without[2, 2] < 0.65


def test_one_head_brings_who_it_was_and_another_how(
    stories: tuple[Stories, Any], facts: Measured
) -> None:
    model, tokenizer = stories
    _, shares = read(without(model, *facts.mood), tokenizer, TEXT)
    whined = float(shares[IT, tokenizer.ids["whined"]])
    word, share = facts.says_without_mood
    assert word == "whined"
    assert share == pytest.approx(whined, abs=1e-4)
    assert [round(one, 1) for one in facts.of_mood] == [1.0, 1.0, 0.0]
    assert [round(one, 1) for one in facts.of_animal] == [1.0, 0.6, 1.0]


def test_neither_weight_nor_size_is_the_effect(facts: Measured) -> None:
    assert facts.mood != facts.idle
    assert facts.weight[facts.idle] > facts.weight[facts.mood] + 0.2
    lost = {place: facts.said - without for place, without in facts.without.items()}
    assert lost[facts.idle] < 0.05 < 0.9 < lost[facts.mood]
    assert facts.size[facts.mood] == 1 > facts.size[facts.pronoun] > 2 * facts.size[facts.idle]


def test_what_is_added_for_the_start_mark_is_shortest(
    stories: tuple[Stories, Any], facts: Measured
) -> None:
    model, tokenizer = stories
    block: Any = model.blocks[facts.first[0]]
    with torch.no_grad():
        x = model.embed(tokenizer(TEXT)["input_ids"])
        for before in list(model.blocks)[: facts.first[0]]:
            x = before(x)
        values = block.attention.value(block.norm_1(x))[0].unflatten(1, (4, -1))[:, facts.first[1]]
        part = block.attention.output.weight.unflatten(1, (4, -1))[:, facts.first[1]]
        sizes = (values @ part.T).norm(dim=-1)
    assert facts.first_share > 0.4
    assert int(sizes.argmin()) == 0
    assert facts.size_of_start == pytest.approx(float(sizes[0]), rel=1e-4)
    assert facts.size_of_others == pytest.approx(float(sizes[1:].mean()), rel=1e-4)


def test_when_the_street_is_meant_another_head_links_it(
    stories: tuple[Stories, Any], facts: Measured
) -> None:
    model, tokenizer = stories
    weights, shares = read(model, tokenizer, TWIN)
    stayed = tokenizer.ids["stayed"]
    assert facts.street != facts.pronoun
    assert facts.street_share == pytest.approx(float(weights[..., IT, STREET].max()), abs=1e-5)
    assert facts.pronoun_at_street > 0.5
    assert facts.stayed == pytest.approx(float(shares[IT, stayed]), abs=1e-5)
    assert facts.stayed - facts.stayed_without_pronoun < 0.05
    assert facts.stayed - facts.stayed_without_street > 0.3


def test_induction_needs_the_previous_token_head(
    stories: tuple[Stories, Any], facts: Measured, sung: Sung
) -> None:
    model, tokenizer = stories
    card = aw.zoo.card("stories")["induction"]
    weights, shares = read(model, tokenizer, SONG)
    mouse = tokenizer.ids["mouse"]
    assert sung.induction == (card["layer"], card["head"]) == facts.mood
    assert sung.before == facts.previous
    assert sung.weight == pytest.approx(float(weights[(*sung.induction, CLOCK, MOUSE)]), abs=1e-5)
    assert sung.said == pytest.approx(float(shares[CLOCK, mouse]), abs=1e-5)
    weights, shares = read(without(model, *sung.before), tokenizer, SONG)
    left = float(weights[(*sung.induction, CLOCK, MOUSE)])
    assert sung.weight_without == pytest.approx(left, abs=1e-4)
    assert sung.said_without == pytest.approx(float(shares[CLOCK, mouse]), abs=1e-4)
    assert sung.weight > 0.9 > 0.1 > sung.weight_without
    assert sung.said > 0.9 > 0.1 > sung.said_without


def test_scores_are_those_of_the_grid_and_no_head_looks_at_duplicates(
    stories: tuple[Stories, Any], sung: Sung
) -> None:
    model, tokenizer = stories
    words = [i for i, word in enumerate(tokenizer.vocabulary) if word.isalpha()]
    table = aw.repeated_tokens(model, 25, 8, start=tokenizer.ids["<s>"], among=words).heads()
    assert sung.induction_score == max(row.induction for row in table) > 0.85
    assert sung.duplicate_score == max(row.duplicate for row in table)
    assert sung.evenly == pytest.approx(sum(1 / n for n in range(27, 52)) / 25)
    assert sung.duplicate_score < sung.evenly


def test_every_stop_shows_what_it_names() -> None:
    lesson = aw.lesson("real-heads")
    assert isinstance(lesson, Explorer)
    stops = list(lesson.tour or ())
    assert len(stops) == 18
    for number, stop in enumerate(stops):
        lesson.stop = number
        for name, value in stop.traits.items():
            assert getattr(lesson, name) == value, f"stop {number}: {name}"
    assert sum(stop.chart is not None for stop in stops) == 2
    lesson.close()


def test_in_smollm2_no_single_head_decides_what_it_is_but_ten_together_do() -> None:
    model, tokenizer = aw.zoo.load("smollm2")
    text = "The animal didn't cross the street because it was too"
    ids = tokenizer(text, return_tensors="pt")["input_ids"]
    tired = tokenizer.encode(" tired")[0]
    with aw.capture(model) as trace, torch.no_grad():
        said = model(ids).logits[0, -1].softmax(-1)[tired]
    calls = trace.calls
    looks = torch.stack([call.weights()[0, :, 8, 1] for call in calls])  # from "it" at "animal"
    assert looks.numel() == 270
    top = [divmod(int(i), 9) for i in looks.flatten().argsort(descending=True)[:10]]
    assert top[0] == (13, 8)
    assert looks[13, 8] > 0.7

    def times_as_likely(heads: list[tuple[int, int]]) -> float:
        with ExitStack() as muted, torch.no_grad():
            for layer, head in heads:
                muted.enter_context(head_muted(model, calls[layer], head))
            return float(model(ids).logits[0, -1].softmax(-1)[tired] / said)

    # The last two are those that were needed most when each of the 270 was muted.
    assert all(0.35 < times_as_likely([one]) < 1 for one in [*top[:4], (14, 8), (17, 6)])
    assert times_as_likely(top) < 0.1
