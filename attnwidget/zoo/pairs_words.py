"""The tokenizer of `Pairs`: words of a room, a slash, words of a box."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

import torch

from attnwidget.trouble import Trouble

EXAMPLE = "dog bone kennel cat milk sofa / ball mouse"


class PairsTokenizer:
    """Splits ``"dog bone kennel / ball"`` at the slash, and both sides into words.

    Parameters
    ----------
    vocabulary : sequence of str
        Every known word, its place being its id.
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.vocabulary = list(vocabulary)
        self.ids = {word: i for i, word in enumerate(self.vocabulary)}

    def __len__(self) -> int:
        return len(self.vocabulary)

    def __call__(self, text: str, return_tensors: str = "pt") -> dict[str, torch.Tensor]:
        """``{"room": (1, T), "box": (1, S)}``, int64, ready for ``model(**tokenizer(text))``.

        Raises
        ------
        Trouble
            If there is not exactly one slash, a side is empty, or a word is not known.
        """
        if return_tensors != "pt":
            raise ValueError(f'return_tensors is {return_tensors!r}; this tokenizer knows "pt".')
        room, box = self.split(text)
        return {"room": self.encode(room), "box": self.encode(box)}

    def split(self, text: str) -> tuple[list[str], list[str]]:
        """The words of the room and those of the box, in small letters."""
        sides = [re.findall(r"\w+", side.lower()) for side in text.split("/")]
        if len(sides) != 2 or not all(sides):
            given = "no box" if len(sides) == 1 else "not one room and one box"
            raise Trouble(
                f"There is {given} in {text.strip()[:60]!r}.",
                f'Write the words of the room, a slash, and the toys of the box: "{EXAMPLE}".',
            )
        return sides[0], sides[1]

    def encode(self, words: Sequence[str]) -> torch.Tensor:
        """Ids of known words, (1, T)."""
        for word in words:
            if word not in self.ids:
                like = get_close_matches(word, self.vocabulary, n=8, cutoff=0.6)
                known = ", ".join([*like, *(w for w in self.vocabulary if w not in like)][:12])
                raise Trouble(
                    f"The model does not know the word {word!r}.",
                    f"It knows {len(self)} words, among them {known}.",
                )
        return torch.tensor([[self.ids[word] for word in words]])

    def convert_ids_to_tokens(self, ids: Iterable[int]) -> list[str]:
        return [self.vocabulary[int(i)] for i in ids]

    def decode(self, ids: Iterable[int]) -> str:
        """The words of the ids with spaces between them."""
        return " ".join(self.convert_ids_to_tokens(ids))
