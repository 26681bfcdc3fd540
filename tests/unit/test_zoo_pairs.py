"""The pairs model: its rooms and boxes, its words, its answers and heads, and how it is shown."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
import torch
from safetensors import safe_open
from torch import Tensor

import attnwidget as aw
from attnwidget import zoo
from attnwidget.session import Session
from attnwidget.trouble import Trouble
from attnwidget.zoo import pairs
from attnwidget.zoo.making import pairs_train
from attnwidget.zoo.making.pairs_data import (
    ANIMALS,
    NOTHING,
    QUESTIONS,
    THINGS,
    are_neighbours,
    pair,
    vocabulary,
)
from attnwidget.zoo.making.pairs_scores import attention, batch_of, finding, held_out_pairs
from attnwidget.zoo.pairs import Pairs
from attnwidget.zoo.pairs_words import PairsTokenizer
from tests.unit.test_pictures import draw

OWNER = {thing: animal for animal, kinds in THINGS.items() for kind in kinds for thing in kind}


@pytest.fixture(scope="module")
def loaded() -> tuple[Pairs, PairsTokenizer]:
    return zoo.load("pairs")


# The data ---------------------------------------------------------------------------------------


def test_every_word_belongs_to_one_animal() -> None:
    words = vocabulary()
    assert len(words) == len(set(words)) == 10 * (1 + 3 * 3) + 1
    assert all(len(kind) == 3 for kinds in THINGS.values() for kind in kinds)


@pytest.mark.parametrize("held_out", [False, True])
@pytest.mark.parametrize("missing", [0, 1])
def test_each_animal_has_one_thing_of_each_kind_or_nothing(held_out: bool, missing: int) -> None:
    rng = Random(3)
    for _ in range(200):
        one = pair(rng, 3, 2, missing, held_out)
        lying = {*one.room, *one.box}
        assert set(one.answers) == set(one.room) & set(ANIMALS)
        for animal, right in one.answers.items():
            for kind, (things, thing) in enumerate(zip(THINGS[animal], right, strict=True)):
                place = one.box if kind == 2 else one.room
                assert [t for t in things if t in lying] == [thing] * (thing != NOTHING)
                assert thing == NOTHING or place.count(thing) == 1
        assert [sum(r[k] == NOTHING for r in one.answers.values()) for k in range(3)] == (
            [missing] * 3
        )


def test_neighbours_never_meet_in_training_and_live_together_in_testing() -> None:
    rng = Random(4)
    for _ in range(300):
        seen = pair(rng, rng.choice([2, 3, 4]), rng.choice([1, 2, 3]), 0, held_out=False)
        living = list(seen.answers)
        assert not any(are_neighbours(one, other) for one in living for other in living)
        for thing in (word for word in (*seen.room, *seen.box) if word in OWNER):
            first = any(kind[0] == thing for kind in THINGS[OWNER[thing]])
            assert not first or not any(are_neighbours(OWNER[thing], one) for one in living)
        new = list(pair(rng, rng.choice([2, 3, 4]), 1, 0, held_out=True).answers)
        assert all(any(are_neighbours(one, other) for other in new) for one in new)


# The tokenizer ----------------------------------------------------------------------------------


def test_room_and_box_are_divided_by_a_slash(loaded: tuple[Pairs, PairsTokenizer]) -> None:
    _, tokenizer = loaded
    made = tokenizer("Dog bone, kennel / ball mouse", return_tensors="pt")
    assert {name: (ids.dtype, ids.shape) for name, ids in made.items()} == {
        "room": (torch.int64, (1, 3)),
        "box": (torch.int64, (1, 2)),
    }
    assert tokenizer.convert_ids_to_tokens(made["room"][0]) == ["dog", "bone", "kennel"]
    assert tokenizer.decode(made["box"][0].tolist()) == "ball mouse"
    with pytest.raises(ValueError, match="return_tensors is 'np'"):
        tokenizer("dog / ball", return_tensors="np")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dog bone", r"There is no box in 'dog bone'\. .*a slash.*: \"dog bone kennel"),
        ("dog bone /", r"not one room and one box in 'dog bone /'"),
        ("/ ball", r"not one room and one box"),
        ("dog / ball / mouse", r"not one room and one box"),
        ("dgo bone / ball", r"does not know the word 'dgo'\. It knows 101 words, among them dog,"),
    ],
)
def test_a_bad_text_is_answered_by_how_to_write_it(
    text: str, message: str, loaded: tuple[Pairs, PairsTokenizer]
) -> None:
    with pytest.raises(Trouble, match=message):
        aw.explore(*loaded, text)


# The model --------------------------------------------------------------------------------------


def test_loaded_in_eval_mode_and_float32(loaded: tuple[Pairs, PairsTokenizer]) -> None:
    model, _ = loaded
    assert not model.training
    assert {w.dtype for w in model.parameters()} == {torch.float32}
    assert pairs.WEIGHTS.stat().st_size <= 100_000


def test_the_forward_pass_is_what_the_course_writes(
    loaded: tuple[Pairs, PairsTokenizer],
) -> None:
    model, tokenizer = loaded
    ids = tokenizer(zoo.card("pairs")["text"])
    x = model.words(ids["room"])[0]  # (T, D)
    within = model.within
    heads = []
    for W_q, W_k, W_v in zip(
        *(layer.weight.chunk(2) for layer in (within.query, within.key, within.value)), strict=True
    ):
        scores = (x @ W_q.T) @ (x @ W_k.T).T / W_q.shape[0] ** 0.5
        heads.append(scores.softmax(-1) @ (x @ W_v.T))
    H = torch.cat(heads, -1) @ within.output.weight.T
    scores = (H @ model.food.weight.T) @ model.words.weight.T
    torch.testing.assert_close(model(**ids)["food"][0], scores, rtol=1e-4, atol=1e-4)


def test_shuffling_the_room_shuffles_what_comes_out(
    loaded: tuple[Pairs, PairsTokenizer],
) -> None:
    model, tokenizer = loaded
    ids = tokenizer(zoo.card("pairs")["text"])
    room, box = ids["room"], ids["box"]
    order = torch.randperm(room.shape[1], generator=torch.Generator().manual_seed(1))
    x = model.words(room)
    H, A = model.within(x, x)
    shuffled_H, shuffled_A = model.within(x[:, order], x[:, order])
    torch.testing.assert_close(shuffled_H, H[:, order])
    torch.testing.assert_close(shuffled_A, A[:, :, order][..., order])
    before, after = model(room, box), model(room[:, order], box.flip(1))
    for question in QUESTIONS:
        torch.testing.assert_close(
            after[question], before[question][:, order], rtol=1e-4, atol=1e-4
        )


# The card, measured again -----------------------------------------------------------------------


def test_new_rooms_are_answered_and_each_head_looks_at_its_own_kind(
    loaded: tuple[Pairs, PairsTokenizer],
) -> None:
    for question, scores in finding(*loaded, held_out_pairs(Random(77), 300)).items():
        on_card = zoo.card("pairs")["finding"][question]
        assert scores.accuracy > 0.99
        assert scores.weight > 0.9
        assert abs(scores.weight - on_card["weight"]) < 0.02


def test_every_single_animal_is_looked_at_so(loaded: tuple[Pairs, PairsTokenizer]) -> None:
    model, tokenizer = loaded
    weights: dict[tuple[str, int], list[Tensor]] = {}
    for one in held_out_pairs(Random(79), 300):
        within, between = attention(model, batch_of(tokenizer, [one]))
        maps = [(within[0, 0], one.room), (within[0, 1], one.room), (between[0, 0], one.box)]
        for animal, right in one.answers.items():
            for kind, (A, words) in enumerate(maps):
                weight = A[one.room.index(animal), words.index(right[kind])]
                weights.setdefault((animal, kind), []).append(weight)
    assert len(weights) == len(ANIMALS) * len(QUESTIONS)
    assert {at for at, found in weights.items() if torch.stack(found).mean() <= 0.9} == set()


def test_a_missing_thing_is_nothing(loaded: tuple[Pairs, PairsTokenizer]) -> None:
    for scores in finding(*loaded, held_out_pairs(Random(78), 300, missing=1)).values():
        assert scores.accuracy > 0.9


def test_the_opening_room_was_never_learned_from_and_is_answered(
    loaded: tuple[Pairs, PairsTokenizer],
) -> None:
    model, tokenizer = loaded
    card = zoo.card("pairs")
    room, _ = tokenizer.split(card["text"])
    at = card["selection"]
    assert (room[at["query"]], room[at["key"]]) == ("dog", "bone")
    assert are_neighbours("dog", "cat")
    guesses = model(**tokenizer(card["text"]))
    for animal, right in {
        "dog": ["bone", "kennel", "ball"],
        "cat": ["milk", "sofa", "mouse"],
    }.items():
        best = [int(guesses[question][0, room.index(animal)].argmax()) for question in QUESTIONS]
        assert tokenizer.convert_ids_to_tokens(best) == right


def test_the_card_in_the_docstring_is_the_card_in_the_file() -> None:
    assert pairs_train.in_words(zoo.card("pairs")) in (pairs.__doc__ or "")


def test_vocabulary_and_card_are_json_beside_the_weights() -> None:
    with safe_open(pairs.WEIGHTS, framework="pt") as file:
        metadata = file.metadata()
    assert json.loads(metadata["vocabulary"]) == vocabulary()
    assert json.loads(metadata["card"])["parameters"] == sum(
        w.numel() for w in zoo.load("pairs")[0].parameters()
    )


# Training ---------------------------------------------------------------------------------------


def test_a_few_steps_of_training_lower_the_loss(tmp_path: Path) -> None:
    tokenizer = PairsTokenizer(vocabulary())
    batch = pairs_train.some_batch(Random(9), tokenizer)
    before = pairs_train.loss_of(pairs_train.train(tokenizer, 0, 0), batch)
    model = pairs_train.train(tokenizer, 0, 30)
    assert pairs_train.loss_of(model, batch) < before - 1

    weights = tmp_path / "trained.safetensors"
    pairs.save(model, tokenizer, {"seed": 0}, weights)
    again, _ = pairs.load(weights)
    assert pairs.card(weights) == {"seed": 0}
    for name, kept in again.state_dict().items():
        assert torch.equal(kept, model.state_dict()[name])


def test_naming_the_heads_changes_no_answer(loaded: tuple[Pairs, PairsTokenizer]) -> None:
    _, tokenizer = loaded
    batch = batch_of(tokenizer, held_out_pairs(Random(1), 1))
    for strongest, columns in enumerate([slice(0, 16), slice(16, 32)]):
        model = Pairs(len(tokenizer))
        with torch.no_grad():
            model.within.output.weight[:, columns] *= 9  # food is read from this head
        before, A = model(batch.room, batch.box), attention(model, batch).within
        pairs_train.foods_first(model)
        after = model(batch.room, batch.box)
        torch.testing.assert_close(after["food"], before["food"])
        named = A.flip(1) if strongest == 1 else A
        torch.testing.assert_close(attention(model, batch).within, named)


# In the explorer --------------------------------------------------------------------------------


def sides(session: Session, stack: str) -> list[str]:
    assert session.snapshot is not None
    both = session.snapshot.sides(stack)
    return [" ".join(token.text for token in side) for side in (both.queries, both.keys)]


@pytest.mark.parametrize(
    ("room", "box"),
    [
        ("dog bone kennel cat milk sofa carrot", "ball mouse wheel"),
        ("dog bone kennel", "ball mouse wheel"),  # as many toys as there are words in the room
        ("dog", "ball mouse wheel"),
    ],
)
def test_the_words_of_both_sets_are_shown(
    room: str, box: str, loaded: tuple[Pairs, PairsTokenizer]
) -> None:
    session = Session(*loaded)
    session.run(f"{room} / {box}")
    assert sides(session, "attention") == [room, room]
    assert sides(session, "cross") == [room, box]


def test_it_opens_with_its_card(loaded: tuple[Pairs, PairsTokenizer]) -> None:
    card = zoo.card("pairs")
    explorer = aw.explore(*loaded, card["text"], **card["selection"])
    assert explorer.stack == "attention"
    assert explorer.tokens[explorer.query] == "dog"
    assert explorer.status == "exact"
    explorer.stack = "cross"
    assert explorer.tokens == card["text"].split(" / ")[0].split()


def test_capture_is_exact(loaded: tuple[Pairs, PairsTokenizer]) -> None:
    model, tokenizer = loaded
    ids: dict[str, Tensor] = tokenizer(zoo.card("pairs")["text"])
    with torch.no_grad(), aw.capture(model) as trace:
        model(**ids)
    x = model.words(ids["room"])
    expected = {
        "attention": model.within(x, x)[1],
        "cross": model.between(x, model.words(ids["box"]))[1],
    }
    assert {name: len(calls) for name, calls in trace.stacks.items()} == dict.fromkeys(expected, 1)
    for name, A in expected.items():
        (call,) = trace.stacks[name]
        assert call.status == "exact"
        assert call.check() < 1e-5
        torch.testing.assert_close(call.weights(), A.detach(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("stack", "module"), [("attention", "within"), ("cross", "between")])
def test_the_steps_have_queries_keys_values_and_the_output_layer(
    stack: str, module: str, loaded: tuple[Pairs, PairsTokenizer]
) -> None:
    session = Session(*loaded)
    session.run(zoo.card("pairs")["text"])
    (made,) = draw(session, kind="steps", stack=stack, heads=[[0, 0]], query=0)
    assert {"q", "k", "v"} <= set(made.arrays)
    assert made.facts["projection"]["path"] == f"{module}.output"
    assert made.facts["projection"]["bias"] is False
