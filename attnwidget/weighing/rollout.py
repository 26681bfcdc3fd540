"""Attention rollout: what reaches a layer from the input, were attention all that mixes tokens.

S. Abnar and W. Zuidema, "Quantifying Attention Flow in Transformers", ACL 2020: of each layer the
mean over its heads, half of it the residual connection, Ã = ½ Ā + ½ I, rows scaled to sum 1; and
the product of all layers up to the one that is looked at.
"""

from __future__ import annotations

import torch

from attnwidget.call import AttentionCall
from attnwidget.passes import Snapshot
from attnwidget.selection import Pick, Selector, parts, size, take
from attnwidget.trouble import Trouble
from attnwidget.weighing.weights import OfCall

# (T, T) numbers of every layer: more are not multiplied.
MOST_TOKENS = 2048
# Numbers of all layers together that are kept (64 MiB); else those of the last layer asked for.
MOST_KEPT = 16_777_216
_ROWS = 256


class Rollout(OfCall):
    """Shares of the input tokens in each token after this layer, the same for every head.

    Parameters
    ----------
    snapshot : Snapshot
        The pass, which keeps what was multiplied.
    call : AttentionCall
        The layer up to which it goes.

    Raises
    ------
    Trouble
        When numbers are asked for, if the layers below do not go through the same tokens.
    """

    def __init__(self, snapshot: Snapshot, call: AttentionCall) -> None:
        super().__init__(call)
        self._snapshot = snapshot

    def weights(
        self,
        head: Selector = None,
        queries: Selector = None,
        keys: Selector = None,
        batch: Selector = None,
    ) -> torch.Tensor:
        """float32, as `AttentionCall.weights`."""
        pick = self._pick(head, queries, keys, batch)
        items = range(self.call.batch_size)
        chosen = list(items[pick.batch] if isinstance(pick.batch, slice) else pick.batch)
        made = torch.stack([rolled_out(self._snapshot, self.call, item) for item in chosen])
        cut = take(take(made, 1, pick.queries), 2, pick.keys)
        return cut[:, None].expand(-1, size(pick.heads), -1, -1)

    def visible(
        self,
        head: Selector = None,
        queries: Selector = None,
        keys: Selector = None,
        batch: Selector = None,
    ) -> torch.Tensor:
        """Where something arrives, or a look is allowed in this layer."""
        seen = self.call.visible(head, queries, keys, batch)
        return seen | (self.weights(head, queries, keys, batch) > 0).to(seen.device)

    def _pick(self, head: Selector, queries: Selector, keys: Selector, batch: Selector) -> Pick:
        call = self.call
        shape = (call.batch_size, call.heads, call.query_len, call.key_len)
        return Pick.of(shape, batch, head, queries, keys)


def rolled_out(snapshot: Snapshot, call: AttentionCall, item: int) -> torch.Tensor:
    """(T, T) float32 on the CPU: layers 0 to that of `call` multiplied, kept by the pass.

    Raises
    ------
    Trouble
        If they do not go through the same tokens.
    """
    below = [one for one in snapshot.stacks[call.stack] if one.layer <= call.layer]
    _check(below)
    name = ("rollout", call.stack, item)
    kept: dict[int, torch.Tensor] = snapshot.measured.setdefault(name, {})
    if call.layer not in kept:
        for other in [key for key in snapshot.measured if _is_other(key, name)]:
            del snapshot.measured[other]  # one text of one stack is looked at at a time
        fits = call.query_len**2 * len(snapshot.stacks[call.stack]) <= MOST_KEPT
        known = max((layer for layer in kept if layer < call.layer), default=-1)
        product = kept[known].double() if known >= 0 else None
        for one in (one for one in below if one.layer > known):
            mixed = _mixed(one, item)
            product = mixed if product is None else mixed @ product
            if fits or one is call:
                kept[one.layer] = product.float()
        if not fits:
            for layer in [layer for layer in kept if layer != call.layer]:
                del kept[layer]
    return kept[call.layer]


def _is_other(key: object, name: tuple[str, str, int]) -> bool:
    return isinstance(key, tuple) and key[:1] == name[:1] and key != name


def _mixed(call: AttentionCall, item: int) -> torch.Tensor:
    """½ Ā + ½ I with rows scaled to sum 1, (T, T) float64 on the CPU."""
    length = call.query_len
    mean = torch.zeros(length, length, dtype=torch.float64)
    for rows in parts(slice(0, length, 1), _ROWS):
        weights = call.weights(queries=rows, batch=item)[0].nan_to_num(0.0)
        mean[rows] = weights.mean(0, dtype=torch.float64).cpu()
    mixed = 0.5 * mean + 0.5 * torch.eye(length, dtype=torch.float64)
    return mixed / mixed.sum(-1, keepdim=True)


def _check(calls: list[AttentionCall]) -> None:
    """Raise a Trouble unless all layers are there and go through one and the same tokens."""
    last = calls[-1]
    why = ""
    strange = next((call for call in calls if call.kind != "self"), None)
    numbers = [call.layer for call in calls]
    if strange is not None:
        why = f"Layer {strange.layer} is {strange.kind} attention: it brings tokens from elsewhere."
    elif any(call.windows > 1 for call in calls):
        why = "Attention runs in windows here, and what is a token in one is another in the next."
    elif any(call.query_len != call.key_len for call in calls):
        why = (
            "It has fewer queries than keys: with a cache, earlier tokens went through the layers "
            "in passes before. Run the whole text at once."
        )
    elif any(
        call.query_len != last.query_len or call.batch_size != last.batch_size for call in calls
    ):
        why = "The layers below have other numbers of tokens."
    elif numbers != list(range(numbers[-1] + 1)):
        why = "Some layers below hold no attention that is known, and may mix the tokens as well."
    elif last.query_len > MOST_TOKENS:
        why = f"It multiplies maps of all layers: up to {MOST_TOKENS} tokens, not {last.query_len}."
    if why:
        raise Trouble(f"There is no rollout up to layer {last.layer} of {last.stack!r}.", why)
