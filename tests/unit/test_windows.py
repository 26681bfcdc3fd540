"""Models that attend within parts of each input: windows, frames, answers on the batch axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import transformers as hf
from torch import Tensor, nn

import attnwidget as aw
from attnwidget.binding.capture import capture
from attnwidget.messages import Picture
from attnwidget.pictures import paint
from attnwidget.session import Session
from tests.unit.models import (
    HEADS,
    Folded,
    Projections,
    TimeFirst,
    merge,
    split,
    transformers_model,
)
from tests.unit.models import D as WIDTH

SWIN = {"image_size": 32, "patch_size": 2, "embed_dim": 8, "window_size": 4}


def swin(kind: str = "Swin") -> nn.Module:
    config = getattr(hf, f"{kind}Config")
    torch.manual_seed(0)
    return getattr(hf, f"{kind}Model")(config(**SWIN, depths=[2, 1], num_heads=[2, 4])).eval()


def hiera() -> nn.Module:
    torch.manual_seed(0)
    config = hf.HieraConfig(
        image_size=[64, 64],
        embed_dim=8,
        depths=[1, 1],
        num_heads=[1, 2],
        num_query_pool=1,
        masked_unit_size=[4, 4],
        masked_unit_attention=[True, False],
    )
    return hf.HieraModel(config).eval()


def timesformer() -> nn.Module:
    torch.manual_seed(0)
    config = hf.TimesformerConfig(
        image_size=16,
        patch_size=4,
        num_frames=3,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
    )
    return hf.TimesformerModel(config).eval()


PICTURES = (2, 3, 32, 32)
# (windows, heads, queries, keys) of each call, for two inputs.
WINDOWED: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], list[tuple[int, ...]]]] = {
    "swin": (swin, PICTURES, [(16, 2, 16, 16), (16, 2, 16, 16), (4, 4, 16, 16)]),
    "swinv2": (
        lambda: swin("Swinv2"),
        PICTURES,
        [(16, 2, 16, 16), (16, 2, 16, 16), (4, 4, 16, 16)],
    ),
    "hiera": (hiera, (2, 3, 64, 64), [(16, 1, 16, 16), (16, 2, 4, 16)]),
    "timesformer": (timesformer, (2, 3, 3, 16, 16), [(16, 2, 3, 3), (3, 2, 17, 17)]),
}


@pytest.mark.parametrize("name", WINDOWED)
def test_windows_on_the_batch_axis_are_counted(name: str) -> None:
    make, size, expected = WINDOWED[name]
    model, pixels = make(), torch.randn(size)
    with torch.no_grad():
        before = model(pixels)[0]
        with capture(model) as trace:
            assert torch.equal(model(pixels)[0], before)
    found = [(c.windows, c.heads, c.query_len, c.key_len) for c in trace.calls]
    assert found == expected
    for call in trace.calls:
        assert call.batch_size == 2 * call.windows
        assert call.status == "exact"
        assert call.note == f"The batch axis counts parts of each input: {call.windows}."
        assert (call.weights() @ call.v - call.output).abs().max() <= 1e-5


@pytest.mark.parametrize("name", WINDOWED)
def test_window_n_is_of_input_n_divided_by_the_windows(name: str) -> None:
    make, size, _ = WINDOWED[name]
    model, pixels = make(), torch.randn(size)
    with torch.no_grad(), capture(model) as both:
        model(pixels)
    with torch.no_grad(), capture(model) as second:
        model(pixels[1:])
    for call, alone in zip(both.calls, second.calls, strict=True):
        assert alone.windows == call.windows == alone.batch_size
        items = [n for n in range(call.batch_size) if n // call.windows == 1]
        assert (call.weights(batch=items) - alone.weights()).abs().max() <= 1e-5


# -- what is no window ----------------------------------------------------------------------------


class Repeats(Projections):
    """Says how many heads it has, folds them into the batch and never takes them apart."""

    def __init__(self, name: str) -> None:
        super().__init__()
        setattr(self, name, HEADS)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (split(part).flatten(0, 1) for part in self.qkv(x))
        return ((q @ k.mT).softmax(-1) @ v).sum()


class Tower(nn.Module):
    """Pictures and texts, as many as there are of each."""

    def __init__(self) -> None:
        super().__init__()
        self.vision = Picture5(1)

    def forward(self, ids: Tensor, pixels: Tensor) -> Tensor:
        return self.vision(pixels) + ids.sum()


class Picture5(Projections):
    """Attention with more than four axes: (B, heads, parts, T, d) or (B, parts, heads, T, d)."""

    def __init__(self, parts: int, heads_first: bool = True, said: int = HEADS) -> None:
        super().__init__()
        self.parts, self.heads_first, self.num_heads = parts, heads_first, said

    def forward(self, x: Tensor) -> Tensor:
        x = x.unflatten(1, (self.parts, -1))  # (B, parts, T, D)
        q, k, v = (part.unflatten(-1, (HEADS, -1)).transpose(2, 3) for part in self.qkv(x))
        if self.heads_first:
            q, k, v = (part.transpose(1, 2) for part in (q, k, v))
        made = torch.nn.functional.scaled_dot_product_attention(q, k, v)
        return (made.transpose(1, 2) if self.heads_first else made).sum()


def x(*size: int) -> tuple[Tensor, ...]:
    torch.manual_seed(0)
    return (torch.randn(*size, WIDTH),)


@pytest.mark.parametrize(
    ("model", "given", "expected"),
    [
        (TimeFirst(), x(2, 4), (4, HEADS, 1)),  # (T, B, D)
        (Folded("bmm"), x(2, 5), (2, HEADS, 1)),
        (Repeats("num_heads"), x(2, 5), (2, HEADS, 1)),
        (Repeats("n_head"), x(2, 5), (2, HEADS, 1)),
        (Repeats("groups"), x(2, 5), (2 * HEADS, 1, HEADS)),
        (Tower(), (torch.ones(1, 3), *x(4, 6)), (4, HEADS, 1)),
        (Tower(), (torch.ones(8, 3), *x(4, 6)), (4, HEADS, 1)),
        (Picture5(3), x(2, 9), (6, HEADS, 3)),
        (Picture5(3, heads_first=False), x(2, 9), (6, HEADS, 3)),
        (Picture5(HEADS), x(2, 8), (2, HEADS * HEADS, 1)),  # which of two like axes?
        (Picture5(3, said=7), x(2, 6), (2, HEADS * 3, 1)),
    ],
)
def test_heads_time_and_texts_are_no_windows(
    model: nn.Module, given: tuple[Tensor, ...], expected: tuple[int, int, int]
) -> None:
    with torch.no_grad(), capture(model) as trace:
        model(*given)
    (call,) = trace.calls
    assert (call.batch_size, call.heads, call.windows) == expected
    assert call.check() <= 1e-5
    assert ("parts of each input" in call.note) is (call.windows > 1)


def test_beams_and_decoding_have_no_windows() -> None:
    model: Any = transformers_model("gpt2")
    model = hf.GPT2LMHeadModel(model.config).eval()
    with capture(model, keep="all") as trace:
        model.generate(torch.tensor([[3, 4, 5]]), num_beams=3, max_new_tokens=3, do_sample=False)
    assert {call.batch_size for call in trace.calls} == {3}
    assert {call.windows for call in trace.calls} == {1}


# -- on the page ----------------------------------------------------------------------------------


def test_an_explorer_reaches_every_window() -> None:
    ex = aw.explore(swin(), inputs=torch.randn(PICTURES))
    assert ex.tokens == [f"row {i // 4 + 1}, column {i % 4 + 1}" for i in range(16)]
    for batch in (0, 31):
        ex.batch = batch
        assert ex.batch == batch
    with pytest.raises(Exception, match="batch=32 does not exist"):
        ex.batch = 32
    ex.close()


def drawn(session: Session, **want: Any) -> list[Picture]:
    reading = {"words": False, "hide": [], "renormalise": False, "pair": None}
    asked = {"key": "k", "stack": "encoder", "reading": reading, **want}
    return [made for made in paint(session, asked) if isinstance(made, Picture)]


def test_layers_with_fewer_windows_show_one_of_the_same_input() -> None:
    session = Session(swin())
    session.run_inputs(torch.randn(PICTURES))
    assert session.snapshot is not None
    (facts,) = drawn(session, kind="model", batch=31)
    assert facts.facts["stacks"][0]["batch_size"] == 32
    assert facts.facts["tokens"]["batch"] == 31
    assert facts.facts["tokens"]["queries"]["texts"][5] == "row 2, column 2"
    calls = session.snapshot.stacks["encoder"]
    tile: dict[str, Any] = {"kind": "tile", "rows": None, "cols": None, "size": [64, 64]}
    for batch in (0, 15, 16, 31):
        for layer, item in ((0, batch), (2, batch // 4)):
            made = drawn(session, **tile, heads=[[layer, 1]], batch=batch)[-1]
            expected = calls[layer].weights(head=1, batch=item)[0, 0]
            assert torch.equal(torch.as_tensor(made.arrays["cells"]), expected)
        assert drawn(session, kind="overview", size=16, batch=batch)
    mixed = drawn(session, **tile, heads=[[0, 0], [2, 0]], batch=31)[-1]
    mean = (calls[0].weights(0, batch=31) + calls[2].weights(0, batch=7))[0, 0] / 2
    assert (torch.as_tensor(mixed.arrays["cells"]) - mean).abs().max() <= 1e-6


class Answers(nn.Module):
    """Texts in several versions each: (B, T) ids, attended to B * versions times."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(50, WIDTH)
        self.attention = Projections()

    def forward(self, input_ids: Tensor) -> Tensor:
        x = self.embed(input_ids).repeat_interleave(3, dim=0)
        q, k, v = (split(part) for part in self.attention.qkv(x))
        return merge(torch.nn.functional.scaled_dot_product_attention(q, k, v))


class Letters:
    """A tokenizer of one letter for each id."""

    def decode(self, ids: Any, **_: Any) -> str:
        return "".join(chr(97 + int(i)) for i in ids)

    def convert_ids_to_tokens(self, ids: Any) -> Any:
        return [chr(97 + int(i)) for i in ids] if isinstance(ids, list) else chr(97 + int(ids))


def test_the_parts_of_a_text_are_labelled_with_its_tokens() -> None:
    session = Session(Answers(), Letters())
    session.run_inputs({"input_ids": torch.tensor([[0, 1, 2], [3, 4, 5]])})
    assert session.snapshot is not None
    stack = next(iter(session.snapshot.stacks))
    for batch, text in ((0, "abc"), (2, "abc"), (3, "def"), (5, "def")):
        sides = session.snapshot.sides(stack, batch)
        assert "".join(token.text for token in sides.keys) == text
