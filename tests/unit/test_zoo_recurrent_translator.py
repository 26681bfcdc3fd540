"""The recurrent translators: with attention and without, by length, and the steps they take."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import torch
from safetensors import safe_open

import attnwidget as aw
from attnwidget import zoo
from attnwidget.session import Session
from attnwidget.zoo import recurrent_translator
from attnwidget.zoo.making import recurrent_translator_train
from attnwidget.zoo.making.recurrent_translator_scores import attention, scores, target_ids, targets
from attnwidget.zoo.making.recurrent_translator_train import (
    NOTHING,
    batch_of,
    batches,
    loss_of,
    train,
    vocabulary,
)
from attnwidget.zoo.making.sequential import forward_seconds, longest_chain, sequential_steps
from attnwidget.zoo.making.translation_data import is_held_out, pair
from attnwidget.zoo.making.translation_scores import (
    alignment_error,
    held_out_pairs,
    links,
    source_ids,
    translations,
)
from attnwidget.zoo.recurrent_translator import RecurrentTranslator, additive, cosine, dot
from attnwidget.zoo.translation_words import TranslationTokenizer
from attnwidget.zoo.translator import Translator

Loaded = tuple[RecurrentTranslator, TranslationTokenizer]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """So small a model is slower on two."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return zoo.load("recurrent-translator")


@pytest.fixture(scope="module")
def bottleneck() -> Loaded:
    return zoo.load("bottleneck-translator")


# Comparing states -------------------------------------------------------------------------------


def test_three_ways_to_compare_a_state_with_others() -> None:
    s = torch.tensor([[3.0, 4.0]])
    h = torch.tensor([[[3.0, 4.0], [-4.0, 3.0], [0.3, 0.4], [0.0, 10.0]]])
    assert dot(s, h)[0].tolist() == [25, 0, 2.5, 40]
    torch.testing.assert_close(cosine(s, h), torch.tensor([[1, 0, 1, 0.8]]))
    expected = [2 * math.tanh(3 + x) - math.tanh(4 + y) for x, y in h[0].tolist()]
    w = torch.tensor([2.0, -1.0])
    torch.testing.assert_close(additive(s, h, w), torch.tensor([expected]))


# The model --------------------------------------------------------------------------------------


@pytest.mark.parametrize("attends", [True, False])
def test_no_word_looks_ahead_and_no_sentence_at_another(attends: bool) -> None:
    torch.manual_seed(0)
    model = RecurrentTranslator(30, width=16, attends=attends)
    source, target = torch.randint(30, (3, 5)), torch.randint(30, (3, 7))
    whole = model(source, target)
    assert whole.shape == (3, 7, 30)
    torch.testing.assert_close(model(source, target[:, :4]), whole[:, :4])
    torch.testing.assert_close(model(source[1:2], target[1:2]), whole[1:2])


def test_a_context_is_the_mean_of_the_states_by_their_weights(loaded: Loaded) -> None:
    module = loaded[0].decoder.attention
    assert module is not None
    s, h = torch.randn(2, 128), torch.randn(2, 5, 128)
    context, alpha = module(s, h, module.U(h))
    theta = torch.stack([torch.tanh(module.W(s) + module.U(h[:, i])) @ module.w for i in range(5)])
    torch.testing.assert_close(alpha, theta.T.softmax(-1))
    torch.testing.assert_close(context, sum(alpha[:, i, None] * h[:, i] for i in range(5)))


def test_without_attention_one_vector_says_all_of_the_source(bottleneck: Loaded) -> None:
    model, _ = bottleneck
    words, last = torch.randn(1, 4, 128), torch.randn(1, 128)
    few, many = torch.zeros(1, 2, 128), torch.randn(1, 9, 128)
    assert torch.equal(model.decoder(words, few, last), model.decoder(words, many, last))
    assert not torch.equal(model.decoder(words, few, last), model.decoder(words, few, -last))


def test_loaded_in_eval_mode_and_float32(loaded: Loaded, bottleneck: Loaded) -> None:
    for model, _ in (loaded, bottleneck):
        assert not model.training
        assert {w.dtype for w in model.parameters()} == {torch.float32}
    for weights in (recurrent_translator.WEIGHTS, recurrent_translator.BOTTLENECK):
        assert weights.stat().st_size <= 1_500_000


def test_any_length_and_unknown_words_are_read(loaded: Loaded) -> None:
    model, tokenizer = loaded
    long = tokenizer("the dog sleeps and " * 30 + "xyzzy → le chien")
    assert long["input_ids"].shape == (1, 121)
    assert model(**long).shape == (1, 3, len(tokenizer))


# Scores -----------------------------------------------------------------------------------------


def test_alignment_error_by_hand() -> None:
    gold = [frozenset({(0, 0), (1, 2), (2, 1)}), frozenset({(0, 0)})]
    right = links(torch.tensor([[0.9, 0.1, 0.0], [0.0, 0.2, 0.8], [0.3, 0.4, 0.3]]))
    assert right == gold[0]
    assert alignment_error([right, frozenset({(0, 0)})], gold) == 0
    wrong = links(torch.tensor([[0.9, 0.1, 0.0], [0.0, 0.6, 0.4], [0.3, 0.4, 0.3]]))
    assert alignment_error([wrong, frozenset({(0, 0)})], gold) == pytest.approx(1 / 4)
    assert alignment_error([frozenset({(0, 0)}), frozenset()], gold) == pytest.approx(1 - 2 / 5)


def test_batches_have_every_sentence_once_before_one_comes_again(loaded: Loaded) -> None:
    _, tokenizer = loaded
    rng = Random(3)
    made = [pair(rng, held_out=False) for _ in range(150)]
    coming, seen = batches(rng, tokenizer, made), []
    while len(seen) < len(made):
        source, target, after = next(coming)
        assert (target[:, 0] == tokenizer.ids["<s>"]).all()
        assert torch.equal(target[:, 1:][after[:, 1:] != NOTHING], after[:, :-1][after[:, 1:] >= 0])
        assert (after != NOTHING).any(0).all()
        seen += [" ".join(tokenizer.convert_ids_to_tokens(row)) for row in source]
    assert sorted(seen) == sorted(" ".join(one.source) for one in made)


def test_the_targets_are_measured_anew_and_reached(loaded: Loaded, bottleneck: Loaded) -> None:
    measured = [*targets(*loaded), *targets(*bottleneck)]
    assert len(measured) == 5
    assert [one for one in measured if not one.is_reached] == []


def test_only_with_attention_long_sentences_are_translated(
    loaded: Loaded, bottleneck: Loaded
) -> None:
    pairs = [one for one in held_out_pairs(78, 300) if len(one.source) >= 13]
    without, with_it = scores(*bottleneck, pairs), scores(*loaded, pairs)
    assert without.share() < 0.4 < 0.85 < with_it.share()
    assert without.alignment_error is None
    with pytest.raises(ValueError, match="no attention"):
        attention(*bottleneck, pairs[:1])


def test_the_opening_sentence_is_new_right_and_aligned(loaded: Loaded) -> None:
    model, tokenizer = loaded
    card = zoo.card("recurrent-translator")
    source, target = (side.split() for side in card["text"].split(" → "))
    assert is_held_out("adjective", "white", "flower")
    assert is_held_out("subject", "queen", "find")
    one = held_out_pairs(0, 1)[0]
    opened = type(one)(tuple(source), tuple(target), frozenset())
    assert translations(model, tokenizer, [opened]) == [tuple(target)]
    weights = attention(model, tokenizer, [opened])[0]  # (T, S)
    at = card["selection"]
    assert (target[at["query"]], source[at["key"]]) == ("fleur", "flower")
    assert weights[at["query"]].argmax() == at["key"]
    ids = tokenizer(card["text"])
    assert ids["decoder_input_ids"][0, 0] == model.start


def test_the_cards_in_the_docstring_are_the_cards_in_the_files() -> None:
    cards = (zoo.card("recurrent-translator"), zoo.card("bottleneck-translator"))
    assert recurrent_translator_train.in_words(*cards) in (recurrent_translator.__doc__ or "")
    sizes = [[of for _, of in card["by_length"].values()] for card in cards]
    assert sizes[0] == sizes[1]  # the same sentences
    assert sum(sizes[0]) == 3000


@pytest.mark.parametrize("name", ["recurrent-translator", "bottleneck-translator"])
def test_vocabulary_and_card_are_json_beside_the_weights(name: str) -> None:
    weights = recurrent_translator.WEIGHTS.with_stem(name)
    with safe_open(weights, framework="pt") as file:
        metadata = file.metadata()
    model, tokenizer = zoo.load(name)
    assert json.loads(metadata["vocabulary"]) == vocabulary()
    assert json.loads(metadata["card"])["parameters"] == sum(w.numel() for w in model.parameters())
    assert [tokenizer.ids[mark] for mark in ("<s>", "</s>")] == [model.start, model.stop]


# Training ---------------------------------------------------------------------------------------


def test_a_few_steps_of_training_teach_the_next_word(tmp_path: Path) -> None:
    tokenizer = TranslationTokenizer(vocabulary())
    rng = Random(9)
    same = [one for one in (pair(rng, held_out=False) for _ in range(600)) if len(one.source) == 8]
    batch = batch_of(tokenizer, same)
    before = loss_of(RecurrentTranslator(len(tokenizer)), batch).item()
    model = train(tokenizer, 0, 150, attends=True, sentences=4000)
    with torch.no_grad():
        assert loss_of(model, batch) < 0.65 * before
        guesses = model(batch.input_ids, batch.decoder_input_ids).argmax(-1)
    asked = batch.next_ids != NOTHING
    always_the_same = batch.next_ids[asked].bincount().max() / asked.sum()
    assert (guesses == batch.next_ids)[asked].float().mean() > 2 * always_the_same

    weights = tmp_path / "trained.safetensors"
    recurrent_translator.save(model, tokenizer, {"seed": 0}, weights)
    again, _ = recurrent_translator.load(weights)
    assert recurrent_translator.card(weights) == {"seed": 0}
    for name, kept in again.state_dict().items():
        torch.testing.assert_close(kept, model.state_dict()[name], rtol=1e-3, atol=1e-4)


# Steps ------------------------------------------------------------------------------------------


def test_recurrent_steps_grow_with_both_lengths_and_a_transformers_do_not() -> None:
    torch.manual_seed(0)
    recurrent, transformer = RecurrentTranslator(100), Translator(100)
    for source, target in [(4, 4), (4, 9), (12, 9)]:
        assert sequential_steps(recurrent, source, target) == source + target
        assert sequential_steps(transformer, source, target) == 4
    chains = [longest_chain(recurrent, n, n) for n in (5, 10, 15)]
    assert chains[2] - chains[1] == chains[1] - chains[0] > 0
    assert longest_chain(recurrent, 5, 10) > chains[0]
    assert len({longest_chain(transformer, n, n) for n in (5, 10, 15)}) == 1


def test_counting_leaves_the_model_as_it_was() -> None:
    model = RecurrentTranslator(100)
    sequential_steps(model, 3, 3)
    assert not any(module._forward_hooks for module in model.modules())


def test_each_model_is_timed_at_each_length() -> None:
    models = {"with": RecurrentTranslator(100), "without": RecurrentTranslator(100, attends=False)}
    found = forward_seconds(models, [2, 4], repeats=2)
    assert {name: list(times) for name, times in found.items()} == {name: [2, 4] for name in models}
    assert all(seconds > 0 for times in found.values() for seconds in times.values())


# In the explorer --------------------------------------------------------------------------------


def test_capture_sees_each_step_and_joins_them_to_one_map(loaded: Loaded) -> None:
    model, tokenizer = loaded
    pairs = held_out_pairs(5, 1)
    source, target = source_ids(tokenizer, pairs), target_ids(tokenizer, pairs)[:, :-1]
    with torch.no_grad(), aw.capture(model) as trace:
        model(input_ids=source, decoder_input_ids=target)
    assert [call.kind for call in trace.calls] == ["additive"] * target.shape[1]
    ((name, (call,)),) = trace.stacks.items()
    assert (name, call.status) == ("cross", "exact")
    assert call.check() < 1e-5
    weights = attention(model, tokenizer, pairs)  # (B, T, S)
    torch.testing.assert_close(call.weights()[:, 0], weights, rtol=1e-5, atol=1e-6)


def test_it_opens_with_its_card(loaded: Loaded) -> None:
    card = zoo.card("recurrent-translator")
    explorer = aw.explore(*loaded, card["text"], **card["selection"])
    source, target = card["text"].split(" → ")
    assert (explorer.stack, explorer.layer, explorer.head) == ("cross", 0, 0)
    assert explorer.tokens == ["<s>", *target.split()]
    assert explorer.status.startswith("exact")
    session = Session(*loaded)
    session.run(card["text"])
    assert session.snapshot is not None
    assert [token.text for token in session.snapshot.sides("cross").keys] == source.split()


def test_without_attention_there_is_nothing_to_explore(bottleneck: Loaded) -> None:
    model, tokenizer = bottleneck
    with torch.no_grad(), aw.capture(model) as trace:
        model(**tokenizer(zoo.card("bottleneck-translator")["text"]))
    assert not trace.calls
