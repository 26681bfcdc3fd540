"""Attention in scripted, traced and exported modules, seen in the kernels that run.

Their code is a graph and no Python: torch functions are not called, so only what torch dispatches
to its kernels tells. A kernel knows no module, and the Python frames end at the graph's own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import (
    TorchDispatchMode,
    _get_current_dispatch_mode,
    _get_current_dispatch_mode_stack,
    _pop_mode_temporarily,
)

from attnwidget.binding import provenance
from attnwidget.binding.active import active
from attnwidget.binding.attribution import callers
from attnwidget.binding.chain import Chain
from attnwidget.binding.evidence import Evidence
from attnwidget.binding.layout import Fold
from attnwidget.binding.recorder import record, trouble
from attnwidget.binding.tags import Tags
from attnwidget.binding.torch_functions import OBSERVERS, TorchFunctions, sdpa_evidence
from attnwidget.binding.torch_names import EINSUM, PRODUCTS, RESHAPES

SAID = (
    "The model is, or contains, a scripted, traced or exported graph. Only its kernels can be seen,"
    " and attention that a graph has fused, frozen into constants or quantised is not among them."
)

# Fused kernels; their arguments go by the same names. Where none of them fits, torch takes the
# products and the softmax apart, and these are seen instead.
_ATTENTION = frozenset(
    f"aten::{name}"
    for name in (
        "scaled_dot_product_attention",  # whole under torch.inference_mode
        "_scaled_dot_product_flash_attention",
        "_scaled_dot_product_flash_attention_for_cpu",
        "_scaled_dot_product_efficient_attention",
        "_scaled_dot_product_cudnn_attention",
        "_scaled_dot_product_fused_attention_overrideable",
        "_scaled_dot_product_attention_math",
        "_scaled_dot_product_attention_math_for_mps",
    )
)
_UNSAFE_VIEW = "aten::_unsafe_view"
_SOFTMAX, _SAFE_SOFTMAX = "aten::_softmax", "aten::_safe_softmax"
_CAST = "aten::_to_copy"

# Source: should_allow_numbers_as_tensors in torch/csrc/utils/python_arg_parser.cpp.
_TAKE_NUMBERS = frozenset(
    f"aten::{name}{end}"
    for name in "add sub subtract mul multiply div divide true_divide floor_divide".split()
    for end in ("", "_")
) | {"aten::to", "aten::_to_copy", "aten::copy_", "aten::copy"}

_NOTHING = nullcontext()


class Kernels(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every kernel of the thread while a bound model's forward runs; calls each unchanged.

    What products, softmaxes and layouts amount to is worked out as for torch functions.
    """

    # A function of functions, as flex attention is, would otherwise refuse to run under a mode.
    supports_higher_order_operators = True

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        # What provenance knows of tensors; with a table of its own, as both may see the same call.
        self._functions = TorchFunctions()
        self._functions.source = "kernel"
        self._graphs: dict[int, bool] = {}
        self._parameters: set[int] = set()

    @property
    def tags(self) -> Tags:
        return self._functions.tags

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if isinstance(func, torch._ops.HigherOrderOperator):
            return func(*args, **kwargs) if kwargs else func(*args)
        # A kernel called from here is a torch function, too, and no business of a mode for those.
        with torch._C.DisableTorchFunction():
            args = _with_tensors(func, args)
            with _as_without_modes(func):
                result = func(*args, **kwargs) if kwargs else func(*args)
            if active.silent:
                return result
            try:
                if self._in_graph():
                    self._see(func, args, kwargs or {}, result)
            except Exception as problem:  # the kernel itself has succeeded: the model goes on
                trouble(problem)
        return result

    def _in_graph(self) -> bool:
        """Whether a graph made the call, and not Python code, whose torch functions are seen."""
        caller = next(callers(sys._getframe(2)), None)
        if caller is None:
            return False
        key = id(caller.module)  # alive while its forward runs
        if key not in self._graphs:
            self._graphs[key] = is_graph(caller.module)
            if self._graphs[key]:
                own = (one.untyped_storage() for one in caller.module.parameters())
                self._parameters.update(storage.data_ptr() for storage in own)
        return self._graphs[key]

    def _see(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        name = func._schema.name
        if name in _ATTENTION:
            self._attention(func, args, kwargs, result)
            return
        if name == "aten::einsum":
            provenance.einsum(self._functions, EINSUM, (args[0], *args[1]), {}, result)
            return
        function, args, kwargs = _as_torch_function(func, args, kwargs)
        if function in RESHAPES and result.shape == args[0].shape:
            function, args, kwargs = Tensor.contiguous, args[:1], {}  # says nothing about heads
        observe = provenance.softmax if name == _SAFE_SOFTMAX else OBSERVERS.get(function)
        if function in PRODUCTS and any(self._is_matrix(one) for one in args[:2]):
            observe = None
        if observe is provenance.softmax and not isinstance(self.tags.of(args[0]), Chain):
            observe = None  # of no product, as a router's
        if observe is not None:
            observe(self._functions, function, args, kwargs, result)
        elif self.tags:
            first = result[0] if isinstance(result, tuple) and result else result
            provenance.carry(self.tags, function, args, kwargs, first)

    def _is_matrix(self, operand: Tensor) -> bool:
        """Whether a product with it is a linear layer. Down here, parameters are plain tensors."""
        return operand.dim() < 3 or operand.untyped_storage().data_ptr() in self._parameters

    def _attention(
        self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any
    ) -> None:
        names = (argument.name for argument in func._schema.arguments)
        named = {**dict(zip(names, args, strict=False)), **kwargs}
        output = result[0] if isinstance(result, tuple) else result
        fold = Fold()
        record(lambda copy: (_evidence(output, fold, copy, named), "kernel"), sys._getframe(2))
        provenance.follow_folded(self.tags, output, fold)


def _with_tensors(func: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Turn numbers that a kernel takes as tensors back into tensors.

    A graph's constants come here as plain numbers, which only arithmetic takes; also where torch
    compares them to simplify the graph, as it does in one of the first runs.
    """
    if func._schema.name in _TAKE_NUMBERS or not any(isinstance(arg, int | float) for arg in args):
        return args
    return tuple(
        torch.tensor(arg, dtype=torch.float64 if isinstance(arg, float) else None)
        if isinstance(arg, int | float) and isinstance(taken.type, torch.TensorType)
        else arg
        for arg, taken in zip(args, func._schema.arguments, strict=False)
    )


def _as_without_modes(func: Any) -> AbstractContextManager[Any]:
    """Let a function that is made of others run in the state of dispatch it has without a mode.

    Under ``torch.inference_mode`` such functions come here whole. A mode leaves views untracked, a
    view of a parameter then needs no gradient, and ``linear`` chooses another product by that.
    """
    if not torch.is_inference_mode_enabled() or not func._can_decompose():
        return _NOTHING
    excluded = torch._C._dispatch_tls_local_exclude_set()
    return torch._C._ForceDispatchKeyGuard(
        torch._C._dispatch_tls_local_include_set(),
        excluded.remove(torch._C.DispatchKey.ADInplaceOrView),
    )


def _evidence(output: Tensor, fold: Fold, copy: bool, named: dict[str, Any]) -> Evidence:
    if "q_descale" in named:
        raise NotImplementedError("scaled_dot_product_attention in 8-bit numbers")
    return sdpa_evidence(
        output,
        fold,
        copy,
        named["query"],
        named["key"],
        named["value"],
        named.get("attn_mask", named.get("attn_bias")),
        named.get("dropout_p", 0.0),
        named.get("is_causal", False),
        named.get("scale"),
    )


def _as_torch_function(
    func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """Return the torch function that does what a kernel does; the kernel where there is none."""
    name = func._schema.name
    if name == _SOFTMAX:
        wider = {"dtype": torch.float32} if args[2] else {}
        return torch.softmax, args[:2], wider
    if name == _UNSAFE_VIEW:
        return Tensor.reshape, args, kwargs
    if name == _CAST and kwargs.get("dtype") is not None:
        return Tensor.to, (args[0], kwargs["dtype"]), {}
    short = name.removeprefix("aten::")
    # Of two names, the function's has the order of arguments that the kernel has.
    function = getattr(torch, short, None) or getattr(Tensor, short, None)
    return (function if name.startswith("aten::") and function else func), args, kwargs


def is_graph(module: torch.nn.Module) -> bool:
    """Whether a module's forward is a graph of kernels: scripted, traced or exported."""
    if isinstance(module, torch.jit.ScriptModule):
        return True
    graph = vars(module).get("_graph", vars(module).get("graph"))
    # A graph made by symbolic tracing calls torch functions, which are seen as such.
    return isinstance(graph, torch.fx.Graph) and any(
        isinstance(node.target, torch._ops.OpOverload) for node in graph.nodes
    )


@contextmanager
def not_listening() -> Iterator[None]:
    """Leave this thread's kernels alone meanwhile: compiling under a mode fails inside torch."""
    if isinstance(_get_current_dispatch_mode(), Kernels):
        with _pop_mode_temporarily():
            yield
    else:
        yield


@contextmanager
def listening() -> Iterator[None]:
    """Listen to the kernels of this thread, if nothing does so yet."""
    if any(isinstance(mode, Kernels) for mode in _get_current_dispatch_mode_stack()):
        yield
        return
    with Kernels() as mode:
        try:
            yield
        finally:
            mode.tags.clear()
