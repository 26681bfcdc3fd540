"""Logits of a pass: found in what the model returned, referred to, never copied."""

from __future__ import annotations

import gc
import weakref
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import attnwidget as aw
from attnwidget.binding.capture import Pass, attach
from attnwidget.outputs import Logits, logits_of
from attnwidget.session import Session
from attnwidget.trouble import Trouble
from tests.unit.models import transformers_inputs, transformers_model
from tests.unit.test_session import Tiny


@dataclass
class Output:
    logits: Any = None
    hidden: Any = None


LOGITS = torch.randn(2, 5, 7)


@pytest.mark.parametrize(
    ("output", "found"),
    [
        (Output(LOGITS), True),
        ({"loss": torch.tensor(1.0), "logits": LOGITS}, True),
        (LOGITS, True),
        ((torch.tensor(1.0), LOGITS), True),
        ([LOGITS, torch.zeros(2, 5, 7)], True),
        ((torch.zeros(2, 5, dtype=torch.int64), LOGITS), True),
        (Output(), False),
        ({"hidden": LOGITS}, False),
        (torch.zeros(2, 5, dtype=torch.int64), False),
        ((torch.zeros(2, 3, 5, 7),), False),
        ((), False),
        ("logits", False),
        (None, False),
    ],
)
def test_where_logits_are_found(output: Any, found: bool) -> None:
    logits = logits_of(output)
    assert (logits is not None) == found
    if logits is not None:
        assert logits.tensor.data_ptr() == LOGITS.data_ptr()
        assert torch.equal(logits.tensor, LOGITS)


def test_a_pass_of_a_transformers_model_has_its_logits() -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        n_layer=1, n_head=2, n_embd=8, vocab_size=11, bos_token_id=0, eos_token_id=0
    )
    session = Session(GPT2LMHeadModel(config).eval())
    snapshot = session.run_inputs({"input_ids": torch.tensor([[1, 2, 3]])})
    assert snapshot.logits is not None
    assert snapshot.logits.tensor.shape == (1, 3, 11)
    bare = Session(transformers_model("bert")).run_inputs(transformers_inputs("bert"))
    assert bare.logits is None  # it returns hidden states, by name


def test_under_inference_mode_they_are_taken_as_they_are() -> None:
    with torch.inference_mode():
        logits = logits_of(torch.ones(1, 2))
    assert logits is not None
    assert logits.version is None
    assert logits.tensor.tolist() == [[1.0, 1.0]]


class Double(torch.autograd.Function):
    """A node of the graph that can be watched."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x * 2.0

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return grad * 2.0


class TwoOutputs(nn.Module):
    """Attention, then logits and hidden states in one object."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Output:
        hidden = Double.apply(self.attention(x, x, x, need_weights=False)[0])
        return Output(self.head(hidden), hidden)


def test_logits_that_were_overwritten_are_refused() -> None:
    model = TwoOutputs()
    passes: list[Pass] = []
    binding = attach(model, passes.append)
    output = model(torch.randn(1, 4, 8))
    binding.detach()
    (done,) = passes
    assert done.logits is not None
    assert torch.equal(done.logits.tensor, output.logits)
    with torch.no_grad():
        output.logits.div_(0.7)
    with pytest.raises(Trouble, match="logits were overwritten after the pass"):
        _ = done.logits.tensor


def test_neither_graph_nor_hidden_states_are_kept_alive() -> None:
    model = TwoOutputs()
    session = Session(model)
    session.attach()
    output = model(torch.randn(1, 4, 8))
    hidden = weakref.ref(output.hidden)
    graph = weakref.ref(output.hidden.grad_fn)
    assert graph() is not None
    del output
    gc.collect()
    assert session.snapshot is not None
    assert isinstance(session.snapshot.logits, Logits)
    assert session.snapshot.logits.tensor.grad_fn is None
    assert hidden() is None
    assert graph() is None
    session.detach()


def test_arrays_have_no_logits() -> None:
    ex = aw.explore(attention=[torch.ones(1, 1, 1, 1)])
    assert ex._session.snapshot is not None
    assert ex._session.snapshot.logits is None


def test_an_output_that_cannot_be_read_does_no_harm() -> None:
    class Strange:
        @property
        def logits(self) -> Tensor:
            raise RuntimeError("not now")

    class Returns(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Tiny()

        def forward(self, ids: Tensor) -> Strange:
            self.inner(ids)
            return Strange()

    session = Session(model := Returns())
    session.attach()
    with pytest.warns(UserWarning, match="reading the output raised RuntimeError: not now"):
        assert isinstance(model(torch.tensor([[1, 2]])), Strange)
    assert session.snapshot is not None
    assert session.snapshot.logits is None
    session.detach()
