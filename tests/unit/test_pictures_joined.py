"""The joined picture: one output word, and all it came from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    T5Config,
    T5ForConditionalGeneration,
)

from attnwidget import pictures
from attnwidget.messages import Picture
from attnwidget.session import Session
from attnwidget.trouble import Trouble

SOURCE, TARGET = torch.tensor([[5, 6, 7, 8, 9]]), torch.tensor([[0, 11, 12, 13]])


def bart() -> Session:
    torch.manual_seed(0)
    config = BartConfig(
        vocab_size=40, d_model=16, encoder_layers=2, decoder_layers=3, encoder_attention_heads=2,
        decoder_attention_heads=4, encoder_ffn_dim=32, decoder_ffn_dim=32,
        max_position_embeddings=20, pad_token_id=1, bos_token_id=0, eos_token_id=2,
    )  # fmt: skip
    return Session(BartForConditionalGeneration(config).eval())


def t5() -> Session:
    torch.manual_seed(0)
    config = T5Config(vocab_size=40, d_model=16, d_kv=4, d_ff=32, num_layers=2, num_heads=4)
    return Session(T5ForConditionalGeneration(config).eval())


def joined(session: Session, **more: Any) -> Picture:
    whole = {"batch": 0, "at": None, "source": None, "encoder": None, "cross": None}
    want = {"kind": "joined", "key": "joined", "decoder": None, **whole, **more}
    (made,) = pictures.paint(session, want)
    assert isinstance(made, Picture)
    return made


@pytest.mark.parametrize("make", [bart, t5])
def test_rows_are_those_of_the_model(make: Any) -> None:
    session = make()
    snapshot = session.run_inputs({"input_ids": SOURCE, "decoder_input_ids": TARGET})
    made = joined(session, at=2, cross=[[0, 1]])
    cross = snapshot.call("cross", 0).weights(head=1, queries=2)[0, 0, 0]
    assert np.array_equal(made.arrays["cross"], cross.numpy())
    last = snapshot.stacks["decoder"][-1].weights(queries=2)[0, :, 0].double().mean(0)
    np.testing.assert_allclose(made.arrays["decoder"], last, atol=1e-7)
    readers = made.arrays["readers"].tolist()
    assert readers == sorted(range(5), key=lambda i: -float(cross[i]))[:4]
    encoder = snapshot.stacks["encoder"][-1].weights(queries=readers)[0].double().mean(0)
    np.testing.assert_allclose(made.arrays["encoder"], encoder, atol=1e-7)
    heads = snapshot.stacks["encoder"][-1].heads
    assert made.facts["heads"]["encoder"] == [[1, head] for head in range(heads)]
    assert made.facts["heads"]["cross"] == [[0, 1]]


def test_a_source_word_is_the_only_reader_where_it_is_chosen() -> None:
    session = bart()
    snapshot = session.run_inputs({"input_ids": SOURCE, "decoder_input_ids": TARGET})
    made = joined(session, at=1, source=3, encoder=[[0, 1]])
    assert made.arrays["readers"].tolist() == [3]
    row = snapshot.call("encoder", 0).weights(head=1, queries=3)[0, 0]
    assert np.array_equal(made.arrays["encoder"], row.numpy())


def test_it_says_what_is_written_there_and_how_sure_the_model_was() -> None:
    session = bart()
    snapshot = session.run_inputs({"input_ids": SOURCE, "decoder_input_ids": TARGET})
    assert snapshot.logits is not None
    shares = snapshot.logits.tensor[0].softmax(-1)
    within = joined(session, at=1).facts["writes"]
    assert within["text"] == "12"
    assert not within["guessed"]
    assert within["share"] == pytest.approx(float(shares[1, 12]), rel=1e-5)
    last = joined(session, at=3).facts["writes"]
    assert last["text"] == str(int(shares[3].argmax()))
    assert last["guessed"]


def test_padding_behind_the_source_is_left_out_and_its_share_told() -> None:
    session = bart()
    mask = torch.tensor([[1, 1, 1, 0, 0]])
    inputs = {"input_ids": SOURCE, "attention_mask": mask, "decoder_input_ids": TARGET}
    snapshot = session.run_inputs(inputs)
    made = joined(session, at=2, cross=[[0, 1]], source=1)
    assert len(made.facts["source"]["texts"]) == 3
    assert made.arrays["cross"].shape == (3,)
    assert made.arrays["encoder"].shape == (1, 3)
    assert made.facts["to_padding"] == 0.0
    row = snapshot.call("cross", 0).weights(head=1, queries=2)[0, 0, 0]
    assert np.array_equal(made.arrays["cross"], row[:3].numpy())
    with pytest.raises(Trouble, match="source=4"):
        joined(session, source=4)


def test_it_opens_at_a_word_of_its_own_choice_and_keeps_within_a_shorter_text() -> None:
    session = bart()
    session.run_inputs({"input_ids": SOURCE, "decoder_input_ids": TARGET})
    assert 0 <= joined(session).facts["at"] < 4
    assert joined(session, at=99).facts["at"] == 3


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"cross": [[9, 0]]}, "no layer 9"),
        ({"encoder": [[0, 7]]}, "head=7"),
        ({"source": 5}, "source=5"),
        ({"batch": 1}, "batch"),
        ({"at": "x"}, "whole number"),
    ],
)
def test_what_does_not_exist_is_refused(wrong: dict[str, Any], said: str) -> None:
    session = bart()
    session.run_inputs({"input_ids": SOURCE, "decoder_input_ids": TARGET})
    with pytest.raises(Trouble, match=said):
        joined(session, **wrong)


def test_it_needs_an_encoder_and_a_decoder() -> None:
    session = Session(torch.nn.TransformerEncoderLayer(16, 2, 32, batch_first=True).eval())
    session.run_inputs(torch.randn(1, 4, 16))
    with pytest.raises(Trouble, match="no cross and no decoder"):
        joined(session)
