"""The block picture: each number derived again in float64 from what the model's modules put out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import attnwidget as aw
from attnwidget import pictures
from attnwidget.messages import Picture
from attnwidget.session import Session
from attnwidget.trouble import Trouble
from tests.unit.models import (
    HEADS,
    PLAIN,
    Heads,
    NanoGPT,
    transformers_inputs,
    transformers_model,
)

PLAIN_READING = {"words": False, "hide": [], "renormalise": False, "pair": None}
WIDTH = 16


class Block(nn.Module):
    """A block by hand: attention written in it, norms, factors and order as asked for."""

    def __init__(
        self,
        norm: str = "before",
        factor: float = 1.0,
        channels: bool = False,
        parallel: bool = False,
        feed_forward: bool = True,
    ) -> None:
        super().__init__()
        self.norm, self.factor, self.parallel = norm, factor, parallel
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.proj = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 48), nn.Linear(48, WIDTH)
        self.gamma = nn.Parameter(torch.rand(WIDTH) + 0.1 if channels else torch.ones(()))
        self.has_feed_forward = feed_forward

    def attend(self, x: Tensor) -> Tensor:
        q, k, v = (
            part.unflatten(2, (HEADS, -1)).transpose(1, 2) for part in self.qkv(x).chunk(3, 2)
        )
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))

    def think(self, x: Tensor) -> Tensor:
        return self.down(F.gelu(self.up(x)))

    def forward(self, x: Tensor) -> Tensor:
        scale = self.gamma * self.factor
        if self.parallel:
            return x + self.attend(self.norm1(x)) + self.think(self.norm2(x))
        if self.norm == "before":
            x = x + scale * self.attend(self.norm1(x))
            return x + scale * self.think(self.norm2(x)) if self.has_feed_forward else x
        if self.norm == "after":
            x = self.norm1(x + self.attend(x))
            return self.norm2(x + self.think(x))
        x = x + self.attend(x)
        x += self.think(x)  # in place
        return x


class LectureBlock(nn.Module):
    """The block of the lecture notebook: heads in a list, each a module."""

    def __init__(self) -> None:
        super().__init__()
        self.sa, self.ffwd = Heads(), nn.Sequential(nn.Linear(WIDTH, 64), nn.Linear(64, WIDTH))
        self.ln1, self.ln2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.sa(self.ln1(x))
        return x + self.ffwd(self.ln2(x))


def blocks(**options: Any) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(Block(**options), Block(**options)).eval()


def other(name: str, **options: Any) -> Callable[[], nn.Module]:
    """A tiny transformers model that tests/unit/models.py has not."""

    def make() -> nn.Module:
        import transformers as hf

        small = {"hidden_size": WIDTH, "intermediate_size": 32, "num_hidden_layers": 2}
        words = {"vocab_size": 50, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2}
        torch.manual_seed(3)
        config = getattr(hf, name)(**small, **words, num_attention_heads=HEADS, **options)
        return hf.AutoModel.from_config(config).eval()

    return make


@dataclass(frozen=True)
class Read:
    """A model, and how its last block is read from the outputs of its modules.

    Each sum is (branches, norm): outputs of which modules are added, and which norm follows on the
    stream. Paths are within the block.
    """

    make: Callable[[], nn.Module]
    block: str
    kind: str
    sums: list[tuple[list[str], str | None]]
    roles: list[str] = field(default_factory=lambda: ["attention", "feed-forward"])
    inputs: Callable[[], Any] = lambda: torch.randn(2, 7, WIDTH)
    stack: str = ""
    factor: float | str = 1.0  # or the name of a parameter


def ids() -> dict[str, Tensor]:
    return transformers_inputs("gpt2")


def hf(name: str, **options: Any) -> dict[str, Any]:
    return {
        "make": lambda: transformers_model(name, **options),
        "inputs": lambda: transformers_inputs(name),
    }


def fused(norm_first: bool) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        layer = nn.TransformerEncoderLayer(
            WIDTH, HEADS, 32, batch_first=True, norm_first=norm_first
        )
        return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()

    return make


def pre(attention: str, feed_forward: str) -> list[tuple[list[str], str | None]]:
    return [([attention], None), ([feed_forward], None)]


THREE = ["attention", "cross-attention", "feed-forward"]
READ = {
    "gpt2": Read(block="h.1", kind="pre-norm", sums=pre("attn", "mlp"), **hf("gpt2")),
    "llama": Read(block="layers.1", kind="pre-norm", sums=pre("self_attn", "mlp"), **hf("llama")),
    "bert": Read(
        block="encoder.layer.1",
        kind="post-norm",
        sums=[
            (["attention.output.dense"], "attention.output.LayerNorm"),
            (["output.dense"], "output.LayerNorm"),
        ],
        **hf("bert"),
    ),
    "t5 encoder": Read(
        block="encoder.block.1",
        kind="pre-norm",
        sums=pre("layer.0.SelfAttention", "layer.1.DenseReluDense"),
        stack="encoder",
        **hf("t5"),
    ),
    "t5 decoder": Read(
        block="decoder.block.1",
        kind="pre-norm",
        sums=[
            (["layer.0.SelfAttention"], None),
            (["layer.1.EncDecAttention"], None),
            (["layer.2.DenseReluDense"], None),
        ],
        roles=THREE,
        stack="decoder",
        **hf("t5"),
    ),
    "bart, by its cross-attention": Read(
        block="decoder.layers.1",
        kind="post-norm",
        sums=[
            (["self_attn"], "self_attn_layer_norm"),
            (["encoder_attn"], "encoder_attn_layer_norm"),
            (["fc2"], "final_layer_norm"),
        ],
        roles=THREE,
        stack="cross",
        **hf("bart"),
    ),
    "gemma2": Read(
        block="layers.1",
        kind="sandwich",
        sums=pre("post_attention_layernorm", "post_feedforward_layernorm"),
        **hf("gemma2", attention="eager"),
    ),
    "vit": Read(block="layers.1", kind="pre-norm", sums=pre("attention", "mlp"), **hf("vit")),
    "bloom": Read(
        block="h.1",
        kind="pre-norm",
        sums=pre("self_attention.dense", "mlp.dense_4h_to_h"),
        **hf("bloom", attention="eager"),
    ),
    "gpt-neox": Read(
        other("GPTNeoXConfig"), "layers.1", "parallel", [(["attention", "mlp"], None)], inputs=ids
    ),
    "cohere, with one norm": Read(
        other("CohereConfig"), "layers.1", "parallel", [(["self_attn", "mlp"], None)], inputs=ids
    ),
    "olmo2": Read(
        other("Olmo2Config"),
        "layers.1",
        "output-norm",
        pre("post_attention_layernorm", "post_feedforward_layernorm"),
        inputs=ids,
    ),
    "granite": Read(
        other("GraniteConfig", residual_multiplier=0.22),
        "layers.1",
        "pre-norm",
        pre("self_attn", "mlp"),
        inputs=ids,
        factor=0.22,
    ),
    "nn encoder, fused": Read(
        fused(False),
        "layers.1",
        "post-norm",
        [(["self_attn"], "norm1"), (["linear2"], "norm2")],
    ),
    "nn encoder, norm first": Read(
        fused(True), "layers.1", "pre-norm", pre("self_attn", "linear2")
    ),
    "nn decoder": Read(
        lambda: PLAIN["decoder"].make().eval(),
        "layers.1",
        "post-norm",
        [(["self_attn"], "norm1"), (["multihead_attn"], "norm2"), (["linear2"], "norm3")],
        roles=THREE,
        inputs=lambda: (torch.randn(2, 5, WIDTH), torch.randn(2, 7, WIDTH)),
        stack="decoder",
    ),
    "nanoGPT": Read(
        lambda: NanoGPT(flash=False).eval(),
        "h.1",
        "pre-norm",
        pre("c_proj", "mlp"),
        inputs=lambda: torch.randint(0, 50, (2, 7)),
    ),
    "by hand, norm before": Read(blocks(), "1", "pre-norm", pre("proj", "down")),
    "by hand, norm after": Read(
        blocks(norm="after"), "1", "post-norm", [(["proj"], "norm1"), (["down"], "norm2")]
    ),
    "by hand, no norm, in place": Read(blocks(norm="none"), "1", "no norm", pre("proj", "down")),
    "by hand, parallel": Read(blocks(parallel=True), "1", "parallel", [(["proj", "down"], None)]),
    "by hand, halved": Read(blocks(factor=0.5), "1", "pre-norm", pre("proj", "down"), factor=0.5),
    "by hand, layer scale": Read(
        blocks(channels=True), "1", "pre-norm", pre("proj", "down"), factor="gamma"
    ),
    "by hand, attention only": Read(
        blocks(feed_forward=False), "1", "pre-norm", [(["proj"], None)], roles=["attention"]
    ),
    "of a lecture": Read(
        lambda: nn.Sequential(LectureBlock(), LectureBlock()).eval(),
        "1",
        "pre-norm",
        pre("sa", "ffwd"),
    ),
}


def want(stack: str = "", batch: Any = 1) -> dict[str, Any]:
    return {"key": "b", "kind": "block", "stack": stack, "batch": batch, "reading": PLAIN_READING}


def drawn(session: Session, stack: str = "", batch: int = 1) -> Picture:
    (picture,) = pictures.paint(session, want(stack, batch))
    assert isinstance(picture, Picture)
    return picture


def session_of(read: Read) -> Session:
    torch.manual_seed(1)
    model = read.make()
    for parameter in model.parameters():  # norms that do something
        if parameter.dim() == 1:
            parameter.data += 0.1 * torch.rand_like(parameter)
    session = Session(model)
    session.run_inputs(read.inputs())
    return session


def outputs_of(model: nn.Module, paths: list[str], inputs: Any) -> dict[str, Tensor]:
    """What modules put out, of the second item in float64; "" of the first path is its input."""
    seen: dict[str, Tensor] = {}

    def keep(name: str, value: Any) -> None:
        seen[name] = (value[0] if isinstance(value, tuple) else value)[1].double().clone()

    def before(_module: nn.Module, args: Any, kwargs: Any) -> None:
        keep("", args[0] if args else kwargs["hidden_states"])

    hooks: list[Any] = [
        model.get_submodule(paths[0]).register_forward_pre_hook(before, with_kwargs=True)
    ]
    for path in paths:
        module = model.get_submodule(path)
        hooks.append(module.register_forward_hook(lambda _m, _a, out, path=path: keep(path, out)))
    with torch.no_grad():
        if isinstance(inputs, dict):
            model(**inputs)
        else:
            model(*(inputs if isinstance(inputs, tuple) else (inputs,)))
    for hook in hooks:
        hook.remove()
    return seen


@pytest.mark.parametrize("name", READ)
def test_what_is_added_is_what_the_modules_put_out(name: str) -> None:
    read = READ[name]
    session = session_of(read)
    model, snapshot = session.model, session.snapshot
    assert model is not None
    assert snapshot is not None
    assert snapshot.given is not None
    picture = drawn(session, read.stack)
    facts, rows = picture.facts["layers"][-1], picture.arrays["rows"]
    assert (facts["path"], facts["kind"], facts["why"]) == (read.block, read.kind, "")
    branches = [branch for one in facts["sums"] for branch in one["branches"]]
    assert [branch["role"] for branch in branches] == read.roles
    assert facts["error"] < 1e-6

    encoded = snapshot.given.encoded
    assert encoded is not None
    parts = [f"{read.block}.{path}" for added, norm in read.sums for path in (*added, norm) if path]
    given = encoded.kwargs or encoded.args
    outputs = outputs_of(model, [read.block, *parts], given)

    def row(number: int) -> np.ndarray:
        return rows[facts["first"] + number]

    def same(number: int, expected: Tensor, absolute: float = 1e-6) -> None:
        np.testing.assert_allclose(row(number), expected.numpy(), rtol=2e-5, atol=absolute)

    stream = outputs[""]
    same(facts["before"], stream.norm(dim=1))
    for one, (added, norm) in zip(facts["sums"], read.sums, strict=True):
        same(one["stream"], stream.norm(dim=1))
        total = stream
        for branch, path in zip(one["branches"], added, strict=True):
            out = outputs[f"{read.block}.{path}"]
            if isinstance(read.factor, str):
                gamma = model.get_submodule(read.block).get_parameter(read.factor).detach()
                out = out * gamma.double()
                lowest, highest = gamma.min().item(), gamma.max().item()
                assert branch["factor"] == pytest.approx([lowest, highest], rel=1e-4)
            else:
                out = out * read.factor
                assert branch["factor"] == read.factor
            same(branch["added"], out.norm(dim=1))
            same(branch["cosine"], F.cosine_similarity(out, stream, dim=1), 2e-6)
            total = total + out
        same(one["total"], total.norm(dim=1))
        stream = total
        if norm:
            stream = outputs[f"{read.block}.{norm}"]
            assert one["norm"]["path"] == f"{read.block}.{norm}"
            same(one["norm"]["out"], stream.norm(dim=1))
        else:
            assert one["norm"] is None
    same(facts["after"], outputs[read.block].norm(dim=1))
    torch.testing.assert_close(stream, outputs[read.block], rtol=1e-5, atol=1e-5)
    assert all(not m._forward_hooks and not m._forward_pre_hooks for m in model.modules())


@pytest.mark.parametrize(
    ("name", "layer", "parts", "width"),
    [
        ("gpt2", 1, [["h.1.attn"], ["h.1.mlp"]], 64),
        ("bert", 0, [["encoder.layer.0.attention.self"],
                     ["encoder.layer.0.intermediate", "encoder.layer.0.output.dense"]], 32),
        ("nn encoder, fused", 0, [["layers.0.self_attn"],
                                  ["layers.0.linear1", "layers.0.linear2"]], 32),
        ("nanoGPT", 1, [[], ["h.1.mlp"]], 64),
        ("of a lecture", -1, [["1.sa"], ["1.ffwd"]], 64),
    ],
)  # fmt: skip
def test_the_parts_are_the_models_own_with_their_sizes(
    name: str, layer: int, parts: list[list[str]], width: int
) -> None:
    session = session_of(READ[name])
    facts = drawn(session, READ[name].stack).facts["layers"][layer]
    branches = [branch for one in facts["sums"] for branch in one["branches"]]
    assert [[part["path"] for part in branch["parts"]] for branch in branches] == parts
    assert (facts["size"], branches[-1]["width"], facts["head_size"]) == (WIDTH, width, 4)
    named = {name: type(m).__name__ for name, m in session.model.named_modules()}  # type: ignore[union-attr]
    for branch in branches:
        for part in (*branch["parts"], branch["norm_before"], branch["norm_after"]):
            assert part is None or part["class_name"] == named[part["path"]]


def test_the_bundled_model_is_read() -> None:
    ex = aw.explore()
    facts = drawn(ex._session, batch=0).facts
    assert [layer["kind"] for layer in facts["layers"]] == ["pre-norm"] * 3
    assert len(facts["notes"]) == 1
    assert "running the same input once more" in facts["notes"][0]
    ex.close()


def test_a_layer_used_again_is_measured_each_time() -> None:
    read = Read(other("AlbertConfig", embedding_size=WIDTH), "", "post-norm", [], inputs=ids)
    picture = drawn(session_of(read))
    first, second = picture.facts["layers"]
    assert first["path"] == second["path"]
    assert first["kind"] == "post-norm"
    rows = picture.arrays["rows"]
    after, before = rows[first["first"] + first["after"]], rows[second["first"] + second["before"]]
    np.testing.assert_array_equal(after, before)
    assert not np.array_equal(after, rows[second["first"] + second["after"]])


@pytest.mark.parametrize("name", ["mha", "notebook", "single heads"])
def test_attention_without_a_stream_says_so_and_shows_what_goes_in_and_out(name: str) -> None:
    model, (args, kwargs) = PLAIN[name].make().eval(), PLAIN[name].inputs()
    assert not kwargs
    session = Session(model)
    session.run_inputs(args)
    picture = drawn(session)
    facts = picture.facts["layers"][0]
    assert (facts["kind"], facts["sums"]) == ("unknown", [])
    assert "No residual stream was found around" in facts["why"]
    rows, given = picture.arrays["rows"], args[0][1].norm(dim=1)
    np.testing.assert_allclose(rows[facts["first"] + facts["before"]], given.numpy(), rtol=1e-5)
    assert (facts["after"] is None) == (name == "single heads")  # a head puts out fewer numbers


def test_attention_that_adds_zeros_says_so() -> None:
    model = NanoGPT().eval()
    for block in model.h:
        nn.init.zeros_(block.c_proj.weight)
        nn.init.zeros_(block.c_proj.bias)
    session = Session(model)
    session.run_inputs(torch.randint(0, 50, (2, 7)))
    facts = drawn(session).facts["layers"][0]
    assert (facts["kind"], facts["sums"]) == ("unknown", [])
    assert "Attention adds nothing to the stream of h.0 (NanoBlock)" in facts["why"]


@pytest.mark.parametrize(
    ("config", "options", "kind", "factor"),
    [
        ("LlamaConfig", {}, "pre-norm", 1.0),
        ("GPTNeoXConfig", {}, "parallel", 1.0),
        (
            "GraniteConfig",
            {"residual_multiplier": 0.22, "initializer_range": 0.2},
            "pre-norm",
            0.22,
        ),
    ],
)
def test_a_model_of_half_the_bits_is_read_as_surely(
    config: str, options: dict[str, Any], kind: str, factor: float
) -> None:
    session = Session(other(config, **options)().to(torch.bfloat16))
    session.run_inputs(ids())
    for facts in drawn(session).facts["layers"]:
        branches = [branch for one in facts["sums"] for branch in one["branches"]]
        assert facts["kind"] == kind
        assert [branch["role"] for branch in branches] == ["attention", "feed-forward"]
        assert [branch["factor"] for branch in branches] == [factor, factor]


def test_a_compiled_model_is_read_uncompiled() -> None:
    session = Session(torch.compile(NanoGPT().eval()))
    session.run_inputs(torch.randint(0, 50, (2, 7)))
    facts = drawn(session).facts["layers"]
    assert [(layer["path"], layer["kind"]) for layer in facts] == [
        ("h.0", "pre-norm"),
        ("h.1", "pre-norm"),
    ]


def test_attention_in_windows_says_why_it_is_not_read() -> None:
    import transformers as hf

    config = hf.SwinConfig(
        image_size=16, patch_size=2, embed_dim=8, depths=[1], num_heads=[2], window_size=4
    )
    session = Session(hf.SwinModel(config).eval())
    session.run_inputs({"pixel_values": torch.randn(2, 3, 16, 16)})
    picture = drawn(session)
    assert "windows of 16 tokens" in picture.facts["layers"][0]["why"]
    assert picture.facts["notes"] == []


def test_a_fused_layer_says_that_it_was_run_step_by_step() -> None:
    session = session_of(READ["nn encoder, fused"])
    assert session.snapshot is not None
    assert session.snapshot.trace.calls[0].source == "fused"
    assert "one fused kernel" in drawn(session).facts["notes"][1]


def test_it_is_measured_once_for_a_pass() -> None:
    session = session_of(READ["by hand, norm before"])
    runs: list[object] = []
    session.model.register_forward_hook(lambda *_: runs.append(1))  # type: ignore[union-attr]
    first, second = drawn(session), drawn(session)
    assert len(runs) == 1
    np.testing.assert_array_equal(first.arrays["rows"], second.arrays["rows"])
    drawn(session, batch=0)
    assert len(runs) == 2


def trained(watched: bool) -> tuple[list[Tensor], list[Picture], nn.Module]:
    """Three steps of a model with dropout, with the block on screen or without."""
    torch.manual_seed(5)
    model = NanoGPT(dropout=0.3, flash=False).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    session, seen, outputs = Session(model), [], []
    if watched:
        session.attach()
        session.followers.append(lambda: seen.append(drawn(session, batch=0)))
    for _ in range(3):
        logits = model(torch.randint(0, 50, (2, 7)))
        F.cross_entropy(logits.flatten(0, 1), torch.randint(0, 50, (14,))).backward()
        optimizer.step()
        optimizer.zero_grad()
        outputs.append(logits.detach())
    session.detach()
    return [*outputs, *(p.detach() for p in model.parameters())], seen, model


def test_a_training_loop_is_the_same_to_the_last_bit_while_its_blocks_are_drawn() -> None:
    (alone, _, _), (watched, seen, model) = trained(False), trained(True)
    assert all(torch.equal(one, two) for one, two in zip(alone, watched, strict=True))
    assert [layer["kind"] for picture in seen for layer in picture.facts["layers"]] == (
        ["pre-norm"] * 6
    )
    assert all(m.training and not m._forward_hooks and not m._forward_pre_hooks
               for m in model.modules())  # fmt: skip


def test_weights_that_changed_since_the_pass_are_said() -> None:
    session = session_of(READ["by hand, norm before"])
    with torch.no_grad():
        session.model.get_parameter("0.proj.weight").mul_(1.5)  # type: ignore[union-attr]
    notes = drawn(session).facts["notes"]
    assert "weights have changed since" in notes[1]


class Failing(nn.Module):
    """A model that can be told to fail in its second block."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks, self.fails = nn.ModuleList([Block(), Block()]), False

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks[0](x)
        if self.fails:
            raise RuntimeError("told to")
        return self.blocks[1](x)


def test_a_second_run_that_fails_leaves_nothing_behind() -> None:
    model = Failing().train()
    session, x = Session(model), torch.randn(2, 5, WIDTH)
    session.attach()
    output = model(x)
    model.fails = True
    before = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="told to"):
        drawn(session)
    model.fails = False
    assert session.trouble is None
    assert torch.equal(torch.get_rng_state(), before)
    assert all(m.training and not m._forward_hooks and not m._forward_pre_hooks
               for m in model.modules())  # fmt: skip
    assert torch.equal(model(x), output)
    assert [layer["kind"] for layer in drawn(session).facts["layers"]] == ["pre-norm"] * 2
    session.detach()


def test_a_pass_of_somebody_else_is_no_longer_counted_after_it() -> None:
    model = nn.Sequential(Block(), Block()).eval()
    session = Session(model)
    session.attach()
    model(torch.randn(2, 5, WIDTH))
    drawn(session)
    assert session.newest is session.snapshot
    assert session.newest is not None
    assert session.newest.number == 1
    model(torch.randn(2, 5, WIDTH))
    assert session.newest is not None
    assert session.newest.number == 2
    session.detach()
    assert "forward" not in vars(model)


def of_a_trace() -> Session:
    model = Block().eval()
    with aw.capture(model) as trace:
        model(torch.randn(2, 5, WIDTH))
    session = Session()
    session.take(trace, {})
    return session


def with_a_cache() -> Session:
    import transformers as hf

    model = transformers_model("gpt2")
    session = Session(model)
    session.attach()
    model(torch.randint(3, 50, (2, 5)), past_key_values=hf.DynamicCache())
    session.detach()
    return session


def overwritten() -> Session:
    session, x = Session(Block().eval()), torch.randn(2, 5, WIDTH)
    session.attach()
    session.model(x)  # type: ignore[misc]
    session.detach()
    x.zero_()
    return session


def of_another_thread() -> Session:
    session = Session(Block().eval())
    session.attach()
    thread = threading.Thread(target=lambda: session.model(torch.randn(2, 5, WIDTH)))  # type: ignore[misc]
    thread.start()
    thread.join()
    session.detach()
    return session


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (of_a_trace, "There is no model to measure a block of"),
        (with_a_cache, "Its past_key_values holds a DynamicCache, which a second run might change"),
        (overwritten, "inputs of this pass have been written over since"),
        (of_another_thread, "made in another thread"),
    ],
)
def test_a_pass_that_cannot_be_run_again_says_why(make: Callable[[], Session], words: str) -> None:
    with pytest.raises(Trouble, match=words):
        drawn(make())


def test_a_run_of_our_own_is_measured_whichever_thread_it_was_made_in() -> None:
    """A text that is typed may be run in a thread of the kernel's, and is drawn in another."""
    session = Session(Block().eval())
    thread = threading.Thread(target=lambda: session.run_inputs(torch.randn(2, 5, WIDTH)))
    thread.start()
    thread.join()
    assert len(drawn(session).facts["layers"]) == 1


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (want(stack="nowhere"), "nowhere"),
        (want(batch=2), "batch=2"),
        (want(batch=True), "must be a whole number"),
        (want(batch="0"), "must be a whole number"),
    ],
)
def test_a_want_that_points_nowhere_is_refused(wanted: dict[str, Any], words: str) -> None:
    session = session_of(READ["by hand, norm before"])
    with pytest.raises(Trouble, match=words):
        list(pictures.paint(session, wanted))


def test_numbers_are_finite_and_small() -> None:
    session = session_of(READ["llama"])
    picture = drawn(session)
    rows = picture.arrays["rows"]
    assert rows.dtype == np.float32
    assert rows.shape[1] == picture.facts["tokens"] == 7
    assert np.isfinite(rows).all()
