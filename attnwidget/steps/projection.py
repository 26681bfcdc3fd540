"""The layer that a module's heads go through together when each has made its sums of values.

Nothing of a call tells what is done with its output, so the layer is looked for in the model: by
its size, by the names that people give it, and by what else stands beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from attnwidget.call import AttentionCall

# As people call it, in small letters and without underscores.
_NAMES = frozenset(
    "o wo out output proj projection dense fc oproj outproj outputproj outprojection"
    " outputprojection projectionlayer attentionout projout cproj fcout outfc outlinear linearout"
    " outputlinear outlin linout outputdense denseout toout unifyheads onet postproj wout lino"
    " linearo projo wh hproj".split()
)
ATTENTION = re.compile(r"att(e?n)|attention|mha", re.I)
# What would stand between the heads and the projection, as it is called in attention modules.
_GATE = re.compile(r"gate|(^|_)g(_proj)?$|rel\w*_v(alues?)?$", re.I)
_NORM = re.compile(
    r"^norm$|sub_?(ln|norm)|inner|attn_?ln|group_?norm|(^|_)(o|g|out|head)_?(norm|ln)"
)
FLOATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)


@dataclass(frozen=True)
class Projection:
    """A linear layer over the heads of a call, laid one behind the other.

    Attributes
    ----------
    name : str
        What it is called within the module that attends, or around it: "o_proj", "output.dense".
    path : str
        Where it is in the model.
    weight : Tensor
        (E, H * dv), a view.
    bias : Tensor or None
        (E,).
    remark : str
        What to know of it, in words.
    """

    name: str
    path: str
    weight: torch.Tensor
    bias: torch.Tensor | None
    remark: str = ""


def module_at(model: torch.nn.Module | None, path: str) -> torch.nn.Module | None:
    """The module at a path as calls name it, which says nothing of ``torch.compile``."""
    module = _inside(model)
    for part in path.split(".") if path else ():
        module = None if module is None else _inside(module._modules.get(part))
    return module


def projection_of(
    model: torch.nn.Module | None, call: AttentionCall, width: int
) -> tuple[Projection | None, str]:
    """The output projection of the module that made a call; or None, and why, in words.

    Parameters
    ----------
    width : int
        H * dv, how many numbers all heads together have for one query.
    """
    if model is None:
        return None, "There is no model to look into."
    if call.kind == "channel":
        return None, "The heads' outputs are features of all tokens here, not a token's."
    module = module_at(model, call.module)
    if module is None:
        return None, f"The model has no module {call.module!r} any more."
    between = _between(module, call)
    if between:
        return None, between
    for prefix, place in places(model, module, call.module):
        found = list(_candidates(place, width))
        if len(found) > 1:
            names = " and ".join(name for name, _, _ in found)
            return None, f"More than one layer may be the projection: {names}."
        if found:
            name, weight, bias = found[0]
            full = ".".join(part for part in (prefix, name) if part)
            return Projection(_name(full, call.module), full, weight, bias, _remark(module)), ""
    return None, "No layer after the heads was found that fits by its name and its size."


def _inside(module: torch.nn.Module | None) -> torch.nn.Module | None:
    """What ``torch.compile`` has wrapped."""
    return module if module is None else module._modules.get("_orig_mod", module)


def places(
    model: torch.nn.Module, module: torch.nn.Module, path: str
) -> Iterator[tuple[str, torch.nn.Module]]:
    """Where to look, with the path of each: the module itself, what it wraps, what is around it."""
    yield path, module
    # torch runs a whole encoder layer as one kernel.
    inner = [
        (name, child)
        for name, child in module.named_children()
        if isinstance(child, torch.nn.MultiheadAttention)
    ]
    if len(inner) == 1:
        name, child = inner[0]
        yield f"{path}.{name}" if path else name, child
    above = path.rpartition(".")[0]
    around = module_at(model, above) if path else None
    # The output layer of a feed-forward is called so, too: only within an attention.
    own = above.rpartition(".")[2]
    if around is not None and (ATTENTION.search(own) or ATTENTION.search(type(around).__name__)):
        yield above, around


def _candidates(
    place: torch.nn.Module, width: int
) -> Iterator[tuple[str, torch.Tensor, torch.Tensor | None]]:
    """Linear layers among and just below the children that are called so and take `width`."""
    for name, child in place.named_children():
        if not _is_called_so(name):
            continue
        within = {"": child, "0": child._modules.get("0"), "dense": child._modules.get("dense")}
        for below, layer in within.items():
            found = _linear(layer, width)
            if found is not None:
                yield (f"{name}.{below}" if below else name), *found


def _is_called_so(name: str) -> bool:
    return name.lower().replace("_", "") in _NAMES


def _linear(
    layer: torch.nn.Module | None, width: int
) -> tuple[torch.Tensor, torch.Tensor | None] | None:
    """Weight (E, width) and bias of a layer that is W x + b with plain numbers, else None."""
    weight: Any = None
    if isinstance(layer, torch.nn.Linear) and type(layer).forward is torch.nn.Linear.forward:
        weight = layer.weight
    elif type(layer).__name__ == "Conv1D" and hasattr(layer, "nf"):
        weight = getattr(getattr(layer, "weight", None), "T", None)
    bias = getattr(layer, "bias", None)
    numbers = [weight] if bias is None else [weight, bias]
    if not all(map(_are_plain, numbers)) or weight.dim() != 2 or weight.shape[1] != width:
        return None
    return weight.detach(), None if bias is None else bias.detach()


def _are_plain(numbers: object) -> bool:
    """Whether these are the numbers they stand for: not quantised, sharded or offloaded."""
    return (
        type(numbers) in (torch.Tensor, torch.nn.Parameter)
        and isinstance(numbers, torch.Tensor)
        and numbers.dtype in FLOATS
        and numbers.device.type != "meta"
        and bool(numbers.untyped_storage().nbytes())
    )


def _between(module: torch.nn.Module, call: AttentionCall) -> str:
    """What seems to change the heads' outputs before any projection, in words, or ""."""
    if "ProbSparse" in type(module).__name__:
        return "Every head has chosen queries of its own: one row is not one token's."
    if not ATTENTION.search(type(module).__name__ + call.module.rpartition(".")[2]):
        return ""  # a whole block: its gates and norms are others
    for name, child in {**module._parameters, **module._modules}.items():
        norm = "norm" in type(child).__name__.lower()
        if child is not None and (_GATE.search(name) or (norm and _NORM.search(name))):
            return f"{name} seems to change the heads' outputs before they are projected."
    queries = module._modules.get("q_proj")
    size = getattr(queries, "out_features", None)
    if call.head_dim and isinstance(size, int) and size == 2 * call.heads * call.head_dim:
        return "q_proj makes more than the queries, as a gate on the heads' outputs needs."
    return ""


def _name(path: str, module: str) -> str:
    """A path as seen from the module that attends, or from what is around it."""
    for prefix in (module, module.rpartition(".")[0]):
        if prefix and path.startswith(prefix + "."):
            return path[len(prefix) + 1 :]
    return path


def _remark(module: torch.nn.Module) -> str:
    if module.training:
        return "The weights are those of now: training may have changed them since the pass."
    return ""
