"""What a page needs to shuffle the tokens of a head, on models of several kinds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from attnwidget.call import AttentionCall
from attnwidget.messages import Picture
from attnwidget.session import Session
from attnwidget.trouble import Trouble
from tests.unit.head_pictures import NO_PRODUCTS, ask_anything, check_plain_json
from tests.unit.models import HEADS, D, Notebook, Sdpa, transformers_inputs, transformers_model
from tests.unit.test_capture_kinds import XCA
from tests.unit.test_pictures import draw, session_of
from tests.unit.test_pictures_scaling import HAVE_MORE
from tests.unit.test_pictures_steps import KINDS, calls_of, run

CAUSAL = {"gpt2", "llama", "nanoGPT", "nanoGPT by hand", "grouped", "notebook", "bart", "t5"}


def order_of(session: Session, stack: str, call: AttentionCall, **where: Any) -> Picture:
    want = {"kind": "order", "stack": stack, "heads": [[call.layer, 0]], **where}
    (made,) = draw(session, **want)
    return made


@pytest.mark.parametrize("name", KINDS)
def test_queries_keys_and_values_give_the_heads_output_by_mask_and_softmax(name: str) -> None:
    session = run(KINDS[name].make, KINDS[name].inputs)
    adds_more, causal = False, False
    for stack, call in calls_of(session):
        for head in range(call.heads):
            made = order_of(session, stack, call, heads=[[call.layer, head]], batch=1)
            facts = made.facts
            q, k, v = (torch.from_numpy(made.arrays[part]).double() for part in "qkv")
            seen = call.visible(head, batch=1)[0, 0]
            assert facts["counts"] == facts["tokens"] == [call.query_len, call.key_len]
            assert facts["masked"] == (not seen.all())
            scores = (q @ k.T * facts["scale"]).masked_fill(~seen, -math.inf)
            weights = scores.softmax(-1).nan_to_num()
            off = float((weights - call.weights(head, batch=1)[0, 0]).abs().max())
            assert facts["adds_more"] == (off > 1e-4)
            if not facts["adds_more"] and call.output is not None:
                np.testing.assert_allclose(weights @ v, call.output[1, head], atol=1e-5)
            assert facts["among_themselves"] == (
                call.kind == "self" and call.query_len == call.key_len
            )
            adds_more |= facts["adds_more"]
            causal |= facts["causal"]
    assert adds_more == (name in HAVE_MORE)
    if name in CAUSAL:
        assert causal


def test_of_cross_attention_only_the_keys_are_a_set() -> None:
    session = Session(transformers_model("t5"))
    session.run_inputs(transformers_inputs("t5"))
    stack, call = next(each for each in calls_of(session) if each[1].kind == "cross")
    made = order_of(session, stack, call)
    assert not made.facts["among_themselves"]
    assert not made.facts["adds_more"]


def test_of_a_long_text_the_first_tokens_take_part() -> None:
    session = run(lambda: Sdpa("causal"), lambda: torch.randn(1, 40, D))
    stack, call = next(calls_of(session))
    made = order_of(session, stack, call)
    assert made.facts["counts"] == [24, 24]
    assert made.facts["tokens"] == [40, 40]
    assert made.facts["causal"]
    assert not made.facts["adds_more"], "its rows are compared over all that they see"
    np.testing.assert_array_equal(made.arrays["k"], call.k[0, 0, :24])


def test_the_rounding_of_half_precision_is_nothing_more() -> None:
    session = run(
        lambda: Notebook().to(torch.bfloat16),
        lambda: 3 * torch.randn(2, 5, D, dtype=torch.bfloat16),
    )
    for stack, call in calls_of(session):
        assert not order_of(session, stack, call).facts["adds_more"]


def test_features_that_attend_to_features_are_shuffled_as_any_other() -> None:
    session = run(XCA, lambda: torch.randn(2, 5, D))
    stack, call = next(calls_of(session))
    made = order_of(session, stack, call)
    assert made.arrays["q"].shape == (call.query_len, 5)
    assert not made.facts["among_themselves"]


@pytest.mark.parametrize("why", NO_PRODUCTS)
def test_without_queries_and_keys_it_says_why(why: str) -> None:
    session = run(*NO_PRODUCTS[why])
    stack, call = next(calls_of(session))
    made = order_of(session, stack, call)
    assert made.facts["why_not"].startswith(why)
    assert not made.arrays


def test_given_maps_have_weights_alone() -> None:
    (made,) = draw(session_of(1, 2, 4, 5), kind="order", heads=[[1, 1]])
    assert made.facts["why_not"].startswith("Only weights were given")


def test_what_is_no_number_is_told_and_not_sent() -> None:
    x = torch.randn(5, 2, D)
    x[3, 0] = math.nan
    session = Session(nn.MultiheadAttention(D, HEADS).eval())
    session.run_inputs((x, x, x))
    stack, call = next(calls_of(session))
    made = order_of(session, stack, call)
    assert "are numbers" in made.facts["why_not"]
    assert not made.arrays
    check_plain_json(made)


@pytest.mark.parametrize(
    "bad", [{"heads": [[0, 99]]}, {"heads": []}, {"batch": 7}, {"stack": "nowhere"}]
)
def test_what_does_not_exist_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(Trouble):
        draw(session_of(1, 2, 4, 5), **{"kind": "order", "heads": [[0, 0]], **bad})


def test_any_want_makes_a_picture_or_a_trouble() -> None:
    ask_anything("order", "heads", "batch")
