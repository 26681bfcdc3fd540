"""What lesson 7 says of the recurrent models, from their cards and measured when it is opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

import attnwidget as aw
from attnwidget import zoo
from attnwidget.teaching.chart import Chart
from attnwidget.zoo.making.sequential import longest_chain, sequential_steps
from attnwidget.zoo.making.translation_data import Pair
from attnwidget.zoo.making.translation_scores import translations
from attnwidget.zoo.pooling import Pooling
from attnwidget.zoo.recurrent_translator import RecurrentTranslator, cosine, dot
from attnwidget.zoo.translation_words import TranslationTokenizer
from attnwidget.zoo.words import WordTokenizer

# Places in the sentence that the card opens with: rows of the map, which stand before the word that
# they predict, and words of the source.
REINE, LA, FLEUR = 2, 6, 7
NOT, WHITE, FLOWER = 3, 6, 7

LONG = (
    "two shy children do not see four young strong cats but laugh behind his trees . → "
    "deux enfants timides ne voient pas quatre jeunes chats forts mais rient derrière ses arbres ."
)
FEWEST = 20  # sentences of a length, for its share to be drawn
MANY = 13  # words of a source from which on it counts as long
ASKED = 20  # words of both sides of which the sequential steps are asked
COUNTED = (10, ASKED, 40)  # and those of which they are drawn


class Translators:
    """The two recurrent translators, and the transformer of lesson 6.

    Attributes
    ----------
    width : int
        Numbers of a state.
    words : list of str
        The source of the sentence that the lesson opens with.
    additive, dot, cosine : list of float
        Weights of these words, compared in three ways with the state that predicts "fleur".
    weights : torch.Tensor
        All weights of the model itself, (T, S): a row is a step, and predicts the next word.
    through_one_vector : tuple of str
        What the model without attention makes of `LONG`.
    steps : dict of int to list of int
        By the number of words on either side, the steps of a forward pass that wait for one
        another: of the recurrent model, and of the transformer.
    chain : list of int
        Single operations of which each needs the one before, for `ASKED` words: of the same two.
    """

    def __init__(self, model: RecurrentTranslator, tokenizer: TranslationTokenizer) -> None:
        self.card = zoo.card("recurrent-translator")
        self.bottleneck = zoo.card("bottleneck-translator")
        self.transformer = zoo.card("translator")
        self.width = model.unembed.in_features
        self.words = self.card["text"].split(" → ")[0].split()
        asked, alpha = _looks(model, tokenizer(self.card["text"]))
        s, h = asked[LA]
        self.weights = alpha  # (T, S)
        self.additive = alpha[LA].tolist()
        self.dot = dot(s, h)[0].softmax(-1).tolist()
        self.cosine = cosine(s, h)[0].softmax(-1).tolist()
        source, target = (tuple(side.split()) for side in LONG.split(" → "))
        without, words = zoo.load("bottleneck-translator")
        (self.through_one_vector,) = translations(
            without, words, [Pair(source, target, frozenset())]
        )
        both = (model, zoo.load("translator")[0])
        self.steps = {n: [sequential_steps(one, n, n) for one in both] for n in COUNTED}
        self.chain = [longest_chain(one, ASKED, ASKED) for one in both]

    def share(self, card: Mapping[str, Any], least: int = 0, most: int = 99) -> float:
        """Share of right translations of sources of so many words, by a card."""
        some = [counts for n, counts in card["by_length"].items() if least <= int(n) <= most]
        right, of = (sum(column) for column in zip(*some, strict=True))
        return float(right / of)

    def by_length(self) -> Chart:
        """Share of right translations by the length of the source, with attention and without."""
        lengths = sorted(int(n) for n, (_, of) in self.card["by_length"].items() if of >= FEWEST)
        return Chart(
            lengths,
            {
                "with look-back": [self.share(self.card, n, n) for n in lengths],
                "one vector": [self.share(self.bottleneck, n, n) for n in lengths],
            },
            x_title="words of the English sentence",
            y_title="translated without any mistake",
            unit="%",
            top=1,
        )

    def three_ways(self) -> Chart:
        """Weights of the source words, compared in three ways with one state of the writer."""
        ways = {"dot": self.dot, "cosine": self.cosine, "additive, as trained": self.additive}
        return Chart(self.words, ways, y_title="weight", unit="%", top=1)

    def by_words(self) -> Chart:
        """Steps by the number of words on either side."""
        recurrent, transformer = zip(*self.steps.values(), strict=True)
        return Chart(
            COUNTED,
            {"recurrent": recurrent, "transformer": transformer},
            x_title="words on either side",
            y_title="steps one after another",
        )


class Picked:
    """What attention pooling picks of the review that its card opens with.

    Attributes
    ----------
    words, sentences : list of str
        Words of the sentence that decides; all sentences of the review.
    of_words, of_sentences : list of float
        Their weights.
    beta : float
        The learned factor of the word level.
    """

    def __init__(self, model: Pooling, tokenizer: WordTokenizer) -> None:
        self.card = zoo.card("pooling")
        ids = torch.as_tensor(tokenizer(self.card["text"])["input_ids"]).reshape(1, -1)
        with aw.capture(model) as trace, torch.no_grad():
            model(ids)
        by_level = {name: calls[0].weights()[0, 0] for name, calls in trace.stacks.items()}
        words, sentences = by_level["pooling (word)"], by_level["pooling (sentence)"]
        best = int(sentences[0].argmax())
        own = model.sentence_mask(ids)[0, best]  # (T,)
        self.words = tokenizer.convert_ids_to_tokens(ids[0, own].tolist())
        self.of_words: list[float] = words[best, own].tolist()
        self.of_sentences: list[float] = sentences[0].tolist()
        self.sentences = [f"{one.strip()}." for one in self.card["text"].rstrip(".").split(".")]
        self.beta = model.word_level.pooling.beta.item()

    def evenly(self) -> Chart:
        """Weights of the words of the sentence in a plain mean."""
        same = [1 / len(self.words)] * len(self.words)
        return Chart(self.words, {"a plain mean": same}, y_title="weight", unit="%", top=1)

    def word_level(self) -> Chart:
        """Weights of the words of the sentence, as learned."""
        learned = {"compared with U": self.of_words}
        return Chart(self.words, learned, y_title="weight", unit="%", top=1)

    def sentence_level(self) -> Chart:
        """Weights of the sentences."""
        learned = {"compared with U": self.of_sentences}
        return Chart(self.sentences, learned, y_title="weight", unit="%", top=1)


@torch.no_grad()
def _looks(
    model: RecurrentTranslator, given: Mapping[str, Tensor]
) -> tuple[list[tuple[Tensor, Tensor]], Tensor]:
    """States s (1, D) and h (1, S, D) of each step, and all weights (T, S)."""
    asked: list[tuple[Tensor, Tensor]] = []
    weights: list[Tensor] = []

    def keep(_module: object, took: tuple[Tensor, ...], made: tuple[Tensor, Tensor]) -> None:
        asked.append((took[0], took[1]))
        weights.append(made[1][0])

    attention: Any = model.decoder.attention
    hook = attention.register_forward_hook(keep)
    try:
        model(**given)
    finally:
        hook.remove()
    return asked, torch.stack(weights)
