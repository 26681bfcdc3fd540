"""The translator: its tokenizer, its masks, what it translates, where it looks, how it is shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import torch
from safetensors import safe_open

import attnwidget as aw
from attnwidget import zoo
from attnwidget.trouble import Trouble
from attnwidget.zoo import translator
from attnwidget.zoo.making import translator_train
from attnwidget.zoo.making.translation_data import Pair
from attnwidget.zoo.making.translation_scores import (
    exact_match,
    held_out_pairs,
    of_one_length,
    right_by_length,
    source_ids,
    translations,
)
from attnwidget.zoo.making.translator_scores import (
    alignment,
    attention,
    exact_without_cross_attention,
    exact_without_head,
    exact_without_source_positions,
    target_ids,
)
from attnwidget.zoo.making.translator_train import (
    NOTHING,
    WORDS,
    batch_of,
    batches,
    loss_of,
    to_learn,
    train,
)
from attnwidget.zoo.translation_words import TranslationTokenizer
from attnwidget.zoo.translator import Translator, translate

Loaded = tuple[Translator, TranslationTokenizer]


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so small a model is slower on two
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return zoo.load("translator")


# The tokenizer ----------------------------------------------------------------------------------


@pytest.mark.parametrize("arrow", ["→", "=>"])
def test_source_and_target_are_divided_by_an_arrow(arrow: str, loaded: Loaded) -> None:
    _, tokenizer = loaded
    made = tokenizer(f"The red house. {arrow} L’école", return_tensors="pt")
    assert {ids.dtype for ids in made.values()} == {torch.int64}
    words = {side: tokenizer.convert_ids_to_tokens(ids[0]) for side, ids in made.items()}
    assert words == {
        "input_ids": ["the", "red", "house", "."],
        "decoder_input_ids": ["<s>", "l'", "école"],
    }


def test_a_source_alone_and_a_target_that_only_starts(loaded: Loaded) -> None:
    _, tokenizer = loaded
    assert list(tokenizer("the house")) == ["input_ids"]
    assert tokenizer("the house →")["decoder_input_ids"].tolist() == [[tokenizer.ids["<s>"]]]


def test_text_of_ids_is_written_the_usual_way(loaded: Loaded) -> None:
    _, tokenizer = loaded
    text = "est-ce qu'il n'aime pas l'école?"
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.decode([1, *tokenizer.encode("il dort ."), 2, 0, 0]) == "il dort."


def test_unknown_words(loaded: Loaded) -> None:
    _, tokenizer = loaded
    ids = tokenizer.encode("the gnu sleeps")
    assert tokenizer.convert_ids_to_tokens(ids) == ["the", "<unk>", "sleeps"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("the house → la → maison", "more than one arrow in 'the house"),
        (" → la maison", "no source in '→ la maison'"),
        ("", "no source in ''.*after an arrow the French one"),
    ],
)
def test_a_bad_text_is_answered_by_how_to_write_it(text: str, message: str, loaded: Loaded) -> None:
    with pytest.raises(Trouble, match=message):
        loaded[1](text)


def test_other_tensors_are_refused(loaded: Loaded) -> None:
    with pytest.raises(ValueError, match="return_tensors is 'np'"):
        loaded[1]("the house", return_tensors="np")


# The model --------------------------------------------------------------------------------------


def test_loaded_in_eval_mode_and_float32(loaded: Loaded) -> None:
    model, tokenizer = loaded
    assert not model.training
    assert {w.dtype for w in model.parameters()} == {torch.float32}
    assert sum(w.numel() for w in model.parameters()) <= 800_000
    assert translator.WEIGHTS.stat().st_size <= 1_500_000
    marks = tokenizer.convert_ids_to_tokens([model.padding, model.start, model.stop])
    assert marks == ["<pad>", "<s>", "</s>"]


def test_padding_changes_nothing(loaded: Loaded) -> None:
    model, tokenizer = loaded
    short = tokenizer("the cat sleeps . → le chat")
    padded = {side: torch.nn.functional.pad(ids, (0, 3)) for side, ids in short.items()}
    torch.testing.assert_close(model(**padded)[:, :3], model(**short))


def test_the_target_does_not_look_ahead_and_the_source_does(loaded: Loaded) -> None:
    model, tokenizer = loaded
    short = model(**tokenizer("the cat sleeps . → le chat"))
    longer = model(**tokenizer("the cat sleeps . → le chat rouge mange"))
    torch.testing.assert_close(longer[:, :3], short)
    plural = model(**tokenizer("the cats sleep . → le chat"))
    assert not torch.allclose(plural[:, 0], short[:, 0], atol=1e-2)


@pytest.mark.parametrize("text", ["cat " * 41 + "→ chat", "cat → " + "chat " * 40])
def test_a_text_that_is_too_long(text: str, loaded: Loaded) -> None:
    model, tokenizer = loaded
    with pytest.raises(Trouble, match=r"The text has 41 tokens\. This model has 40 positions"):
        model(**tokenizer(text))


def test_the_measured_weights_are_those_of_the_forward_pass(loaded: Loaded) -> None:
    model, tokenizer = loaded
    ids = tokenizer(zoo.card("translator")["text"])
    weights, logits = attention(model, **ids)
    torch.testing.assert_close(logits, model(**ids))
    with aw.capture(model) as trace:
        model(**ids)
    assert {name: len(calls) for name, calls in trace.stacks.items()} == {
        "encoder": 2,
        "decoder": 2,
        "cross": 2,
    }
    for layer, call in enumerate(trace.stacks["cross"]):
        for head in range(weights.shape[2]):
            seen = call.weights(head)[0, 0]
            torch.testing.assert_close(seen, weights[0, layer, head], atol=1e-5, rtol=1e-4)


# What it translates -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("english", "french"),
    [
        ("the red house is small.", "la maison rouge est petite."),
        ("an old man sees the white horses.", "un vieil homme voit les chevaux blancs."),
        ("she eats them.", "elle les mange."),
        ("does the girl love the school?", "est-ce que la fille aime l'école?"),
        ("the apples that i eat are red.", "les pommes que je mange sont rouges."),
        ("the girls sleep when they are sad.", "les filles dorment quand elles sont tristes."),
        ("he does not eat any small carrots.", "il ne mange pas de petites carottes."),
        ("the queen goes to the market.", "la reine va au marché."),
    ],
)
def test_translates(english: str, french: str, loaded: Loaded) -> None:
    assert translate(*loaded, english) == french


@pytest.fixture(scope="module")
def new() -> list[Pair]:
    return held_out_pairs(seed=77, count=400)


def test_new_pairs_of_words_are_translated_right(new: list[Pair], loaded: Loaded) -> None:
    assert exact_match(right_by_length(*loaded, new)) > 0.98


def test_the_best_cross_attention_head_looks_at_the_word_it_translates(
    new: list[Pair], loaded: Loaded
) -> None:
    found = alignment(*loaded, new)
    on_card = zoo.card("translator")["alignment"]
    assert found.best_head() == (on_card["layer"], on_card["head"])
    assert found.least < 0.03


def test_what_it_cannot_do_without(new: list[Pair], loaded: Loaded) -> None:
    few = [one for one in new if len(one.source) <= 7][:40]
    whole = exact_match(right_by_length(*loaded, few))
    assert exact_without_cross_attention(*loaded, few) < 0.05
    assert exact_without_source_positions(*loaded, few) < 0.5
    best = zoo.card("translator")["alignment"]
    assert exact_without_head(*loaded, few, best["layer"], best["head"]) < whole - 0.2
    assert exact_match(right_by_length(*loaded, few)) == whole  # nothing stays changed


def test_one_by_one_is_as_all_at_once(new: list[Pair], loaded: Loaded) -> None:
    _, same = next(iter(of_one_length(new[:50]).items()))
    together = translations(*loaded, same)
    alone = [translate(*loaded, " ".join(one.source)) for one in same]
    tokenizer = loaded[1]
    assert [tokenizer.decode([tokenizer.ids[w] for w in words]) for words in together] == alone


# The card and the explorer ----------------------------------------------------------------------


def test_the_card_in_the_docstring_is_the_card_in_the_file() -> None:
    assert translator_train.in_words(zoo.card("translator")) in (translator.__doc__ or "")


def test_vocabulary_and_card_are_json_beside_the_weights() -> None:
    with safe_open(translator.WEIGHTS, framework="pt") as file:
        metadata = file.metadata()
    assert json.loads(metadata["vocabulary"]) == translator_train.vocabulary()
    card = json.loads(metadata["card"])
    assert card["exact"] > 0.99
    assert card["alignment"]["error"] < 0.03


def test_opens_on_a_crossing(loaded: Loaded) -> None:
    card = zoo.card("translator")
    at = card["selection"]
    ex = aw.explore(*loaded, card["text"])
    ex.stack = at["stack"]
    assert list(ex.tokens) == ["<s>", "la", "maison", "rouge", "est", "petite", "."]
    weights, _ = attention(loaded[0], **loaded[1](card["text"]))
    for query, key in ((1, 2), (2, 1)):  # about to write "maison" and "rouge": house, red
        assert int(weights[0, at["layer"], at["head"], query].argmax()) == key
    assert (at["query"], at["key"]) == (1, 2)


# Training ---------------------------------------------------------------------------------------


def test_a_batch_has_what_comes_next_and_its_link(loaded: Loaded) -> None:
    _, tokenizer = loaded
    rng = Random(3)
    pairs = to_learn(rng, 200)
    for batch, _ in zip(batches(rng, tokenizer, pairs), range(10), strict=False):
        read, after = batch.decoder_input_ids, batch.next_ids
        assert batch.input_ids.numel() <= WORDS
        going_on = after[:, :-1] != tokenizer.ids["</s>"]
        going_on &= after[:, :-1] != NOTHING
        assert torch.equal(read[:, 1:][going_on], after[:, :-1][going_on])
        assert ((batch.gold != NOTHING).sum() == going_on.sum()).item()
        assert int(batch.gold.max()) < batch.input_ids.shape[1]


def test_long_sentences_are_not_rare_in_training() -> None:
    pairs = to_learn(Random(4), 600)
    assert pairs == to_learn(Random(4), 600)
    drawn, longest = pairs[::2], pairs[1::2]
    means = [sum(len(one.source) for one in some) / 300 for some in (drawn, longest)]
    assert means[1] > means[0] + 2


def test_training_lowers_the_loss_and_aligns(tmp_path: Path, loaded: Loaded) -> None:
    _, tokenizer = loaded
    same = max(of_one_length(held_out_pairs(9, 60)).values(), key=len)
    batch = batch_of(tokenizer, same)
    before = loss_of(train(tokenizer, 0, 0, sentences=10), batch).item()
    model = train(tokenizer, 0, 120, sentences=3000)
    assert loss_of(model, batch).item() < 0.5 * before
    assert alignment(model, tokenizer, same).least < 0.5

    weights = tmp_path / "trained.safetensors"
    translator.save(model, tokenizer, {"seed": 0}, weights)
    again, _ = translator.load(weights)
    assert translator.card(weights) == {"seed": 0}
    for name, kept in again.state_dict().items():
        torch.testing.assert_close(kept, model.state_dict()[name], rtol=1e-3, atol=1e-4)


def test_sources_and_targets_become_ids(loaded: Loaded) -> None:
    _, tokenizer = loaded
    same = next(iter(of_one_length(held_out_pairs(9, 20)).values()))
    source, target = source_ids(tokenizer, same), target_ids(tokenizer, same)
    assert tokenizer.convert_ids_to_tokens(source[0]) == list(same[0].source)
    words = tokenizer.convert_ids_to_tokens(target[0])
    assert words[: 1 + len(same[0].target)] == ["<s>", *same[0].target]
