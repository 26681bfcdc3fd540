"""The steps of a row: each number made again, in float64, from those sent before it."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor, nn

from attnwidget import messages, pictures
from attnwidget.call import AttentionCall
from attnwidget.messages import Picture
from attnwidget.pictures import steps as steps_module
from attnwidget.session import Session
from attnwidget.steps.projection import module_at, projection_of
from attnwidget.trouble import Trouble
from benchmarks.coverage import configs
from benchmarks.coverage.judge import inputs_for
from tests.unit.head_pictures import NO_PRODUCTS, check_plain_json
from tests.unit.models import (
    HEADS,
    D,
    NanoGPT,
    Notebook,
    Projections,
    Sdpa,
    TalkingHeads,
    merge,
    split,
    transformers_inputs,
    transformers_model,
)
from tests.unit.test_capture_kinds import XCA
from tests.unit.test_messages import JSON
from tests.unit.test_pictures import draw, session_of, session_over

Matrix = NDArray[np.float64]


def lively(model: nn.Module) -> nn.Module:
    """Weights large enough for scores of about one, and sinks that differ."""
    torch.manual_seed(7)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "sinks" in name:
                parameter.normal_()
            elif parameter.dim() == 2 and float(parameter.std()) > 0:
                parameter.mul_(0.5 / parameter.std())
    return model.eval()


def mistral() -> nn.Module:
    import transformers as hf

    config = hf.MistralConfig(
        hidden_size=D, intermediate_size=32, num_hidden_layers=2, num_attention_heads=HEADS,
        num_key_value_heads=2, head_dim=4, vocab_size=50, sliding_window=4, pad_token_id=2,
    )  # fmt: skip
    return hf.MistralModel._from_config(config, attn_implementation="sdpa")


class Biased(Projections):
    """A matrix of numbers of its own for every pair of tokens, as sdpa takes it."""

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (split(part) for part in self.qkv(x))
        torch.manual_seed(1)
        bias = torch.randn(x.shape[1], x.shape[1])
        y = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        return self.out(merge(y))


class Capped(Projections):
    """A soft cap by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.softcap = 1.5

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (split(part) for part in self.qkv(3 * x))
        scores = self.softcap * torch.tanh(q @ k.mT * 0.5 / self.softcap)
        return self.out(merge(scores.softmax(-1) @ v))


def _ids() -> tuple[Tensor]:
    return (torch.randint(3, 50, (2, 7)),)


def _x() -> tuple[Tensor]:
    return (torch.randn(2, 5, D),)


def _of(name: str, padded: str = "no") -> Callable[[], Any]:
    return lambda: transformers_inputs(name, padded)


@dataclass(frozen=True)
class Kind:
    """A model, what it is given, and what its steps are to say."""

    make: Callable[[], nn.Module]
    inputs: Callable[[], Any]
    projection: str
    added: set[str]
    says: Callable[[dict[str, Any]], bool] = lambda facts: True


KINDS: dict[str, Kind] = {
    "bert": Kind(
        lambda: transformers_model("bert"), _of("bert", "right"), "output.dense", {"mask"}
    ),
    "gpt2": Kind(lambda: transformers_model("gpt2"), _of("gpt2"), "c_proj", {"mask"}),
    "llama": Kind(
        lambda: transformers_model("llama"), _of("llama"), "o_proj", {"mask"},
        lambda facts: facts["kv_head"] == facts["head"] // 2,
    ),
    "t5": Kind(lambda: transformers_model("t5"), _of("t5"), "o", {"mask", "position"}),
    "bart": Kind(lambda: transformers_model("bart"), _of("bart"), "out_proj", {"mask"}),
    "mistral": Kind(mistral, _of("llama"), "o_proj", {"mask"}),
    "gemma2": Kind(
        lambda: transformers_model("gemma2", "eager", attn_logit_softcapping=0.5),
        _of("gemma2"), "o_proj", {"mask"}, lambda facts: facts["softcap"] == 0.5,
    ),
    "gpt_oss": Kind(
        lambda: transformers_model("gpt_oss", "eager"), _of("gpt_oss"), "o_proj", {"mask"},
        lambda facts: facts["sink"] is not None,
    ),
    "bloom": Kind(
        lambda: transformers_model("bloom", "eager"), _of("bloom"), "dense", {"mask", "position"}
    ),
    "vit": Kind(lambda: transformers_model("vit"), _of("vit"), "o_proj", set()),
    "mha": Kind(
        lambda: nn.MultiheadAttention(D, HEADS), lambda: _x() * 3, "out_proj", set()
    ),
    "mha fused": Kind(
        lambda: nn.MultiheadAttention(D, HEADS, batch_first=True),
        lambda: _x() * 3, "out_proj", set(), lambda facts: not facts["heads_out_are_own"],
    ),
    "encoder fused": Kind(
        lambda: nn.TransformerEncoderLayer(D, HEADS, 32, batch_first=True),
        _x, "self_attn.out_proj", set(),
    ),
    "notebook": Kind(
        Notebook, lambda: (torch.randn(2, 5, D), torch.ones(5, 5).tril()), "out", {"mask"}
    ),
    "nanoGPT": Kind(NanoGPT, _ids, "c_proj", {"mask"}),
    "nanoGPT by hand": Kind(lambda: NanoGPT(flash=False), _ids, "c_proj", {"mask"}),
    "grouped": Kind(lambda: Sdpa("causal", kv_heads=2, scale=0.3), _x, "out", {"mask"}),
    "bias": Kind(Biased, _x, "out", {"bias"}),
    "cap by hand": Kind(Capped, _x, "out", set(), lambda facts: facts["softcap"] == 1.5),
}  # fmt: skip


def run(make: Callable[[], nn.Module], inputs: Callable[[], Any]) -> Session:
    session = Session(lively(make()))
    session.run_inputs(inputs())
    return session


def calls_of(session: Session) -> Iterator[tuple[str, AttentionCall]]:
    assert session.snapshot is not None
    for stack, calls in session.snapshot.stacks.items():
        for call in calls:
            yield stack, call


def steps_of(session: Session, stack: str, call: AttentionCall, **where: Any) -> Picture:
    want = {"kind": "steps", "stack": stack, "heads": [[call.layer, 0]], "query": 0, **where}
    (made,) = draw(session, **want)
    return made


def close(found: Any, expected: Any) -> bool:
    """To 1e-5 of the largest."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    assert found.shape == expected.shape
    assert np.isfinite(found).all()
    return bool(np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max())


def in_float64(made: Picture) -> dict[str, Matrix]:
    return {
        name: array.astype(np.float64) for name, array in made.arrays.items() if name != "masked"
    }


def exponentials(facts: dict[str, Any], scores: Matrix) -> tuple[Matrix, float]:
    made = np.exp(scores - facts["max"])
    return made, made.sum() + (
        0 if facts["sink"] is None else math.exp(facts["sink"] - facts["max"])
    )


@pytest.mark.parametrize("name", KINDS)
def test_every_number_follows_from_those_before_it(name: str) -> None:
    kind = KINDS[name]
    session = run(kind.make, kind.inputs)
    seen: set[str] = set()
    for stack, call in calls_of(session):
        parts = []
        for head in range(call.heads):
            query = (3 * head + 2) % call.query_len
            where = {"heads": [[call.layer, head]], "batch": 1}
            made = steps_of(session, stack, call, **where, query=query)
            facts, a = made.facts, in_float64(made)
            assert facts["has_products"]
            assert facts["window"] == facts["row"] == [0, call.key_len]
            dot = a["k"] @ a["q"]
            assert close(a["dot"], dot)
            assert close(a["scaled"], dot * facts["scale"])
            cap = facts["softcap"]
            capped = a["scaled"] if cap is None else cap * np.tanh(a["scaled"] / cap)
            assert close(a.get("capped", a["scaled"]), capped)
            hidden = made.arrays["masked"] == 1
            for places in (~hidden, hidden) if hidden.any() else (~hidden,):
                assert close(a["scores"][places], (capped + a["added"])[places])
            own, total = exponentials(facts, a["scores"])
            assert facts["max"] == pytest.approx(max(a["scores"].max(), facts["sink"] or -math.inf))
            assert facts["sum"] == pytest.approx(total)
            assert close(a["weights"], own / total)
            assert "softmax" not in a
            assert close(a["output"], a["weights"] @ a["v"])
            real = call.weights(head, query, batch=1)[0, 0, 0]
            assert close(a["weights"], real)
            assert (hidden == ~call.visible(head, query, batch=1)[0, 0, 0].numpy()).all()
            if call.output is not None:
                assert close(a["own_output"], call.output[1, head, query])
                assert close(a["output"], a["own_output"])
                assert facts["error"] <= 1e-5
            assert close(a["heads_out"][head], a["output"])
            assert facts["projection"]["name"] == kind.projection
            layer = copy.deepcopy(session.model.get_submodule(facts["projection"]["path"]))
            joined = torch.tensor(a["heads_out"].reshape(-1))
            with torch.no_grad():
                assert close(a["projected"], layer.double()(joined))
            assert kind.says(facts), facts
            seen.update(facts["added_is"])
            parts.append((query, a["part"], layer.bias))
        whole = [steps_of(session, stack, call, heads=[[call.layer, h]], batch=1, query=1)
                 for h in range(call.heads)]  # fmt: skip
        added = sum(in_float64(one)["part"] for one in whole)
        bias = 0.0 if parts[0][2] is None else parts[0][2].detach().numpy()
        assert close(added + bias, in_float64(whole[0])["projected"])
    assert seen == kind.added


def given_to_layers(model: nn.Module) -> dict[str, tuple[Tensor, Tensor]]:
    """What every linear layer is given from now on, and what it makes of it; the last time each."""
    seen = {}

    def keep(path: str) -> Any:
        def hook(layer: nn.Module, given: tuple[Tensor, ...], result: Tensor) -> None:
            seen[path] = given[0].detach(), result.detach()

        return hook

    for path, layer in model.named_modules():
        if isinstance(layer, nn.Linear) or type(layer).__name__ == "Conv1D":
            layer.register_forward_hook(keep(path))
    return seen


def row_near(rows: Tensor, row: Any) -> int:
    """Number of the row that is the one given."""
    rows = rows.flatten(0, -2)
    nearest = int((rows - torch.from_numpy(row)).abs().amax(-1).argmin())
    assert close(rows[nearest], row)
    return nearest


HOOKED = [name for name in KINDS if "fused" not in name and not name.startswith("mha")]
PUBLISHED = ["swin", "deepseek_v3", "granite_swa", "longformer", "openai-gpt"]


@pytest.mark.parametrize("name", [*HOOKED, *PUBLISHED])
def test_the_projection_is_the_layer_that_was_given_the_heads_outputs(name: str) -> None:
    kind = KINDS.get(name)
    model = lively(kind.make() if kind else configs.build(name, "tiny"))
    seen = given_to_layers(model)
    session = Session(model)
    session.run_inputs(kind.inputs() if kind else inputs_for(model))
    for stack, call in calls_of(session):
        made = steps_of(session, stack, call, query=1)
        given_to, result = seen[made.facts["projection"]["path"]]
        at = row_near(given_to, made.arrays["heads_out"].reshape(-1))
        assert close(made.arrays["projected"], result.flatten(0, -2)[at, :512])


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("qwen3_next", "q_proj makes more than the queries"),
        ("bitnet", "attn_sub_norm seems to change"),
        ("vits", "emb_rel_v seems to change"),
        ("diffllama", "groupnorm seems to change"),
    ],
)
def test_where_models_change_the_heads_outputs_before_no_layer_is_named(
    name: str, why: str
) -> None:
    model = configs.build(name, "tiny").eval()
    session = Session(model)
    session.run_inputs(inputs_for(model))
    stack, call = next(calls_of(session))
    made = steps_of(session, stack, call, query=3)
    assert made.facts["projection"] is None
    assert made.facts["why_no_projection"].startswith(why)


def test_the_sink_is_the_models_parameter() -> None:
    session = run(KINDS["gpt_oss"].make, KINDS["gpt_oss"].inputs)
    for stack, call in calls_of(session):
        sinks = session.model.get_submodule(call.module).sinks.tolist()
        for head in range(call.heads):
            made = steps_of(session, stack, call, heads=[[call.layer, head]], query=5)
            assert made.facts["sink"] == sinks[head]


# -- what is not there -----------------------------------------------------------------


def test_given_maps_have_weights_alone() -> None:
    (made,) = draw(session_of(1, 2, 4, 5), kind="steps", heads=[[1, 1]], query=2)
    assert set(made.arrays) == {"weights", "masked"}
    assert not made.facts["has_products"]
    assert made.facts["why_no_products"] == "Only weights were given."
    assert "not known" in made.facts["why_no_scores"]
    assert made.facts["projection"] is None
    assert made.facts["why_no_projection"] == "The heads' outputs are not known."


@pytest.mark.parametrize(
    ("why", "missing"),
    [
        ("Additive", {"q", "k", "dot", "added"}),
        ("Pooling", {"q", "k", "dot", "added"}),
        ("Deformable", {"q", "k", "v", "dot", "output"}),
    ],
)
def test_scores_without_products_say_why(why: str, missing: set[str]) -> None:
    session = run(*NO_PRODUCTS[why])
    stack, call = next(calls_of(session))
    made = steps_of(session, stack, call, batch=1)
    a = in_float64(made)
    assert not made.facts["has_products"]
    assert made.facts["why_no_products"].startswith(why)
    assert not missing & set(a)
    own, total = exponentials(made.facts, a["scores"])
    assert close(a["weights"], own / total)
    assert call.output is not None
    assert close(a["own_output"], call.output[1, 0, 0])
    if "v" in a:
        assert close(a["weights"] @ a["v"], a["own_output"])
    else:
        assert "values of its own" in made.facts["why_no_output"]


def test_channels_are_no_tokens_to_project() -> None:
    session = run(XCA, _x)
    stack, call = next(calls_of(session))
    made = steps_of(session, stack, call)
    assert made.arrays["q"].shape == (5,), "one number for each token"
    assert made.facts["projection"] is None
    assert "features" in made.facts["why_no_projection"]


def test_weights_changed_after_the_softmax_stand_beside_it() -> None:
    session = run(TalkingHeads, _x)
    stack, call = next(calls_of(session))
    made = steps_of(session, stack, call, heads=[[0, 1]], query=3)
    a = in_float64(made)
    own, total = exponentials(made.facts, a["scores"])
    assert close(a["softmax"], own / total)
    assert not np.allclose(a["softmax"], a["weights"], atol=1e-3)
    assert close(a["output"], a["own_output"])
    assert "after the softmax" in made.facts["after_softmax"]
    assert made.facts["added_is"] == ["other"]
    assert made.facts["sink"] is None


def test_dropout_is_told() -> None:
    model = NanoGPT(flash=False, dropout=0.5).train()
    session = Session(model)
    session.attach()
    model(*_ids())
    session.detach()
    stack, call = next(calls_of(session))
    made = steps_of(session, stack, call, query=4)
    assert made.facts["dropout"].startswith("Dropout ")
    assert made.facts["dropout"].endswith("the weights shown are before it.")
    assert made.facts["error"] > 1e-3
    assert "training may have changed" in made.facts["projection"]["remark"]


def test_a_row_of_nothing_and_one_of_nan_can_be_sent() -> None:
    blind = torch.zeros(2, 5, dtype=torch.bool)
    blind[1] = True
    session = Session(nn.MultiheadAttention(D, HEADS).eval())
    x = torch.randn(5, 2, D)
    session.run_inputs({"query": x, "key": x, "value": x, "key_padding_mask": blind})
    stack, call = next(calls_of(session))
    made = steps_of(session, stack, call, batch=1)
    check_plain_json(made)
    assert made.facts["sees_nothing"]
    assert np.isfinite(made.arrays["scores"]).all()
    assert np.isfinite(made.arrays["weights"]).all()
    assert made.arrays["masked"].all()


def test_the_rounding_of_half_precision_is_not_called_a_bias() -> None:
    for name in ("bert", "notebook"):
        kind = KINDS[name]
        session = Session(lively(kind.make()).to(torch.bfloat16))
        inputs = kind.inputs()
        if name == "notebook":
            inputs = (inputs[0].to(torch.bfloat16), inputs[1])
        session.run_inputs(inputs)
        stack, call = next(calls_of(session))
        made = steps_of(session, stack, call, query=3)
        assert set(made.facts["added_is"]) <= {"mask"}
        assert made.facts["sink"] is None
        assert made.facts["after_softmax"] == ""
        assert np.abs(made.arrays["output"] - made.arrays["own_output"]).max() <= 0.02


# -- how much is sent -----------------------------------------------------------------


class Long(nn.Module):
    """Queries and keys are the input itself."""

    def __init__(self, heads: int, d: int, project: bool = False) -> None:
        super().__init__()
        self.heads = heads
        self.out = nn.Linear(heads * d, heads * d) if project else nn.Identity()

    def forward(self, x: Tensor, memory: Tensor) -> Tensor:
        q, k = split(x, self.heads), split(memory, self.heads)
        return self.out(merge(nn.functional.scaled_dot_product_attention(q, k, k)))


def long(heads: int, d: int, keys: int, project: bool = False) -> Session:
    torch.manual_seed(2)
    model = Long(heads, d, project).eval()
    session = Session(model)
    session.run_inputs((torch.randn(1, 3, heads * d), torch.randn(1, keys, heads * d)))
    return session


@pytest.mark.parametrize("keys", [None, [0, 512]])
def test_a_message_stays_small(keys: list[int] | None) -> None:
    session = long(12, 64, 512, project=True)
    stack, call = next(calls_of(session))
    made = steps_of(session, stack, call, query=1, keys=keys)
    content, buffers = messages.picture("k", 1, made)
    assert len(json.dumps(content)) + sum(map(len, buffers)) < 200_000
    start, stop = made.facts["window"]
    assert stop - start == (64 if keys is None else 256)
    assert made.arrays["k"].shape == made.arrays["v"].shape == (stop - start, 64)
    assert start <= made.facts["heaviest"] < stop or keys is not None
    assert made.arrays["dot"].shape == (512,)
    assert close(made.arrays["dot"][start:stop], in_float64(made)["k"] @ in_float64(made)["q"])
    # Of the 768 numbers after the projection, the first.
    assert made.facts["projection"]["size"] == 768
    assert made.arrays["projected"].shape == made.arrays["part"].shape == (512,)
    assert made.arrays["heads_out"].shape == (12, 64)


def test_a_very_long_row_is_sent_in_part() -> None:
    session = long(1, 8, 5000)
    stack, call = next(calls_of(session))
    made = steps_of(session, stack, call, query=2, keys=[4900, 4910])
    assert made.facts["window"] == [4900, 4910]
    assert made.facts["row"] == [904, 5000]
    assert made.facts["key_len"] == 5000
    assert made.facts["weights_sum"] == pytest.approx(1.0)
    a = in_float64(made)
    real = call.weights(0, 2)[0, 0, 0].numpy()
    assert close(a["weights"], real[904:])
    assert close(np.exp(a["scores"] - made.facts["max"]) / made.facts["sum"], a["weights"])
    assert close(a["dot"][4900 - 904 : 4910 - 904], a["k"] @ a["q"])


def test_long_vectors_are_cut_and_their_length_is_told() -> None:
    session = long(1, 600, 40)
    stack, call = next(calls_of(session))
    made = steps_of(session, stack, call)
    assert (made.facts["d"], made.facts["dv"]) == (600, 600)
    assert made.arrays["q"].shape == made.arrays["output"].shape == (512,)
    assert made.arrays["k"].shape == (32, 512)
    assert made.facts["error"] <= 1e-5


def test_the_window_lies_around_the_heaviest_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps_module, "KEYS_SHOWN", 4)
    for heaviest, window in ((0, [0, 4]), (5, [3, 7]), (9, [6, 10])):
        weights = torch.full((1, 1, 1, 10), 0.05)
        weights[..., heaviest] = 0.5
        (made,) = draw(session_over([weights]), kind="steps", heads=[[0, 0]], query=0)
        assert made.facts["window"] == window
        assert made.facts["heaviest"] == heaviest


# -- which layer comes after the heads ----------------------------------------------------------


class Gated(Sdpa):
    """Something between the heads and their projection."""

    def __init__(self) -> None:
        super().__init__()
        self.out_gate = nn.Linear(D, D)


class SubNormAttention(Sdpa):
    def __init__(self) -> None:
        super().__init__()
        self.attn_sub_norm = nn.LayerNorm(D)


class TwoAlike(Sdpa):
    def __init__(self) -> None:
        super().__init__()
        self.proj = nn.Linear(D, D)


class Halves(Projections):
    """One softmax, whose parts meet their values one after the other."""

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (split(part) for part in self.qkv(x))
        weights = (0.5 * q @ k.mT).softmax(-1)
        return self.out(merge(weights[..., :2] @ v[..., :2, :] + weights[..., 2:] @ v[..., 2:, :]))


class OffByOne(Projections):
    """A softmax with 1 added to its sum."""

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (split(part) for part in self.qkv(x))
        scores = nn.functional.pad(0.5 * q @ k.mT, (0, 1))
        return self.out(merge(scores.softmax(-1)[..., :-1] @ v))


class Special(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * 2


class OwnLayer(Sdpa):
    def __init__(self) -> None:
        super().__init__()
        self.out = Special(D, D)


class Renamed(nn.Module):
    """A layer of the right size whose name says nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.mystery = nn.Linear(D, D)

    def forward(self, x: Tensor) -> Tensor:
        q = split(x)
        return self.mystery(merge(nn.functional.scaled_dot_product_attention(q, q, q)))


class GatedAttention(Gated):
    pass


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (GatedAttention, "out_gate seems to change"),
        (SubNormAttention, "attn_sub_norm seems to change"),
        (TwoAlike, "More than one layer may be the projection: out and proj"),
        (Halves, "A part of the weights is missing here"),
        (OwnLayer, "No layer after the heads"),
        (Renamed, "No layer after the heads"),
    ],
)
def test_a_layer_that_may_not_be_the_projection_is_not_called_so(
    make: Callable[[], nn.Module], why: str
) -> None:
    session = run(make, _x)
    stack, call = next(calls_of(session))
    made = steps_of(session, stack, call)
    assert made.facts["projection"] is None
    assert made.facts["why_no_projection"].startswith(why)
    assert "projected" not in made.arrays
    assert "heads_out" in made.arrays


def test_a_softmax_with_one_added_has_a_sink_of_zero() -> None:
    session = run(OffByOne, _x)
    stack, call = next(calls_of(session))
    made = steps_of(session, stack, call, query=3)
    assert made.facts["weights_sum"] < 0.999
    assert (made.facts["sink"], made.facts["sink_is_known"]) == (0.0, True)
    own, total = exponentials(made.facts, in_float64(made)["scores"])
    assert close(made.arrays["weights"], own / total)
    assert made.facts["projection"]["name"] == "out"


def test_layers_are_found_in_models_that_are_compiled_in_part() -> None:
    model = nn.Sequential(Notebook(), nn.Identity())
    inner = model[0]
    session = Session(inner)
    session.run_inputs(_x())
    _, call = next(calls_of(session))
    call.module = "0"
    model[0] = torch.compile(inner)
    assert module_at(model, "0") is inner
    found, _ = projection_of(torch.compile(model), call, D)
    assert found is not None
    assert (found.path, found.name) == ("0.out", "out")
    gone, why = projection_of(nn.Sequential(), call, D)
    assert gone is None
    assert "no module '0'" in why


def test_an_earlier_pass_says_that_the_projection_is_of_now() -> None:
    session = run(Notebook, _x)
    session.run_inputs(_x())
    session.look_at(1)
    stack, call = next(calls_of(session))
    made = steps_of(session, stack, call)
    assert "an earlier pass" in made.facts["projection"]["remark"]


# -- what does not exist -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("want", "message"),
    [
        ({"heads": [[0, 0]], "query": 4}, "query=4 does not exist. Choose from 0 to 3"),
        ({"heads": [[0, 0]], "query": -1}, "query=-1"),
        ({"heads": [[0, 0]], "query": "it"}, "whole number"),
        ({"heads": [[0, 0]]}, "query=None"),
        ({"heads": [], "query": 0}, "list of 1 to 64 pairs"),
        ({"query": 0}, "list of 1 to 64 pairs"),
        ({"heads": {"0": 0}, "query": 0}, "list of 1 to 64 pairs"),
        ({"heads": [[0, 9]], "query": 0}, "head=9"),
        ({"heads": [[0, 0]], "query": 0, "keys": [3, 3]}, "keys="),
        ({"heads": [[0, 0]], "query": 0, "keys": 3}, "two whole numbers"),
        ({"heads": [[0, 0]], "query": 0, "batch": 7}, "batch=7"),
        ({"heads": [[0, 0]], "query": 0, "stack": "none"}, "stack='none'"),
    ],
)
def test_what_does_not_exist_is_refused_in_words(want: dict[str, Any], message: str) -> None:
    with pytest.raises(Trouble, match=message):
        draw(session_of(1, 3, 4, 4), kind="steps", **want)


def test_of_several_heads_the_first_is_meant_and_words_stay_tokens() -> None:
    session = session_of(1, 3, 4, 4)
    words = {"words": True, "hide": ["first"], "renormalise": True, "pair": None}
    (made,) = draw(session, kind="steps", heads=[[1, 2], [0, 0]], query=1, reading=words)
    assert (made.facts["layer"], made.facts["head"]) == (1, 2)
    assert made.arrays["weights"].shape == (4,)


NOTEBOOK = run(Notebook, _x)


@given(
    st.fixed_dictionaries(
        {"kind": st.just("steps")},
        optional={
            "stack": JSON | st.just(""),
            "heads": JSON | st.just([[0, 0]]) | st.lists(st.lists(st.integers(-1, 4), max_size=3)),
            "batch": JSON | st.just(0),
            "query": JSON | st.integers(-1, 5),
            "keys": JSON | st.lists(st.integers(), max_size=3),
            "reading": JSON,
        },
    )
)
def test_any_json_is_answered_by_a_picture_or_by_trouble(want: Any) -> None:
    try:
        (made,) = pictures.paint(NOTEBOOK, {"key": "k", **want})
    except Trouble:
        return
    assert isinstance(made, Picture)
