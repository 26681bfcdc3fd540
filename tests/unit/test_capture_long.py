"""Long texts in hand-written models: queries and keys are kept, weights are worked out again."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from attnwidget.binding import recompute
from attnwidget.binding.capture import attach, capture
from attnwidget.binding.replayed_map import ReplayedMap
from attnwidget.call import AttentionCall
from attnwidget.trouble import Trouble
from tests.unit.models import HEADS, PLAIN, D, NanoGPT, Notebook, Projections, merge, split

T = 64
IDS = torch.randint(0, 50, (2, T))

LONG: dict[str, tuple[int, ...]] = {
    "bmm folded": (2, T, D),
    "time first": (T, 2, D),
    "concatenated heads": (2, T, D),
    "notebook": (2, T, D),
    "in place": (2, T, D),
    "unbatched": (T, D),
    "columns": (D, T),
    "columns batched": (2, D, T),
    "einsum": (2, T, D),
    "einsum grouped": (2, T, D),
    "einsum dots": (2, T, D),
    "single heads": (2, T, D),
    "talking heads": (2, T, D),
}


def run(model: nn.Module, *given: Tensor, copy: bool = False, **named: Any) -> list[AttentionCall]:
    with torch.no_grad(), capture(model, copy=copy) as trace:
        model(*given, **named)
    assert trace.searched.troubles == ()
    return trace.calls


def replayed(call: AttentionCall) -> bool:
    return isinstance(call._evidence, ReplayedMap)


def nbytes(tensors: list[Tensor | None]) -> int:
    storages = {
        t.untyped_storage().data_ptr(): t.untyped_storage() for t in tensors if t is not None
    }
    return sum(storage.nbytes() for storage in storages.values())


@pytest.mark.parametrize("name", LONG)
def test_replayed_maps_are_those_the_model_made(name: str) -> None:
    torch.manual_seed(0)
    model, x = PLAIN[name].make().eval(), torch.randn(*LONG[name])
    calls, kept = run(model, x), run(model, x, copy=True)  # copies keep the map itself
    for call, own in zip(calls, kept, strict=True):
        assert replayed(call)
        assert not replayed(own)
        assert own.status == "exact"
        assert call.status == "exact"
        assert call.check() <= 1e-5
        shape = (call.batch_size, call.heads, call.query_len, call.key_len)
        assert shape == (own.batch_size, own.heads, own.query_len, own.key_len)
        assert (call.scale, call.causal, call.dtype) == (own.scale, own.causal, own.dtype)
        whole, scores, seen = own.weights(), own.scores(), own.visible()
        assert torch.allclose(call.weights(), whole, rtol=0, atol=1e-6)
        assert torch.allclose(call.scores(), scores, rtol=0, atol=1e-5)
        assert torch.equal(call.visible(), seen)
        part = {"head": -1, "queries": [3, 60, 3], "keys": slice(5, None, 2), "batch": -1}
        index = (slice(-1, None), slice(-1, None), [3, 60, 3], slice(5, None, 2))
        assert torch.allclose(call.weights(**part), whole[index], rtol=0, atol=1e-6)
        assert torch.allclose(call.scores(**part), scores[index], rtol=0, atol=1e-5)
        assert torch.equal(call.visible(**part), seen[index])


@pytest.mark.parametrize("name", LONG)
def test_reading_in_chunks_changes_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, x = PLAIN[name].make().eval(), torch.randn(*LONG[name])
    (call, *_) = run(model, x)
    whole = call.weights()
    monkeypatch.setattr(recompute, "SCORES_BYTES", 4 * 4 * T * 7)
    assert torch.allclose(call.weights(), whole, rtol=0, atol=1e-6)
    assert torch.allclose(call.weights(head=0), whole[:, :1], rtol=0, atol=1e-6)


def test_no_map_is_kept_and_no_more_than_q_k_v_output_and_mask() -> None:
    model, mask = Notebook(), torch.ones(T, T).tril()
    with torch.no_grad(), capture(model) as trace:
        _, weights = model(torch.randn(2, T, D), mask)
    (call,) = trace.calls
    assert torch.equal(call.weights(), weights)
    assert call.status == "exact"
    assert call.note == ""
    assert call.causal
    q_k_v_output = 4 * 2 * T * D * 4
    assert nbytes([call.q, call.k, call.v, call.output]) == q_k_v_output
    assert nbytes(call.tensors()) == q_k_v_output + T * T  # the mask was made bool
    assert max(t.numel() for t in call.tensors()) <= T * T


def test_layers_of_a_model_keep_their_projections_only() -> None:
    model = NanoGPT(flash=False, layers=2).eval()
    calls = run(model, IDS)
    assert all(replayed(call) for call in calls)
    each = (3 + 1) * 2 * T * D * 4 + T * T  # q, k and v are views of one projection
    assert nbytes([t for call in calls for t in call.tensors()]) == 2 * each


class Widest(TorchFunctionMode):
    """The most numbers in a tensor that any function made."""

    most = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and result.device.type != "meta":
            self.most = max(self.most, result.numel())
        return result


@pytest.mark.parametrize("name", ["notebook", "einsum", "bmm folded", "columns"])
def test_one_row_does_not_cost_the_whole_map(name: str) -> None:
    (call,) = run(PLAIN[name].make().eval(), torch.randn(*LONG[name]))
    with Widest() as widest:
        call.weights(head=0, queries=3)
    assert widest.most < call.heads * T * T / 2


def test_reading_disturbs_nothing() -> None:
    model = Notebook()
    inner: list[Tensor] = []
    with capture(model) as trace:
        binding = attach(model, lambda done: inner.append(done.calls[0].weights()))
        model(torch.randn(2, T, D, requires_grad=True))
        binding.detach()
    (call,) = trace.calls  # what was read meanwhile was not recorded
    before = torch.get_rng_state()
    assert torch.equal(call.weights(), inner[0])
    assert not call.weights().requires_grad
    call.scores()
    call.check()
    assert torch.equal(torch.get_rng_state(), before)
    assert all(tensor.grad_fn is None for tensor in call.tensors())


def test_weights_before_dropout_are_replayed_and_said_so() -> None:
    model = NanoGPT(flash=False, dropout=0.5)
    calm, noisy = run(model.eval(), IDS)[0], run(model.train(), IDS)[0]
    assert replayed(noisy)
    assert torch.allclose(noisy.weights(), calm.weights(), rtol=0, atol=1e-6)
    assert noisy.status == "approximate"
    assert noisy.note == (
        "Recomputed, not checked: dropout (0.5) was active, and the weights shown are before it."
    )
    assert math.isnan(noisy.check())


class Odd(Projections):
    """Attention with something in it that cannot be replayed, or only with care."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.bias = torch.zeros(2, HEADS, T, T)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        q, k, v = (split(part) for part in self.qkv(x))
        scores = q @ k.mT / 2.0
        if self.how == "noise in the scores":
            scores = F.dropout(scores, 0.5)
        elif self.how == "scores written through a view":
            scores[0].add_(torch.arange(T))
        elif self.how == "scores written into a bias":
            self.bias.zero_()
            scores = self.bias.add_(scores)
        elif self.how == "queries overwritten meanwhile":
            q.zero_()
        elif self.how == "calm dropout of the scores":
            scores = F.dropout(scores, 0.5, training=False)
        dim = -2 if self.how == "softmax over queries" else -1
        weights = scores.softmax(dim)
        if self.how == "dropout in place":
            F.dropout(weights, 0.5, inplace=True)
        elif self.how == "weights written through a view":
            weights[:, 1].zero_()
        elif self.how == "weights written in place":
            weights.mul_(torch.ones(T, T).tril())
        elif self.how == "normalised again":
            weights = weights / weights.sum(-1, keepdim=True)
        return self.out(merge(weights @ v)), weights


@pytest.mark.parametrize(
    "how",
    [
        "noise in the scores",
        "scores written through a view",
        "scores written into a bias",
        "queries overwritten meanwhile",
        "dropout in place",
        "weights written through a view",
    ],
)
def test_what_cannot_be_replayed_is_kept(how: str) -> None:
    model = Odd(how)
    with torch.no_grad(), capture(model) as trace:
        _, weights = model(torch.randn(2, T, D))
    (call,) = trace.calls
    state, bias = torch.get_rng_state(), model.bias.clone()
    assert not replayed(call)
    assert call.status == "exact"
    assert torch.equal(call.weights(), weights)
    call.visible()
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(model.bias, bias)
    assert ("wrote into the weights" in call.note) == (how == "dropout in place")


@pytest.mark.parametrize(
    "how",
    [
        "calm dropout of the scores",
        "softmax over queries",
        "weights written in place",
        "normalised again",
    ],
)
def test_what_can_be_replayed_with_care_is_replayed(how: str) -> None:
    model = Odd(how)
    with torch.no_grad(), capture(model) as trace:
        _, weights = model(torch.randn(2, T, D))
    (call,) = trace.calls
    assert replayed(call)
    assert call.status == "exact"
    assert torch.allclose(call.weights(), weights, rtol=0, atol=1e-6)
    rows = call.weights(head=2, queries=[1, T - 1])
    assert torch.allclose(rows, weights[:, 2:3, [1, T - 1]], rtol=0, atol=1e-6)


def test_autocast_keeps_the_map_as_replaying_would_give_another_dtype() -> None:
    model = Notebook()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        (call,) = run(model, torch.randn(2, T, D))
    assert not replayed(call)
    assert call.status in ("exact", "checked")


def test_half_precision_is_replayed_as_the_model_did() -> None:
    model = Notebook().to(torch.bfloat16)
    with torch.no_grad(), capture(model) as trace:
        _, weights = model(torch.randn(2, T, D, dtype=torch.bfloat16))
    (call,) = trace.calls
    assert torch.equal(call.weights(), weights.float())
    assert call.status in ("exact", "checked")
    if call.status == "checked":
        assert call.note.startswith("Recomputed; meets the bfloat16 output within its rounding")


class Overwriting(Projections):
    def __init__(self, which: str) -> None:
        super().__init__()
        self.which = which

    def forward(self, x: Tensor) -> Tensor:
        tensors = dict(zip("qkv", (split(part) for part in self.qkv(x)), strict=True))
        tensors["mask or bias"] = torch.zeros(T, T)
        swapped = tensors["k"] @ tensors["q"].mT  # keys in rows
        weights = (swapped.mT + tensors["mask or bias"]).softmax(-1)
        y = weights @ tensors["v"]
        tensors[self.which].zero_()
        return y


@pytest.mark.parametrize("which", ["q", "k", "mask or bias"])
def test_overwritten_tensors_are_noticed(which: str) -> None:
    model, x = Overwriting(which), torch.randn(2, T, D)
    (call,) = run(model, x)
    message = f"{which} was overwritten after the call: capture with copy=True"
    assert (call.status, message in call.note) == ("unavailable", True)
    for read in (call.weights, call.scores, call.visible):
        with pytest.raises(Trouble, match=message):
            read()
    assert run(model, x, copy=True)[0].status == "exact"


def test_overwritten_values_only_cost_the_check() -> None:
    (call,) = run(Overwriting("v"), torch.randn(2, T, D))
    assert call.status == "approximate"
    assert call.note == "Recomputed, not checked: v was overwritten after the call."
    assert torch.allclose(call.weights().sum(-1), torch.ones(()))


def test_under_inference_mode_an_unseen_change_shows_in_the_check() -> None:
    with torch.inference_mode(), capture(model := Odd("scores written through a view")) as trace:
        model(torch.randn(2, T, D))
    assert trace.calls[0].status == "approximate"
    with torch.inference_mode(), capture(notebook := Notebook()) as calm:
        notebook(torch.randn(2, T, D))
    assert calm.calls[0].status == "exact"
