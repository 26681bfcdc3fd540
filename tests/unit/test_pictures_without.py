"""What is predicted without a head or positions, against the same made in plain torch."""

from __future__ import annotations

import contextlib
import copy
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
import traitlets
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

import attnwidget as aw
from attnwidget import pictures
from attnwidget.changed.places import shuffled
from attnwidget.messages import Picture, Progress
from attnwidget.session import Session
from attnwidget.trace import Trace
from attnwidget.trouble import Trouble
from tests.unit.models import HEADS, D, Notebook, split, transformers_inputs
from tests.unit.test_messages import JSON

WANT: dict[str, Any] = {
    "key": "k", "kind": "without", "stack": "", "batch": 0, "heads": [[1, 2]], "at": 3,
    "reading": {"words": False, "hide": [], "renormalise": False, "pair": None}, "what": "head",
}  # fmt: skip
TEXT = "The animal didn't cross the street because it was too tired, so it slept."


class Numbered:
    """A tokenizer whose tokens are called by their ids."""

    def convert_ids_to_tokens(self, ids: list[int]) -> list[str]:
        return [f"w{i}" for i in ids]


def without(session: Session, **want: Any) -> Picture:
    """The finest picture."""
    *_, made = pictures.paint(session, {**WANT, **want})
    assert isinstance(made, Picture)
    assert not made.coarse
    return made


# -- models, and what each predicts with something changed -----------------------------------------


class LanguageModel(nn.Module):
    """Embedding, positions, two layers of attention, logits; nothing tells what its parts are."""

    def __init__(self, attention: Callable[[], nn.Module], table: str = "pos_emb") -> None:
        super().__init__()
        torch.manual_seed(5)
        self.words = nn.Embedding(26, D)
        setattr(self, table, nn.Embedding(16, D))
        self.table = table
        self.layers = nn.ModuleList(attention() for _ in range(2))
        self.unembed = nn.Linear(D, 26)
        self.config = SimpleNamespace(vocab_size=26)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.words(ids) + getattr(self, self.table)(torch.arange(ids.shape[1]))
        for layer in self.layers:
            made = layer(x, x, x) if isinstance(layer, nn.MultiheadAttention) else layer(x)
            x = x + 3 * (made[0] if isinstance(made, tuple) else made)
        logits: Tensor = self.unembed(x)
        return logits


class Classifier(nn.Module):
    """torch's own encoder, which runs as one kernel, and two classes."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        layer = nn.TransformerEncoderLayer(D, HEADS, 32, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.register_buffer("pe", sinusoids(16, D)[None])
        self.out = nn.Linear(D, 2)
        self.config = SimpleNamespace(id2label={0: "bad", 1: "good"})

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = 4 * self.out(self.encoder(x + self.pe[:, : x.shape[1]]).mean(1))
        return logits


def sinusoids(positions: int, width: int) -> Tensor:
    """Vaswani et al. 2017, section 3.5."""
    rows = [
        [
            math.sin(m / 10_000 ** (i / width))
            if i % 2 == 0
            else math.cos(m / 10_000 ** ((i - 1) / width))
            for i in range(width)
        ]
        for m in range(positions)
    ]
    return torch.tensor(rows)


def head_model(name: str) -> nn.Module:
    """Random weights that are large enough for heads to matter."""
    import transformers as hf

    if name == "stories":
        return aw.zoo.load("stories")[0]  # type: ignore[no-any-return]
    if name == "attention of torch":
        return LanguageModel(lambda: nn.MultiheadAttention(D, HEADS, batch_first=True)).eval()
    if name == "course notebook":
        return LanguageModel(Notebook).eval()
    if name == "fused encoder":
        return Classifier().eval()
    small = {"hidden_size": D, "intermediate_size": 32, "num_hidden_layers": 2, "vocab_size": 50}
    words = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2}
    small |= words
    torch.manual_seed(3)
    models: dict[str, Callable[[], nn.Module]] = {
        "gpt2": lambda: hf.GPT2LMHeadModel(
            hf.GPT2Config(n_embd=D, n_head=HEADS, n_layer=2, vocab_size=50, n_positions=32, **words)
        ),
        "llama": lambda: hf.LlamaForCausalLM(
            hf.LlamaConfig(**small, num_attention_heads=HEADS, num_key_value_heads=2)
        ),
        "bert": lambda: hf.BertForMaskedLM(hf.BertConfig(**small, num_attention_heads=HEADS)),
        "opt": lambda: hf.OPTForCausalLM(
            hf.OPTConfig(
                hidden_size=D, word_embed_proj_dim=D, ffn_dim=32, num_hidden_layers=2,
                num_attention_heads=HEADS, vocab_size=50, max_position_embeddings=32, **words,
            )
        ),
        "bloom": lambda: hf.BloomForCausalLM(
            hf.BloomConfig(hidden_size=D, n_head=HEADS, n_layer=2, vocab_size=50, **words)
        ),
        "t5": lambda: hf.T5ForConditionalGeneration(
            hf.T5Config(
                d_model=D, d_ff=32, d_kv=4, num_heads=HEADS, num_layers=2, vocab_size=50,
                decoder_start_token_id=2, **words,
            )
        ),
        "vit": lambda: hf.ViTForImageClassification(
            hf.ViTConfig(
                hidden_size=D, intermediate_size=32, num_hidden_layers=2,
                num_attention_heads=HEADS, image_size=16, patch_size=4,
            )
        ),
    }  # fmt: skip
    model = models[name]().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1 and float(parameter.std()) > 0:
                parameter.mul_(0.4 / parameter.std())
            elif parameter.dim() > 1:
                parameter.normal_(std=0.4)
    return model


def inputs_of(name: str) -> Any:
    torch.manual_seed(4)
    if name == "fused encoder":
        return torch.randn(2, 7, D)
    if name in ("attention of torch", "course notebook"):
        return torch.randint(0, 26, (2, 7))
    if name == "stories":
        return aw.zoo.load("stories")[1](TEXT)
    return transformers_inputs(name)


def session_of(name: str, model: nn.Module | None = None, inputs: Any = None) -> Session:
    session = Session(head_model(name) if model is None else model, Numbered())
    session.run_inputs(inputs_of(name) if inputs is None else inputs)
    return session


def stack_of(name: str) -> str:
    """Where it predicts; "" is the first."""
    return "decoder" if name == "t5" else ""


@torch.no_grad()
def logits_of(model: nn.Module, inputs: Any, **more: Any) -> Tensor:
    made = model(**inputs, **more) if isinstance(inputs, dict) else model(inputs)
    return (made if isinstance(made, Tensor) else made.logits).double()


def assert_moved(session: Session, made: Picture, before: Tensor, after: Tensor) -> None:
    """The picture compares logits (T, V) `before` with those `after`."""
    p, q = (torch.distributions.Categorical(logits=logits) for logits in (before, after))
    kl = torch.distributions.kl_divergence(p, q)
    assert torch.as_tensor(made.arrays["kl"]).double() == pytest.approx(kl.numpy(), abs=1e-5)
    facts = made.facts
    row = 0 if facts["what"] == "classes" else facts["at"]
    assert facts["most"] == int(kl.argmax())
    model: Any = session.model
    named = model.config.id2label if facts["what"] == "classes" else None
    shares = {
        named[i] if named else f"w{i}": (float(p.probs[row, i]), float(q.probs[row, i]))
        for i in range(p.probs.shape[1])
    }
    union = {
        text for side in (0, 1) for text in sorted(shares, key=lambda text: -shares[text][side])[:5]
    }
    assert {one["text"] for one in facts["candidates"]} == union
    for one in facts["candidates"]:
        assert (one["before"], one["after"]) == pytest.approx(shares[one["text"]], abs=1e-5)
    order = [one["before"] for one in facts["candidates"]]
    assert order == sorted(order, reverse=True)


# -- a head ----------------------------------------------------------------------------------------

OUT = {
    "stories": "blocks.1.attention.output",
    "gpt2": "transformer.h.1.attn.c_proj",
    "llama": "model.layers.1.self_attn.o_proj",
    "bert": "bert.encoder.layer.1.attention.output.dense",
    "course notebook": "layers.1.out",
}


@torch.no_grad()
def muted_by_hand(model: nn.Module, name: str, inputs: Any, layer: int, head: int) -> Tensor:
    """Logits with a head's slice set to zero in front of the projection."""
    if name in OUT:
        module = model.get_submodule(OUT[name].replace("1", str(layer), 1))

        def hook(_: nn.Module, args: tuple[Tensor]) -> tuple[Tensor]:
            x = args[0].clone()
            width = x.shape[-1] // HEADS
            x[..., head * width : (head + 1) * width] = 0
            return (x,)

        handle = module.register_forward_pre_hook(hook)
        try:
            return logits_of(model, inputs)
        finally:
            handle.remove()
    own = nn.MultiheadAttention.forward
    layers = [m for m in model.modules() if isinstance(m, nn.MultiheadAttention)]

    def forward(self: Any, x: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, None]:
        q, k, v = F.linear(x, self.in_proj_weight, self.in_proj_bias).chunk(3, -1)
        q, k, v = (part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in (q, k, v))
        y = torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1) @ v
        if self is layers[layer]:
            y[:, head] = 0
        return F.linear(
            y.transpose(1, 2).flatten(2), self.out_proj.weight, self.out_proj.bias
        ), None

    torch.backends.mha.set_fastpath_enabled(False)
    nn.MultiheadAttention.forward = forward  # type: ignore[method-assign, assignment]
    try:
        return logits_of(model, inputs)
    finally:
        nn.MultiheadAttention.forward = own  # type: ignore[method-assign]
        torch.backends.mha.set_fastpath_enabled(True)


@pytest.mark.parametrize("name", [*OUT, "attention of torch", "fused encoder"])
def test_a_muted_head_is_one_whose_slice_is_zero_before_the_projection(name: str) -> None:
    session = session_of(name)
    model, inputs = copy.deepcopy(session.model), inputs_of(name)
    assert model is not None
    item = 0 if name == "stories" else 1
    before = logits_of(model, inputs)[item]
    made = without(session, batch=item)
    after = muted_by_hand(model, name, inputs, 1, 2)[item]
    if name == "fused encoder":
        before, after = before[None], after[None]
    assert float((before - after).abs().max()) > 1e-2, "the head must matter"
    assert_moved(session, made, before, after)
    row = 0 if name == "fused encoder" else made.facts["at"]
    p = torch.distributions.Categorical(logits=before[row])
    for head, kl in enumerate(made.arrays["kl_of_heads"]):
        q = muted_by_hand(model, name, inputs, 1, head)[item]
        q = q if name == "fused encoder" else q[row]
        expected = torch.distributions.kl_divergence(p, torch.distributions.Categorical(logits=q))
        assert kl == pytest.approx(float(expected), abs=1e-5)


def test_the_bundled_model_says_another_word_without_the_head_that_finds_the_animal() -> None:
    session = aw.explore()._session
    made = without(session, heads=[[2, 2]], at=14)
    slept, *_ = made.facts["candidates"]
    assert slept["text"] == "slept"
    assert slept["before"] > 0.95
    assert slept["after"] < 0.7
    assert made.facts["most"] == 14
    assert made.facts["parts"] == ["blocks.2.attention.output"]


def test_all_heads_come_after_the_first_picture_and_are_muted_once() -> None:
    session = session_of("gpt2")
    runs = 0

    def count(*_: Any) -> None:
        nonlocal runs
        runs += 1

    assert session.model is not None
    session.model.register_forward_pre_hook(count)
    first, *told, last = pictures.paint(session, WANT)
    assert isinstance(first, Picture)
    assert isinstance(last, Picture)
    assert (first.coarse, "kl_of_heads" in first.arrays, last.coarse) == (True, False, False)
    assert [p.done for p in told if isinstance(p, Progress)] == list(range(1, HEADS + 1))
    assert runs == 1 + HEADS
    for at in range(7):
        without(session, at=at)
    without(session, heads=[[1, 0]])
    assert runs == 1 + HEADS, "another token or head of the layer asks the model for nothing"
    without(session, heads=[[0, 0]])
    assert runs == 1 + 2 * HEADS


def test_weights_that_have_changed_are_noticed_and_said() -> None:
    session = session_of("gpt2")
    before = without(session)
    assert before.facts["remark"] == ""
    with torch.no_grad():
        session.model.transformer.wte.weight.mul_(1.5)  # type: ignore[union-attr, operator]
    after = without(session)
    assert "as it is now" in after.facts["remark"]
    assert after.facts["candidates"] != before.facts["candidates"]


def test_only_one_pass_keeps_what_was_made_again() -> None:
    session = session_of("gpt2")
    first = session.snapshot
    without(session)
    session.run_inputs(inputs_of("gpt2"))
    without(session)
    assert first is not None
    assert session.snapshot is not None
    assert ("rerun" in first.measured, "rerun" in session.snapshot.measured) == (False, True)


def test_what_is_taken_away_is_a_trait() -> None:
    ex = aw.explore(view="without", remove="positions")
    assert (ex.view, ex.remove) == ("without", "positions")
    with pytest.raises(traitlets.TraitError):
        ex.remove = "everything"
    ex.close()


# -- positions -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """How to do without positions by other means than ours, and where they are."""

    name: str
    parts: list[str]
    removed: Callable[[Any, Any], Tensor]
    shuffled: Callable[[Any, Any, list[int]], Tensor] | None = None


def _no_embeddings(model: Any, inputs: Any) -> Tensor:
    """What is added later is taken away before."""
    words = model.transformer.wte(inputs["input_ids"])
    embeds = words - model.transformer.wpe(torch.arange(words.shape[1]))
    return logits_of(model, {"inputs_embeds": embeds.detach()})


def _at_places(model: Any, inputs: Any, order: list[int]) -> Tensor:
    return logits_of(model, inputs, position_ids=torch.tensor(order).expand(2, -1))


def _zeroed(*paths: str) -> Callable[[Any, Any], Tensor]:
    def run(model: Any, inputs: Any) -> Tensor:
        entries = {**dict(model.named_parameters()), **dict(model.named_buffers())}
        with torch.no_grad():
            for path in paths:
                entries[path].zero_()
        return logits_of(model, inputs)

    return run


def _permuted(path: str, axis: int, start: int) -> Callable[[Any, Any, list[int]], Tensor]:
    def run(model: Any, inputs: Any, order: list[int]) -> Tensor:
        entries = {**dict(model.named_parameters()), **dict(model.named_buffers())}
        table = entries[path].data.transpose(0, axis)
        rows = table.clone()
        for to, taken in enumerate(order):
            table[start + to] = rows[start + taken]
        return logits_of(model, inputs)

    return run


def _no_slopes(model: Any, inputs: Any) -> Tensor:
    from transformers.models.bloom import modeling_bloom

    own = modeling_bloom._get_alibi_slopes
    modeling_bloom._get_alibi_slopes = lambda *args: torch.zeros_like(own(*args))
    try:
        return logits_of(model, inputs)
    finally:
        modeling_bloom._get_alibi_slopes = own


T5 = [
    f"{side}.block.0.layer.0.SelfAttention.relative_attention_bias"
    for side in ("encoder", "decoder")
]
CASES = [
    Case("stories", ["places.weight"], _zeroed("places.weight"), _permuted("places.weight", 0, 0)),
    Case("gpt2", ["transformer.wpe.weight"], _no_embeddings, _at_places),
    Case(
        "bert",
        ["bert.embeddings.position_embeddings.weight"],
        _zeroed("bert.embeddings.position_embeddings.weight"),
        _at_places,
    ),
    Case(
        "opt",
        ["model.decoder.embed_positions.weight"],
        _zeroed("model.decoder.embed_positions.weight"),
        _permuted("model.decoder.embed_positions.weight", 0, 2),
    ),
    Case("llama", ["model.rotary_emb"], lambda m, x: _at_places(m, x, [0] * 7), _at_places),
    Case("t5", T5, _zeroed(*(f"{path}.weight" for path in T5))),
    Case("bloom", ["transformer.build_alibi_tensor"], _no_slopes),
    Case(
        "vit",
        ["vit.embeddings.position_embeddings"],
        _zeroed("vit.embeddings.position_embeddings"),
        _permuted("vit.embeddings.position_embeddings", 1, 1),
    ),
    Case("fused encoder", ["pe"], _zeroed("pe"), _permuted("pe", 1, 0)),
]


@pytest.mark.parametrize(
    ("case", "change"),
    [(c, "positions") for c in CASES] + [(c, "order") for c in CASES if c.shuffled],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_positions_are_gone_or_shuffled_as_by_hand(case: Case, change: str) -> None:
    inputs = inputs_of(case.name)
    session = session_of(case.name)
    model = copy.deepcopy(session.model)
    assert model is not None
    before = logits_of(model, inputs)[0]
    made = without(session, what=change, stack=stack_of(case.name))
    assert made.facts["parts"] == case.parts
    assert "kl_of_heads" not in made.arrays
    if change == "order":
        order = made.facts["order"]
        assert sorted(order) == list(range(len(order)))
        assert order == shuffled(len(order))
        assert order != list(range(len(order)))
        assert case.shuffled is not None
        after = case.shuffled(model, inputs, order)[0]
    else:
        assert made.facts["order"] == []
        after = case.removed(model, inputs)[0]
    if before.dim() == 1:
        before, after = before[None], after[None]
    assert float((before - after).abs().max()) > 1e-3, "positions must matter"
    assert_moved(session, made, before, after)


def test_a_table_that_no_name_tells_is_found_by_being_called_in_order() -> None:
    session = session_of(
        "", LanguageModel(Notebook, table="whatever").eval(), inputs_of("course notebook")
    )
    made = without(session, what="positions")
    assert made.facts["parts"] == ["whatever.weight"]
    assert float(made.arrays["kl"].max()) > 0.01


def test_the_bias_of_distances_is_shuffled_where_there_are_no_rows_of_positions() -> None:
    session = session_of("t5")
    made = without(session, stack="decoder", what="order")
    assert "each distance" in made.facts["said"].lower()
    with pytest.raises(Trouble, match="ALiBi cannot be shuffled"):
        without(session_of("bloom"), what="order")


# -- the model is left as it was -------------------------------------------------------------------


@pytest.mark.parametrize("change", ["head", "positions", "order"])
@pytest.mark.parametrize("name", ["gpt2", "llama", "attention of torch", "fused encoder", "t5"])
def test_nothing_is_left_behind(name: str, change: str) -> None:
    session = session_of(name)
    other = Session(session.model)
    session.attach()
    other.attach()
    model = session.model
    assert model is not None
    model.train()
    next(model.children()).eval()
    parts = dict(model.named_modules())
    before = {n: (id(p), p._version, p.clone()) for n, p in model.named_parameters()}
    modes = {n: m.training for n, m in parts.items()}
    keys = {n: set(vars(m)) for n, m in parts.items()}
    rng, edition = torch.get_rng_state(), session.edition
    with torch.autocast("cpu", torch.bfloat16), torch.enable_grad():
        without(session, what=change, stack=stack_of(name))
        assert torch.is_grad_enabled()
    assert torch.equal(torch.get_rng_state(), rng)
    for n, p in model.named_parameters():
        assert (id(p), p._version) == before[n][:2]
        assert torch.equal(p, before[n][2])
        assert p.grad is None
    assert {n: m.training for n, m in parts.items()} == modes
    assert {n: set(vars(m)) for n, m in parts.items()} == keys
    hooks = [m._forward_hooks or m._forward_pre_hooks for m in parts.values()]
    assert not any(hooks)
    assert (session.edition, len(session.passes), other.passes) == (edition, 1, [])
    session.detach()
    other.detach()


def test_a_model_that_fails_meanwhile_is_put_back() -> None:
    session = session_of("gpt2")
    model: Any = session.model
    weight = model.transformer.h[1].attn.c_proj.weight
    without(session, what="positions")
    handle = model.lm_head.register_forward_pre_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        without(session)
    handle.remove()
    assert model.transformer.h[1].attn.c_proj.weight is weight
    assert not model.training


def test_a_live_pass_is_made_once_more_from_the_ids_that_were_kept() -> None:
    """Within the training loop, after the forward: gradients are those without anybody looking."""
    inputs = inputs_of("gpt2")

    def trained(looked_at: bool) -> tuple[Tensor, Picture | None]:
        model = head_model("gpt2").train()
        session = Session(model, Numbered())
        made: list[Picture] = []
        if looked_at:
            session.followers.append(lambda: made.append(without(session, batch=1)))
            session.attach()
        torch.manual_seed(0)
        model(**inputs, labels=inputs["input_ids"]).loss.backward()
        session.detach()
        grad = model.transformer.wte.weight.grad  # type: ignore[union-attr]
        assert isinstance(grad, Tensor)
        return grad, made[0] if made else None

    alone, _ = trained(looked_at=False)
    seen, made = trained(looked_at=True)
    assert torch.equal(alone, seen)
    assert made is not None
    assert "without dropout" in made.facts["remark"]
    model = head_model("gpt2")
    before = logits_of(model, inputs)[1]
    session = Session(model, Numbered())
    assert_moved(session, made, before, muted_by_hand(model, "gpt2", inputs, 1, 2)[1])


def test_a_compiled_model_is_changed_as_well() -> None:
    model = head_model("gpt2")
    inputs = inputs_of("gpt2")
    before = logits_of(model, inputs)[0]
    after = muted_by_hand(model, "gpt2", inputs, 1, 2)[0]
    compiled = torch.compile(model, backend="eager")
    compiled(**inputs)
    session = session_of("gpt2", compiled, inputs)  # type: ignore[arg-type]
    assert_moved(session, without(session), before, after)


# -- trouble ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("want", "message"),
    [
        ({"what": "dropout"}, "what='dropout' was asked for"),
        ({"at": 7}, r"at=7"),
        ({"at": None}, "whole number"),
        ({"heads": [[1, 4]]}, "head=4"),
        ({"heads": []}, "pairs of layer and head"),
        ({"batch": 2}, "batch=2"),
        ({"stack": "encoder"}, "encoder"),
    ],
)
def test_what_does_not_exist_is_refused_in_words(want: dict[str, Any], message: str) -> None:
    with pytest.raises(Trouble, match=message):
        without(session_of("gpt2"), **want)


def _hidden_states() -> Session:
    from tests.unit.models import NanoGPT

    session = Session(NanoGPT().eval())
    session.run_inputs(torch.randint(0, 50, (1, 7)))
    return session


def _only_maps() -> Session:
    session = Session()
    session.take(Trace.from_arrays([torch.ones(1, HEADS, 7, 7)] * 2), {})
    return session


def _overwritten() -> Session:
    inputs = inputs_of("gpt2")
    session = session_of("gpt2", inputs=inputs)
    inputs["input_ids"] += 1
    return session


def _with_cache() -> Session:
    model: Any = head_model("gpt2")
    session = Session(model, Numbered())
    session.attach()
    model.generate(inputs_of("gpt2")["input_ids"], max_new_tokens=3, do_sample=False)
    session.detach()
    return session


def _of_another_thread() -> Session:
    model: Any = head_model("gpt2")
    session = Session(model, Numbered())
    session.attach()
    thread = threading.Thread(target=lambda: model(**inputs_of("gpt2")))
    thread.start()
    thread.join()
    session.detach()
    return session


def _no_projection() -> Session:
    from tests.unit.models import Heads

    return session_of("", LanguageModel(Heads).eval(), inputs_of("course notebook"))


class Mixed(Notebook):
    """Heads whose numbers take turns before they are projected."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        q, k, v = (split(part) for part in self.qkv(x))
        weights = torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1)
        return self.out((weights @ v).permute(0, 2, 3, 1).flatten(2)), weights


def _mixed() -> Session:
    return session_of("", LanguageModel(Mixed).eval(), inputs_of("course notebook"))


def _no_positions() -> Session:
    model = LanguageModel(Notebook).eval()
    model.pos_emb = nn.Identity()
    model.pos_emb.forward = lambda at: torch.zeros(len(at), D)  # type: ignore[method-assign]
    return session_of("", model, inputs_of("course notebook"))


@pytest.mark.parametrize(
    ("make", "want", "message"),
    [
        (_hidden_states, {}, "returns no logits"),
        (_only_maps, {}, "returns no logits"),
        (_with_cache, {"at": 0}, "cannot be made once more: past_key_values holds"),
        (_overwritten, {}, "inputs were overwritten"),
        (_of_another_thread, {}, "made in another thread"),
        (_no_projection, {"heads": [[1, 0]]}, "cannot be muted"),
        (_mixed, {}, "not the heads of layer 1, one behind the other"),
        (_no_positions, {"what": "positions"}, "No positions were found .* Looked for"),
        (_no_positions, {"what": "order"}, "No positions were found"),
    ],
)
def test_what_cannot_be_done_is_said(
    make: Callable[[], Session], want: dict[str, Any], message: str
) -> None:
    with pytest.raises(Trouble, match=message):
        without(make(), **want)


@given(st.fixed_dictionaries(dict.fromkeys(("stack", "batch", "heads", "at", "what"), JSON)))
def test_any_json_is_answered_by_a_picture_or_by_trouble(want: Any) -> None:
    with contextlib.suppress(Trouble):
        list(pictures.paint(SESSION, {**WANT, **want}))


SESSION = session_of("gpt2")
