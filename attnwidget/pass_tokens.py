"""The tokens of one forward pass: which list belongs to which stack, read when asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import torch

from attnwidget import labels
from attnwidget.call import AttentionCall
from attnwidget.labels import Token
from attnwidget.trouble import Trouble

Tokens = Sequence[Any] | Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class TokenSides:
    """Tokens of one batch item of a stack: those that look and those that are looked at."""

    queries: tuple[Token, ...]
    keys: tuple[Token, ...]


@dataclass
class PassTokens:
    """Reads tokens of a pass one batch item at a time: a training batch holds thousands.

    Attributes
    ----------
    tokenizer : optional
        See Session.
    given : sequence of str, or dict of stack to such a sequence, optional
        The user's own token texts, one per position.
    inputs : dict of str to Tensor
        Of the forward's arguments those that tell of tokens, each (B, T): "source" and "target"
        ids, "mask" (0 at padding) and "segments" (BERT's token types).
    text : str, optional
        What the pass was made from, where it was made from a text.
    looks : str
        Which of "source" and "target" the queries of cross-attention are from (see `looking_side`).
    """

    tokenizer: Any = None
    given: Tokens | None = None
    inputs: Mapping[str, torch.Tensor] = field(default_factory=dict)
    text: str | None = None
    looks: str = "target"
    _read: dict[tuple[str, int], TokenSides] = field(default_factory=dict)

    def sides(self, calls: Sequence[AttentionCall], batch: int = 0) -> TokenSides:
        """Tokens of one batch item of the stack that `calls` are of."""
        call = calls[0]
        if (call.stack, batch) not in self._read:
            # Layers with windows have more items than the model has inputs, and not all as many.
            most = max(one.batch_size for one in calls)
            item = batch * (call.batch_size // call.windows) // most
            both = ["source", "target"]
            crosses = call.kind in ("cross", "additive")
            side = {"decoder": "target", "cross": self.looks}.get(call.stack, "source")
            if side == "target":
                both.reverse()
            self._read[call.stack, batch] = TokenSides(
                self._side(call.stack, call.query_len, both, item),
                self._side(call.stack, call.key_len, both[::-1] if crosses else both, item),
            )
        return self._read[call.stack, batch]

    def _side(self, stack: str, length: int, order: list[str], batch: int) -> tuple[Token, ...]:
        for texts in self._given(stack):
            if len(texts) == length:
                return tuple(labels.plain_tokens(texts))
        for name in order:
            ids = self._item(name, length, batch)
            if ids is not None:
                return tuple(
                    labels.read_tokens(
                        self.tokenizer,
                        ids,
                        text=self.text if name == "source" else None,
                        mask=self._item("mask", length, batch) if name == "source" else None,
                        segments=self._item("segments", length, batch),
                    )
                )
        return tuple(labels.plain_tokens(str(i) for i in range(length)))

    def _item(self, name: str, length: int, batch: int) -> list[int] | None:
        tensor = self.inputs.get(name)
        if tensor is None or tensor.shape[1] != length or batch >= tensor.shape[0]:
            return None
        numbers: list[int] = tensor[batch].tolist()
        return numbers

    def _given(self, stack: str) -> list[list[str]]:
        """The user's own token lists that may belong to `stack`."""
        if self.given is None:
            return []
        if isinstance(self.given, Mapping):
            order = [stack, *(name for name in self.given if name != stack)]
            return [[str(t) for t in self.given[name]] for name in order if name in self.given]
        return [[str(token) for token in self.given]]

    def check_fit(self, stacks: Mapping[str, list[AttentionCall]]) -> None:
        """Raise a Trouble if tokens were given, but not one per position of any stack."""
        if self.given is None:
            return
        seen = {
            length
            for calls in stacks.values()
            for call in calls
            for length in (call.query_len, call.key_len)
        }
        for texts in self._given(next(iter(stacks))):
            if len(texts) not in seen:
                lengths = " and ".join(str(n) for n in sorted(seen))
                raise Trouble(
                    f"{len(texts)} tokens were given, but the attention runs over {lengths} "
                    "positions.",
                    "Give one token text per position, special tokens included.",
                )


def looking_side(stacks: Mapping[str, list[AttentionCall]]) -> str:
    """Which of a model's two inputs looks at the other in cross-attention.

    An encoder–decoder is given its source first, and its target looks at it. A model in which one
    set looks at itself and at another one, without encoder or decoder, is called as attention is:
    those that look come first.
    """
    among_themselves = {name for name, calls in stacks.items() if calls[0].kind == "self"}
    sides = any("encoder" in name or "decoder" in name for name in among_themselves)
    return "source" if among_themselves and not sides else "target"


def inputs_of(args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """What a forward's arguments tell of its tokens; copied, as buffers may be used again."""
    named = {"source": kwargs.get("input_ids"), "target": kwargs.get("decoder_input_ids")}
    found = {side: value for side, value in named.items() if _is_per_token(value)}
    if not found:
        positional = [v for v in (*args, *kwargs.values()) if _is_per_token(v)]
        found = dict(zip(named, positional, strict=False))
    beside = {"mask": kwargs.get("attention_mask"), "segments": kwargs.get("token_type_ids")}
    found |= {name: value for name, value in beside.items() if _is_per_token(value)}
    return {name: value.detach().clone() for name, value in found.items()}


def _is_per_token(value: object) -> TypeGuard[torch.Tensor]:
    return (
        isinstance(value, torch.Tensor)
        and value.ndim == 2
        and value.dtype in (torch.int64, torch.int32, torch.bool)
    )
