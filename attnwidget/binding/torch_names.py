"""torch's many names for the same few operations."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def _getter(name: str) -> object:
    """Return what a mode sees when an attribute of a tensor is read."""
    return vars(torch._C.TensorBase)[name].__get__


def _named(words: str) -> frozenset[object]:
    """Functions of torch and methods of tensors by the names they share."""
    found = (getattr(where, name, None) for name in words.split() for where in (torch, Tensor))
    return frozenset(one for one in found if one is not None)


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
SUMS = frozenset({torch.sum, Tensor.sum})

# Operations that take only the size of a tensor.
SIZED_LIKE = _named(
    "zeros_like ones_like empty_like full_like rand_like randn_like"
    " new_zeros new_ones new_empty new_full"
)

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
SQUEEZES = frozenset({torch.squeeze, Tensor.squeeze})
UNSQUEEZES = frozenset({torch.unsqueeze, Tensor.unsqueeze})

# Operations on each number by itself; other tensors are broadcast.
_WRITTEN = _named("add_ sub_ mul_ div_ neg_ masked_fill_ tanh_ exp_ clamp_ clip_ nan_to_num_")
SINGLE = _WRITTEN | _named(
    "add sub subtract rsub mul multiply div divide true_divide neg negative masked_fill where tanh"
    " sigmoid exp abs clamp clip maximum minimum nan_to_num"
)
SINGLE |= {Tensor.__rsub__, Tensor.__rdiv__, F.relu, torch.relu, Tensor.relu, Tensor.contiguous}
SINGLE |= {torch.clone, Tensor.clone, torch.detach, Tensor.detach}
# Operations known to write into their first argument only, and into no other.
WRITING = _WRITTEN | {Tensor.__setitem__}
# Operations known to give the same result whenever they are run again on the same numbers.
REPEATABLE = (
    SINGLE | WRITING | LAYOUTS | CASTS | SOFTMAXES | PRODUCTS | ADDED_PRODUCTS | {EINSUM, F.linear}
) | _named("tril triu")
REPEATABLE -= {Tensor.baddbmm_}
