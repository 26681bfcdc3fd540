"""A recorded generation: what was written is the same as without us, and all of it can be read."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import attnwidget as aw
from attnwidget.generation.loop import greedy, sampling, write
from attnwidget.generation.marks import Marks, marks_of
from attnwidget.trouble import Trouble
from attnwidget.zoo.words import WordTokenizer
from tests.unit.models import NanoGPT
from tests.unit.test_generate import NEW, in_one_pass, language_model, prompt

REFRAIN = "Song: old dog new cat red sun. old dog"
# A bare tensor may be hidden states, unless there are as many texts to choose from.
WORDS = WordTokenizer(["<unk>", *map(str, range(1, 50))], start="")


def explorer(
    model: nn.Module, batch: int = 1, padded: int = 0
) -> tuple[aw.Explorer, dict[str, Tensor]]:
    inputs = prompt(batch, padded=padded)
    first = dict(inputs)
    if model.config.is_encoder_decoder:
        first["decoder_input_ids"] = inputs["input_ids"][:, :1]
    return aw.explore(model, inputs=first), inputs


class Snitch(nn.Module):
    """Counts how often it ran, and does something at one of these times."""

    def __init__(self, model: nn.Module, at: int, act: Any) -> None:
        super().__init__()
        self.model, self.at, self.act, self.count = model, at, act, 0

    def forward(self, ids: Tensor) -> Tensor:
        self.count += 1
        if self.count == self.at:
            self.act()
        logits: Tensor = self.model(ids)
        return logits


@pytest.mark.parametrize("name", ["gpt2", "llama", "t5", "bart"])
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"do_sample": True, "temperature": 2.0, "seed": 5},
        {"num_beams": 3},
        {"use_cache": False},
    ],
    ids=lambda how: " ".join(how) or "greedy",
)
def test_what_is_written_is_the_same_as_without_us(name: str, how: dict[str, Any]) -> None:
    model = language_model(name).train()
    ex, inputs = explorer(model, 2)
    lengths = {"max_new_tokens": NEW, "min_new_tokens": NEW}
    plain = {key: value for key, value in how.items() if key != "seed"}
    torch.manual_seed(how.get("seed", 0))
    expected = model.eval().generate(**inputs, **lengths, **plain)
    model.train()
    before, config = torch.get_rng_state(), model.generation_config.to_dict()
    ex.generate(**lengths, **how)
    found = ex.generation
    assert found is not None
    if "num_beams" in how:  # all hypotheses, as they stood at the last step
        assert found.ids.shape == (6, expected.shape[1] - 1)
        assert found.how == "searched with 3 beams"
    else:
        assert torch.equal(found.ids, expected)
        assert found.seed == how.get("seed")
    assert torch.equal(torch.get_rng_state(), before)
    assert model.generation_config.to_dict() == config
    assert all(module.training for module in model.modules())
    assert found.stopped == "that many were asked for"
    assert (ex.view, ex.written) == ("generation", found.steps)
    # As one pass: what was fed together, and its maps.
    model.eval().set_attn_implementation("eager")
    rows = found.ids if "num_beams" in how else found.ids[:, :-1]
    spread = {key: value.repeat_interleave(len(rows) // 2, 0) for key, value in inputs.items()}
    with torch.no_grad():
        if name in ("t5", "bart"):
            out = model(**spread, decoder_input_ids=rows, output_attentions=True)
            expect_maps(ex, "cross", out.cross_attentions)
            expect_maps(ex, "decoder", out.decoder_attentions)
        else:
            out = model(rows, output_attentions=True)
            expect_maps(ex, "decoder", out.attentions)
    # Candidates are the model's own probabilities, whatever was drawn from.
    shares = out.logits[:, found.start - 1 :].float().softmax(-1)[:, : found.steps]
    largest = shares.topk(3)
    assert torch.allclose(found.shares[..., :3], largest.values, atol=1e-4)
    assert (found.candidates[..., 0] == largest.indices[..., 0]).float().mean() > 0.99
    of_chosen = shares.gather(2, found.ids[:, found.start :, None])[..., 0]
    known = ~found.chosen_shares.isnan()
    assert torch.allclose(found.chosen_shares[known], of_chosen[known], atol=1e-4)
    assert known.all() or "num_beams" in how


def expect_maps(ex: aw.Explorer, stack: str, maps: tuple[Tensor, ...]) -> None:
    assert ex.trace is not None
    for call, expected in zip(ex.trace.stacks[stack], maps, strict=True):
        assert (call.weights() - expected).abs().max() <= 1e-4


def test_a_padded_prompt_keeps_its_padding() -> None:
    model = language_model("llama")
    ex, inputs = explorer(model, 2, padded=3)
    ex.generate(NEW, min_new_tokens=NEW)
    assert ex.generation is not None
    assert ex.trace is not None
    ids = ex.generation.ids[:, :-1]
    mask = torch.cat([inputs["attention_mask"], torch.ones(2, NEW - 1).long()], 1)
    for call, expected in zip(
        ex.trace.stacks["decoder"], in_one_pass(model, ids, mask), strict=True
    ):
        seen = call.visible().any(-1)
        assert (call.weights() - expected).abs()[seen].max() <= 1e-5


def test_refused_proposals_leave_the_candidates_of_what_was_written() -> None:
    model = language_model("llama")
    ex, _ = explorer(model)
    ex.generate(NEW, prompt_lookup_num_tokens=3, min_new_tokens=NEW)
    looked = ex.generation
    ex.generate(NEW, min_new_tokens=NEW)
    plain = ex.generation
    assert looked is not None
    assert plain is not None
    assert torch.equal(looked.ids, plain.ids)
    assert torch.allclose(looked.shares[..., :3], plain.shares[..., :3], atol=1e-4)


def test_stories_goes_on_with_a_refrain_and_the_text_stays_the_prompt() -> None:
    ex = aw.explore(text=REFRAIN)
    runs = []
    ex.observe(runs.append, "text")
    ex.generate(4)
    assert ex.generation is not None
    assert ex.tokens[-3:] == ["new", "cat", "red"]
    assert (ex.text, runs) == (REFRAIN, [])
    assert (ex.written, ex.query) == (4, len(ex.tokens) - 1)
    first = ex.generation
    ex.generate(4)  # from the prompt again
    assert ex.generation is not first
    assert torch.equal(ex.generation.ids, first.ids)
    assert "generation" in repr(ex.view)
    with pytest.raises(Exception, match=r"written=5 .* 0 to 4"):
        ex.written = 5
    ex.written = 2
    ex.text = "Tom met Anna."
    assert ex.generation is None


def test_sampling_of_a_loop_comes_from_its_own_seed_and_top_k() -> None:
    ex = aw.explore(text=REFRAIN)
    before = torch.get_rng_state()
    drawn = []
    for seed in (3, 3, 4):
        ex.generate(6, temperature=3.0, top_k=40, seed=seed)
        assert ex.generation is not None
        drawn.append(ex.generation.ids)
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert torch.equal(torch.get_rng_state(), before)
    ex.generate(3, temperature=3.0)
    assert ex.generation is not None
    assert ex.generation.seed is not None
    logits = torch.tensor([[0.0, 5.0, 4.0, 1.0]])
    choose = sampling(10.0, top_k=2, seed=0)
    assert {int(choose(logits)) for _ in range(50)} == {1, 2}


def test_a_loop_ends_with_its_end_token_and_at_the_positions() -> None:
    model = NanoGPT().eval()
    ids = torch.tensor([[4, 7], [9, 1]])
    with torch.no_grad():
        free = write(model, {"ids": ids}, 6, marks=Marks())
        stop = int(free.ids[0, 3])
        ended = write(model, {"ids": ids}, 6, marks=Marks(stop=frozenset({stop})))
        short = write(model, {"ids": ids}, 6, marks=Marks(positions=3))
    assert free.stopped == "length"
    row = free.ids[0].tolist()
    first = row.index(stop, 2)
    assert ended.ids[0, first:].eq(stop).all()
    assert ended.stopped in ("end", "length")
    assert short.ids.shape == (2, 4)  # the last is written, and not read any more
    assert "only 3 positions" in short.stopped
    for step in range(2, 8):
        with torch.no_grad():
            assert torch.equal(free.ids[:, step], greedy(model(free.ids[:, :step])[:, -1]))


class Translator(nn.Module):
    """As the zoo's: source and target in, (B, T, V) logits out."""

    start, stop = 1, 2

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(50, 16)
        self.transformer = nn.Transformer(16, 4, 2, 2, 32, batch_first=True)
        self.unembed = nn.Linear(16, 50)

    def forward(self, input_ids: Tensor, decoder_input_ids: Tensor) -> Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(decoder_input_ids.shape[1])
        x, y = self.words(input_ids), self.words(decoder_input_ids)
        logits: Tensor = self.unembed(self.transformer(x, y, tgt_mask=mask, tgt_is_causal=True))
        return logits


def test_a_plain_encoder_decoder_begins_with_its_start_token() -> None:
    torch.manual_seed(0)
    model = Translator().eval()
    assert marks_of(model) == Marks(start=1, stop=frozenset({2}))
    source = torch.randint(3, 50, (1, 5))
    ex = aw.explore(model, WORDS, inputs={"input_ids": source, "decoder_input_ids": source[:, :2]})
    ex.generate(4)
    found = ex.generation
    assert found is not None
    assert found.start == 1
    assert int(found.ids[0, 0]) == 1
    assert ex.trace is not None
    assert {name: calls[0].query_len for name, calls in ex.trace.stacks.items()} == {
        "encoder": 5,
        "decoder": found.steps,
        "cross": found.steps,
    }


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"max_new_tokens": 0}, Trouble, "max_new_tokens is 0.*from 1 to 4096"),
        ({"max_new_tokens": True}, Trouble, "max_new_tokens is True"),
        ({"temperature": -1}, Trouble, "temperature is -1.*above 0"),
        ({"temperature": float("nan")}, Trouble, "temperature is nan"),
        ({"seed": 1.5}, Trouble, "seed is 1.5"),
        ({"num_beams": 2}, TypeError, "no argument 'num_beams' for Stories.*top_k, seed"),
    ],
)
def test_what_cannot_be_asked_for_is_said_before_anything_runs(
    arguments: dict[str, Any], error: type[Exception], said: str
) -> None:
    ex = aw.explore(text=REFRAIN)
    with pytest.raises(error, match=said):
        ex.generate(**{"max_new_tokens": 2, **arguments})
    assert ex.generation is None
    assert ex.view == "lines"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: aw.explore(attention=[torch.rand(1, 2, 3, 3)]), "no model to write with"),
        (
            lambda: aw.explore(nn.TransformerEncoderLayer(8, 2), inputs=torch.rand(1, 3, 8)),
            "no token ids",
        ),
        (lambda: aw.explore(Both(), inputs=torch.tensor([[1, 2, 3]])), "writes no text|no logits"),
        (lambda: explorer(long_prompt())[0], "6 tokens, but the model has 4 positions"),
    ],
    ids=["no model", "vectors", "sees ahead", "too long"],
)
def test_why_a_model_cannot_write_is_said(make: Any, said: str) -> None:
    ex = make()
    with pytest.raises(Trouble, match=said):
        ex.generate(2)
    assert ex.generation is None


class Both(nn.Module):
    """Each token looks at later ones too."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(50, 16)
        self.layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
        self.unembed = nn.Linear(16, 50)

    def forward(self, ids: Tensor) -> Tensor:
        logits: Tensor = self.unembed(self.layer(self.words(ids)))
        return logits


def long_prompt() -> nn.Module:
    model = language_model("llama")
    model.config.max_position_embeddings = 4
    return model


def test_an_interrupt_keeps_and_shows_what_was_written() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    model = Snitch(NanoGPT().eval(), 5, interrupt)
    ex = aw.explore(model, WORDS, inputs=torch.tensor([[4, 7, 1]]))
    with pytest.raises(KeyboardInterrupt):
        ex.generate(9)
    found = ex.generation
    assert found is not None
    assert (found.steps, found.stopped, ex.view) == (3, "interrupted", "generation")
    assert ex.trace is not None
    assert ex.trace.calls[0].query_len == 5
    ex.generate(2)  # and it can go on
    assert ex.generation is not found


def test_an_error_in_the_middle_comes_through_and_nothing_is_shown_of_it() -> None:
    model = language_model("llama")
    ex, _ = explorer(model)

    def fail(*_: Any, **__: Any) -> bool:
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        ex.generate(5, stopping_criteria=[fail])
    assert ex.generation is None
    assert "no more" in ex.status
    ex.generate(2)
    assert ex.status.startswith("exact")


def test_a_generation_is_kept_as_one_pass() -> None:
    ex = aw.explore(text=REFRAIN)
    ex.generate(5)
    session = ex._session
    kept = [snapshot.number for snapshot in session.passes]
    assert len(kept) == 2
    ex.step = kept[0]
    assert ex.generation is None
    ex.step = None
    assert ex.generation is not None


# -- from the page ---------------------------------------------------------------------------------


def on_a_loop(work: Any) -> list[dict[str, Any]]:
    """Run `work(ex, hear)` with an explorer on an event loop; what was sent meanwhile."""
    sent: list[dict[str, Any]] = []

    async def run() -> None:
        ex = aw.explore(text=REFRAIN)
        ex.send = lambda content, buffers=None: sent.append(content)  # type: ignore[method-assign]
        await work(ex, lambda message: ex._handle_custom_msg(message, []))
        ex.close()

    asyncio.run(run())
    return sent


def test_the_page_has_it_written_token_by_token_and_stopped() -> None:
    modes = []

    async def work(ex: aw.Explorer, hear: Any) -> None:
        model = ex._session.model
        assert model is not None
        model.train()
        before = torch.get_rng_state()
        hear({"type": "generate", "most": 40, "temperature": 0.7, "seed": 2})
        for _ in range(200):
            await asyncio.sleep(0)
            modes.append(model.training)
            assert torch.equal(torch.get_rng_state(), before)
            if ex._writer._recording and ex._writer._recording.done == 3:
                with pytest.raises(Trouble, match="writing already"):
                    ex.generate(2)
                hear({"type": "stop"})
            if not ex._writer.is_writing:
                break
        assert ex.generation is not None
        assert 3 <= ex.generation.steps <= 4
        assert ex.generation.stopped == "stopped"
        assert ex.generation.seed == 2
        written = ex.generation.ids
        model.eval()
        ex.generate(int(ex.generation.steps), temperature=0.7, seed=2)
        assert torch.equal(ex.generation.ids, written)

    sent = on_a_loop(work)
    assert all(modes)
    told = [message for message in sent if message["type"] == "writing"]
    assert told[0] == {"type": "writing", "done": 0, "of": 40, "over": False}
    assert [message["over"] for message in told].count(True) == 2


@pytest.mark.parametrize(
    "message",
    [
        {"type": "generate"},
        {"type": "generate", "most": 0},
        {"type": "generate", "most": True},
        {"type": "generate", "most": 5000},
        {"type": "generate", "most": "5"},
        {"type": "generate", "most": 5, "temperature": 0},
        {"type": "generate", "most": 5, "temperature": "hot"},
        {"type": "generate", "most": 5, "temperature": float("nan")},
        {"type": "generate", "most": 5, "temperature": float("inf")},
        {"type": "generate", "most": 5, "seed": -1},
        {"type": "generate", "most": 5, "seed": 2.5},
    ],
    ids=str,
)
def test_a_wrong_message_writes_nothing(message: dict[str, Any]) -> None:
    async def work(ex: aw.Explorer, hear: Any) -> None:
        hear(message)
        await asyncio.sleep(0)
        assert not ex._writer.is_writing
        assert ex.generation is None

    (trouble,) = [content for content in on_a_loop(work) if content["type"] == "trouble"]
    assert "cannot be read" in trouble["title"]


def test_closing_ends_what_is_being_written() -> None:
    async def work(ex: aw.Explorer, hear: Any) -> None:
        hear({"type": "generate", "most": 40, "temperature": None, "seed": None})
        await asyncio.sleep(0)
        ex.close()
        assert not ex._writer.is_writing

    on_a_loop(work)


@pytest.mark.parametrize(("name", "few", "many"), [("gpt2", 10, 40), ("t5", 10, 40)])
def test_keys_of_all_steps_are_held_once(name: str, few: int, many: int) -> None:
    held = []
    for count in (few, many):
        ex, _ = explorer(language_model(name))
        ex.generate(count, min_new_tokens=count)
        assert ex.trace is not None
        calls = [call for call in ex.trace.calls if call.stack == "decoder"]
        keys = {t.untyped_storage().data_ptr(): t for call in calls for t in call.tensors()}
        held.append(
            sum(t.untyped_storage().nbytes() for t in keys.values() if t.shape[2:3] != (1,))
        )
        assert all(call.check() <= 1e-4 for call in calls)
    assert held[1] < 1.5 * many / few * held[0]  # and not the square of it
