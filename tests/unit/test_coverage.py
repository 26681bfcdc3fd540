"""Model types of transformers, tiny: outputs untouched, every map found, and nothing missed."""

from __future__ import annotations

import pytest

from benchmarks.coverage.judge import judge_named

# Name: calls in a forward pass, and how many maps the model reports of them.
EXACT = {
    "bert": (2, 2),
    "albert": (2, 2),
    "modernbert": (2, 2),  # local and global layers
    "deberta-v2": (2, 2),  # scores of three products
    "canine": (4, 4),
    "funnel": (14, 14),  # the sequence gets shorter
    "xlnet": (2, 2),  # einsum over (T, B, H, d)
    "tapas": (2, 2),
    "gpt2": (2, 2),
    "llama": (2, 2),
    "mistral": (2, 2),  # sliding window
    "gemma2": (2, 2),  # soft cap
    "gpt_oss": (2, 2),  # sinks
    "mixtral": (2, 2),
    "deepseek_v3": (2, 2),  # latent attention: values smaller than keys
    "gpt_bigcode": (2, 2),  # one key-value head
    "bloom": (2, 2),  # ALiBi
    "mpt": (2, 2),
    "diffllama": (4, 2),  # two maps per layer, of which it reports one
    "jamba": (1, 1),  # one layer of two
    "t5": (6, 6),  # relative bias
    "bart": (6, 6),
    "longt5": (6, 6),
    "speecht5": (6, 6),
    "lxmert": (12, 6),  # text, picture and both ways between
    "vit": (2, 2),
    "swin": (8, 4),  # reports one layer of each stage
    "segformer": (8, 8),  # fewer keys than queries
    "yolos": (2, 2),
    "perceiver": (27, 27),
    "rt_detr": (5, 5),  # deformable: weights over sampled points
    "timesfm": (2, 2),
    "whisper": (6, 6),
    "wav2vec2": (2, 2),
    "audio-spectrogram-transformer": (2, 2),
    "clip": (4, 4),
    "siglip2": (5, 4),  # and the pooling head
    "blip-2": (7, 7),
    "llava": (4, 2),  # reports the text's alone
    "qwen2_vl": (4, 2),  # two pictures in one map per layer
}
BY_VALUES = {
    "falcon": 2,  # reports maps with a wrong mask
    "paligemma": 4,  # its eager attention has another mask than the one it runs with
    "wavlm": 2,  # reports the mean over heads
}
NO_ATTENTION = ["mamba", "rwkv", "fnet", "resnet"]


@pytest.mark.parametrize("name", EXACT)
def test_every_map_a_model_reports_is_found_in_its_place(name: str) -> None:
    judged = judge_named(name)
    calls, reported = EXACT[name]
    assert (judged.verdict, judged.identical, judged.troubles) == ("exact", True, [])
    assert (judged.calls, judged.matched, judged.reported) == (calls, reported, reported)
    assert judged.in_order
    assert judged.check is not None
    assert judged.check <= 1e-5


@pytest.mark.parametrize("name", BY_VALUES)
def test_where_a_model_reports_other_maps_the_captured_ones_give_its_output(name: str) -> None:
    judged = judge_named(name)
    assert (judged.verdict, judged.identical, judged.calls) == (
        "exact by W@V",
        True,
        BY_VALUES[name],
    )
    assert judged.check is not None
    assert judged.check <= 1e-5


@pytest.mark.parametrize("name", NO_ATTENTION)
def test_models_without_attention_give_no_call(name: str) -> None:
    judged = judge_named(name)
    assert (judged.verdict, judged.identical, judged.calls) == ("no attention", True, 0)


def test_what_cannot_be_built_says_why() -> None:
    judged = judge_named("sam_prompt_encoder")
    assert judged.verdict == "not built"
    assert judged.why == "LookupError: a config without a model of its own"
