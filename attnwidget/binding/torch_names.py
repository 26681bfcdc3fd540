"""torch's many names for the same few operations."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def _getter(name: str) -> object:
    """Return what a mode sees when an attribute of a tensor is read."""
    return vars(torch._C.TensorBase)[name].__get__


SOFTMAXES = frozenset({F.softmax, torch.softmax, Tensor.softmax, torch.special.softmax})
DROPOUTS = frozenset({F.dropout, torch.dropout})
PRODUCTS = frozenset(
    {
        torch.matmul,
        Tensor.matmul,
        Tensor.__matmul__,
        torch.linalg.matmul,
        torch.bmm,
        Tensor.bmm,
        torch.mm,
        Tensor.mm,
    }
)
ADDED_PRODUCTS = frozenset({torch.baddbmm, Tensor.baddbmm, Tensor.baddbmm_})
EINSUM = torch.functional.einsum

# Operations that move numbers about and leave each as it is.
TRANSPOSES = frozenset(
    {torch.transpose, Tensor.transpose, torch.swapaxes, Tensor.swapaxes}
    | {torch.swapdims, Tensor.swapdims}
)
REVERSES = frozenset({torch.t, Tensor.t, _getter("T")})
LAST_TWO_SWAPPED = frozenset({torch.adjoint, Tensor.adjoint, _getter("mT"), _getter("mH")})
PERMUTES = frozenset({torch.permute, Tensor.permute})
RESHAPES = frozenset(
    {Tensor.view, Tensor.reshape, torch.reshape, Tensor.view_as, Tensor.reshape_as}
    | {torch.flatten, Tensor.flatten, torch.unflatten, Tensor.unflatten}
)
LAYOUTS = (
    TRANSPOSES
    | REVERSES
    | LAST_TWO_SWAPPED
    | PERMUTES
    | RESHAPES
    | {torch.unsqueeze, Tensor.unsqueeze, torch.squeeze, Tensor.squeeze}
    | {Tensor.expand, Tensor.expand_as, Tensor.repeat, Tensor.contiguous, Tensor.__getitem__}
    | {torch.repeat_interleave, Tensor.repeat_interleave, torch.narrow, Tensor.narrow}
    | {torch.select, Tensor.select, torch.index_select, Tensor.index_select}
    | {torch.movedim, Tensor.movedim, torch.moveaxis, Tensor.moveaxis}
    | {torch.cat, torch.concat, F.pad, torch.clone, Tensor.clone, Tensor.detach, torch.detach}
)
CASTS = frozenset(
    {Tensor.to, Tensor.type, Tensor.type_as, Tensor.float, Tensor.half, Tensor.bfloat16}
    | {Tensor.double}
)
CHUNKS = frozenset({torch.chunk, Tensor.chunk, torch.split, Tensor.split})
MULTIPLICATIONS = frozenset({torch.mul, Tensor.mul, Tensor.mul_, torch.multiply, Tensor.multiply})
DIVISIONS = frozenset({torch.div, Tensor.div, Tensor.div_, torch.divide, Tensor.divide})
UNSQUEEZES = frozenset({torch.unsqueeze, Tensor.unsqueeze})
