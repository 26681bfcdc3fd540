"""The zoo: what is loaded, and what the trained model's heads do on data it has never seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import islice, pairwise
from pathlib import Path
from random import Random

import pytest
import torch
from safetensors import safe_open

from attnwidget import zoo
from attnwidget.zoo import evaluate, stories
from attnwidget.zoo.making import stories_train, stories_world
from attnwidget.zoo.making.stories_data import KINDS, is_held_out, rows, song, story
from attnwidget.zoo.making.stories_scores import attention, held_out_stories, induction, naming
from attnwidget.zoo.making.targets import Target
from attnwidget.zoo.stories import Stories
from attnwidget.zoo.words import UNKNOWN, WordTokenizer

NOUNS = set(stories_world._words([stories_world.WOMEN, stories_world.MEN])) | set(
    stories_world._words(
        [
            *stories_world.ROLES.values(),
            stories_world.ANIMALS,
            *stories_world.WAYS.values(),
            *stories_world.THINGS.values(),
        ]
    )
)


@pytest.fixture(scope="module")
def loaded() -> tuple[Stories, WordTokenizer]:
    return zoo.load("stories")


def test_names_and_an_unknown_name() -> None:
    trained = "stories pairs sentiment pooling melody digits-vit digits-hybrid translator"
    trained += " recurrent-translator bottleneck-translator"
    assert zoo.names() == [*trained.split(), "minilm", "smollm2", "whisper"]
    with pytest.raises(ValueError, match=r"no 'gpt2'\. It has stories, pairs, .*, whisper\."):
        zoo.load("gpt2")
    with pytest.raises(ValueError, match="cards of stories, pairs, .*, not of 'minilm'"):
        zoo.card("minilm")


# The data ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("held_out", [False, True])
def test_a_story_ends_by_naming_what_its_pronoun_meant(kind: str, held_out: bool) -> None:
    rng = Random(5)
    for _ in range(300):
        told = story(rng, kind, held_out)
        assert told.words[told.pronoun] in {"it", "she", "he", "they"}
        assert told.words[told.noun].lower() == told.words[told.answer].lower()
        assert told.noun < told.pronoun < told.answer
        assert set(told.words) <= set(stories_world.vocabulary())
        nouns = [word for word in told.words[: told.pronoun] if word in NOUNS]
        assert len(nouns) == len(set(nouns)) >= 2
        assert all(is_held_out(a, b) == held_out for a, b in pairwise(nouns))


def test_the_default_pair_is_never_learned_from() -> None:
    assert is_held_out("animal", "street")
    assert is_held_out("street", "animal")


def test_a_song_is_sung_again() -> None:
    words = [word for word in song(Random(3)) if word.isalpha() and word != "Song"]
    n = len(set(words))
    assert 5 <= n <= 20
    assert words[:n] == words[n : 2 * n]


def test_the_same_seed_gives_the_same_rows() -> None:
    assert list(islice(rows(Random(1), 65), 5)) == list(islice(rows(Random(1), 65), 5))
    assert {len(row) for row in islice(rows(Random(1), 65), 20)} == {65}


# The tokenizer ----------------------------------------------------------------------------------


def test_words_and_back(loaded: tuple[Stories, WordTokenizer]) -> None:
    _, tokenizer = loaded
    text = zoo.card("stories")["text"]
    batch = tokenizer(text, return_tensors="pt")
    ids = batch["input_ids"]
    assert ids.dtype == torch.int64
    assert ids.shape == (1, 17)
    tokens = tokenizer.convert_ids_to_tokens(ids[0])
    assert tokens[:4] == ["<s>", "The", "animal", "didn't"]
    assert tokenizer.decode(ids[0].tolist()) == text


def test_case_apostrophes_and_unknown_words(loaded: tuple[Stories, WordTokenizer]) -> None:
    _, tokenizer = loaded
    read = tokenizer.convert_ids_to_tokens(tokenizer.encode("TOM saw tom’s DOG; it didn’t bark"))
    assert read[1:3] == ["Tom", "saw"]
    assert read[3] == UNKNOWN  # "tom's"
    assert read[4:] == ["dog", UNKNOWN, "it", "didn't", UNKNOWN]
    with pytest.raises(ValueError, match=r"return_tensors is 'np'"):
        tokenizer("Tom", return_tensors="np")


def test_an_empty_text_is_the_start_mark_alone(loaded: tuple[Stories, WordTokenizer]) -> None:
    model, tokenizer = loaded
    assert tokenizer.convert_ids_to_tokens(tokenizer.encode("")) == ["<s>"]
    assert model(**tokenizer("")).shape == (1, 1, len(tokenizer))


# The model --------------------------------------------------------------------------------------


def test_loaded_in_eval_mode_and_float32(loaded: tuple[Stories, WordTokenizer]) -> None:
    model, _ = loaded
    assert not model.training
    assert {w.dtype for w in model.parameters()} == {torch.float32}
    assert sum(w.numel() for w in model.parameters()) <= 1_000_000
    assert stories.WEIGHTS.stat().st_size <= 3_000_000


def test_a_text_that_is_too_long(loaded: tuple[Stories, WordTokenizer]) -> None:
    model, tokenizer = loaded
    model(**tokenizer("moon " * 63))
    with pytest.raises(ValueError, match=r"65 tokens.* 64 positions"):
        model(**tokenizer("moon " * 64))


def test_no_word_looks_ahead(loaded: tuple[Stories, WordTokenizer]) -> None:
    model, tokenizer = loaded
    short = model(**tokenizer("Anna met Tom"))
    longer = model(**tokenizer("Anna met Tom while he sang"))
    torch.testing.assert_close(longer[:, :4], short)


def test_the_measured_weights_are_those_of_the_forward_pass(
    loaded: tuple[Stories, WordTokenizer],
) -> None:
    model, tokenizer = loaded
    batch = tokenizer("Anna met Tom while he sang")
    weights, logits = attention(model, batch["input_ids"])
    torch.testing.assert_close(logits, model(**batch))
    torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]))


# The card, measured again -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_names_the_referent_in_new_stories(
    kind: str, loaded: tuple[Stories, WordTokenizer]
) -> None:
    assert naming(*loaded, held_out_stories(Random(77), kind, 200)).accuracy > 0.98


def test_induction_head_on_new_songs(loaded: tuple[Stories, WordTokenizer]) -> None:
    found = induction(*loaded, Random(77), songs=50)
    on_card = zoo.card("stories")["induction"]
    assert found.best_head() == (on_card["layer"], on_card["head"])
    assert found.weight.max() > 0.85
    assert found.accuracy > 0.9


def test_the_opening_sentence_shows_the_pronoun_at_its_noun(
    loaded: tuple[Stories, WordTokenizer],
) -> None:
    model, tokenizer = loaded
    card = zoo.card("stories")
    at = card["selection"]
    for text, noun, weight in [
        (card["text"], card["nouns"][0], card["weight"]),
        (card["twin"], card["nouns"][1], card["twin_weight"]),
    ]:
        ids = tokenizer(text)["input_ids"]
        tokens = tokenizer.convert_ids_to_tokens(ids[0])
        row = attention(model, ids)[0][0, at["layer"], at["head"], at["query"]]
        assert tokens[at["query"]] == "it"
        assert tokens[int(row.argmax())] == noun
        assert row.max() > 0.5
        assert abs(row.max().item() - weight) < 1e-3
    assert tokenizer.convert_ids_to_tokens([tokenizer.encode(card["text"])[at["key"]]]) == [
        card["nouns"][0]
    ]
    assert 10 <= len([token for token in tokens if token.isalpha() or "'" in token]) <= 16


def test_the_card_in_the_docstring_is_the_card_in_the_file() -> None:
    assert stories_train.in_words(zoo.card("stories")) in (stories.__doc__ or "")


def test_vocabulary_and_card_are_json_beside_the_weights() -> None:
    with safe_open(stories.WEIGHTS, framework="pt") as file:
        metadata = file.metadata()
    assert json.loads(metadata["vocabulary"]) == list(stories_world.vocabulary())
    assert json.loads(metadata["card"])["parameters"] == sum(
        w.numel() for w in zoo.load("stories")[0].parameters()
    )


# Training ---------------------------------------------------------------------------------------


def test_a_few_steps_of_training_lower_the_loss(tmp_path: Path) -> None:
    tokenizer = WordTokenizer(stories_world.vocabulary())
    lines = list(islice(rows(Random(9), 65), 8))
    before = stories_train.loss_of(stories_train.train(tokenizer, 0, 0), tokenizer, lines)
    model = stories_train.train(tokenizer, 0, 25)
    after = stories_train.loss_of(model, tokenizer, lines)
    assert after < before - 0.5

    weights = tmp_path / "trained.safetensors"
    stories.save(model, tokenizer, {"seed": 0}, weights)
    again, _ = stories.load(weights)
    assert stories.card(weights) == {"seed": 0}
    for name, kept in again.state_dict().items():
        torch.testing.assert_close(kept, model.state_dict()[name], rtol=1e-3, atol=1e-4)


def test_the_command_refuses_what_it_cannot_train() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "attnwidget.zoo.train", "minilm"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(zoo.__file__).parents[2])},
    )
    assert done.returncode == 2
    assert "invalid choice: 'minilm'" in done.stderr


def test_the_zoo_itself_brings_no_transformers() -> None:
    code = (
        "import sys, attnwidget.zoo as z; z.load('stories'); print('transformers' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(zoo.__file__).parents[2])},
    )
    assert done.stdout.strip() == "False", done.stderr


# What models have to reach ------------------------------------------------------------------------


def test_a_target_says_whether_it_is_reached() -> None:
    assert Target("x", 0.9, above=0.85).is_reached
    assert not Target("x", 0.85, above=0.85).is_reached
    assert not Target("x", 0.04, below=0.03).is_reached
    assert Target("x", 0.5).is_reached
    bounds = [t.bound for t in (Target("x", 0), Target("x", 0, 0.5), Target("x", 0, None, 0.03))]
    assert bounds == ["", "> 0.5", "< 0.03"]


def test_every_model_that_was_trained_here_is_evaluated() -> None:
    cards = set(zoo.names()) - {"minilm", "smollm2", "whisper"}
    # The translator without attention is measured beside the one with it.
    assert cards - {"bottleneck-translator"} == set(evaluate.SCORES)


def test_the_table_has_a_line_for_each_claim() -> None:
    first, second = evaluate.rows("pairs", [Target("one", 0.5, 0.4), Target("two", 0.5, 0.6)])
    assert first == "| pairs | 14,496 | 0.06 MiB | one | > 0.4 | 0.5 | reached |"
    assert second == "|  |  |  | two | > 0.6 | 0.5 | **not reached** |"
