"""A tokenizer with one token per word: the tokens on screen are the words of the text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import torch

START, UNKNOWN = "<s>", "<unk>"

_WORD = re.compile(r"<\w+>|\w+(?:'\w+)*|[^\w\s]")


class WordTokenizer:
    """Splits a text into words and punctuation marks, and puts the start mark in front.

    A word with an apostrophe stays one word ("didn't"). A word is looked up as it is written, then
    in small letters, then with a capital: "DOG" is read as "dog" and "tom" as "Tom". What is still
    not in the vocabulary becomes ``<unk>`` and is shown as such.

    Parameters
    ----------
    vocabulary : sequence of str
        Every known word, its place being its id; holds ``<unk>`` and the start mark.
    start : str
        The mark in front of every text; none if empty.
    """

    def __init__(self, vocabulary: Sequence[str], start: str = START) -> None:
        self.vocabulary = list(vocabulary)
        self.start = start
        self.ids = {word: i for i, word in enumerate(self.vocabulary)}

    def __len__(self) -> int:
        return len(self.vocabulary)

    def __call__(self, text: str, return_tensors: str = "pt") -> dict[str, torch.Tensor]:
        """``{"input_ids": (1, T) int64}``, ready for ``model(**tokenizer(text))``."""
        if return_tensors != "pt":
            raise ValueError(f'return_tensors is {return_tensors!r}; this tokenizer knows "pt".')
        return {"input_ids": torch.tensor([self.encode(text)], dtype=torch.int64)}

    def encode(self, text: str) -> list[int]:
        """The ids of a text, the start mark's first."""
        words = (self._id(word) for word in _WORD.findall(text.replace("’", "'")))
        return [self.ids[self.start], *words] if self.start else list(words)

    def _id(self, word: str) -> int:
        for form in (word, word.lower(), word.capitalize()):
            if form in self.ids:
                return self.ids[form]
        return self.ids[UNKNOWN]

    def convert_ids_to_tokens(self, ids: Iterable[int]) -> list[str]:
        return [self.vocabulary[int(i)] for i in ids]

    def decode(self, ids: Iterable[int]) -> str:
        """Text of the ids, written the usual way, without the start mark."""
        words = [word for word in self.convert_ids_to_tokens(ids) if word != self.start]
        return re.sub(r" (?=[,.?!:;])", "", " ".join(words))
