"""How right translations are, and whether attention goes where the words come from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from random import Random

import torch
from torch import Tensor, nn

from attnwidget.zoo.making.translation_data import Pair, pair
from attnwidget.zoo.translation_words import STOP, TranslationTokenizer
from attnwidget.zoo.words import START

LONGEST = 36  # words of a translation, after which it is given up

NOTHING = -100  # no word is to be predicted there, or it has no link
SPANS = [(3, 5), (6, 8), (9, 11), (12, 14), (15, 17), (18, 22)]  # words of a source


def held_out_pairs(seed: int, count: int) -> list[Pair]:
    """Sentences with pairs of words that the model has never seen together."""
    rng = Random(seed)
    return [pair(rng, held_out=True) for _ in range(count)]


def of_one_length(pairs: Sequence[Pair]) -> dict[int, list[Pair]]:
    """The sentences by the length of their source, shortest first."""
    found: dict[int, list[Pair]] = defaultdict(list)
    for one in pairs:
        found[len(one.source)].append(one)
    return dict(sorted(found.items()))


def source_ids(tokenizer: TranslationTokenizer, pairs: Sequence[Pair]) -> Tensor:
    """(B, S) ids of sources of one length."""
    return torch.tensor([[tokenizer.ids[word] for word in one.source] for one in pairs])


@torch.no_grad()
def translations(
    model: nn.Module, tokenizer: TranslationTokenizer, pairs: Sequence[Pair]
) -> list[tuple[str, ...]]:
    """Each source, of one length all, translated word by word, the most likely word each time."""
    source = source_ids(tokenizer, pairs)  # (B, S)
    start, stop = tokenizer.ids[START], tokenizer.ids[STOP]
    written = torch.full((len(pairs), 1), start)  # (B, 1)
    while written.shape[1] <= LONGEST and not (written == stop).any(1).all():
        best = model(source, written)[:, -1].argmax(-1, keepdim=True)  # (B, 1)
        written = torch.cat([written, best], 1)
    found = []
    for row in written[:, 1:].tolist():
        words = row[: row.index(stop)] if stop in row else row
        found.append(tuple(tokenizer.convert_ids_to_tokens(words)))
    return found


def right_by_length(
    model: nn.Module, tokenizer: TranslationTokenizer, pairs: Sequence[Pair]
) -> dict[int, list[bool]]:
    """For each length of the source, which of its sentences are translated without any mistake."""
    return {
        length: [
            written == one.target
            for written, one in zip(translations(model, tokenizer, same), same, strict=True)
        ]
        for length, same in of_one_length(pairs).items()
    }


def exact_match(right: dict[int, list[bool]]) -> float:
    """Share of all sentences of `right_by_length` that are without any mistake."""
    every = [is_right for same in right.values() for is_right in same]
    return sum(every) / len(every)


def links(weights: Tensor) -> frozenset[tuple[int, int]]:
    """Links (target index, source index) from weights (T, S): each row's greatest."""
    return frozenset(enumerate(weights.argmax(-1).tolist()))


def alignment_error(
    found: Sequence[frozenset[tuple[int, int]]], gold: Sequence[frozenset[tuple[int, int]]]
) -> float:
    """Alignment error rate, 1 − 2 |A ∩ S| / (|A| + |S|), over all sentences (Och & Ney 2003).

    A are the links found, S those that are right. All of the latter are sure, none only possible.
    """
    both = sum(len(A & S) for A, S in zip(found, gold, strict=True))
    return 1 - 2 * both / sum(len(A) + len(S) for A, S in zip(found, gold, strict=True))
