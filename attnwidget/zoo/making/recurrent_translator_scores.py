"""How well `RecurrentTranslator` translates, with attention and without, by length of sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from attnwidget.zoo.making.targets import Target
from attnwidget.zoo.making.translation_data import Pair
from attnwidget.zoo.making.translation_scores import (
    alignment_error,
    held_out_pairs,
    links,
    of_one_length,
    right_by_length,
    source_ids,
)
from attnwidget.zoo.recurrent_translator import RecurrentTranslator
from attnwidget.zoo.translation_words import TranslationTokenizer
from attnwidget.zoo.words import START

SHORT, LONG = 6, 13  # at most so many words, and at least so many


@dataclass(frozen=True)
class Scores:
    """What was measured on a set of sentences.

    Attributes
    ----------
    right : dict of int to list of bool
        By the length of the source, which sentences are translated without any mistake.
    alignment_error : float or None
        Share of the words whose greatest weight is not on the source word that they stand for;
        None without attention.
    """

    right: dict[int, list[bool]]
    alignment_error: float | None

    def share(self, least: int = 0, most: int = 99) -> float:
        """Share of right sentences, of those whose sources have from `least` to `most` words."""
        some = [r for n, same in self.right.items() if least <= n <= most for r in same]
        return sum(some) / len(some)


def scores(
    model: RecurrentTranslator, tokenizer: TranslationTokenizer, pairs: Sequence[Pair]
) -> Scores:
    right = right_by_length(model, tokenizer, pairs)
    if model.decoder.attention is None:
        return Scores(right, None)
    found, gold = [], []
    for same in of_one_length(pairs).values():
        for one, weights in zip(same, attention(model, tokenizer, same), strict=True):
            found.append(links(weights[: len(one.target)]))
            gold.append(one.alignment)
    return Scores(right, alignment_error(found, gold))


@torch.no_grad()
def attention(
    model: RecurrentTranslator, tokenizer: TranslationTokenizer, pairs: Sequence[Pair]
) -> Tensor:
    """Weights (B, T, S) at the step that predicts each word of the right translations.

    The sources are of one length; rows beyond the end of a shorter translation mean nothing.
    """
    steps: list[Tensor] = []
    module = model.decoder.attention
    if module is None:
        raise ValueError("This model has no attention, only a bottleneck.")
    hook = module.register_forward_hook(lambda _module, _given, made: steps.append(made[1]))
    try:
        model(source_ids(tokenizer, pairs), target_ids(tokenizer, pairs)[:, :-1])
    finally:
        hook.remove()
    return torch.stack(steps, 1)


def target_ids(tokenizer: TranslationTokenizer, pairs: Sequence[Pair]) -> Tensor:
    """(B, T + 1) ids of translations after the start mark, then padding."""
    rows = [torch.tensor([tokenizer.ids[w] for w in (START, *one.target)]) for one in pairs]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)


def targets(model: RecurrentTranslator, tokenizer: TranslationTokenizer) -> list[Target]:
    """The claims of lesson 7, on sentences that are not those of the card."""
    found = scores(model, tokenizer, held_out_pairs(seed=7, count=1500))
    new = "pairs of words never seen together"
    if found.alignment_error is not None:
        return [
            Target(f"exact match, {new}", found.share(), above=0.97),
            Target(f"alignment error, {new}", found.alignment_error, below=0.05),
        ]
    return [
        Target(f"exact match, {new}", found.share()),
        Target(f"exact match, up to {SHORT} words, {new}", found.share(most=SHORT), above=0.95),
        Target(f"exact match, from {LONG} words, {new}", found.share(least=LONG), below=0.3),
    ]
