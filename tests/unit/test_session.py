"""Session: running, following, and one clear error for each bad input."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from attnwidget.running import Encoded, encode, place, quietly
from attnwidget.session import Session
from attnwidget.trace import Trace
from attnwidget.trouble import Trouble


class Tiny(nn.Module):
    """One causal layer over token ids."""

    def __init__(self, positions: int = 16, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.max_len = positions
        self.words = nn.Embedding(64, 8, dtype=dtype)
        self.mix = nn.Linear(8, 24, dtype=dtype)
        self.dropout = nn.Dropout(0.5)

    def forward(self, ids: Tensor) -> Tensor:
        q, k, v = self.mix(self.words(ids)).unflatten(-1, (3, 2, 4)).permute(2, 0, 3, 1, 4)
        return self.dropout(F.scaled_dot_product_attention(q, k, v, is_causal=True))


class Words:
    """A tokenizer with one id per word."""

    def __call__(self, text: str, return_tensors: str) -> dict[str, Tensor]:
        assert return_tensors == "pt"
        return {"ids": torch.tensor([[len(word) for word in text.split()]])}

    def decode(self, ids: list[int]) -> str:
        return "x" * ids[0]


def test_running_a_text_gives_a_snapshot_with_token_texts() -> None:
    session = Session(Tiny(), Words())
    snapshot = session.run("a bb ccc")
    assert snapshot.text == "a bb ccc"
    assert [t.text for t in snapshot.sides("decoder").queries] == ["x", "xx", "xxx"]
    assert snapshot.call("decoder", 0).key_len == 3


@pytest.mark.parametrize(
    "tokenizer",
    [
        lambda text: [len(word) for word in text.split()],
        lambda text: torch.tensor([[len(word) for word in text.split()]]),
        lambda text: {"input_ids": torch.tensor([[1, 2, 3]]), "token_type_ids": torch.zeros(1, 3)},
        type("Encodes", (), {"encode": lambda self, text: [len(w) for w in text.split()]})(),
    ],
)
def test_any_way_from_text_to_ids_will_do(tokenizer: Any) -> None:
    session = Session(Tiny(), tokenizer)
    assert session.run("a bb ccc").call("decoder", 0).query_len == 3


def test_every_pass_is_followed_until_detached() -> None:
    model = Tiny()
    session = Session(model)
    before = set(vars(model))
    session.attach()
    model(torch.tensor([[1, 2, 3, 4]]))
    model(torch.tensor([[1, 2]]))
    assert session.snapshot is not None
    assert session.snapshot.number == 2
    assert session.snapshot.call("decoder", 0).query_len == 2
    session.detach()
    assert set(vars(model)) == before
    model(torch.tensor([[1, 2, 3]]))
    assert session.snapshot.number == 2


def test_the_models_mode_is_put_back_module_by_module() -> None:
    model = Tiny()
    model.train()
    model.mix.eval()
    Session(model, Words()).run("a bb")
    assert (model.training, model.mix.training, model.dropout.training) == (True, False, True)


def test_the_models_mode_is_put_back_when_it_raises() -> None:
    model = Tiny().train()
    with pytest.raises(IndexError), quietly(model):
        model(torch.tensor([[99]]))
    assert model.training
    assert model.dropout.training


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_a_model_of_another_dtype_works(dtype: torch.dtype) -> None:
    linear = nn.MultiheadAttention(8, 2, batch_first=True, dtype=dtype)

    class Floats(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = linear

        def forward(self, x: Tensor) -> Tensor:
            return self.attention(x, x, x)[0]

    session = Session(Floats())
    snapshot = session.run_inputs(torch.randn(1, 5, 8))
    (calls,) = snapshot.stacks.values()
    assert calls[0].dtype == dtype
    assert calls[0].weights().sum(-1).allclose(torch.ones(1, 2, 5), atol=1e-2)


def test_inputs_go_to_the_models_device() -> None:
    model = Tiny().to("meta")
    placed = place(Encoded((torch.tensor([[1]]), "as it is"), {"x": torch.ones(1)}), model)
    assert placed.args[0].device.type == "meta"
    assert placed.args[0].dtype == torch.int64
    assert placed.args[1] == "as it is"
    assert placed.kwargs["x"].device.type == "meta"


@pytest.mark.parametrize("text", ["", "   \n", 7])
def test_an_empty_text_is_refused(text: Any) -> None:
    with pytest.raises(Trouble, match="The text is empty"):
        Session(Tiny(), Words()).run(text)


def test_a_text_without_a_tokenizer_is_refused() -> None:
    with pytest.raises(Trouble, match=r"no tokenizer.*aw.explore\(model, tokenizer, text\)"):
        Session(Tiny()).run("a")


def test_a_text_longer_than_the_positions_is_refused_with_both_numbers() -> None:
    with pytest.raises(Trouble, match="has 20 tokens, but the model has 16 positions.*least 4"):
        Session(Tiny(), Words()).run("a " * 20)


def test_a_tokenizer_that_makes_nothing_of_the_text_is_said() -> None:
    with pytest.raises(Trouble, match="made no tokens"):
        encode(lambda text: [], Tiny(), "abc")


def test_something_that_is_no_tokenizer_is_named() -> None:
    with pytest.raises(Trouble, match="The tokenizer is a int"):
        encode(3, Tiny(), "abc")


def test_tokens_that_fit_no_stack_are_refused_with_both_numbers() -> None:
    session = Session(Tiny(), tokens=["a", "b"])
    with pytest.raises(Trouble, match="2 tokens were given, but .* over 3 positions"):
        session.run_inputs(torch.tensor([[1, 2, 3]]))


def test_given_tokens_are_shown() -> None:
    session = Session(Tiny(), tokens=["red", "green", "blue"])
    snapshot = session.run_inputs((torch.tensor([[1, 2, 3]]),))
    assert [t.text for t in snapshot.sides("decoder").keys] == ["red", "green", "blue"]


def test_a_model_without_attention_says_what_was_looked_at() -> None:
    session = Session(nn.Sequential(nn.Linear(4, 4), nn.ReLU()))
    with pytest.raises(Trouble, match="No attention was found in Sequential.*Linear, ReLU"):
        session.run_inputs(torch.ones(1, 4))


class HandMadeAttention(nn.Module):
    """Weights from exp and sum: no softmax to be seen."""

    def forward(self, x: Tensor) -> Tensor:
        scores = torch.exp(x @ x.transpose(-2, -1))
        return scores / scores.sum(-1, keepdim=True) @ x


def test_modules_that_are_called_attention_but_were_not_seen_are_named() -> None:
    model = nn.Sequential(nn.Linear(4, 4), HandMadeAttention())
    with pytest.raises(Trouble, match=r"Not seen at work: 1\."):
        Session(model).run_inputs(torch.rand(1, 3, 4))


def test_a_forward_that_raises_shows_its_own_error_and_keeps_the_last_picture() -> None:
    session = Session(Tiny(), lambda text: [int(word) for word in text.split()])
    good = session.run("1 2 3")
    with pytest.raises(IndexError, match="index out of range"):
        session.run("1 2 99")
    assert session.snapshot is good
    assert session.trouble is not None
    assert session.trouble.title == "The forward pass raised IndexError."
    assert session.trouble.detail == "index out of range in self"
    assert session.run("3 2 1").number == 2
    assert session.trouble is None


def test_bad_input_of_any_kind_keeps_the_last_picture() -> None:
    session = Session(Tiny(), Words())
    good = session.run("a bb ccc")
    for text in ("", "a " * 40):
        with pytest.raises(Trouble):
            session.run(text)
        assert session.snapshot is good


def test_a_follower_that_fails_does_not_reach_the_users_forward() -> None:
    model = Tiny()
    session = Session(model)

    def fails() -> None:
        if session.trouble is None:
            raise RuntimeError("the page is gone")

    session.followers.append(fails)
    session.attach()
    out = model(torch.tensor([[1, 2]]))
    assert out.shape == (1, 2, 2, 4)
    assert session.trouble is not None
    assert session.trouble.detail == "the page is gone"


def test_a_trace_needs_no_model() -> None:
    session = Session(tokens=["a", "b"])
    session.take(Trace.from_arrays([torch.full((1, 1, 2, 2), 0.5)]), {})
    assert session.snapshot is not None
    with pytest.raises(Trouble, match="no model"):
        session.run_inputs(torch.ones(1))


@pytest.mark.parametrize("text", ["", "1 2 99", "1 2 3"])
def test_each_outcome_is_told_once(text: str) -> None:
    """Refused before the pass, raised in it, and refused after it."""
    session = Session(Tiny(), lambda t: [int(n) for n in t.split()], tokens=["a", "b"])
    told: list[BaseException | None] = []
    session.followers.append(lambda: told.append(session.trouble))
    with pytest.raises((Trouble, IndexError)):
        session.run(text)
    assert len(told) == 1
    assert told[0] is not None


def test_an_empty_trace_is_refused() -> None:
    with pytest.raises(Trouble, match="The trace holds no attention"):
        Session().take(Trace(), {})


def test_nothing_of_the_model_is_held_after_the_session_is_gone() -> None:
    model = Tiny()
    session = Session(model, Words())
    session.run("a bb")
    gone = weakref.ref(model)
    session.detach()
    del model, session
    gc.collect()
    assert gone() is None
