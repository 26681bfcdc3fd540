"""What `Translator` translates, where its cross-attention looks, and what it cannot do without.

The row of the weights that counts for a French word is the one at which it is *predicted*: the
decoder then stands on the word before. At that place a head looks at what is about to be written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from attnwidget.zoo.making.targets import Target
from attnwidget.zoo.making.translation_data import Pair
from attnwidget.zoo.making.translation_scores import (
    alignment_error,
    exact_match,
    held_out_pairs,
    links,
    of_one_length,
    right_by_length,
    source_ids,
)
from attnwidget.zoo.translation_words import TranslationTokenizer
from attnwidget.zoo.translator import DecoderLayer, Translator
from attnwidget.zoo.words import START


@dataclass(frozen=True)
class Alignment:
    """Alignment error rate of every cross-attention head, ``errors[layer][head]``."""

    errors: list[list[float]]

    def best_head(self) -> tuple[int, int]:
        places = [(i, j) for i, heads in enumerate(self.errors) for j in range(len(heads))]
        return min(places, key=lambda at: self.errors[at[0]][at[1]])

    @property
    def least(self) -> float:
        layer, head = self.best_head()
        return self.errors[layer][head]


def attention(
    model: Translator, input_ids: Tensor, decoder_input_ids: Tensor
) -> tuple[Tensor, Tensor]:
    """Cross-attention weights (B, L, H, T, S), computed by the formula, and logits (B, T, V)."""
    is_word = model.is_word(input_ids)  # (B, 1, 1, S)
    memory = model.encoder(model.embed(input_ids, model.source_places), is_word)  # (B, S, D)
    y = model.embed(decoder_input_ids, model.target_places)  # (B, T, D)
    is_past = model.decoder.is_past(y.shape[1])
    layers = []
    for layer in cast("Iterator[DecoderLayer]", model.decoder.layers):
        n = layer.norm_1(y)
        y = y + layer.self_attention(n, n, is_past)  # (B, T, D)
        n, cross = layer.norm_2(y), layer.cross_attention
        q, k = cross.split(cross.query(n)), cross.split(cross.key(memory))
        scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5  # (B, H, T, S)
        layers.append(scores.masked_fill(~is_word, float("-inf")).softmax(-1))
        y = y + cross(n, memory, is_word)
        y = y + layer.feed_forward(layer.norm_3(y))
    return torch.stack(layers, 1), model.unembed(model.decoder.norm(y))


def target_ids(tokenizer: TranslationTokenizer, pairs: Sequence[Pair]) -> Tensor:
    """(B, T) ids of translations after the start mark, then padding: what the decoder reads."""
    rows = [torch.tensor([tokenizer.ids[w] for w in (START, *one.target)]) for one in pairs]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)


@torch.no_grad()
def alignment(
    model: Translator, tokenizer: TranslationTokenizer, pairs: Sequence[Pair]
) -> Alignment:
    """How often each head looks elsewhere than at the word that is being translated.

    The alignment error rate of Och & Ney, "A Systematic Comparison of Various Statistical Alignment
    Models" (Computational Linguistics 29, 2003): 1 − (|A ∩ S| + |A ∩ P|) / (|A| + |S|). A has one
    link for each French word, to the English word with its greatest weight. All gold links are
    sure, so S = P; there is one for each French word as well (`translation_data` says to what
    "ne", "est-ce que" and the like are linked). So the rate is the share of wrong links.
    """
    found: dict[tuple[int, int], list[frozenset[tuple[int, int]]]] = {}
    gold = []
    for same in of_one_length(pairs).values():
        weights, _ = attention(model, source_ids(tokenizer, same), target_ids(tokenizer, same))
        for one, maps in zip(same, weights, strict=True):  # (L, H, T, S)
            gold.append(one.alignment)
            for layer, head in torch.cartesian_prod(*map(torch.arange, maps.shape[:2])).tolist():
                rows = maps[layer, head, : len(one.target)]  # the last row predicts the end mark
                found.setdefault((layer, head), []).append(links(rows))
    layers = 1 + max(layer for layer, _ in found)
    heads = len(found) // layers
    return Alignment(
        [[alignment_error(found[i, j], gold) for j in range(heads)] for i in range(layers)]
    )


# What it cannot do without ----------------------------------------------------------------------


@contextmanager
def changed(*handles: Any) -> Iterator[None]:
    """With these hooks in place, which are taken away afterwards."""
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def exact_without_cross_attention(
    model: Translator, tokenizer: TranslationTokenizer, pairs: Sequence[Pair]
) -> float:
    """Exact match if cross-attention adds nothing: the decoder does not see the source at all."""
    layers = cast("Iterator[DecoderLayer]", model.decoder.layers)
    with changed(*(layer.cross_attention.register_forward_hook(_nothing) for layer in layers)):
        return exact_match(right_by_length(model, tokenizer, pairs))


def exact_without_source_positions(
    model: Translator, tokenizer: TranslationTokenizer, pairs: Sequence[Pair]
) -> float:
    """Exact match if the encoder is not told where words stand: the source becomes a set."""
    with changed(model.source_places.register_forward_hook(_nothing)):
        return exact_match(right_by_length(model, tokenizer, pairs))


def exact_without_head(
    model: Translator,
    tokenizer: TranslationTokenizer,
    pairs: Sequence[Pair],
    layer: int,
    head: int,
) -> float:
    """Exact match if one cross-attention head is mute: its output is zero."""
    cross = cast("DecoderLayer", model.decoder.layers[layer]).cross_attention
    with changed(cross.output.register_forward_pre_hook(partial(_mute, cross.heads, head))):
        return exact_match(right_by_length(model, tokenizer, pairs))


def _nothing(_module: nn.Module, _given: Any, made: Tensor) -> Tensor:
    return torch.zeros_like(made)


def _mute(heads: int, head: int, _module: nn.Module, given: tuple[Tensor]) -> tuple[Tensor]:
    parts = list(given[0].chunk(heads, -1))  # (B, T, d) each
    parts[head] = torch.zeros_like(parts[head])
    return (torch.cat(parts, -1),)


def targets(model: Translator, tokenizer: TranslationTokenizer) -> list[Target]:
    """The claims of lesson 6, on sentences that are not those of the card."""
    pairs = held_out_pairs(seed=7, count=1500)
    few = pairs[:300]
    new = "pairs of words never seen together"
    found = alignment(model, tokenizer, pairs)
    layer, head = found.best_head()
    right = exact_match(right_by_length(model, tokenizer, pairs))
    blind = exact_without_cross_attention(model, tokenizer, few)
    heap = exact_without_source_positions(model, tokenizer, few)
    mute = exact_without_head(model, tokenizer, few, layer, head)
    return [
        Target(f"exact match, {new}", right, above=0.99),
        Target(f"alignment error of the best cross-attention head, {new}", found.least, below=0.03),
        Target("exact match without cross-attention", blind, below=0.05),
        Target("exact match without positions in the encoder", heap, below=0.5),
        Target(f"exact match with cross-attention head {head} of layer {layer} muted", mute),
    ]
