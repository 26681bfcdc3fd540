"""A tiny config for any model type of transformers, made by shrinking its default one.

Sizes follow from names: anything larger than 64 that is not a length, an id or a rate becomes 64,
heads become 4, layers 2, and lists that have one entry per layer are cut to the layers kept.
"""

from __future__ import annotations

import copy
import importlib
import inspect
import re
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.models.auto import modeling_auto
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_MAPPING

from benchmarks.coverage.overrides import FILL, OVERRIDES

SIZE, HEADS, HEAD_DIM, VOCAB = 64, 4, 16, 128
MOST_PARAMETERS = 150_000_000
LARGEST_PICTURE = 640

TOKEN_ID = re.compile(r"(token|bos|eos|pad|mask|image|audio|video)_(id|index|idx|ids)$|_token_id")
LAYER_COUNT = re.compile(
    r"(^|_)n?_?layers?$|^depth$|_depth$|num_blocks$|^num_(hidden|local|global)_groups$"
)
LAYER_INDEX = re.compile(
    r"(indexes|indices|idxs|_ids|_idx|feature_layers?|attention_layers|only_layers|select_layers?)$"
)
HEAD_COUNT = re.compile(r"(^|_)n?(um)?_?(attention_|attn_|query_|q_)?heads?(_q|_count)?$")
KEY_HEADS = re.compile(r"(kv|key_value|k_v)_heads|kv_n_heads|query_groups|num_head_kv|n_head_kv")
OWN_HEAD_DIM = re.compile(r"head_dim|d_kv|d_head|dim_head|head_size|kv_channels|head_width")
IMAGE = re.compile(
    r"(image|input|pretrain_image|crop|tile|img)_size$|^(image|base)_(height|width)$"
)
EXPERTS = re.compile(r"num_(local_|routed_)?experts$|n_routed_experts|moe_num_experts|^num_experts")
WINDOW = re.compile(
    r"sliding_window|local_attention|attention_window|attention_chunk_size|index_topk|window_size|local_window"
)
# Lengths, rates and the like: they are not sizes of a layer.
KEPT = re.compile(
    r"position|length|rate$|_sr$|fft|hop|theta|temperature|base|distance|coefficient|cost|time|"
    r"duration|chunk|frames|scale|scalar|freq|stride|ratio|kernel|window|_id$|block_size|eps|"
    r"num_labels|context|max_|min_|_limit|levels|iters|steps|factor"
)


def tiny_config(model_type: str) -> PreTrainedConfig:
    """Default config of a type, shrunk throughout."""
    config = CONFIG_MAPPING[model_type]()
    _shrink_ids(config)
    for part in list(parts(config)):
        _shrink(part)
        _override(part)
    return config


def filled_config(model_type: str) -> PreTrainedConfig:
    """The tiny config with values for what the default one leaves open."""
    config = tiny_config(model_type)
    for part in list(parts(config)):
        for name, value in FILL.items():
            if getattr(part, name, None) is None:
                _set(part, name, value)
    return config


def short_config(model_type: str) -> PreTrainedConfig:
    """Default config with few layers, for what does not build with everything small."""
    config = CONFIG_MAPPING[model_type]()
    for part in list(parts(config)):
        _cut_layers(part)
        size = getattr(part, "image_size", 0)
        if max(size if isinstance(size, list | tuple) else [size or 0]) > LARGEST_PICTURE:
            raise MemoryError(f"pictures of {size} pixels unless shrunk")
    return config


def parts(config: PreTrainedConfig) -> Iterator[PreTrainedConfig]:
    """The config and all configs within it."""
    yield config
    for value in vars(config).values():
        if isinstance(value, PreTrainedConfig):
            yield from parts(value)


def _override(config: PreTrainedConfig) -> None:
    for path, value in OVERRIDES.get(config.model_type, {}).items():
        name, *inner = path.split(".")
        if inner:
            _put(getattr(config, name), inner[0], value)
        else:
            _set(config, name, value)


def _put(rope: dict[str, Any], name: str, value: Any) -> None:
    for part in [v for v in rope.values() if isinstance(v, dict)] or [rope]:
        part[name] = value


def _shrink_ids(config: PreTrainedConfig) -> None:
    """Ids beyond the vocabulary become its last ones; what was equal stays equal."""
    named = [
        (part, name, value)
        for part in parts(config)
        for name, value in vars(part).items()
        if TOKEN_ID.search(name)
    ]
    large = {
        v
        for *_, value in named
        for v in (value if isinstance(value, list | tuple) else [value])
        if isinstance(v, int) and v >= VOCAB
    }
    new = {old: VOCAB - 1 - i for i, old in enumerate(sorted(large, reverse=True))}
    for part, name, value in named:
        if isinstance(value, list | tuple):
            _set(part, name, type(value)(new.get(v, v) for v in value))
        elif isinstance(value, int) and value in new:
            _set(part, name, new[value])


def _set(config: PreTrainedConfig, name: str, value: Any) -> None:
    vars(config)[name] = value  # past the checks of single values: they fit together at the end


def _shrink(config: PreTrainedConfig) -> None:
    _cut_layers(config)
    before = dict(vars(config))
    for name, value in before.items():
        if name.startswith("_") or name in ("id2label", "label2id") or TOKEN_ID.search(name):
            continue
        small = _small(name, value, before)
        if small is not value:
            _set(config, name, small)
    _fit_rope(config)
    _fit_stages(config, before)


def _small(name: str, value: Any, all_values: dict[str, Any]) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return _small_int(name, value, all_values)
    if isinstance(value, list | tuple) and value and not LAYER_INDEX.search(name):
        return type(value)(_small(name, v, all_values) for v in value)
    return value


def _small_int(name: str, value: int, all_values: dict[str, Any]) -> int:
    if KEY_HEADS.search(name):
        return min(value, 1 if value == 1 else _key_heads(all_values))
    if HEAD_COUNT.search(name):
        return 1 << (min(value, HEADS).bit_length() - 1) if value > 0 else value
    if name == "qk_head_dim" and "qk_nope_head_dim" in all_values:
        return 2 * HEAD_DIM
    if OWN_HEAD_DIM.search(name):
        return min(value, HEAD_DIM)
    if "rotary_dim" in name:
        return min(value, HEAD_DIM // 2)
    if EXPERTS.search(name):
        return min(value, 4)
    if name in ("n_group", "topk_group", "num_experts_per_tok", "moe_k", "moe_topk"):
        return min(value, {"n_group": 2, "topk_group": 1}.get(name, 2))
    if WINDOW.search(name):
        return min(value, _window(name, all_values))
    if "patch_size" in name and "temporal" not in name:
        return min(value, 8)
    if IMAGE.search(name):
        patch = all_values.get("patch_size")
        return min(value, SIZE if not isinstance(patch, int) or patch <= 4 else SIZE // 2)
    if name == "image_embedding_size":
        return 4
    if "vocab" in name:
        return min(value, VOCAB)
    if name in ("max_source_positions", "max_target_positions"):
        return min(value, SIZE)
    if "position" in name:
        return min(value, 512)
    if KEPT.search(name):
        return value
    return min(value, SIZE)


def _window(name: str, all_values: dict[str, Any]) -> int:
    if name != "window_size":
        return 8
    if "depths" in all_values:  # the last stage is no larger
        return 2
    return 32 if "spatial_merge_size" in all_values else 4  # pixels, else patches


def _key_heads(all_values: dict[str, Any]) -> int:
    heads = next((v for n, v in all_values.items() if HEAD_COUNT.search(n)), None)
    own = next((v for n, v in all_values.items() if KEY_HEADS.search(n)), None)
    return HEADS if heads == own else HEADS // 2


def _cut_layers(config: PreTrainedConfig) -> None:
    """Keep a layer of each kind, at least two, and in lists the entries of those layers."""
    values = vars(config)
    counts = {n: v for n, v in values.items() if LAYER_COUNT.search(n) and type(v) is int and v > 2}
    counts.pop("num_feat_extract_layers", None)
    lists = {
        n: v
        for n, v in values.items()
        if isinstance(v, list | tuple) and len(v) > 2 and n != "stage_names"
    }
    for size in sorted(set(counts.values())):
        per_layer = {n: v for n, v in lists.items() if len(v) == size and not LAYER_INDEX.search(n)}
        kept = _kept_layers(size, per_layer, lists)
        for name, value in per_layer.items():
            _set(config, name, type(value)(value[i] for i in kept))
        for name, count in counts.items():
            if count == size:
                _set(config, name, len(kept))
    for name, value in values.items():
        if name == "depths":
            _set(config, name, type(value)(min(v, 2) for v in value))
        elif name.endswith("dense_replace"):
            _set(config, name, min(value, 1))
    most = max((values[n] for n in counts), default=None)
    if most is not None:
        _cut_indices(config, most)


def _kept_layers(size: int, per_layer: dict[str, Any], lists: dict[str, Any]) -> list[int]:
    kinds = [str([v[i] for n, v in sorted(per_layer.items())]) for i in range(size)]
    kept = sorted({kinds.index(kind) for kind in kinds})
    if len(kept) > 6:  # the entries are numbers rather than kinds
        kept = [0, 1]
    wanted = max([2, *(len(v) for n, v in lists.items() if LAYER_INDEX.search(n) and len(v) < 5)])
    spare = (i for i in range(size) if i not in kept)
    while len(kept) < min(wanted, size):
        kept.append(next(spare))
    return sorted(kept)


def _cut_indices(config: PreTrainedConfig, layers: int) -> None:
    values = dict(vars(config))
    names = values.get("stage_names")
    if names and len(names) > layers + 1:
        _set(config, "stage_names", names[: layers + 1])
        for hidden in ("_out_features", "_out_indices", "out_features", "out_indices"):
            if values.get(hidden):
                many = len(values[hidden])
                pick = list(range(max(1, layers + 1 - many), layers + 1))
                _set(config, hidden, [names[i] for i in pick] if "feat" in hidden else pick)
    for name, value in values.items():
        if not LAYER_INDEX.search(name) or "out_indices" in name or TOKEN_ID.search(name):
            continue
        if isinstance(value, int) and not isinstance(value, bool) and value >= layers:
            _set(config, name, layers - 1)
        elif isinstance(value, list | tuple) and any(type(v) is int and v >= layers for v in value):
            many = min(len(value), layers)
            _set(config, name, type(value)(range(layers - many, layers)))


def _fit_rope(config: PreTrainedConfig) -> None:
    rope = getattr(config, "rope_parameters", None)
    if not isinstance(rope, dict):
        return
    rope = copy.deepcopy(rope)
    if "mrope_section" in getattr(config, "ignore_keys_at_rope_validation", ()):
        rope.setdefault("mrope_section", [1, 1, 1])
    for inner in [rope, *(v for v in rope.values() if isinstance(v, dict))]:
        section = inner.get("mrope_section")
        if section:
            half = getattr(config, "head_dim", None) or HEAD_DIM
            half = int(half * inner.get("partial_rotary_factor", 1.0)) // 2
            rest = [max(1, half // len(section))] * (len(section) - 1)
            inner["mrope_section"] = [half - sum(rest), *rest]
        for name in ("short_factor", "long_factor"):
            if inner.get(name):
                inner[name] = inner[name][: HEAD_DIM // 2]
    _set(config, "rope_parameters", rope)


def _fit_stages(config: PreTrainedConfig, before: dict[str, Any]) -> None:
    """Where sizes double from stage to stage, the last one does not become 64 as well."""
    depths, first, last = (before.get(name) for name in ("depths", "embed_dim", "hidden_size"))
    if depths and isinstance(first, int) and last == first * 2 ** (len(depths) - 1):
        _set(config, "embed_dim", SIZE // 2)
        _set(config, "hidden_size", SIZE // 2 * 2 ** (len(depths) - 1))


def model_class(model_type: str) -> type[PreTrainedModel]:
    """The class to look at: the base model, else the first head, else the part's own class."""
    config_class = CONFIG_MAPPING[model_type]
    if config_class in MODEL_MAPPING:
        found = MODEL_MAPPING[config_class]
        return found[0] if isinstance(found, tuple) else found
    for name in sorted(vars(modeling_auto)):
        mapping = getattr(modeling_auto, name)
        if name.endswith("_MAPPING") and config_class in mapping:
            found = mapping[config_class]
            return found[0] if isinstance(found, tuple) else found
    module = importlib.import_module(
        config_class.__module__.replace(".configuration_", ".modeling_")
    )
    own = [
        c
        for c in vars(module).values()
        if inspect.isclass(c)
        and issubclass(c, PreTrainedModel)
        and getattr(c, "config_class", None) is config_class
        and "PreTrained" not in c.__name__
    ]
    if not own:
        raise LookupError("a config without a model of its own")
    return own[0]


TRIES = {"tiny": tiny_config, "filled": filled_config, "few layers": short_config}


def build(model_type: str, how: str) -> nn.Module:
    """A model with seeded weights in eval mode.

    Parameters
    ----------
    how : str
        One of TRIES.

    Raises
    ------
    Exception
        Whatever the model does not like, or MemoryError if it is large even so.
    """
    return _made(model_class(model_type), TRIES[how](model_type))


def _made(cls: type[PreTrainedModel], config: PreTrainedConfig) -> nn.Module:
    with torch.device("meta"):
        try:
            parameters = sum(p.numel() for p in cls(copy.deepcopy(config)).parameters())
        except NotImplementedError:
            parameters = 0
    if parameters > MOST_PARAMETERS:
        raise MemoryError(f"{parameters / 1e6:.0f} M parameters even when shrunk")
    torch.manual_seed(0)
    return cls._from_config(config).float().eval()
