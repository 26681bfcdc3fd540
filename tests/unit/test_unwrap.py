"""Pipelines and sentence encoders: the model and the tokenizer inside are taken."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers as hf
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor, nn

import attnwidget as aw
from attnwidget.unwrap import unwrapped
from tests.unit.models import NanoGPT, transformers_model

TEXT = "a b c d"
SIZES = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2}


def tokenizer() -> Any:
    words = {word: i for i, word in enumerate("a b c d e [UNK] [PAD]".split())}
    made = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return hf.PreTrainedTokenizerFast(
        tokenizer_object=made, unk_token="[UNK]", pad_token="[PAD]", model_max_length=64
    )


@pytest.fixture(scope="module")
def classifier() -> Any:
    config = hf.BertConfig(vocab_size=50, num_attention_heads=4, **SIZES)
    model = hf.BertForSequenceClassification(config)
    return hf.pipeline("text-classification", model=model, tokenizer=tokenizer())


@pytest.fixture(scope="module")
def writer() -> Any:
    config = hf.GPT2Config(
        vocab_size=50, n_embd=16, n_head=4, n_layer=2, bos_token_id=5, eos_token_id=6
    )
    model = hf.GPT2LMHeadModel(config)
    return hf.pipeline("text-generation", model=model, tokenizer=tokenizer())


def test_a_pipeline_is_explored_with_its_own_tokenizer(classifier: Any) -> None:
    ex = aw.explore(classifier, text=TEXT)
    assert ex.tokens == TEXT.split()
    assert ex.stack == "encoder"
    ex.text = "a b"
    assert ex.tokens == ["a", "b"]


def test_a_live_explorer_follows_the_runs_of_a_pipeline(classifier: Any) -> None:
    ex = aw.explore(classifier)
    classifier("e e a")
    assert ex.tokens == ["e", "e", "a"]
    ex.detach()


def test_a_pipeline_can_be_captured(writer: Any) -> None:
    with aw.capture(writer, keep="all") as trace:
        made = writer("a b", max_new_tokens=3, do_sample=False)
    assert made[0]["generated_text"].startswith("a b")
    assert {call.step for call in trace.calls} == {0, 1, 2}
    assert {call.source for call in trace.calls} == {"transformers"}


def test_a_tokenizer_given_beside_a_pipeline_goes_before_its_own(classifier: Any) -> None:
    ex = aw.explore(classifier, lambda text: [1] * len(text), TEXT)
    assert len(ex.tokens) == len(TEXT)


class LookAlike(nn.Sequential):
    """The parts of a SentenceTransformer that matter here, where it is not installed.

    It brings scikit-learn and scipy, which nothing else needs.
    """

    def __init__(self, bert: nn.Module, words: Any) -> None:
        first = nn.Module()
        first.auto_model = bert
        super().__init__(first)
        self.tokenizer = words

    def encode(self, texts: list[str]) -> Tensor:
        given = self.tokenizer(texts, return_tensors="pt")
        with torch.no_grad():
            return self[0].auto_model(**given).last_hidden_state.mean(1)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    bert, words = transformers_model("bert"), tokenizer()
    if find_spec("sentence_transformers") is None:
        return LookAlike(bert, words)
    from sentence_transformers import SentenceTransformer

    folder: Path = tmp_path_factory.mktemp("encoder")
    bert.save_pretrained(folder)
    words.save_pretrained(folder)
    return SentenceTransformer(str(folder), device="cpu")


def test_a_sentence_encoder_is_explored_with_its_own_tokenizer(encoder: Any) -> None:
    ex = aw.explore(encoder, text=TEXT)
    assert ex.tokens == TEXT.split()
    assert ex.stack == "encoder"


def test_a_live_explorer_follows_the_runs_of_a_sentence_encoder(encoder: Any) -> None:
    ex = aw.explore(encoder)
    encoder.encode(["e e a"])
    assert ex.tokens == ["e", "e", "a"]
    ex.detach()


@pytest.mark.parametrize("thing", [NanoGPT(), nn.Linear(2, 2), NanoGPT, "gpt2", 3, None])
def test_anything_else_is_left_as_it_is(thing: Any) -> None:
    words = object()
    assert unwrapped(thing, words) == (thing, words)
