"""Predictions, against what the models themselves return."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from attnwidget import pictures
from attnwidget.messages import Picture
from attnwidget.outputs import Logits
from attnwidget.session import Session
from attnwidget.trace import Trace
from attnwidget.trouble import Trouble
from tests.unit.test_messages import JSON
from tests.unit.test_pictures import session_over

WANT: dict[str, Any] = {
    "key": "k", "kind": "predictions", "stack": "", "batch": 0, "at": [0, 64], "count": 3,
}  # fmt: skip


class Letters:
    """A tokenizer whose ids are letters; every third is written with a space in front."""

    def convert_ids_to_tokens(self, ids: list[int]) -> list[str]:
        return [("Ġ" if i % 3 == 0 else "") + chr(97 + i) for i in ids]


def predict(session: Session, **want: Any) -> dict[str, Any]:
    (made,) = pictures.paint(session, {**WANT, **want})
    assert isinstance(made, Picture)
    assert not made.arrays
    return made.facts


def session_with(
    logits: Tensor,
    *,
    causal: bool = False,
    queries: int = 4,
    named: bool = True,
    **config: Any,
) -> Session:
    """A pass over `queries` tokens that returned `logits`."""
    model = nn.Module()
    model.config = SimpleNamespace(**config)  # type: ignore[assignment]
    session = Session(model, Letters())
    weights = torch.ones(1 if logits.dim() == 1 else logits.shape[0], 1, queries, queries)
    trace = Trace.from_arrays([weights.tril() if causal else weights])
    session.take(trace, {}, logits=Logits(logits, logits._version, named=named))
    return session


def shares_of(logits: Tensor, count: int) -> list[tuple[str, float]]:
    """Letters and shares of the largest, sorted by Python."""
    shares = (logits.double() - logits.double().logsumexp(-1)).exp().tolist()
    order = sorted(range(len(shares)), key=lambda i: -shares[i])[:count]
    return [(chr(97 + i), shares[i]) for i in order]


def assert_candidates(found: list[dict[str, Any]], expected: list[tuple[str, float]]) -> None:
    assert [one["text"] for one in found] == [text for text, _ in expected]
    assert [one["share"] for one in found] == pytest.approx([share for _, share in expected])


def test_a_model_that_looks_back_predicts_the_next_token() -> None:
    logits = torch.randn(2, 4, 20, generator=torch.Generator().manual_seed(0))
    facts = predict(session_with(logits, causal=True), batch=1, at=[1, 3])
    assert (facts["what"], facts["at"], facts["of"], facts["note"]) == ("next", [1, 3], 20, "")
    assert len(facts["candidates"]) == 2
    for found, row in zip(facts["candidates"], logits[1, 1:3], strict=True):
        assert_candidates(found, shares_of(row, 3))


def test_a_model_that_looks_both_ways_predicts_the_token_there() -> None:
    logits = torch.randn(1, 4, 20, generator=torch.Generator().manual_seed(0))
    facts = predict(session_with(logits))
    assert (facts["what"], facts["at"]) == ("masked", [0, 4])
    assert_candidates(facts["candidates"][3], shares_of(logits[0, 3], 3))


def test_half_precision_is_summed_in_full() -> None:
    logits = torch.randn(1, 4, 20, generator=torch.Generator().manual_seed(0)).bfloat16()
    facts = predict(session_with(logits))
    assert_candidates(facts["candidates"][0], shares_of(logits[0, 0].float(), 3))


def test_classes_go_by_their_names() -> None:
    logits = torch.tensor([[1.0, 3.0, 2.0]])
    facts = predict(session_with(logits, id2label={0: "LABEL_0", 1: "joy", 2: "anger"}))
    assert (facts["what"], facts["at"], facts["of"]) == ("classes", [0, 1], 3)
    (found,) = facts["candidates"]
    assert [one["text"] for one in found] == ["joy", "anger", "LABEL_0"]
    assert sum(one["share"] for one in found) == pytest.approx(1.0)
    session = session_with(logits)
    facts = predict(session, count=2)
    assert [one["text"] for one in facts["candidates"][0]] == ["1", "2"]
    session.model.labels = ("sad", "joy", "anger")  # type: ignore[union-attr]
    assert [one["text"] for one in predict(session)["candidates"][0]] == ["joy", "anger", "sad"]


def test_classes_that_do_not_exclude_each_other_are_judged_one_by_one() -> None:
    config: dict[str, Any] = {
        "problem_type": "multi_label_classification",
        "id2label": {0: "old", 1: "sad"},
    }
    facts = predict(session_with(torch.tensor([[0.0, 100.0]]), **config))
    assert facts["candidates"] == [
        [{"text": "sad", "share": 1.0, "id": 1}, {"text": "old", "share": 0.5, "id": 0}],
    ]  # fmt: skip
    assert "do not add up" in facts["note"]


def test_as_many_numbers_as_labels_are_classes_of_tokens() -> None:
    logits = torch.eye(4)[None, :, :3] * 9
    labels = {"0": "person", "1": "place", "2": "other"}
    facts = predict(session_with(logits, id2label=labels, vocab_size=20), count=1)
    assert (facts["what"], facts["at"]) == ("token classes", [0, 4])
    assert [one[0]["text"] for one in facts["candidates"][:3]] == ["person", "place", "other"]
    assert predict(session_with(logits, id2label=labels, vocab_size=3))["what"] == "masked"


def test_a_single_number_is_no_choice() -> None:
    facts = predict(session_with(torch.tensor([[0.125]])))
    assert facts["candidates"] == [[]]
    assert "0.125" in facts["note"]


def test_fewer_numbers_than_the_tokenizer_has_texts_are_no_vocabulary() -> None:
    session = session_with(torch.zeros(1, 4, 5), named=False)
    session.tokenizer.vocab_size = 26
    facts = predict(session)
    assert "5 numbers at each token, fewer than its tokenizer has texts (26)" in facts["note"]
    assert facts["candidates"] == [[]] * 4, "hidden states are not shown as a choice"
    session.model.config.vocab_size = 5  # type: ignore[union-attr]
    assert predict(session)["note"] == ""
    assert all(predict(session)["candidates"])


def test_a_bare_tensor_of_a_model_without_a_tokenizer_may_be_anything() -> None:
    session = session_with(torch.zeros(1, 4, 5), named=False)
    session.tokenizer = None
    with pytest.raises(Trouble, match="plain tensor, which may be hidden states"):
        predict(session)
    session.model.config.id2label = dict(enumerate("abcde"))  # type: ignore[union-attr]
    assert predict(session)["what"] == "token classes"


def test_where_logits_are_no_numbers_nothing_is_named() -> None:
    logits = torch.zeros(1, 4, 5)
    logits[0, 2, 1] = torch.nan
    facts = predict(session_with(logits))
    assert [len(found) for found in facts["candidates"]] == [3, 3, 0, 3]
    assert "NaN" in facts["note"]


@pytest.mark.parametrize(
    ("asked", "cut"), [([2, 99], [2, 4]), ([-5, 1], [0, 1]), (None, [0, 4]), ([1, 2], [1, 2])]
)
def test_the_run_of_tokens_is_cut_to_those_that_exist(asked: Any, cut: list[int]) -> None:
    facts = predict(session_with(torch.zeros(1, 4, 5)), at=asked)
    assert facts["at"] == cut
    assert len(facts["candidates"]) == cut[1] - cut[0]


def test_nobody_can_ask_for_too_much() -> None:
    facts = predict(session_with(torch.zeros(1, 100, 90), queries=100), count=10**9, at=[3, 100])
    assert facts["at"] == [3, 67]
    assert len(facts["candidates"][0]) == 20


@pytest.mark.parametrize(
    ("logits", "message"),
    [
        (torch.zeros(1, 1, 9), r"shape \(1, 1, 9\), but 'attention' has 1 × 4 .*logits_to_keep"),
        (torch.zeros(1, 7, 9), r"shape \(1, 7, 9\)"),
        (torch.zeros(1, 2, 3, 4), r"shape \(1, 2, 3, 4\)"),
        (torch.zeros(1, 4, 0), r"shape \(1, 4, 0\)"),
        (torch.zeros(5), r"shape \(5,\)"),
    ],
)
def test_logits_that_do_not_fit_the_tokens_are_refused_in_words(
    logits: Tensor, message: str
) -> None:
    with pytest.raises(Trouble, match=message):
        predict(session_with(logits))


def test_logits_that_were_written_into_are_not_shown() -> None:
    logits = torch.zeros(1, 4, 5)
    session = session_with(logits)
    logits.mul_(2.0)
    with pytest.raises(Trouble, match="overwritten"):
        predict(session)


def test_without_logits_it_says_what_is_needed() -> None:
    session = session_over([torch.ones(1, 1, 4, 4)])
    with pytest.raises(Trouble, match="returns no logits.*Only its attention was given"):
        predict(session)
    session.model = nn.Module()
    with pytest.raises(Trouble, match="returns no logits.*AutoModelForCausalLM"):
        predict(session)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "stack": JSON | st.just(""),
            "batch": JSON | st.just(0),
            "at": JSON | st.lists(st.integers(), min_size=2, max_size=2),
            "count": JSON | st.integers(),
        },
    )
)
def test_any_json_is_answered_by_a_picture_or_by_trouble(want: dict[str, Any]) -> None:
    session = session_with(torch.zeros(1, 4, 5))
    try:
        (made,) = pictures.paint(session, {"key": "k", "kind": "predictions", **want})
    except Trouble:
        return
    assert isinstance(made, Picture)


# -- models of transformers ------------------------------------------------------------------------


def tiny(config: str, **more: Any) -> Any:
    import transformers

    sizes = {
        "vocab_size": 26, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": 16, "max_position_embeddings": 16,
    }  # fmt: skip
    torch.manual_seed(0)
    return getattr(transformers, config)(**{**sizes, **more})


def run(model: nn.Module, **inputs: Tensor) -> tuple[Session, Tensor]:
    """A session that ran the model, and what the model returns without it."""
    model.eval()
    with torch.no_grad():
        alone = model(**inputs).logits
    session = Session(model, Letters())
    session.run_inputs(inputs)
    return session, alone


IDS = torch.tensor([[1, 5, 9, 2]])


def test_gpt2_predicts_what_its_own_logits_say() -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    sizes = {"n_embd": 16, "n_layer": 1, "n_head": 2, "bos_token_id": 0, "eos_token_id": 0}
    torch.manual_seed(0)
    session, alone = run(GPT2LMHeadModel(GPT2Config(vocab_size=26, **sizes)), input_ids=IDS)
    facts = predict(session, at=[3, 4])
    assert facts["what"] == "next"
    assert_candidates(facts["candidates"][0], shares_of(alone[0, 3], 3))


def test_a_single_token_of_a_language_model_is_followed_by_the_next() -> None:
    from transformers import LlamaForCausalLM

    model = LlamaForCausalLM(tiny("LlamaConfig", pad_token_id=0))
    session, _ = run(model, input_ids=IDS[:, :1])
    assert predict(session)["what"] == "next"


def test_bert_names_what_is_masked_and_classes_of_texts_and_tokens() -> None:
    from transformers import (
        BertForMaskedLM,
        BertForSequenceClassification,
        BertForTokenClassification,
    )

    session, alone = run(BertForMaskedLM(tiny("BertConfig")), input_ids=IDS)
    facts = predict(session)
    assert facts["what"] == "masked"
    assert_candidates(facts["candidates"][2], shares_of(alone[0, 2], 3))
    named = tiny("BertConfig", id2label={0: "no", 1: "perhaps", 2: "yes"})
    session, alone = run(BertForSequenceClassification(named), input_ids=IDS)
    facts = predict(session)
    assert facts["what"] == "classes"
    assert facts["candidates"][0][0]["text"] == ["no", "perhaps", "yes"][int(alone[0].argmax())]
    session, alone = run(BertForTokenClassification(named), input_ids=IDS)
    facts = predict(session)
    assert facts["what"] == "token classes"
    assert [one[0]["text"] for one in facts["candidates"]] == [
        ["no", "perhaps", "yes"][i] for i in alone[0].argmax(-1).tolist()
    ]


def test_an_encoder_decoder_predicts_at_the_tokens_that_it_writes() -> None:
    from transformers import T5Config, T5ForConditionalGeneration

    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2}
    torch.manual_seed(0)
    config = T5Config(vocab_size=26, decoder_start_token_id=0, **sizes)
    written = torch.tensor([[0, 3, 4]])
    session, alone = run(
        T5ForConditionalGeneration(config), input_ids=IDS, decoder_input_ids=written
    )
    for stack in ("decoder", "cross"):
        facts = predict(session, stack=stack)
        assert (facts["what"], facts["at"]) == ("next", [0, 3])
        assert_candidates(facts["candidates"][1], shares_of(alone[0, 1], 3))
    with pytest.raises(Trouble, match="not at those of 'encoder'.*stack of its decoder"):
        predict(session, stack="encoder")


def test_a_model_without_a_head_returns_no_logits() -> None:
    from transformers import BertModel

    session = Session(BertModel(tiny("BertConfig")).eval(), Letters())
    session.run_inputs({"input_ids": IDS})
    with pytest.raises(Trouble, match="This model returns no logits"):
        predict(session)
