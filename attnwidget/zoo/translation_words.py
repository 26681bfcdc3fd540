"""The tokenizer of the translators: words of a source, and after an arrow those of its target."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import torch

from attnwidget.trouble import Trouble
from attnwidget.zoo.words import START, UNKNOWN

PADDING, STOP = "<pad>", "</s>"
MARKS = (PADDING, START, STOP, UNKNOWN)

_WORD = re.compile(r"</?\w+>|\w+(?:-\w+)*'?|[^\w\s]")


class TranslationTokenizer:
    """Splits ``"the house → la maison"`` at the arrow, and both sides into words.

    All words are in small letters, punctuation marks are words, and so is what French leaves an
    apostrophe at: "l'école" is "l'" and "école". What is not in the vocabulary becomes ``<unk>``.
    One vocabulary holds both languages, so one tokenizer names the tokens of both sides.

    Parameters
    ----------
    vocabulary : sequence of str
        Every known word, its place being its id; holds ``<pad>``, ``<s>``, ``</s>``, ``<unk>``.
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.vocabulary = list(vocabulary)
        self.ids = {word: i for i, word in enumerate(self.vocabulary)}

    def __len__(self) -> int:
        return len(self.vocabulary)

    def __call__(self, text: str, return_tensors: str = "pt") -> dict[str, torch.Tensor]:
        """Ids, int64, ready for ``model(**tokenizer(text))``.

        ``"source"`` gives ``{"input_ids": (1, S)}``; ``"source → target"``, or with ``=>``, gives
        ``"decoder_input_ids": (1, T)`` as well, the start mark first: what the decoder reads.

        Raises
        ------
        Trouble
            If there is more than one arrow, or no word in front of it.
        """
        if return_tensors != "pt":
            raise ValueError(f'return_tensors is {return_tensors!r}; this tokenizer knows "pt".')
        source, *targets = re.split("→|=>", text)
        if len(targets) > 1 or not source.strip():
            given = "more than one arrow" if len(targets) > 1 else "no source"
            raise Trouble(
                f"There is {given} in {text.strip()[:60]!r}.",
                "Write an English sentence, and after an arrow the French one, if you like: "
                '"the red house is small . → la maison rouge est petite ."',
            )
        ids = {"input_ids": torch.tensor([self.encode(source)])}
        if targets:
            target = [self.ids[START], *self.encode(targets[0])]
            ids["decoder_input_ids"] = torch.tensor([target])
        return ids

    def encode(self, text: str) -> list[int]:
        """The ids of the words of a text."""
        unknown = self.ids[UNKNOWN]
        words = _WORD.findall(text.lower().replace("’", "'"))
        return [self.ids.get(word, unknown) for word in words]

    def convert_ids_to_tokens(self, ids: Iterable[int]) -> list[str]:
        return [self.vocabulary[int(i)] for i in ids]

    def decode(self, ids: Iterable[int]) -> str:
        """Text of the ids, written the usual way, without the marks of start, end and padding."""
        left_out = (PADDING, START, STOP)
        text = " ".join(word for word in self.convert_ids_to_tokens(ids) if word not in left_out)
        return re.sub(r"(?<=') | (?=[,.?!])", "", text)
