"""The formula behind recomputed weights, and what is said when they cannot be had."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from attnwidget.binding import recompute
from attnwidget.binding.capture import capture
from attnwidget.call import AttentionCall
from attnwidget.trouble import Trouble
from tests.unit.models import NanoGPT, Notebook, Sdpa, transformers_inputs, transformers_model


class Plain(nn.Module):
    """Just the function."""

    def forward(self, *args: Tensor | None, **kwargs: object) -> Tensor:
        return F.scaled_dot_product_attention(*args, **kwargs)


def attend(*args: Tensor | None, **kwargs: object) -> AttentionCall:
    with torch.no_grad(), capture(model := Plain()) as trace:
        model(*args, **kwargs)
    return trace.calls[0]


@settings(deadline=None, max_examples=150)
@given(
    batch=st.integers(1, 3),
    kv_heads=st.integers(1, 3),
    group=st.integers(1, 3),
    tq=st.integers(1, 9),
    tk=st.integers(1, 9),
    d=st.integers(1, 8),
    dv=st.integers(1, 5),
    masked=st.sampled_from(["none", "causal", "bool", "float", "heads", "two axes"]),
    scale=st.sampled_from([None, 0.1, 1.0, 2.5]),
    dtype=st.sampled_from([torch.float32, torch.float64, torch.bfloat16]),
    rows=st.integers(1, 5),
    seed=st.integers(0, 10_000),
)
def test_the_formula_meets_the_kernel(
    batch: int,
    kv_heads: int,
    group: int,
    tq: int,
    tk: int,
    d: int,
    dv: int,
    masked: str,
    scale: float | None,
    dtype: torch.dtype,
    rows: int,
    seed: int,
) -> None:
    torch.manual_seed(seed)
    heads = kv_heads * group
    q = torch.randn(batch, heads, tq, d, dtype=dtype)
    k = torch.randn(batch, kv_heads, tk, d, dtype=dtype)
    v = torch.randn(batch, kv_heads, tk, dv, dtype=dtype)
    mask = {
        "bool": torch.rand(batch, 1, tq, tk) > 0.3,
        "float": torch.randn(1, 1, tq, tk, dtype=dtype),
        "heads": torch.rand(batch, heads, tq, tk) > 0.3,
        "two axes": torch.randn(tq, tk).masked_fill(torch.rand(tq, tk) > 0.7, -math.inf).to(dtype),
    }.get(masked)
    call = attend(
        q, k, v, attn_mask=mask, is_causal=masked == "causal", scale=scale, enable_gqa=group > 1
    )
    whole = call.weights()
    assert whole.shape == (batch, heads, tq, tk)
    assert call.status in (("exact", "checked") if dtype is torch.bfloat16 else ("exact",))
    assert call.kv_heads == kv_heads
    # A part is the same part of the whole, in chunks of any size.
    before = recompute.SCORES_BYTES
    recompute.SCORES_BYTES = rows * 4 * tk
    try:
        h, i, j = seed % heads, seed % tq, seed % tk
        part = call.weights(head=h, queries=slice(i, None), keys=[j, 0], batch=-1)
        assert torch.allclose(part, whole[-1:, h : h + 1, i:, [j, 0]], atol=1e-6, equal_nan=True)
        assert torch.allclose(call.weights(), whole, atol=1e-6)
    finally:
        recompute.SCORES_BYTES = before
    seen = call.visible()
    assert not (whole * ~seen).any()
    assert seen.shape == whole.shape


def test_a_flag_of_causality_aligns_at_the_top_left() -> None:
    q, k = torch.randn(1, 1, 2, 4), torch.randn(1, 1, 4, 4)
    call = attend(q, k, k, is_causal=True)
    assert call.visible()[0, 0].tolist() == [
        [True, False, False, False],
        [True, True, False, False],
    ]
    assert call.causal


def test_selectors_keep_four_axes() -> None:
    call = attend(*(torch.randn(2, 3, 5, 4) for _ in range(3)))
    assert call.weights(head=1).shape == (2, 1, 5, 5)
    assert call.weights(head=-1, queries=0, keys=4, batch=1).shape == (1, 1, 1, 1)
    assert call.weights(queries=torch.tensor([0, 2, 2])).shape == (2, 3, 3, 5)
    assert call.weights(queries=slice(None, None, 2)).shape == (2, 3, 3, 5)
    assert call.weights(queries=slice(None, None, -1)).shape == (2, 3, 5, 5)
    assert call.weights(keys=[]).shape == (2, 3, 5, 0)
    backwards = call.weights(queries=slice(None, None, -1))
    assert torch.allclose(backwards.flip(2), call.weights(), atol=1e-6)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"head": 3}, r"There is no head 3 in this call\. It has 3, numbered 0 to 2\."),
        ({"queries": -6}, r"There is no query -6 in this call\. It has 5"),
        ({"keys": [0, 5]}, r"There is no key 5"),
        ({"batch": 2}, r"There is no batch item 2"),
        ({"head": 1.0}, r"heads was selected by 1\.0\. Give whole numbers"),
        ({"head": "1"}, r"heads was selected by '1'"),
        ({"head": True}, r"heads was selected by True"),
        ({"queries": torch.ones(2)}, r"queries was selected by a torch\.float32 tensor"),
        ({"queries": torch.ones(2, 2).long()}, r"of shape \(2, 2\)"),
    ],
)
def test_a_selector_that_does_not_fit_says_what_does(
    where: dict[str, object], message: str
) -> None:
    call = attend(*(torch.randn(2, 3, 5, 4) for _ in range(3)))
    with pytest.raises(Trouble, match=message):
        call.weights(**where)
    with pytest.raises(Trouble, match=message):
        call.visible(**where)


class Overwriting(nn.Module):
    def __init__(self, which: str) -> None:
        super().__init__()
        self.which = which

    def forward(self, x: Tensor) -> Tensor:
        tensors = {"q": x * 1, "k": x * 2, "v": x * 3, "mask": torch.ones(5, 5, dtype=torch.bool)}
        y = F.scaled_dot_product_attention(*tensors.values())
        if self.which == "output":
            return y.mul_(2)
        tensors[self.which].zero_()
        return y


@pytest.mark.parametrize("which", ["q", "k", "v", "mask"])
def test_overwritten_tensors_are_noticed(which: str) -> None:
    model = Overwriting(which)
    x = torch.randn(1, 2, 5, 4)
    with torch.no_grad(), capture(model) as trace:
        model(x)
    (call,) = trace.calls
    message = f"{which} was overwritten after the call: capture with copy=True"
    assert call.status == "unavailable"
    assert message in call.note
    assert math.isnan(call.check())
    for read in (call.weights, call.scores, call.visible):
        with pytest.raises(Trouble, match=message):
            read()
    with torch.no_grad(), capture(model, copy=True) as copied:
        model(x)
    assert copied.calls[0].status == "exact"


def test_an_overwritten_output_only_costs_the_check() -> None:
    with torch.no_grad(), capture(model := Overwriting("output")) as trace:
        model(torch.randn(1, 2, 5, 4))
    (call,) = trace.calls
    assert call.status == "approximate"
    assert "not checked: the output was overwritten" in call.note
    assert call.output is None
    assert torch.allclose(call.weights().sum(-1), torch.ones(()))


def test_weights_that_the_user_changes_afterwards_are_noticed() -> None:
    model = Notebook()
    with torch.no_grad(), capture(model) as trace:
        _, weights = model(torch.randn(2, 5, 16))
    assert trace.calls[0].status == "exact"
    weights.zero_()
    assert trace.calls[0].status == "unavailable"
    with pytest.raises(Trouble, match="weights was overwritten after the call"):
        trace.calls[0].weights()


@pytest.mark.parametrize("which", ["", "q"])
def test_inference_mode_is_checked_as_overwriting_cannot_be_noticed(which: str) -> None:
    model = Overwriting(which) if which else Sdpa()
    x = torch.randn(1, 2, 5, 4) if which else torch.randn(2, 5, 16)
    with torch.inference_mode(), capture(model) as trace:
        model(x)
    (call,) = trace.calls
    assert call.status == ("approximate" if which else "exact")


def test_inference_mode_of_a_notebook() -> None:
    with torch.inference_mode(), capture(model := Notebook()) as trace:
        model(torch.randn(2, 5, 16))
    assert trace.calls[0].status == "exact"
    assert torch.allclose(trace.calls[0].scores().softmax(-1), trace.calls[0].weights(), atol=1e-6)


def test_autocast_shows_the_dtype_that_was_used() -> None:
    model = Sdpa()
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16), capture(model) as trace:
        model(torch.randn(2, 5, 16))
    assert trace.calls[0].dtype == torch.bfloat16
    assert trace.calls[0].status in ("exact", "checked")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
@pytest.mark.parametrize("make", [Sdpa, Notebook, lambda: NanoGPT(flash=False)])
def test_other_dtypes_of_hand_written_models(make: type[nn.Module], dtype: torch.dtype) -> None:
    model = make().to(dtype)
    given = torch.randint(0, 50, (2, 5)) if isinstance(model, NanoGPT) else torch.randn(2, 5, 16)
    given = given.to(dtype) if given.is_floating_point() else given
    with torch.no_grad(), capture(model) as trace:
        model(given)
    for call in trace.calls:
        assert call.dtype == dtype
        assert call.weights().dtype == torch.float32
        assert call.status in ("exact", "checked")


def test_nan_in_a_query_is_shown_where_it_is() -> None:
    x = torch.randn(1, 3, 16)
    x[0, 1] = math.nan
    with torch.no_grad(), capture(model := Notebook()) as trace:
        model(x)
    call = trace.calls[0]
    assert call.weights()[0, :, 1].isnan().all()
    assert call.status == "exact"

    q = torch.randn(1, 1, 3, 4)
    q[0, 0, 1] = math.nan
    call = attend(q, torch.randn(1, 1, 3, 4), torch.randn(1, 1, 3, 4))
    assert call.weights()[0, 0, 1].isnan().all()
    assert not call.weights()[0, 0, [0, 2]].isnan().any()
    # Some kernels give zeros for such a row; then the map is not quite what happened.
    if call.output.isnan().any():  # type: ignore[union-attr]
        assert call.status == "exact"
    else:
        assert (call.status, call.note) == (
            "approximate",
            "W @ V and the output are not NaN in the same places.",
        )


def test_long_texts_are_checked_in_a_sample_and_the_note_says_so() -> None:
    call = attend(*(torch.randn(1, 1, 300, 4) for _ in range(3)))
    assert call.status == "exact"
    assert call.note == "Checked on 256 of 300 queries."


def test_dropout_cannot_be_checked_and_the_note_says_so() -> None:
    q = torch.randn(1, 2, 5, 4)
    call = attend(q, q, q, dropout_p=0.5)
    assert call.status == "approximate"
    assert "dropout (0.5) was active, and the weights shown are before it" in call.note
    assert torch.allclose(call.weights().sum(-1), torch.ones(()))


def test_an_eager_function_that_raises_is_said_so() -> None:
    model = transformers_model("bert")
    with torch.no_grad(), capture(model) as trace:
        model(**transformers_inputs("bert"))
    call = trace.calls[0]

    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("this model has no eager attention")

    call._evidence._eager = broken  # type: ignore[attr-defined]
    with pytest.raises(Trouble, match="could not be run again: RuntimeError: this model has no"):
        call.weights()
    assert call.status == "unavailable"
    assert "this model has no eager attention" in call.note


def test_an_eager_function_that_is_another_than_the_kernel_is_said_so() -> None:
    model = transformers_model("bert")
    with torch.no_grad(), capture(model) as trace:
        model(**transformers_inputs("bert"))
    call = trace.calls[0]
    own = call._evidence._eager  # type: ignore[attr-defined]
    call._evidence._eager = lambda *a, **k: own(*a, **{**k, "scaling": 3.0})  # type: ignore[attr-defined]
    assert call.status == "approximate"
    assert "W @ V differs from the output by" in call.note


def test_calls_print_shortly() -> None:
    call = attend(*(torch.randn(2, 3, 5, 4) for _ in range(3)))
    assert repr(call) == "AttentionCall('', self, source='sdpa', B=2, H=3, Tq=5, Tk=5, step=0)"
