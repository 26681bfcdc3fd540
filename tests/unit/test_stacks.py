"""Stacks of whole models: which there are, what they are called, and which layers they have."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from attnwidget.binding.capture import capture
from attnwidget.trace import Trace
from benchmarks.coverage import configs
from benchmarks.coverage.judge import inputs_for
from tests.unit.models import Sdpa

TWO = [0, 1]
EXPECTED = {
    "gpt2": {"decoder": TWO},
    "bert": {"encoder": TWO},
    "distilbert": {"attention": TWO},
    "bart": {"encoder": TWO, "decoder": TWO, "cross": TWO},
    "t5": {"encoder": TWO, "decoder": TWO, "cross": TWO},
    "encoder-decoder": {"encoder": TWO, "decoder": TWO, "cross": TWO},  # a BERT decodes
    "vision-encoder-decoder": {"vision": TWO, "decoder": TWO, "cross": TWO},
    "prophetnet": {  # two maps in a layer: of the words, and of the words to predict
        "encoder": TWO,
        "decoder": TWO,
        "decoder (2nd map)": TWO,
        "cross": TWO,
    },
    "diffllama": {"decoder": TWO, "decoder (2nd map)": TWO},
    "albert": {"encoder": TWO},  # one module, used as each layer
    "swin": {"encoder": list(range(8))},  # stages of blocks
    "timesformer": {"encoder (temporal)": TWO, "encoder": TWO},
    "canine": {"encoder (initial char)": [0], "encoder": TWO, "encoder (final char)": [0]},
    "hrm_text": {"decoder (L)": list(range(12)), "decoder (H)": [0, 1, 2, 3]},  # run in a loop
    "jamba": {"decoder": [1]},  # layer 0 is a state-space layer
    "clip": {"vision": TWO, "text": TWO},
    "siglip": {"vision": TWO, "pooling": [0], "text": TWO},
    "flava": {"vision": TWO, "text": TWO, "multimodal": TWO},
    "bridgetower": {
        "text": TWO,
        "vision": TWO,
        "text (cross modal)": TWO,
        "cross (text)": TWO,
        "vision (cross modal)": TWO,
        "cross (image)": TWO,
    },
    "groupvit_text_model": {"encoder": TWO},
    "blip-2": {"vision": TWO, "Q-former": TWO, "Q-former cross": [0], "decoder": TWO},
    "llava": {"vision": TWO, "decoder": TWO},
    "aya_vision": {"vision": TWO, "decoder": TWO},  # a decoder inside an "AyaVisionModel"
    "idefics2": {"vision": TWO, "resampler": TWO, "decoder": TWO},
    "mllama": {"vision": TWO, "vision (global)": TWO, "decoder": [0], "cross": [1]},
    "seamless_m4t": {"speech": TWO, "speech (adapter)": [0], "decoder": TWO, "cross": TWO},
    "voxtral": {"audio": TWO, "decoder": TWO},
    "whisper": {"encoder": TWO, "decoder": TWO, "cross": TWO},
    "sam3_detr_decoder": {"decoder": TWO, "cross (text)": TWO, "cross (vision)": TWO},
}


def captured(name: str) -> Trace:
    model = configs.build(name, "tiny")
    inputs = inputs_for(model)
    with torch.no_grad(), capture(model) as trace:
        model(**inputs)
    return trace


def layers(trace: Trace) -> dict[str, list[int]]:
    return {name: [call.layer for call in calls] for name, calls in trace.stacks.items()}


@pytest.mark.parametrize("name", EXPECTED)
def test_stacks_have_plain_names_and_the_layers_of_their_part(name: str) -> None:
    assert layers(captured(name)) == EXPECTED[name]


class Layers(nn.Module):
    def __init__(self, count: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Sdpa() for _ in range(count))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


class Towers(nn.Module):
    """Runs the towers that it is told to run."""

    def __init__(self) -> None:
        super().__init__()
        self.left_encoder, self.right_encoder = Layers(2), Layers(3)

    def forward(self, x: Tensor, which: list[str]) -> Tensor:
        for name in which:
            x = getattr(self, name)(x)
        return x


def test_a_stack_keeps_its_name_where_a_later_pass_runs_it_alone() -> None:
    model, passes = Towers(), []
    with capture(model) as trace:
        for which in (["left_encoder", "right_encoder"], ["right_encoder"]):
            model(torch.randn(1, 4, 16), which)
            passes.append(layers(trace))
    assert passes == [
        {"encoder (left)": [0, 1], "encoder (right)": [0, 1, 2]},
        {"encoder (right)": [0, 1, 2]},
    ]


def test_a_stack_seen_later_takes_no_name_that_is_in_use() -> None:
    model, passes = Towers(), []
    with capture(model) as trace:
        for which in (["left_encoder"], ["right_encoder", "left_encoder"]):
            model(torch.randn(1, 4, 16), which)
            passes.append(layers(trace))
    assert passes == [
        {"encoder": [0, 1]},
        {"encoder (right)": [0, 1, 2], "encoder": [0, 1]},
    ]


def test_a_loop_over_layers_counts_on_and_a_layer_that_attends_twice_does_not() -> None:
    class Loop(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList([Sdpa(), Sdpa()])

        def forward(self, x: Tensor, order: list[int]) -> Tensor:
            for i in order:
                x = self.layers[i](x)
            return x

    model, passes = Loop(), []
    with capture(model) as trace:
        for order in ([0, 1, 0, 1], [0, 0, 1, 1]):
            model(torch.randn(1, 4, 16), order)
            passes.append(layers(trace))
    assert passes == [
        {"attention": [0, 1, 2, 3]},
        {"attention": [0, 1], "attention (2nd map)": [0, 1]},
    ]
