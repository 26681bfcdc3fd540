"""Attention times values, outputs and gradients, and rollout, against the same in plain torch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import attnwidget as aw
from attnwidget import pictures
from attnwidget.messages import Picture
from attnwidget.session import Session
from tests.unit import models
from tests.unit.models import HEADS, D, Notebook, Sdpa, transformers_inputs, transformers_model
from tests.unit.test_pictures_without import Classifier, LanguageModel

PLAIN: dict[str, Any] = {"words": False, "hide": [], "renormalise": False, "pair": None}
TEXT = "The animal didn't cross the street because it was too tired, so it slept."


def weighed(session: Session, weigh: str, kind: str = "tile", **want: Any) -> Picture:
    """The finest picture of a reading."""
    target, batch = want.pop("target", None), want.pop("batch", 0)
    reading = {**PLAIN, **want.pop("reading", {}), "weigh": weigh, "target": target}
    place = {"key": "k", "stack": "", "batch": batch, "reading": reading}
    whole = {"rows": None, "cols": None, "size": [256, 256]} if kind == "tile" else {}
    *_, made = pictures.paint(session, {**place, "kind": kind, **whole, **want})
    assert isinstance(made, Picture)
    return made


# -- models ----------------------------------------------------------------------------------------


class WithLogits(nn.Module):
    """A model of transformers, with logits that only a course would compute so."""

    def __init__(self, name: str, attention: str) -> None:
        super().__init__()
        self.body = transformers_model(name, attention)
        torch.manual_seed(7)
        self.unembed = nn.Linear(D, 50)

    def forward(self, **inputs: Tensor) -> dict[str, Tensor]:
        return {"logits": self.unembed(self.body(**inputs).last_hidden_state)}


def session_of(name: str) -> Session:
    """A session with one pass."""
    torch.manual_seed(2)
    ids = torch.randint(26, (2, 7))
    if name == "stories":
        model, tokenizer = aw.zoo.load("stories")
        session = Session(model, tokenizer)
        session.run(TEXT)
        return session
    kind, _, attention = name.partition(" ")
    if kind in ("gpt2", "llama", "bert", "gemma2", "t5", "bart"):
        model = WithLogits(kind, attention).eval()
        inputs = transformers_inputs(kind, "no" if kind in ("t5", "bart") else "right")
    elif name == "fused encoder":
        model = Classifier().eval()
        session = Session(model)
        session.run_inputs(torch.randn(2, 6, D))
        return session
    else:
        made = {
            "notebook": Notebook,
            "sdpa": lambda: Sdpa("causal"),
            "grouped": lambda: Sdpa("bool", kv_heads=2),
            "attention of torch": lambda: nn.MultiheadAttention(D, HEADS, batch_first=True),
        }[name]
        model, inputs = LanguageModel(made).eval(), ids
    session = Session(model, tokenizer=Numbered())
    session.run_inputs(inputs)
    return session


class Numbered:
    """A tokenizer whose tokens are called by their ids."""

    vocab_size = 26

    def convert_ids_to_tokens(self, ids: list[int]) -> list[str]:
        return [f"w{i}" for i in ids]


MODELS = (
    "stories", "notebook", "sdpa", "grouped", "attention of torch", "fused encoder",
    "gpt2 sdpa", "gpt2 eager", "llama sdpa", "llama eager", "bert sdpa", "gemma2 eager",
    "t5 eager", "bart sdpa",
)  # fmt: skip


# -- the same in plain torch -----------------------------------------------------------------------


@contextmanager
def maps_in_the_graph() -> Iterator[list[Tensor]]:
    """Every map of attention as a tensor of the graph, made where torch's own functions make it."""
    maps: list[Tensor] = []
    sdpa, softmax, of_tensor = F.scaled_dot_product_attention, F.softmax, Tensor.softmax

    def attend(q: Tensor, k: Tensor, v: Tensor, attn_mask: Any = None, *_: Any, **more: Any) -> Any:
        k, v = (t.repeat_interleave(q.shape[1] // t.shape[1], dim=1) for t in (k, v))
        scores = q @ k.mT * (more.get("scale") or q.shape[-1] ** -0.5)
        if more.get("is_causal"):
            attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
        if attn_mask is not None and attn_mask.dtype is torch.bool:
            scores = scores.masked_fill(~attn_mask, -math.inf)
        elif attn_mask is not None:
            scores = scores + attn_mask
        maps.append(torch.softmax(scores, -1))
        return maps[-1] @ v

    def soft(scores: Tensor, dim: int, *_: Any, dtype: Any = None, **more: Any) -> Tensor:
        maps.append(torch.softmax(scores, dim, dtype=dtype))
        return maps[-1]

    F.scaled_dot_product_attention, F.softmax = attend, soft  # type: ignore[assignment]
    models.scaled_dot_product_attention = attend  # type: ignore[attr-defined]
    Tensor.softmax = soft  # type: ignore[method-assign,assignment]
    try:
        yield maps
    finally:
        F.scaled_dot_product_attention, F.softmax = sdpa, softmax
        models.scaled_dot_product_attention = sdpa  # type: ignore[attr-defined]
        Tensor.softmax = of_tensor  # type: ignore[method-assign]


def by_autograd(session: Session, item: int, position: int | None, number: int) -> list[Tensor]:
    """a ∂logit/∂a of every call, (H, Tq, Tk)."""
    snapshot, model = session.snapshot, session.model
    assert snapshot is not None
    assert snapshot.given is not None
    assert model is not None
    encoded = snapshot.given.encoded
    assert encoded is not None
    with maps_in_the_graph() as maps:
        output = model(*encoded.args, **encoded.kwargs)
    logits = output["logits"] if isinstance(output, dict) else output
    logit = logits[item, number] if position is None else logits[item, position, number]
    gradients = torch.autograd.grad(logit, maps, allow_unused=True)
    made = []
    for one, gradient in zip(maps, gradients, strict=True):
        product = one.detach() * (torch.zeros_like(one) if gradient is None else gradient)
        made.append(product.reshape(len(logits), -1, *one.shape[-2:])[item])
    return made


@pytest.mark.parametrize("name", MODELS)
def test_times_gradient_is_what_autograd_says_of_the_maps(name: str) -> None:
    session = session_of(name)
    snapshot = session.snapshot
    assert snapshot is not None
    assert snapshot.logits is not None
    logits = snapshot.logits.tensor
    item = len(logits) - 1
    position = None if logits.dim() == 2 else logits.shape[1] // 2
    number = 1
    expected = by_autograd(session, item, position, number)
    assert len(expected) == len(snapshot.trace.calls)
    largest = 0.0
    for call, reference in zip(snapshot.trace.calls, expected, strict=True):
        for head in range(call.heads):
            made = weighed(
                session, "gradient", stack=call.stack, heads=[[call.layer, head]], batch=item,
                target=[position, number],
            )  # fmt: skip
            assert made.facts["signed"] is True
            cells = made.arrays["cells"]
            assert np.abs(cells - reference[head].numpy()).max() <= 1e-5
            assert made.facts["max"] == cells.max()
            assert made.facts["min"] == cells.min()
            largest = max(largest, float(np.abs(cells).max()))
    assert largest > 1e-3, "the reference says something"


@pytest.mark.parametrize("name", ["stories", "gpt2 sdpa", "attention of torch", "fused encoder"])
def test_a_run_for_gradients_leaves_the_model_as_it_was(name: str) -> None:
    session = session_of(name)
    model, snapshot = session.model, session.snapshot
    assert model is not None
    assert snapshot is not None
    frozen = next(iter(model.parameters()))
    frozen.requires_grad_(False)
    last = list(model.modules())[-1]
    last.train()
    calls: list[object] = []
    hook = model.register_forward_hook(lambda *_: calls.append(1))
    before = {
        "flags": [p.requires_grad for p in model.parameters()],
        "modes": [m.training for m in model.modules()],
        "hooks": [list(m._forward_hooks) + list(m._forward_pre_hooks) for m in model.modules()],
        "attributes": [sorted(vars(m)) for m in model.modules()],
        "values": [p.detach().clone() for p in model.parameters()],
    }
    random = torch.random.get_rng_state()
    weighed(session, "gradient", heads=[[0, 0]])
    assert torch.equal(random, torch.random.get_rng_state())
    assert before["flags"] == [p.requires_grad for p in model.parameters()]
    assert before["modes"] == [m.training for m in model.modules()]
    assert before["hooks"] == [
        list(m._forward_hooks) + list(m._forward_pre_hooks) for m in model.modules()
    ]
    assert before["attributes"] == [sorted(vars(m)) for m in model.modules()]
    assert all(p.grad is None for p in model.parameters())
    values = zip(before["values"], model.parameters(), strict=True)
    assert all(torch.equal(value, p) for value, p in values)
    assert session.snapshot is snapshot
    assert len(session.passes) == 1
    assert torch.is_grad_enabled()
    # Other heads, layers and views need no second run.
    made = len(calls)
    weighed(session, "gradient", heads=[[1, 1]])
    weighed(session, "gradient", "overview", size=8)
    assert len(calls) == made
    hook.remove()


def test_gradients_are_had_inside_inference_mode_too() -> None:
    session = session_of("stories")
    outside = weighed(session, "gradient", heads=[[0, 0]]).arrays["cells"]
    with torch.inference_mode():
        session.run(TEXT)
        inside = weighed(session, "gradient", heads=[[0, 0]]).arrays["cells"]
    assert np.abs(inside - outside).max() <= 1e-6


@pytest.mark.parametrize("name", ["stories", "notebook", "grouped", "llama eager", "t5 eager"])
def test_times_values_and_outputs_are_those_of_the_formulas(name: str) -> None:
    session = session_of(name)
    snapshot, model = session.snapshot, session.model
    assert snapshot is not None
    assert model is not None
    outputs = {"stories": "output", "notebook": "out", "grouped": "out"}
    for call in snapshot.trace.calls:
        assert call.v is not None
        item = call.batch_size - 1
        module = model.get_submodule(call.module)
        named = outputs.get(name, "o_proj" if "llama" in name else "o")
        weight = dict(module.named_parameters())[f"{named}.weight"].detach().double()
        for head in range(call.heads):
            a = call.weights(head, batch=item)[0, 0].double()
            v = call.v[item, head * call.kv_heads // call.heads].double()
            own = weight[:, head * v.shape[1] : (head + 1) * v.shape[1]]
            for weigh, vectors in (("values", v), ("output", v @ own.T)):
                made = weighed(
                    session, weigh, stack=call.stack, heads=[[call.layer, head]], batch=item
                )
                expected = a * vectors.norm(dim=-1)
                error = np.abs(made.arrays["cells"] - expected.numpy()).max()
                assert error <= 1e-5 * max(1.0, float(expected.max()))
                assert "signed" not in made.facts


@pytest.mark.parametrize("name", ["stories", "bert sdpa", "gemma2 eager"])
def test_rollout_multiplies_the_layers_whichever_head_is_selected(name: str) -> None:
    session = session_of(name)
    snapshot = session.snapshot
    assert snapshot is not None
    calls, item = snapshot.trace.calls, snapshot.trace.calls[0].batch_size - 1
    product = torch.eye(calls[0].query_len, dtype=torch.float64)
    expected = []
    for call in calls:
        mixed = call.weights(batch=item)[0].double().mean(0) / 2 + torch.eye(len(product)) / 2
        product = mixed / mixed.sum(-1, keepdim=True) @ product
        expected.append(product)
    for layer in reversed(range(len(calls))):
        for head in (0, calls[layer].heads - 1):
            cells = weighed(session, "rollout", heads=[[layer, head]], batch=item).arrays["cells"]
            assert np.abs(cells - expected[layer].numpy()).max() <= 1e-6
    rows = weighed(session, "rollout", heads=[[1, 0]]).arrays["row_sums"]
    assert rows == pytest.approx(1.0, abs=1e-6)
