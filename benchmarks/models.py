"""Models to measure on; random weights, as only sizes matter here."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import GPT2Config, GPT2LMHeadModel


def gpt2(layers: int = 12, heads: int = 12, width: int = 768, vocabulary: int = 1000) -> nn.Module:
    """GPT-2 of transformers, on its default attention kernel."""
    torch.manual_seed(0)
    config = GPT2Config(
        n_layer=layers,
        n_head=heads,
        n_embd=width,
        vocab_size=vocabulary,
        bos_token_id=0,
        eos_token_id=0,
    )
    return GPT2LMHeadModel(config).eval()


class Plain(nn.Module):
    """Hand-written attention and feed-forward layers: matmul, softmax, matmul."""

    def __init__(self, layers: int = 12, heads: int = 12, width: int = 768) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.heads = heads
        self.words = nn.Embedding(1000, width)
        self.mixes = nn.ModuleList(nn.Linear(width, 3 * width) for _ in range(layers))
        self.outs = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))
        self.ups = nn.ModuleList(nn.Linear(width, 4 * width) for _ in range(layers))
        self.downs = nn.ModuleList(nn.Linear(4 * width, width) for _ in range(layers))

    def forward(self, input_ids: Tensor) -> Tensor:
        x = self.words(input_ids)
        future = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
        for mix, out, up, down in zip(self.mixes, self.outs, self.ups, self.downs, strict=True):
            q, k, v = mix(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
            scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5
            weights = scores.masked_fill(future, float("-inf")).softmax(-1)
            x = x + out((weights @ v).transpose(1, 2).flatten(2))
            x = x + down(torch.relu(up(x)))
        return x


def ids(length: int) -> Tensor:
    """(1, length) token ids."""
    return torch.randint(1000, (1, length), generator=torch.Generator().manual_seed(1))
