"""What kind of attention a call is, by names, by what its module was given, and by its parts."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Mapping
from types import CodeType, FrameType

import torch

_CROSS_NAME = re.compile(r"cross|enc(oder)?_?dec(oder)?(?!er)|(encoder|enc|src|memory)_att", re.I)
_OTHER_SEQUENCE = frozenset(
    "key_value_states encoder_hidden_states encoder_output encoder_outputs encoder_out enc_output"
    " enc_outputs enc_out encoder_states memory mem context cross_attention_states".split()
)
_POOLING = re.compile(r"att(entio)?n_?pool|pool(ing|er)?_?(head|att)|attentive_?pool|probe")
_POOLING_CLASS = re.compile(
    r"Pool(ing|er)?(Head|Layer|$|\d)|Pool.*Attention|Attention.*Pool|MAPHead"
)
_CHANNEL_CLASS = re.compile(
    r"Channel|^XCA$|XCiT?Attention|XCABlock|CrossCovariance|^MDTA$|TransposedAtt"
)
_DEFORMABLE_CLASS = re.compile(r"Deform")
_EXPERTS = re.compile(r"router|mo_?e(?![a-z])|experts?(?![a-z])|mixture|gating", re.I)
# Layers that mix tokens without a map of weights, by how their classes are called in transformers,
# mamba_ssm, flash-linear-attention and the papers' own code.
_WITHOUT_WEIGHTS = {
    "state-space": re.compile(
        r"(Mamba[23]?|Bamba|FalconH1)(Simple|Mixer|Layer)?$|^S4(D|ND)?(Block|Layer)?$|^S[56]$|SSM$"
    ),
    "linear-attention": re.compile(
        # KimiLinear is the name of a model, half of whose layers are ordinary attention,
        # and MobileViTV2 weighs patches by a softmax before it goes on.
        r"(?<!Kimi)(?<!MobileViTV2)Linear(Self)?Attention$|LightningAttention"
        r"|Delta(Net|Attention)|Retention$|^(Gated)?RetNet|^Rwkv\w*Attention$|^RWKV_(TMix|TimeMix|Tmix)"
    ),
    "recurrent": re.compile(r"RecurrentBlock$|R[Gg][-_]?(LRU|lru)$|[msx]LSTM(Layer|Block|Cell)$"),
    "convolution": re.compile(r"ShortConv(olution)?$|Hyena(Operator|Filter|Conv|Mixer)?$"),
    "Fourier-transform": re.compile(r"FourierTransform$"),
}
_MASK = re.compile(r"mask|pad|len", re.I)


def kind_of(
    name: str,
    module: torch.nn.Module | None,
    frame: FrameType | None,
    classes: Mapping[str, str],
    scoreless: bool,
) -> str | None:
    """Return the kind of a call, or None for a softmax that is no attention.

    Parameters
    ----------
    name : str
        Dotted path of the module that made the call.
    frame : frame or None
        Of that module's function.
    classes : mapping
        Class names of the model's modules by path.
    scoreless : bool
        Whether the weights do not come from products of queries and keys.

    Returns
    -------
    str or None
        "self", "cross", "additive", "pooling" (one learned query, or none), "channel" (features
        attend to features) or "deformable" (weights over sampled points).
    """
    own, around = classes.get(name, ""), classes.get(name.rpartition(".")[0], "")
    named = _kind_by_name(name, own, around, scoreless)
    if named:
        return named
    if scoreless:
        if module is not None and without_weights(module):
            return None
        if any(_EXPERTS.search(one) for one in (_last_two(name), own, around)):
            return None
        return "pooling" if _sequences(frame) < 2 else "additive"
    return "cross" if is_cross(name, module, frame) else "self"


@functools.lru_cache(maxsize=4096)
def _kind_by_name(name: str, own: str, around: str, scoreless: bool) -> str:
    """The kind that a module's path, its class and the class around it say, or ""."""
    near = (own, around)
    if any(_DEFORMABLE_CLASS.search(one) for one in near) and scoreless:
        return "deformable"
    if _CHANNEL_CLASS.search(own):
        return "channel"
    if _POOLING.search(_last_two(name)) or any(_POOLING_CLASS.search(one) for one in near):
        return "pooling"
    return ""


def without_weights(module: torch.nn.Module) -> str:
    """What a layer is instead where its class mixes tokens without a map of weights, or ""."""
    name = getattr(module, "original_name", type(module).__name__)  # of a scripted module
    return next((kind for kind, of in _WITHOUT_WEIGHTS.items() if of.search(name)), "")


def is_cross(name: str, module: torch.nn.Module | None, frame: FrameType | None) -> bool:
    """Whether a call attends to another sequence: by names, and by arguments of its forward."""
    if _cross_by_name(name):
        return True
    said = vars(module).get("is_cross_attention") if module is not None else None
    if isinstance(said, bool):
        return said
    given = _other_sequences(frame.f_code) if frame is not None else ()
    if frame is None or not given:
        return False
    values = frame.f_locals
    # Some modules are given their own sequence once more.
    own = values.get(frame.f_code.co_varnames[1]) if frame.f_code.co_argcount > 1 else None
    others = (values.get(argument) for argument in given)
    return any(isinstance(other, torch.Tensor) and other is not own for other in others)


def _sequences(frame: FrameType | None) -> int:
    """How many tensors a function was given that are no masks: a query and keys, or one text."""
    if frame is None:
        return 0
    code, values = frame.f_code, frame.f_locals
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    given = [values.get(name) for name in names if not _MASK.search(name)]
    if code.co_flags & inspect.CO_VARARGS:
        given += values.get(code.co_varnames[len(names)], ())
    return sum(isinstance(value, torch.Tensor) for value in given)


def _last_two(name: str) -> str:
    return ".".join(name.split(".")[-2:])


@functools.lru_cache(maxsize=4096)
def _cross_by_name(name: str) -> bool:
    # BERT and its like call the inner part of any attention "self".
    return _CROSS_NAME.search(_last_two(name.removesuffix(".self"))) is not None


@functools.lru_cache(maxsize=4096)
def _other_sequences(code: CodeType) -> tuple[str, ...]:
    arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return tuple(_OTHER_SEQUENCE.intersection(arguments))
