"""Inputs of types whose forward asks for more than text, one picture or one sound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

B, T = 2, 14


def _floats(*shape: int) -> Tensor:
    return torch.randn(B, *shape)


def _ids(*shape: int) -> Tensor:
    return torch.randint(10, 60, (B, *shape))


def _series() -> dict[str, Any]:
    past, future = 16 + 7, 8  # context and lags, prediction
    return {
        "past_values": _floats(past),
        "past_time_features": _floats(past, 0),
        "past_observed_mask": torch.ones(B, past),
        "future_values": _floats(future),
        "future_time_features": _floats(future, 0),
    }


def _tiles() -> dict[str, Any]:
    return {
        "pixel_values": _floats(1, 4, 3, 32, 32),
        "aspect_ratio_ids": torch.ones(B, 1, dtype=torch.long),
        "aspect_ratio_mask": torch.ones(B, 1, 4, dtype=torch.long),
    }


def _numbered_patches() -> dict[str, Any]:
    place = torch.arange(1, 17).repeat(B, 1).unsqueeze(-1).float()
    return {"flattened_patches": torch.cat([place, place, _floats(16, 64)], dim=-1)}


def _two_views() -> dict[str, Any]:
    return {"pixel_values": torch.rand(B, 2, 3, 64, 64)}


def _marked_patches() -> dict[str, Any]:
    where = torch.cartesian_prod(torch.arange(4), torch.arange(4)).repeat(B, 1, 1)
    return {"pixel_values": torch.rand(B, 16, 3 * 8 * 8), "pixel_position_ids": where}


def _qformer() -> dict[str, Any]:
    return {"query_embeds": _floats(8, 64), "encoder_hidden_states": _floats(16, 64)}


def _detr_parts() -> dict[str, Any]:
    return {
        "vision_features": _floats(16, 64),
        "text_features": _floats(T, 64),
        "vision_pos_encoding": _floats(16, 64),
        "spatial_shapes": torch.tensor([[4, 4]]),
    }


OWN_INPUTS: dict[str, Callable[[], dict[str, Any]]] = {
    "autoformer": _series,
    "informer": _series,
    "time_series_transformer": _series,
    # Long enough for blocks: with fewer tokens these fall back to ordinary attention.
    "big_bird": lambda: {"input_ids": _ids(36)},
    "bigbird_pegasus": lambda: {"input_ids": _ids(36), "decoder_input_ids": _ids(10)},
    "nystromformer": lambda: {"input_ids": _ids(16)},
    "reformer": lambda: {"input_ids": _ids(16)},
    "blip_2_qformer": _qformer,
    "decision_transformer": lambda: {
        "states": _floats(6, 17),
        "actions": _floats(6, 4),
        "rewards": _floats(6, 1),
        "returns_to_go": _floats(6, 1),
        "timesteps": torch.arange(6).repeat(B, 1),
        "attention_mask": torch.ones(B, 6),
    },
    "dia": lambda: {"input_ids": _ids(T), "decoder_input_ids": _ids(10, 9)},
    "dia_decoder": lambda: {"input_ids": _ids(10, 9), "encoder_hidden_states": _floats(T, 64)},
    "efficientloftr": _two_views,
    "gemma3n_audio": lambda: {
        "audio_mel": _floats(64, 64),
        "audio_mel_mask": torch.zeros(B, 64, dtype=torch.bool),
    },
    "gemma4_vision": _marked_patches,
    "idefics": lambda: {
        "input_ids": _ids(T),
        "pixel_values": _floats(1, 3, 32, 32),
        "image_attention_mask": torch.ones(B, T, 1, dtype=torch.long),
    },
    "kosmos-2": lambda: {
        "pixel_values": _floats(3, 32, 32),
        "input_ids": _ids(T),
        "image_embeds_position_mask": (torch.arange(T) < 4).repeat(B, 1),
    },
    "lightglue": _two_views,
    "lxmert": lambda: {
        "input_ids": _ids(T),
        "visual_feats": _floats(6, 64),
        "visual_pos": _floats(6, 4),
    },
    "mgp-str": lambda: {"pixel_values": _floats(3, 32, 64)},
    "mllama": lambda: (
        _tiles()
        | {"input_ids": _ids(T), "cross_attention_mask": torch.ones(B, T, 1, 4, dtype=torch.long)}
    ),
    "mllama_vision_model": _tiles,
    "mllama_text_model": lambda: {"input_ids": _ids(T), "cross_attention_states": _floats(8, 64)},
    "musicgen_decoder": lambda: {"input_ids": _ids(4, T).flatten(0, 1)},
    "musicgen_melody_decoder": lambda: {"input_ids": _ids(4, T).flatten(0, 1)},
    "oneformer": lambda: {"pixel_values": _floats(3, 64, 64), "task_inputs": _ids(77)},
    "patchtst": lambda: {"past_values": _floats(32, 1)},
    "patchtsmixer": lambda: {"past_values": _floats(32, 1)},
    "phi4_multimodal_audio": lambda: {
        "hidden_states": _floats(64, 64),
        "mask": torch.ones(B, 64, dtype=torch.bool),
    },
    "pix2struct": lambda: _numbered_patches() | {"decoder_input_ids": _ids(10)},
    "pix2struct_vision_model": _numbered_patches,
    "sam3_detr_decoder": _detr_parts,
    "seggpt": lambda: {
        name: _floats(3, 32, 32) for name in ("pixel_values", "prompt_pixel_values", "prompt_masks")
    },
    "speecht5": lambda: {"input_values": _floats(T, 64), "decoder_input_values": _floats(10, 64)},
    "superglue": _two_views,
    "t5gemma2_decoder": lambda: {"input_ids": _ids(10), "encoder_hidden_states": _floats(T, 64)},
    "timesfm": lambda: {
        "past_values": _floats(64),
        "past_values_padding": torch.zeros(B, 64),
        "freq": torch.zeros(B, 1, dtype=torch.long),
    },
    "xclip_vision_model": lambda: {"pixel_values": torch.randn(B * 8, 3, 32, 32)},
    "xmod": lambda: {"input_ids": _ids(T), "lang_ids": torch.zeros(B, dtype=torch.long)},
}
