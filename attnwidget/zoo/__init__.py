"""Models to look at, with real weights and no download.

=====================  ===========================================================================
stories                a tiny language model, trained here; its source is one readable file
pairs                  attention alone, over sets of words, trained here; fits on one screen
sentiment              an encoder that tells what a review thinks, negation included; trained here
pooling                attention pooling over words, then over sentences; trained here
melody                 a decoder with relative attention that goes on with melodies; trained here
digits-vit             a vision transformer that reads handwritten digits, trained here
digits-hybrid          the same behind a small ResNet, trained here
translator             an encoder–decoder that translates English into French, trained here
recurrent-translator   English to French as before transformers: GRUs with attention
bottleneck-translator  the same without attention: one vector between the two
minilm                 a BERT encoder; needs ``pip install "attnwidget[minilm]"``
smollm2                a language model, shared keys; needs ``pip install "attnwidget[smollm2]"``
whisper                speech to text, encoder–decoder; needs ``pip install "attnwidget[whisper]"``
=====================  ===========================================================================
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attnwidget.zoo import (
    digits_hybrid,
    digits_vit,
    melody,
    minilm,
    pairs,
    pooling,
    recurrent_translator,
    sentiment,
    smollm2,
    stories,
    translator,
    whisper,
)

_CARDS = {
    "stories": stories.card,
    "pairs": pairs.card,
    "sentiment": sentiment.card,
    "pooling": pooling.card,
    "melody": melody.card,
    "digits-vit": digits_vit.card,
    "digits-hybrid": digits_hybrid.card,
    "translator": translator.card,
    "recurrent-translator": recurrent_translator.card,
    "bottleneck-translator": recurrent_translator.card_bottleneck,
}
_LOADERS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "stories": stories.load,
    "pairs": pairs.load,
    "sentiment": sentiment.load,
    "pooling": pooling.load,
    "melody": melody.load,
    "digits-vit": digits_vit.load,
    "digits-hybrid": digits_hybrid.load,
    "translator": translator.load,
    "recurrent-translator": recurrent_translator.load,
    "bottleneck-translator": recurrent_translator.load_bottleneck,
    "minilm": minilm.load,
    "smollm2": smollm2.load,
    "whisper": whisper.load,
}


def names() -> list[str]:
    """The names that `load` knows."""
    return list(_LOADERS)


def card(name: str) -> dict[str, Any]:
    """What is known of a model that was trained here: size, scores, a sentence to open with.

    ``card["text"]`` is that sentence, and ``card["selection"]`` the layer, head, query and key at
    which it is worth looking.
    """
    if name not in _CARDS:
        raise ValueError(f"The zoo has cards of {', '.join(_CARDS)}, not of {name!r}.")
    return _CARDS[name]()


def load(name: str) -> tuple[Any, Any]:
    """A model in eval mode and its tokenizer.

    Raises
    ------
    ValueError
        If there is no such model; names those there are.
    ModuleNotFoundError
        If the package that brings the weights is missing; says which pip command brings it.
    """
    if name not in _LOADERS:
        raise ValueError(f"The zoo has no {name!r}. It has {', '.join(_LOADERS)}.")
    return _LOADERS[name]()
