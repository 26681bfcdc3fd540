"""What dividing by √d does, on models of several kinds: re-derived from their tensors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from attnwidget.call import AttentionCall
from attnwidget.messages import Picture
from attnwidget.pictures import scaling as scaling_module
from attnwidget.session import Session
from attnwidget.trouble import Trouble
from tests.unit.head_pictures import NO_PRODUCTS, ask_anything, check_plain_json
from tests.unit.models import HEADS, D, transformers_inputs, transformers_model
from tests.unit.test_pictures import draw, session_of
from tests.unit.test_pictures_steps import KINDS, calls_of, run

# With something in their scores beside products and mask.
HAVE_MORE = {"t5", "bloom", "gemma2", "gpt_oss", "bias", "cap by hand"}
SCALES = {"t5": 1.0, "grouped": 0.3, "gpt2": 0.5, "bert": 0.5, "notebook": 0.5}


def scaling_of(session: Session, stack: str, call: AttentionCall, **where: Any) -> Picture:
    want = {"kind": "scaling", "stack": stack, "heads": [[call.layer, 0]], **where}
    (made,) = draw(session, **want)
    return made


def of_visible(call: AttentionCall, head: int, batch: int) -> list[torch.Tensor]:
    """Products q·k of each query with the keys it may see, in float64."""
    assert call.q is not None
    assert call.k is not None
    q = call.q[batch % call.q.shape[0], head].double()
    k = call.k[batch % call.k.shape[0], head * call.k.shape[1] // call.heads].double()
    seen = call.visible(head, batch=batch)[0, 0]
    return [(k[seen[i]] * q[i]).sum(-1) for i in range(call.query_len)]


@pytest.mark.parametrize("name", KINDS)
def test_variances_and_rows_are_those_of_the_models_own_vectors(name: str) -> None:
    session = run(KINDS[name].make, KINDS[name].inputs)
    have_more = False
    for stack, call in calls_of(session):
        for head in range(call.heads):
            made = scaling_of(session, stack, call, heads=[[call.layer, head]], batch=1)
            facts, of = made.facts, made.facts["measured"]
            products = of_visible(call, head, 1)
            scores = torch.cat(products)
            assert facts["d"] == call.q.shape[-1]
            assert of["pairs"] == len(scores)
            assert of["products"]["variance"] == pytest.approx(scores.var(correction=0).item())
            assert of["scaled"]["mean"] == pytest.approx((scores * facts["scale"]).mean().item())
            norms = call.q[1, head].double().square().sum(-1).mean().item()
            assert of["q_squared"] == pytest.approx(norms)
            for which, factor in (
                ("own", facts["scale"]), ("unscaled", 1.0), ("root_d", facts["d"] ** -0.5),
            ):  # fmt: skip
                rows = [(row * factor).softmax(-1) for row in products if len(row) >= 2]
                largest = torch.stack([row.max() for row in rows]).mean()
                entropy = torch.stack([torch.special.entr(row).sum() for row in rows]).mean()
                assert of["rows"][which]["largest"] == pytest.approx(largest.item())
                assert of["rows"][which]["entropy"] == pytest.approx(entropy.item() / math.log(2))
            assert of["rows"]["count"] == len(rows)
            np.testing.assert_allclose(made.arrays["scores"], scores, rtol=1e-5, atol=1e-6)
            have_more |= not of["is_whole_score"]
            assert facts["scale"] == pytest.approx(SCALES.get(name, facts["scale"]))
    assert have_more == (name in HAVE_MORE)


def test_cross_attention_is_measured_as_well() -> None:
    session = Session(transformers_model("t5"))
    session.run_inputs(transformers_inputs("t5"))
    (stack, call), *_ = [each for each in calls_of(session) if each[1].kind == "cross"]
    made = scaling_of(session, stack, call)
    assert made.facts["scale"] == 1.0
    assert made.facts["measured"]["is_whole_score"]


@pytest.mark.parametrize("why", NO_PRODUCTS)
def test_without_queries_and_keys_it_says_why(why: str) -> None:
    session = run(*NO_PRODUCTS[why])
    stack, call = next(calls_of(session))
    made = scaling_of(session, stack, call)
    assert made.facts["measured"] is None
    assert made.facts["why_not"].startswith(why)
    assert not made.arrays


def test_given_maps_have_weights_alone() -> None:
    (made,) = draw(session_of(1, 2, 4, 5), kind="scaling", heads=[[1, 1]])
    assert made.facts["why_not"].startswith("Only weights were given")


def test_a_long_text_is_measured_on_queries_spread_over_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scaling_module, "MOST_PAIRS", 40)
    session = run(lambda: nn.MultiheadAttention(D, HEADS), lambda: (torch.randn(20, 1, D),) * 3)
    stack, call = next(calls_of(session))
    made = scaling_of(session, stack, call)
    assert made.facts["measured"]["queries"] == [2, 20]
    first_and_last = torch.cat([of_visible(call, 0, 0)[i] for i in (0, 19)])
    np.testing.assert_allclose(made.arrays["scores"], first_and_last, rtol=1e-5, atol=1e-6)


def test_rows_that_are_not_numbers_are_left_out_and_none_left_is_told() -> None:
    x = torch.randn(5, 2, D)
    x[3, 0], x[:, 1] = math.nan, math.nan
    session = Session(nn.MultiheadAttention(D, HEADS).eval())
    session.run_inputs((x, x[:3], x[:3]))
    stack, call = next(calls_of(session))
    some, none = (scaling_of(session, stack, call, batch=batch) for batch in (0, 1))
    assert some.facts["measured"]["rows"]["count"] == 4
    assert some.facts["measured"]["q_squared"] is None
    assert none.facts["measured"] is None
    assert "are numbers" in none.facts["why_not"]
    for made in (some, none):
        check_plain_json(made)


@pytest.mark.parametrize(
    "bad",
    [
        {"heads": [[0, 99]]}, {"heads": [[9, 0]]}, {"heads": []}, {"heads": "all"},
        {"heads": [[0, True]]}, {"batch": 7}, {"batch": None}, {"stack": "nowhere"},
    ],
)  # fmt: skip
def test_what_does_not_exist_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(Trouble):
        draw(session_of(1, 2, 4, 5), **{"kind": "scaling", "heads": [[0, 0]], **bad})


def test_any_want_makes_a_picture_or_a_trouble() -> None:
    ask_anything("scaling", "heads", "batch")
