"""Which of a model's two inputs the queries and the keys of each stack are shown as."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from attnwidget.session import Session

D = 8
# As many of one as of the other: lengths tell nothing.
FIRST, SECOND = torch.tensor([[1, 2, 3, 4]]), torch.tensor([[5, 6, 7, 8]])


class LooksAt(nn.Module):
    """The first set looks at itself, then at the second."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(16, D)
        self.within = nn.MultiheadAttention(D, 2, batch_first=True)
        self.between = nn.MultiheadAttention(D, 2, batch_first=True)

    def forward(self, these: Tensor, those: Tensor) -> Tensor:
        x, y = self.words(these), self.words(those)
        x = x + self.within(x, x, x)[0]
        out: Tensor = self.between(x, y, y)[0]
        return out


class Translates(nn.Module):
    """An encoder–decoder of torch's own."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(16, D)
        self.transformer = nn.Transformer(D, 2, 1, 1, 16, batch_first=True)

    def forward(self, src: Tensor, tgt: Tensor) -> Tensor:
        out: Tensor = self.transformer(self.words(src), self.words(tgt))
        return out


class LooksBack(nn.Module):
    """A recurrent decoder with additive attention to what a recurrent encoder left."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(16, D)
        self.reads, self.writes = nn.GRU(D, D, batch_first=True), nn.GRU(D, D, batch_first=True)
        self.W, self.U, self.w = nn.Linear(D, D), nn.Linear(D, D), nn.Linear(D, 1)

    def forward(self, src: Tensor, tgt: Tensor) -> Tensor:
        memory, states = self.reads(self.words(src))[0], self.writes(self.words(tgt))[0]
        sums = self.U(states)[:, :, None] + self.W(memory)[:, None]  # (B, T, S, D)
        theta = torch.softmax(self.w(torch.tanh(sums))[..., 0], -1)  # (B, T, S)
        return theta @ memory


@pytest.mark.parametrize("by_name", [False, True])
@pytest.mark.parametrize(
    ("model", "looking"),
    [(LooksAt, "first"), (Translates, "second"), (LooksBack, "second")],
)
def test_cross_attention_shows_who_looks_at_whom(
    model: type[nn.Module], looking: str, by_name: bool
) -> None:
    session = Session(model())
    names = list(model.forward.__annotations__)[:2]
    session.run_inputs(
        dict(zip(names, (FIRST, SECOND), strict=True)) if by_name else (FIRST, SECOND)
    )
    assert session.snapshot is not None
    lists = {"first": ["1", "2", "3", "4"], "second": ["5", "6", "7", "8"]}
    other = "first" if looking == "second" else "second"
    for name, calls in session.snapshot.stacks.items():
        both = session.snapshot.sides(name)
        queries, keys = ([token.text for token in side] for side in (both.queries, both.keys))
        if calls[0].kind == "self":
            own = lists["second"] if name == "decoder" else lists["first"]
            assert (queries, keys) == (own, own)
        else:
            assert (queries, keys) == (lists[looking], lists[other])
