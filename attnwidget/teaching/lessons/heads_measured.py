"""What lesson 3 says of the bundled language model, measured on it when the lesson is opened."""

from __future__ import annotations

from typing import Any

import torch

from attnwidget.binding.capture import capture
from attnwidget.zoo.stories import Stories

# The second "it": a model that only looks back cannot know at the first what "tired" will tell it.
TEXT = "The animal didn't cross the street because it was too tired, so it slept."
IT, ANIMAL = 14, 2


class Measured:
    """What the texts say of the model, measured on it.

    Attributes
    ----------
    before, pronoun, clause : tuple of int and int
        Layer and head that look most at the token before; in which "it" looks most at "animal";
        and without which the prediction after "it" changes most.
    before_share, pronoun_share : float
        How much of their weight goes there.
    said, said_without_pronoun : float
        Share of "slept" after "it", as the model stands and with the pronoun's head muted.
    says_without_clause : str
        What the model says after "it" with that head muted.
    layers, heads, width : int
        Layers, heads of each, and numbers of a head.
    """

    def __init__(self, model: Stories, tokenizer: Any) -> None:
        ids = torch.as_tensor(tokenizer(TEXT)["input_ids"]).reshape(1, -1)
        with capture(model) as trace, torch.no_grad():
            shares = model(ids)[0, IT].softmax(-1)
        (calls,) = trace.stacks.values()
        weights = torch.stack([call.weights()[0] for call in calls])  # (L, H, T, T)
        self.layers, self.heads = weights.shape[:2]
        self.width = model.words.embedding_dim // self.heads
        self.before, self.before_share = _largest(weights.diagonal(-1, dim1=-2, dim2=-1).mean(-1))
        self.pronoun, self.pronoun_share = _largest(weights[..., IT, ANIMAL])

        slept = int(shares.argmax())
        every = [(layer, head) for layer in range(self.layers) for head in range(self.heads)]
        muted = torch.stack([_shares_without(model, ids, *one) for one in every])
        muted = muted.reshape(self.layers, self.heads, -1)  # (L, H, V)
        self.clause, _ = _largest(1 - muted[..., slept])
        self.said = float(shares[slept])
        self.said_without_pronoun = float(muted[self.pronoun][slept])
        self.says_without_clause = tokenizer.decode([int(muted[self.clause].argmax())])


def _shares_without(model: Stories, ids: torch.Tensor, layer: int, head: int) -> torch.Tensor:
    """Shares of all words after "it" with zeros in the place of one head's output."""
    attention: Any = model.blocks[layer].attention
    width = attention.output.in_features // attention.heads

    def mute(_layer: torch.nn.Module, given: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        joined = given[0].clone()
        joined[..., head * width : (head + 1) * width] = 0
        return (joined,)

    hook = attention.output.register_forward_pre_hook(mute)
    with torch.no_grad():
        shares: torch.Tensor = model(ids)[0, IT].softmax(-1)
    hook.remove()
    return shares


def _largest(shares: torch.Tensor) -> tuple[tuple[int, int], float]:
    layer, head = divmod(int(shares.argmax()), shares.shape[1])
    return (layer, head), float(shares.max())
