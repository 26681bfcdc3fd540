"""Shapes of one attention, and the layers around it, against what the model's layers really do."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn

from attnwidget.call import AttentionCall
from attnwidget.messages import Picture
from attnwidget.session import Session
from attnwidget.steps.inputs import inputs_of
from attnwidget.trouble import Trouble
from benchmarks.coverage import configs
from benchmarks.coverage.judge import inputs_for
from tests.unit.head_pictures import NO_PRODUCTS, ask_anything, check_plain_json
from tests.unit.models import HEADS, PLAIN, D, Projections, merge, split
from tests.unit.test_capture_kinds import XCA
from tests.unit.test_pictures import draw, session_of
from tests.unit.test_pictures_steps import KINDS, calls_of, close, given_to_layers, run

PACKED = {"gpt2", "bloom", "nanoGPT", "nanoGPT by hand", "mha", "mha fused", "encoder fused"}


def shapes_of(session: Session, stack: str, call: AttentionCall) -> Picture:
    (made,) = draw(session, kind="shapes", stack=stack, layer=call.layer)
    return made


def session_on(model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Session:
    session = Session(model)
    session.attach()
    model(*args, **kwargs)
    session.detach()
    return session


def weight_at(model: nn.Module, path: str) -> torch.Tensor:
    place, _, name = path.rpartition(".")
    found = getattr(model.get_submodule(place), name)
    return found if isinstance(found, torch.Tensor) else found.weight


@pytest.mark.parametrize("name", KINDS)
def test_sizes_are_those_of_the_call_and_layers_those_of_the_model(name: str) -> None:
    session = run(KINDS[name].make, KINDS[name].inputs)
    for stack, call in calls_of(session):
        facts = shapes_of(session, stack, call).facts
        assert [facts[axis] for axis in ("batch", "heads", "query_len", "d")] == list(call.q.shape)
        assert [facts["batch"], facts["kv_heads"], facts["key_len"], facts["dv"]] == list(
            call.v.shape
        )
        assert [facts["width"], facts["key_width"], facts["out_width"]] == [D, D, D]
        roles = {"qkv", "o"} if name in PACKED else {"q", "k", "v", "o"}
        assert set(facts["layers"]) == roles
        assert not facts["why_no_inputs"] + facts["why_no_output"] + facts["why_no_products"]
        for role, layer in facts["layers"].items():
            weight = weight_at(session.model, layer["path"])
            assert layer["shape"] == list(weight.shape)
            made = {"q": D, "k": call.kv_heads * 4, "v": call.kv_heads * 4, "qkv": 3 * D, "o": D}
            assert sorted(layer["shape"]) == sorted([made[role], D])
            assert layer["parameters"] == weight.numel() + layer["bias"] * made[role]


@pytest.mark.parametrize("name", ["bert", "gpt2", "t5", "bart", "nanoGPT", "grouped"])
def test_what_is_named_is_what_made_the_queries_keys_and_values(name: str) -> None:
    model = KINDS[name].make().eval()
    seen = given_to_layers(model)
    session = Session(model)
    session.run_inputs(KINDS[name].inputs())
    for stack, call in calls_of(session):
        layers = shapes_of(session, stack, call).facts["layers"]
        for letter, tensor in (("q", call.q), ("k", call.k), ("v", call.v)):
            role = next(role for role in layers if letter in role)
            made = seen[layers[role]["path"]][1].flatten(0, -2)
            first = {"q": 0, "k": D, "v": 2 * D}[letter] if role == "qkv" else 0
            width = tensor.shape[1] * tensor.shape[3]
            rows = tensor[0].transpose(0, 1).flatten(1)  # (T, H * d)
            assert close(made[: len(rows), first : first + width], rows)


@pytest.mark.parametrize(
    ("name", "layers", "widths"),
    [
        ("unbatched", {"q": [16, 16], "k": [16, 16], "v": [16, 16]}, [16, 16, None]),
        ("single heads", {"q": [4, 16], "k": [4, 16], "v": [4, 16]}, [16, 16, None]),
        (
            "mha other sizes",
            {"q": [16, 16], "k": [16, 6], "v": [16, 7], "o": [16, 16]},
            [16, 6, 16],
        ),
        ("mha cross", {"qkv": [48, 16], "o": [16, 16]}, [16, 16, 16]),
        ("einsum grouped", {"q": [16, 16], "k": [8, 16], "v": [8, 16], "o": [16, 16]}, [16] * 3),
    ],
)
def test_bare_matrices_and_uneven_sizes(
    name: str, layers: dict[str, list[int]], widths: list[int | None]
) -> None:
    session = session_on(PLAIN[name].make(), *PLAIN[name].inputs())
    stack, call = next(calls_of(session))
    facts = shapes_of(session, stack, call).facts
    assert {role: layer["shape"] for role, layer in facts["layers"].items()} == layers
    assert [facts[name] for name in ("width", "key_width", "out_width")] == widths
    assert bool(facts["why_no_output"]) == ("o" not in layers)
    if name == "mha other sizes":
        assert facts["layers"]["k"]["parameters"] == 16 * 6 + 16


@pytest.mark.parametrize(
    ("name", "roles", "why"),
    [
        ("phi3", {"qkv", "o"}, ""),
        ("falcon", {"qkv"}, ""),
        ("gpt_neox", {"qkv", "o"}, ""),
        ("whisper", {"q", "k", "v", "o"}, ""),
        ("qwen3_next", {"k", "v"}, "No layer that makes q was found."),
        ("deepseek_v3", {"o"}, "No layer was found"),
    ],
)
def test_published_models(name: str, roles: set[str], why: str) -> None:
    model = configs.build(name, "tiny").eval()
    session = Session(model)
    session.run_inputs(inputs_for(model))
    stack, call = next(calls_of(session))
    facts = shapes_of(session, stack, call).facts
    assert set(facts["layers"]) == roles
    assert facts["why_no_inputs"].startswith(why)


class Doubtful(Projections):
    """Two layers that might make the queries."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(D, D)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (split(part) for part in self.qkv(x))
        y = nn.functional.scaled_dot_product_attention(q + split(self.query(x)), k, v)
        return self.out(merge(y))


def test_of_two_that_fit_none_is_named() -> None:
    session = run(Doubtful, lambda: torch.randn(2, 5, D))
    stack, call = next(calls_of(session))
    facts = shapes_of(session, stack, call).facts
    assert set(facts["layers"]) == {"k", "v", "o"}
    assert facts["why_no_inputs"] == "More than one layer fits: q_proj and query."
    assert facts["width"] is None


@pytest.mark.parametrize("why", NO_PRODUCTS)
def test_without_queries_and_keys_it_says_why(why: str) -> None:
    session = run(*NO_PRODUCTS[why])
    stack, call = next(calls_of(session))
    facts = shapes_of(session, stack, call).facts
    assert facts["why_no_products"].startswith(why)
    assert facts["d"] is None
    assert [facts["batch"], facts["heads"], facts["query_len"], facts["key_len"]] == list(
        call.weights().shape
    )


def test_channels_have_shapes_but_no_layers_of_tokens() -> None:
    session = run(XCA, lambda: torch.randn(2, 5, D))
    stack, call = next(calls_of(session))
    facts = shapes_of(session, stack, call).facts
    assert not facts["layers"]
    assert "features" in facts["why_no_inputs"]


def test_given_maps_have_their_own_shape_and_nothing_else() -> None:
    (made,) = draw(session_of(1, 2, 4, 5), kind="shapes", layer=1)
    facts = made.facts
    assert [facts[axis] for axis in ("batch", "heads", "query_len", "key_len")] == [1, 2, 4, 5]
    assert facts["why_no_products"].startswith("Only weights were given")
    assert not facts["layers"]
    assert facts["layers_alike"] == 2
    check_plain_json(made)


def test_a_module_that_is_gone_is_told() -> None:
    session = run(KINDS["bert"].make, KINDS["bert"].inputs)
    _, call = next(calls_of(session))
    found, why = inputs_of(nn.Linear(D, D), call, 4)
    assert found == {}
    assert why == "The model has no module 'encoder.layer.0.attention.self' any more."


@pytest.mark.parametrize("bad", [{"layer": 9}, {"layer": True}, {"layer": math.nan}, {"stack": 3}])
def test_what_does_not_exist_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(Trouble):
        draw(session_of(1, HEADS, 4, 5), **{"kind": "shapes", "layer": 0, **bad})


def test_any_want_makes_a_picture_or_a_trouble() -> None:
    ask_anything("shapes", "stack", "layer")
