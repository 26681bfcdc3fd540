"""A picture made by code, and tiny models that read pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import transformers as hf
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers

SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
VISION = {**SIZES, "intermediate_size": 32, "image_size": 32, "patch_size": 8}
TEXT = {**SIZES, "intermediate_size": 32, "vocab_size": 60, "max_position_embeddings": 64}
SWIN = {"image_size": 32, "patch_size": 2, "embed_dim": 8, "window_size": 4,
        "depths": [2, 2], "num_heads": [2, 4]}  # fmt: skip
QWEN_VISION = {"depth": 2, "num_heads": 2, "patch_size": 4, "spatial_merge_size": 2,
               "temporal_patch_size": 2}  # fmt: skip
IMAGE_TOKEN = 59


def a_picture(height: int = 96, width: int = 96) -> Image.Image:
    """A sky that grows darker, a hill, a sun and a red house."""
    down, across = np.mgrid[0:height, 0:width] / np.array([height, width])[:, None, None]
    rgb = np.stack([150 + 60 * down, 190 + 30 * down, 255 - 40 * down], -1)
    rgb[np.hypot(down - 0.22, across - 0.76) < 0.12] = (250, 214, 80)
    rgb[down > 0.72 - 0.14 * np.sin(3.2 * across)] = (96, 150, 84)
    rgb[(abs(down - 0.64) < 0.12) & (abs(across - 0.3) < 0.13)] = (178, 64, 52)
    rgb[(abs(down - 0.68) < 0.08) & (abs(across - 0.3) < 0.03)] = (80, 44, 40)
    rgb[(down < 0.52) & (down - 0.38 > abs(across - 0.3))] = (92, 72, 76)
    return Image.fromarray(rgb.astype(np.uint8))


def processor(size: int = 32) -> Any:
    return hf.ViTImageProcessorPil(size={"height": size, "width": size})


def vit(**other: Any) -> Any:
    torch.manual_seed(0)
    return hf.ViTModel(hf.ViTConfig(**{**VISION, **other})).eval()


def of_kind(name: str) -> Any:
    """A model of transformers by the name of its kind, such as "Dinov2"."""
    torch.manual_seed(0)
    sizes = SWIN if name.startswith("Swin") else VISION
    return getattr(hf, f"{name}Model")(getattr(hf, f"{name}Config")(**sizes)).eval()


def towers(name: str) -> Any:
    """CLIP or SigLIP: a tower for images and one for texts."""
    torch.manual_seed(0)
    config = getattr(hf, f"{name}Config")(
        text_config={**TEXT, "bos_token_id": 1, "eos_token_id": 2}, vision_config=VISION
    )
    return getattr(hf, f"{name}Model")(config).eval()


def tokenizer() -> Any:
    words = {f"w{i}": i for i in range(50)}
    words |= {"a": 50, "red": 51, "house": 52, "[UNK]": 53, "<|vision_start|>": 54}
    words |= {"<|vision_end|>": 55, "<|image_pad|>": 56, "<|video_pad|>": 57, "</s>": 58}
    words["<image>"] = IMAGE_TOKEN
    made = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    signs = ["<image>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
    return hf.PreTrainedTokenizerFast(
        tokenizer_object=made,
        unk_token="[UNK]",
        eos_token="</s>",
        additional_special_tokens=signs,
        model_max_length=64,
    )


def llava() -> tuple[Any, Any]:
    """A model that reads words and an image, and its processor: 4 × 4 patches in the text."""
    torch.manual_seed(0)
    text = hf.LlamaConfig(**{**TEXT, "num_key_value_heads": 1})
    vision = hf.CLIPVisionConfig(**VISION)
    config = hf.LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_id=IMAGE_TOKEN,
        vision_feature_layer=-1,
    )
    reads = hf.CLIPImageProcessorPil(
        size={"height": 32, "width": 32}, crop_size={"height": 32, "width": 32}
    )
    both = hf.LlavaProcessor(
        reads,
        tokenizer(),
        patch_size=8,
        vision_feature_select_strategy="default",
        image_token="<image>",
        num_additional_image_tokens=1,
    )
    return hf.LlavaForConditionalGeneration(config).eval(), both


class QwenProcessor:
    """Words and images for Qwen2-VL, as transformers' own does it, which wants torchvision."""

    image_token = "<|image_pad|>"

    def __init__(self) -> None:
        self.tokenizer = tokenizer()
        self.image_processor = hf.Qwen2VLImageProcessorPil(
            patch_size=4, merge_size=2, temporal_patch_size=2, min_pixels=64, max_pixels=4096
        )

    def __call__(self, text: str, images: Any, return_tensors: str = "pt") -> dict[str, Any]:
        seen = self.image_processor(images=images, return_tensors=return_tensors)
        count = int(seen["image_grid_thw"][0].prod()) // 4
        text = text.replace(self.image_token, self.image_token * count)
        for sign in ("<|vision_start|>", self.image_token, "<|vision_end|>"):
            text = text.replace(sign, f" {sign} ")
        read = self.tokenizer(text, return_tensors=return_tensors, add_special_tokens=False)
        kinds = (read["input_ids"] == 56).long()
        return {**seen, **read, "mm_token_type_ids": kinds}


def qwen(version: str) -> tuple[Any, Any]:
    """Qwen2-VL or Qwen2.5-VL with its processor: blocks of 2 × 2 patches become one token."""
    torch.manual_seed(0)
    rope = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}
    text = {**TEXT, "num_key_value_heads": 1, "rope_parameters": rope}
    own = {
        "Qwen2VL": {"embed_dim": 16, "hidden_size": 16, "mlp_ratio": 2},
        "Qwen2_5_VL": {"hidden_size": 16, "intermediate_size": 32, "out_hidden_size": 16,
                       "window_size": 16, "fullatt_block_indexes": [1]},
    }[version]  # fmt: skip
    ids = {"image_token_id": 56, "video_token_id": 57}
    ids |= {"vision_start_token_id": 54, "vision_end_token_id": 55}
    config = getattr(hf, f"{version}Config")(
        vision_config={**QWEN_VISION, **own},
        text_config={**text, "bos_token_id": 1, "eos_token_id": 2},
        **ids,
    )
    return getattr(hf, f"{version}ForConditionalGeneration")(config).eval(), QwenProcessor()
