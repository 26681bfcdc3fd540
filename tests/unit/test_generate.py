"""generate(): the steps, stitched, are the map of one forward over the final sequence."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attnwidget.binding.capture import Pass, attach, capture
from attnwidget.call import AttentionCall
from attnwidget.trace import Trace
from attnwidget.trouble import Trouble
from tests.unit.models import HEADS, D, NanoGPT, Sdpa, merge, split, transformers_model

NEW = 9


def language_model(name: str, attention: str = "sdpa", **options: Any) -> nn.Module:
    """A tiny random model that can generate."""
    import transformers as hf

    if name == "mistral":
        config = hf.MistralConfig(
            hidden_size=D,
            intermediate_size=32,
            num_hidden_layers=3,
            num_attention_heads=HEADS,
            num_key_value_heads=2,
            vocab_size=50,
            pad_token_id=2,
            **options,
        )
    else:
        config = transformers_model(name, attention, **options).config
    auto = hf.AutoModelForSeq2SeqLM if name in ("t5", "bart") else hf.AutoModelForCausalLM
    torch.manual_seed(7)
    model = auto.from_config(config, attn_implementation=attention).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            # As drawn, every token would be followed by itself; T5 does not scale its scores down.
            parameter.mul_(2 if name == "t5" else 4)
    return model


def prompt(batch: int = 1, length: int = 6, padded: int = 0) -> dict[str, Tensor]:
    torch.manual_seed(11)
    ids = torch.randint(3, 50, (batch, length))
    mask = torch.ones_like(ids)
    if padded:
        ids[-1, :padded], mask[-1, :padded] = 2, 0
    return {"input_ids": ids, "attention_mask": mask}


def generate(model: nn.Module, inputs: dict[str, Tensor], **how: Any) -> Tensor:
    torch.manual_seed(0)
    lengths = {"max_new_tokens": NEW, "min_new_tokens": NEW, "do_sample": False}
    return model.generate(**inputs, **(lengths | how))


def in_one_pass(model: nn.Module, ids: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
    """What eager attention reports for the whole sequence at once, without a cache."""
    before = model.config._attn_implementation
    model.set_attn_implementation("eager")
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    with torch.no_grad():
        found = model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            use_cache=False,
            output_attentions=True,
        ).attentions
    model.set_attn_implementation(before)
    return found


def expect(calls: list[AttentionCall], maps: tuple[Tensor, ...], status: str = "exact") -> None:
    """Compare stitched calls with the maps of a single pass, in every selection."""
    assert len(calls) == len(maps)
    for call, expected in zip(calls, maps, strict=True):
        t = expected.shape[2]
        assert call.status == status
        assert "Stitched from" in call.note
        visible = call.visible()[:, :, :t, :t]
        rows = visible.any(-1)
        weights = call.weights()[:, :, :t, :t]
        assert (weights - expected).abs()[rows].max() <= 1e-5
        assert (weights * ~visible)[rows].max() == 0
        soft = call.scores()[:, :, :t, :t].softmax(-1)
        assert (soft - expected).abs()[rows].max() <= 1e-5
        some = call.weights(head=2, queries=[t - 1, 3, t - 1], keys=slice(1, t, 2), batch=-1)
        assert torch.allclose(some, weights[-1:, 2:3, [t - 1, 3, t - 1]][..., 1::2], atol=1e-6)


CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "greedy": ("llama", {}, {}, {}),
    "eager": ("llama", {"attention": "eager"}, {}, {}),
    "learned positions": ("gpt2", {}, {"batch": 2}, {}),
    "sampling": ("llama", {}, {"batch": 3}, {"do_sample": True, "temperature": 2.0}),
    "left padded": ("llama", {}, {"batch": 2, "padded": 3}, {}),
    "no cache": ("llama", {}, {}, {"use_cache": False}),
    "prompt in chunks": ("llama", {}, {}, {"prefill_chunk_size": 4}),
    "static": ("llama", {}, {}, {"cache_implementation": "static"}),
    "static left padded": (
        "llama",
        {},
        {"batch": 2, "padded": 3},
        {"cache_implementation": "static"},
    ),
    "sliding": ("mistral", {"sliding_window": 4}, {}, {}),
    "sliding, prompt within": ("mistral", {"sliding_window": 4}, {"length": 2}, {}),
    "sliding left padded": ("mistral", {"sliding_window": 4}, {"batch": 2, "padded": 3}, {}),
    "sliding static": (
        "mistral",
        {"sliding_window": 4},
        {"length": 2},
        {"cache_implementation": "static"},
    ),
    "sliding static, prompt beyond": (
        "mistral",
        {"sliding_window": 4},
        {},
        {"cache_implementation": "static"},
    ),
    "hybrid": ("gemma2", {"attention": "eager", "sliding_window": 4}, {"batch": 2}, {}),
    "hybrid static": (
        "gemma2",
        {"attention": "eager", "sliding_window": 4},
        {"batch": 2},
        {"cache_implementation": "static"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_steps_joined_are_the_map_of_the_final_sequence(case: str) -> None:
    name, options, given, how = CASES[case]
    model, inputs = language_model(name, **options), prompt(**given)
    without = generate(model, inputs, **how)
    with capture(model, keep="all") as trace:
        ids = generate(model, inputs, **how)
    assert torch.equal(ids, without)
    ids = ids[:, :-1]  # nobody has looked at the last token yet
    mask = torch.cat([inputs["attention_mask"], torch.ones(len(ids), NEW - 1).long()], 1)
    stitched = trace.stitch()
    if case == "no cache":
        assert stitched.calls == trace.stacks["decoder"]
        return
    calls = stitched.stacks["decoder"]
    assert len(calls) == len(stitched.calls)
    maps = in_one_pass(model, ids, mask)
    expect(calls, maps)
    with torch.no_grad(), capture(model) as whole:
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        model(input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False)
    for call, one in zip(calls, whole.calls, strict=True):
        assert call.causal
        assert call.check() <= 1e-5
        assert (call.query_len, call.key_len) == (ids.shape[1], ids.shape[1])
        real = mask.bool()
        for made, expected in ((call.q, one.q), (call.k, one.k), (call.v, one.v)):
            assert made is not None
            assert expected is not None
            difference = (made - expected).abs().transpose(1, 2)[real]
            assert difference.max() <= 1e-4 * expected.abs().max()
        assert call.output is not None
        assert one.output is not None
        assert (call.output - one.output).abs().transpose(1, 2)[real].max() <= 1e-4


@pytest.mark.parametrize("cache", ["dynamic", "static"])
def test_positions_count_tokens_whatever_the_cache_holds(cache: str) -> None:
    model, inputs = language_model("mistral", sliding_window=4), prompt()
    with capture(model, keep="all") as trace:
        generate(model, inputs, cache_implementation=cache)
    first, *steps = [call for call in trace.calls if call.layer == 0]
    assert first.query_positions.tolist() == first.key_positions.tolist() == list(range(6))
    for at, call in enumerate(steps, start=6):
        assert call.query_positions.tolist() == [at]
        assert call.key_positions.tolist() == list(range(at - 3, at + 1))
        assert call.query_positions.dtype is torch.long


def test_a_static_cache_leaves_older_steps_readable_and_cropped() -> None:
    from transformers import StaticCache

    model, inputs = language_model("llama"), prompt(2)
    cache = StaticCache(config=model.config, max_cache_len=32)
    with torch.no_grad(), capture(model, keep="all") as trace:
        model(**inputs, past_key_values=cache)
        model(input_ids=inputs["input_ids"][:, -1:], past_key_values=cache)
    assert [(c.query_len, c.key_len) for c in trace.calls if c.layer == 0] == [(6, 6), (1, 7)]
    assert {call.status for call in trace.calls} == {"exact"}
    assert trace.nbytes < sum(layer.keys.nbytes * 2 for layer in cache.layers)
    before = [call.weights() for call in trace.calls]
    cache.reset()
    assert all(torch.equal(c.weights(), w) for c, w in zip(trace.calls, before, strict=True))


@pytest.mark.parametrize(
    "how", ["assistant", "prompt lookup", "assistant, sliding window", "early exit"]
)
def test_tokens_that_were_refused_are_replaced(how: str) -> None:
    sliding = "sliding" in how
    model = language_model("mistral", sliding_window=8) if sliding else language_model("llama")
    inputs = prompt()
    more: dict[str, Any] = {"prompt_lookup_num_tokens": 3}
    if how == "early exit":  # the model's own first layers propose
        more = {"assistant_early_exit": 1}
    elif "assistant" in how:
        more = {"assistant_model": language_model("llama" if sliding else "gpt2")}
        more["assistant_model"].generation_config.num_assistant_tokens = 4
        more["assistant_model"].generation_config.num_assistant_tokens_schedule = "constant"
        more["assistant_model"].generation_config.assistant_confidence_threshold = 0.0
    else:
        inputs["input_ids"] = inputs["input_ids"].repeat(1, 2)
        inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
    without = generate(model, inputs, **more)
    with capture(model, keep="all") as trace:
        ids = generate(model, inputs, **more)
    assert torch.equal(ids, without)
    steps = [call for call in trace.calls if call.layer == 0]
    again = [
        one.query_positions[-1] >= other.query_positions[0]
        for one, other in itertools.pairwise(steps)
    ]
    assert any(again)  # something was refused
    ids = ids[:, :-1]
    calls = trace.stitch().stacks["decoder"]
    assert calls[0].query_len == int(steps[-1].query_positions[-1]) + 1
    expect(calls, in_one_pass(model, ids, torch.ones_like(ids)))


class Fed:
    """Hears which tokens every beam had at each step."""

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        self.ids = input_ids.clone()
        return scores


@pytest.mark.parametrize(
    ("name", "options", "how"),
    [
        ("llama", {}, {}),
        ("llama", {"num_hidden_layers": 1}, {}),
        ("llama", {}, {"cache_implementation": "static"}),
        ("mistral", {"sliding_window": 4}, {}),
        ("t5", {}, {}),
    ],
    ids=str,
)
def test_beams_are_followed_back_by_their_keys(
    name: str, options: dict[str, Any], how: dict[str, Any]
) -> None:
    if "num_hidden_layers" in options:
        model = language_model("mistral", sliding_window=None)
        model.model.layers = model.model.layers[:1]
    else:
        model = language_model(name, **options)
    inputs, fed = prompt(2), Fed()
    how = {"num_beams": 3, "logits_processor": [fed], **how}
    without = generate(model, inputs, **how)
    with capture(model, keep="all") as trace:
        assert torch.equal(generate(model, inputs, **how), without)
    calls = trace.stitch().stacks["decoder"]
    assert {call.batch_size for call in calls} == {6}
    assert all("changed places" in call.note for call in calls)
    if name == "t5":
        spread = {k: v.repeat_interleave(3, 0) for k, v in inputs.items()}
        model.set_attn_implementation("eager")
        with torch.no_grad():
            out = model(**spread, decoder_input_ids=fed.ids, output_attentions=True)
        expect(calls, out.decoder_attentions)
        for call, expected in zip(
            trace.stitch().stacks["cross"], out.cross_attentions, strict=True
        ):
            assert (call.weights() - expected).abs().max() <= 1e-5
    else:
        expect(calls, in_one_pass(model, fed.ids, torch.ones_like(fed.ids)))


@pytest.mark.parametrize("cache", ["dynamic", "static"])
@pytest.mark.parametrize("name", ["t5", "bart"])
def test_an_encoder_decoder_has_a_triangle_and_a_row_per_step_over_the_source(
    name: str, cache: str
) -> None:
    model, inputs = language_model(name), prompt(2, padded=2)
    with capture(model, keep="all") as trace:
        ids = generate(model, inputs, cache_implementation=cache)[:, :-1]
    model.set_attn_implementation("eager")
    with torch.no_grad():
        out = model(**inputs, decoder_input_ids=ids, output_attentions=True)
    stitched = trace.stitch()
    expect(stitched.stacks["decoder"], out.decoder_attentions)
    for call, expected in zip(stitched.stacks["cross"], out.cross_attentions, strict=True):
        assert (call.kind, call.causal, call.status) == ("cross", False, "exact")
        assert (call.query_len, call.key_len) == (NEW, 6)
        assert (call.weights() - expected).abs().max() <= 1e-5
        assert not call.visible()[1, ..., :2].any()
    # generate() runs the encoder by itself, and once.
    sources = zip(stitched.stacks["encoder"], out.encoder_attentions, strict=True)
    for call, expected in sources:
        assert call.status == "exact"
        assert (call.weights() - expected).abs()[call.visible().any(-1)].max() <= 1e-5
    assert [call.layer for call in trace.calls if call.stack == "encoder"] == [0, 1]
    crossed = [call for call in trace.calls if call.kind == "cross" and call.layer == 0]
    assert [call.query_positions.tolist() for call in crossed] == [[n] for n in range(NEW)]


@pytest.mark.parametrize("beams", [1, 3])
def test_a_quantised_cache_gives_the_rows_that_its_steps_had(beams: int) -> None:
    from transformers import QuantizedCache

    model, inputs, fed = language_model("llama"), prompt(2), Fed()
    how = {"num_beams": beams, "logits_processor": [fed]}
    with capture(model, keep="all") as trace:
        generate(model, inputs, past_key_values=QuantizedCache("fp8", model.config), **how)
    maps = in_one_pass(model, fed.ids, torch.ones_like(fed.ids))
    for call, unquantised in zip(trace.stitch().stacks["decoder"], maps, strict=True):
        assert call.status == "exact"
        assert (call.weights() - unquantised).abs().mean() < 0.006  # another beam: 0.02
        if beams > 1:
            continue
        steps = [one for one in trace.calls if one.layer == call.layer]
        for step in steps:
            rows = step.query_positions.tolist()
            row = call.weights(queries=rows)
            assert torch.equal(row[..., : step.key_len], step.weights())
            assert not row[..., step.key_len :].any()
        assert "nearest" in call.note


@pytest.mark.parametrize("keep", ["last", 1, 4])
def test_steps_that_are_not_held_are_said_to_be_missing(keep: Any) -> None:
    model = language_model("llama")
    with capture(model, keep=keep) as trace:
        ids = generate(model, prompt())[:, :-1]
    if keep != 4:
        with pytest.raises(Trouble, match=r'Only the last step.*keep="all"'):
            trace.stitch()
        return
    (*_, expected) = in_one_pass(model, ids, torch.ones_like(ids))
    (*_, call) = trace.stitch().stacks["decoder"]
    assert "The rows of 10 tokens up to token 9 are missing" in call.note
    assert not call.visible(queries=slice(0, 10)).any()
    assert not call.weights(queries=slice(0, 10)).any()
    assert (call.weights() - expected)[:, :, 10:].abs().max() <= 1e-5
    assert call.q is not None
    assert call.q[:, :, :10].isnan().all()
    assert not call.q[:, :, 10:].isnan().any()
    assert call.check() <= 1e-5


def test_a_single_pass_stitches_to_itself() -> None:
    model = NanoGPT()
    with capture(model, keep="all") as trace:
        model(torch.randint(0, 50, (2, 5)))
    assert trace.stitch().calls == trace.calls
    maps = Trace.from_arrays([torch.rand(1, 2, 4, 4)])
    assert maps.stitch().calls == maps.calls
    assert Trace().stitch().calls == []


def test_the_last_of_several_generations_is_stitched() -> None:
    model = language_model("llama")
    with capture(model, keep="all") as trace:
        generate(model, prompt(3, 8))
        ids = generate(model, prompt(1, 4))[:, :-1]
    calls = trace.stitch().stacks["decoder"]
    assert [call.query_len for call in calls] == [ids.shape[1]] * 2
    expect(calls, in_one_pass(model, ids, torch.ones_like(ids)))


def test_steps_heard_one_by_one_stitch_as_well() -> None:
    model, inputs, trace = language_model("llama"), prompt(), Trace()

    def on_pass(done: Pass) -> None:
        trace.add_pass(done.calls)

    binding = attach(model, on_pass)
    ids = generate(model, inputs)[:, :-1]
    binding.detach()
    expect(trace.stitch().stacks["decoder"], in_one_pass(model, ids, torch.ones_like(ids)))


class Buffered(Sdpa):
    """Keys and values in buffers of its own that every step writes into, as many write it."""

    def __init__(self, cut: bool) -> None:
        super().__init__()
        self.cut = cut
        self.keys, self.values = torch.zeros(2, 1, HEADS, 12, D // HEADS)

    def forward(self, x: Tensor, start: int) -> Tensor:
        q, k, v = (split(part) for part in self.qkv(x))
        stop = start + x.shape[1]
        self.keys[:, :, start:stop], self.values[:, :, start:stop] = k, v
        mask = torch.arange(12)[None, :] <= torch.arange(start, stop)[:, None]
        size = stop if self.cut else 12
        y = F.scaled_dot_product_attention(
            q, self.keys[:, :, :size], self.values[:, :, :size], mask[:, :size]
        )
        return merge(y)


@pytest.mark.parametrize("cut", [True, False])
def test_buffers_written_by_hand_need_a_copy_and_then_stitch(cut: bool) -> None:
    x = torch.randn(1, 9, D)
    for clone in (False, True):
        model = Buffered(cut)
        with torch.no_grad(), capture(model, keep="all", copy=clone) as trace:
            steps = [model(x[:, :6], 0), *(model(x[:, n : n + 1], n) for n in range(6, 9))]
        if not clone:
            with pytest.raises(Trouble, match="overwritten after the call: capture with copy=True"):
                trace.stitch()
            continue
        (call,) = trace.stitch().calls
        assert (call.query_len, call.key_len, call.status) == (9, 9, "exact")
        with torch.no_grad(), capture(model) as whole:
            y = model(x, 0)
        assert torch.allclose(torch.cat(steps, 1), y, atol=1e-6)
        expected = whole.calls[0].weights()[..., :9]
        assert (call.weights() - expected).abs().max() <= 1e-6
        assert call.k is not None
        assert call.k.shape == (1, HEADS, 9, D // HEADS)


def test_a_window_of_keys_by_hand_is_not_guessed_at() -> None:
    class Window(Sdpa):
        def forward(self, x: Tensor, queries: int) -> Tensor:
            q, k, v = (split(part) for part in self.qkv(x))
            return merge(F.scaled_dot_product_attention(q[:, :, -queries:], k, v))

    model, x = Window(), torch.randn(1, 9, D)
    with torch.no_grad(), capture(model, keep="all") as trace:
        model(x[:, :6], 6)
        for n in range(6, 9):
            model(x[:, n - 3 : n + 1], 1)
    with pytest.raises(Trouble, match="Two steps end at the same token"):
        trace.stitch()


def test_reading_one_row_reads_one_step(monkeypatch: pytest.MonkeyPatch) -> None:
    from attnwidget.binding.own_eager import OwnEager

    model = language_model("llama")
    with capture(model, keep="all") as trace:
        generate(model, prompt())
    call = trace.stitch().stacks["decoder"][0]
    asked = []
    weights = OwnEager.weights

    def counted(self: OwnEager, pick: Any) -> Tensor:
        asked.append(self)
        return weights(self, pick)

    monkeypatch.setattr(OwnEager, "weights", counted)
    call.weights(queries=10)
    assert len(asked) == 1
