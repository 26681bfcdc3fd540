"""torch's many names for the same few operations."""

from __future__ import annotations

import torch
import torch.nn.functional as F

SOFTMAXES = frozenset({F.softmax, torch.softmax, torch.Tensor.softmax, torch.special.softmax})
DROPOUTS = frozenset({F.dropout, torch.dropout})
PRODUCTS = frozenset(
    {
        torch.matmul,
        torch.Tensor.matmul,
        torch.Tensor.__matmul__,
        torch.linalg.matmul,
        torch.bmm,
        torch.Tensor.bmm,
        torch.mm,
        torch.Tensor.mm,
    }
)
SUMS_OF_PRODUCTS = frozenset({torch.baddbmm, torch.Tensor.baddbmm, torch.Tensor.baddbmm_})
EINSUM = torch.functional.einsum
