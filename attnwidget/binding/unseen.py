"""Why a layer that could be expected to attend gave no record, as far as that can be known."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

import torch

from attnwidget.binding.attribution import Names, above, attention_like
from attnwidget.binding.dispatch import is_graph
from attnwidget.binding.kinds import without_weights

# Packages with attention kernels of their own, by the name they are imported under.
_PACKAGES = frozenset(
    "flash_attn flash_attn_interface xformers vllm sageattention natten apex triton liger_kernel"
    " flashinfer transformer_engine aiter deepspeed".split()
)


def without_record(names: Names, recorded: set[str]) -> dict[str, str]:
    """Return the layers that gave no record, and for each the reason, or "" where it is not known.

    Parameters
    ----------
    recorded : set of str
        Paths of modules that gave a record.

    Returns
    -------
    dict
        Reasons by path, in the order of the model.
    """
    modules = dict(names.modules())
    found = {name: _reason(name, modules) for name in attention_like(names, recorded)}
    above_recorded = {path for name in recorded for path in _up_from(name)}
    for name, module in modules.items():
        taken = any(path in found or path in recorded for path in _up_from(name) if path)
        kind = without_weights(module)
        if kind and name and not taken and name not in above_recorded:
            found[name] = _no_weights(kind)
    graphs = {name for name in recorded if name in modules and is_graph(modules[name])}
    return {
        name: found[name]
        for name in modules
        # A graph gives its records as a whole.
        if name in found and graphs.isdisjoint(_up_from(name))
    }


def _reason(name: str, modules: dict[str, torch.nn.Module]) -> str:
    module = modules[name]
    kind = without_weights(module)
    if not kind and type(module).__name__.endswith(("Layer", "Block")):
        kind = next(filter(None, map(without_weights, module.modules())), "")
    if kind:
        return _no_weights(kind)
    if any(is_graph(modules[path]) for path in _up_from(name) if path in modules):
        return (
            "not visible here, because it is part of a scripted, traced or exported graph, in which"
            " no kernel of attention was seen; fused, frozen and quantised kernels are not read"
        )
    packages = dict.fromkeys(
        package for inner in module.modules() for package in _kernel_packages(type(inner))
    )
    if packages:
        return (
            f"not visible here, because its attention runs in {' and '.join(packages)}, outside"
            " torch; switch it to scaled_dot_product_attention to see it"
        )
    return ""


def _no_weights(kind: str) -> str:
    return f"no attention weights in this layer: it is a {kind} layer"


def _up_from(name: str) -> list[str]:
    """Return the paths of a module and of all it is inside of, the root's "" included."""
    return ["", *above(name)]


def _kernel_packages(kind: type) -> Iterator[str]:
    """Packages of kernels that the code of a module's class refers to, and that are loaded."""
    waiting = [
        function
        for ancestor in kind.__mro__
        if ancestor.__module__.partition(".")[0] != "torch"
        for function in vars(ancestor).values()
        if isinstance(function, FunctionType)
    ]
    seen: set[FunctionType] = set()
    while waiting:
        function = waiting.pop()
        if function in seen:
            continue
        seen.add(function)
        for name in _names_in(function.__code__):
            value = function.__globals__.get(name)
            package = _package_of(value) if value is not None else name.partition(".")[0]
            if package in _PACKAGES and package in sys.modules:
                yield package
            # A function next to the class is part of its code.
            if isinstance(value, FunctionType) and value.__module__ == kind.__module__:
                waiting.append(value)


def _names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)


def _package_of(value: Any) -> str:
    if isinstance(value, ModuleType):
        return value.__name__.partition(".")[0]
    if type(value).__module__.partition(".")[0] == "triton":
        return "triton"  # a kernel written next to the class
    return str(getattr(value, "__module__", None) or "").partition(".")[0]
