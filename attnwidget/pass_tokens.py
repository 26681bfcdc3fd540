"""The tokens of one forward pass: which list belongs to which stack, read when asked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeGuard

import torch

from attnwidget import labels
from attnwidget.call import AttentionCall
from attnwidget.images.eye import Grid
from attnwidget.images.of_pass import PassImages, sees_first
from attnwidget.images.patches import Patches, tokens_of_patches
from attnwidget.images.pixels import Rgb, rgb_of
from attnwidget.images.windows import Cells
from attnwidget.labels import Token
from attnwidget.trouble import Trouble

Tokens = Sequence[Any] | Patches | Mapping[str, Sequence[Any] | Patches]


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
    given : sequence of str, Patches, or dict of stack to such, optional
        The user's own token texts, one per position, or the image whose patches they are.
    inputs : dict of str to Tensor
        Of the forward's arguments those that tell of tokens, each (B, T): "source" and "target"
        ids, "mask" (0 at padding) and "segments" (BERT's token types).
    text : str, optional
        What the pass was made from, where it was made from a text.
    looks : str
        Which of "source" and "target" the queries of cross-attention are from (see `looking_side`).
    images : PassImages
        The images that the model was given.
    """

    tokenizer: Any = None
    given: Tokens | None = None
    inputs: Mapping[str, torch.Tensor] = field(default_factory=dict)
    text: str | None = None
    looks: str = "target"
    images: PassImages = field(default_factory=PassImages)
    _read: dict[tuple[str, int], TokenSides] = field(default_factory=dict)
    _windows: dict[tuple[str, int], dict[int, tuple[Grid, Cells]]] = field(default_factory=dict)

    def sides(self, calls: Sequence[AttentionCall], batch: int = 0) -> TokenSides:
        """Tokens of one batch item of the stack that `calls` are of."""
        call = calls[0]
        if (call.stack, batch) not in self._read:
            both = ["source", "target"]
            crosses = call.kind in ("cross", "additive")
            side = {"decoder": "target", "cross": self.looks}.get(call.stack, "source")
            if side == "target":
                both.reverse()
            item = input_of(calls, batch)
            if self.windows(calls, batch):
                tokens = _within_window(call.query_len)
                self._read[call.stack, batch] = TokenSides(tokens, tokens)
                return self._read[call.stack, batch]
            queries = self._side(call, call.query_len, both, item)
            keys = self._side(call, call.key_len, both[::-1] if crosses else both, item, crosses)
            if call.kind == "pooling" and any(key.patch for key in keys):
                queries = tuple(Token("learned query", word=i) for i in range(call.query_len))
            self._read[call.stack, batch] = TokenSides(queries, keys)
        return self._read[call.stack, batch]

    def _side(
        self, call: AttentionCall, length: int, order: list[str], item: int, other: bool = False
    ) -> tuple[Token, ...]:
        """Tokens of the queries or the keys; `other`: keys of another sequence than the queries."""
        for given in self._given(call.stack):
            if len(given) == length:
                return given.tokens() if isinstance(given, Patches) else _plain(given)
        patches = self.images.tokens(call.stack, length, item)
        if patches is not None and (other or sees_first(call.stack)):
            return patches
        for name in order:
            ids = self._item(name, length, item)
            if ids is not None:
                tokens = labels.read_tokens(
                    self.tokenizer,
                    ids,
                    text=self.text if name == "source" else None,
                    mask=self._item("mask", length, item) if name == "source" else None,
                    segments=self._item("segments", length, item),
                )
                return self.images.in_text(ids, tokens, item, call.batch_size // call.windows)
        return patches or _plain([str(i) for i in range(length)])

    # -- images -----------------------------------------------------------------------------------

    def image(self, calls: Sequence[AttentionCall], batch: int) -> tuple[Rgb, str] | None:
        """What the patches of a stack are patches of, and how it comes to look so."""
        given = self._patches(calls)
        if given is not None:
            return rgb_of(given.image), "as it was given"
        return self.images.rgb(input_of(calls, batch))

    def windows(self, calls: Sequence[AttentionCall], batch: int) -> dict[int, tuple[Grid, Cells]]:
        """By layer: the grid of patches, and which of them each window has; empty without such."""
        if all(call.windows == 1 for call in calls):
            return {}
        known = calls[0].stack, input_of(calls, batch)
        if known not in self._windows:
            given = self._patches(calls)
            base = given.grid if given else None
            self._windows[known] = self.images.windows(calls, known[1], base)
        return self._windows[known]

    def _patches(self, calls: Sequence[AttentionCall]) -> Patches | None:
        """The image that was given for a stack."""
        lengths = {n for call in calls for n in _lengths(call)}
        given = (one for one in self._given(calls[0].stack) if isinstance(one, Patches))
        return next((one for one in given if len(one) in lengths), None)

    # -- what was given ---------------------------------------------------------------------------

    def _item(self, name: str, length: int, batch: int) -> list[int] | None:
        tensor = self.inputs.get(name)
        if tensor is None or tensor.shape[1] != length or batch >= tensor.shape[0]:
            return None
        numbers: list[int] = tensor[batch].tolist()
        return numbers

    def _given(self, stack: str) -> list[list[str] | Patches]:
        """The user's own token lists that may belong to `stack`."""
        if self.given is None:
            return []
        if isinstance(self.given, Mapping):
            order = [stack, *(name for name in self.given if name != stack)]
            return [_listed(self.given[name]) for name in order if name in self.given]
        return [_listed(self.given)]

    def check_fit(self, stacks: Mapping[str, list[AttentionCall]]) -> None:
        """Raise a Trouble if tokens were given, but not one per position of any stack."""
        if self.given is None:
            return
        seen = {n for calls in stacks.values() for call in calls for n in _lengths(call)}
        for given in self._given(next(iter(stacks))):
            if len(given) not in seen:
                lengths = " and ".join(str(n) for n in sorted(seen))
                if isinstance(given, Patches):
                    raise given.unfit(lengths)
                raise Trouble(
                    f"{len(given)} tokens were given, but the attention runs over {lengths} "
                    "positions.",
                    "Give one token text per position, special tokens included.",
                )


def input_of(calls: Sequence[AttentionCall], batch: int) -> int:
    """Which of the model's inputs a batch item of a stack is of."""
    # Layers with windows have more items than the model has inputs, and not all as many.
    most = max(one.batch_size for one in calls)
    return batch * (calls[0].batch_size // calls[0].windows) // most


def _lengths(call: AttentionCall) -> tuple[int, ...]:
    """Numbers of positions that tokens may be given for; windows are parts of an image."""
    whole = () if call.windows == 1 else (call.windows * call.query_len,)
    return (call.query_len, call.key_len, *whole)


def _listed(given: Sequence[Any] | Patches) -> list[str] | Patches:
    return given if isinstance(given, Patches) else [str(token) for token in given]


def _plain(texts: Sequence[str]) -> tuple[Token, ...]:
    return tuple(labels.plain_tokens(texts))


def _within_window(length: int) -> tuple[Token, ...]:
    """Tokens by their place in a window, which is another part of the image in every layer."""
    side = math.isqrt(length)
    return tuple(replace(token, patch=None) for token in tokens_of_patches((side, side), 0))


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
