"""What lesson 9 says of the bundled language model, measured on it when the lesson is opened."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from attnwidget.binding.capture import capture
from attnwidget.call import AttentionCall
from attnwidget.changed.heads import head_muted
from attnwidget.measures.repeated import repeated_tokens
from attnwidget.measures.table import HeadTable
from attnwidget.teaching.lessons.heads_measured import ANIMAL, IT, TEXT
from attnwidget.trace import Trace
from attnwidget.zoo.making.stories_world import ANIMALS, MOODS
from attnwidget.zoo.stories import Stories, card

STREET, TIRED = 6, 11
TWIN: str = card()["twin"]

# Ten words in an order that nothing foretells, and the same once more up to the eighth.
SONG = (
    "Song: river king honey seven clock mouse bread wind glass moon "
    "river king honey seven clock mouse bread wind"
)
CLOCK, MOUSE = 17, 8  # the second "clock", and what came after the first

Place = tuple[int, int]


class Measured:
    """What the texts say of the story: TEXT, and its twin in which the street is too wide.

    Attributes
    ----------
    previous, first : tuple of int and int
        Layer and head that look most at the token before, and at the first.
    previous_share, first_share : float
        Their measure.
    size_of_start, size_of_others : float
        How long what `first` adds for a key of weight 1 is: for the start mark, and in the mean.
    pronoun, mood, idle : tuple of int and int
        Where "it" looks most at "animal"; where in the last layer at "tired"; where before it.
    weight, size, without : dict of tuple of int and int to float
        For each of these three: what "it" gives to its word; how long what comes of that is, as a
        share of the longest; and how sure the model is of "slept" with that head muted.
    said : float
        Share of "slept" after "it".
    next_best : tuple of str and float
        What it says second with `pronoun` muted.
    says_without_mood : tuple of str and float
        What it says with `mood` muted.
    of_mood, of_animal : list of three floats
        Shares of the words for tired animals of any family, and of those for this family in any
        mood: as the model stands, without `pronoun`, and without `mood`.
    street : tuple of int and int
        Where in the twin "it" looks most at "street".
    street_share, pronoun_at_street : float
        How much it looks there, and how much `pronoun` does.
    stayed, stayed_without_street, stayed_without_pronoun : float
        Share of "stayed" after the twin's "it".
    """

    def __init__(self, model: Stories, tokenizer: Any) -> None:
        self._model, self._tokenizer = model, tokenizer
        ids = tokenizer(TEXT)["input_ids"]
        trace, shares = _run(model, ids)
        (calls,) = trace.stacks.values()
        self.layers, self.heads = len(calls), calls[0].heads
        table = trace.heads(measures=["previous", "first"])
        self.previous, self.previous_share = _most(table, "previous")
        self.first, self.first_share = _most(table, "first")
        sizes = _sizes(model, calls[self.first[0]], self.first[1])
        self.size_of_start, self.size_of_others = float(sizes[0]), float(sizes[1:].mean())

        weights = _weights(calls)[:, :, IT]  # (L, H, T)
        last = self.layers - 1
        self.pronoun = _largest(weights[..., ANIMAL])
        self.mood = last, int(weights[last, :, TIRED].argmax())
        self.idle = _largest(weights[:last, :, TIRED])
        self._compare(ids, calls, weights, shares[IT])
        self._turn(tokenizer(TWIN)["input_ids"])

    def _compare(
        self, ids: Tensor, calls: list[AttentionCall], weights: Tensor, shares: Tensor
    ) -> None:
        """What three heads look at, add, and are needed for."""
        slept = self._tokenizer.ids["slept"]
        looks = {self.pronoun: ANIMAL, self.mood: TIRED, self.idle: TIRED}
        self.said = float(shares[slept])
        self.weight = {place: float(weights[place][key]) for place, key in looks.items()}
        added = {
            place: self.weight[place] * float(_sizes(self._model, calls[place[0]], place[1])[key])
            for place, key in looks.items()
        }
        self.size = {place: one / max(added.values()) for place, one in added.items()}
        muted = {place: _shares_without(self._model, ids, calls, place)[IT] for place in looks}
        self.without = {place: float(one[slept]) for place, one in muted.items()}
        self.next_best = self._said(muted[self.pronoun], 1)
        self.says_without_mood = self._said(muted[self.mood])
        tired, own = self._ids(MOODS["tired"]), self._ids(_of_family("animal"))
        three = [shares, muted[self.pronoun], muted[self.mood]]
        self.of_mood = [float(one[tired].sum()) for one in three]
        self.of_animal = [float(one[own].sum()) for one in three]

    def _turn(self, ids: Tensor) -> None:
        """The twin: another adjective, another noun."""
        trace, shares = _run(self._model, ids)
        (calls,) = trace.stacks.values()
        weights = _weights(calls)[:, :, IT, STREET]
        stayed = self._tokenizer.ids["stayed"]
        self.street = _largest(weights)
        self.street_share = float(weights[self.street])
        self.pronoun_at_street = float(weights[self.pronoun])
        self.stayed = float(shares[IT, stayed])
        self.stayed_without_street, self.stayed_without_pronoun = (
            float(_shares_without(self._model, ids, calls, place)[IT, stayed])
            for place in (self.street, self.pronoun)
        )

    def _said(self, shares: Tensor, rank: int = 0) -> tuple[str, float]:
        number = int(shares.argsort(descending=True)[rank])
        return self._tokenizer.decode([number]), float(shares[number])

    def _ids(self, words: list[str]) -> list[int]:
        return [self._tokenizer.ids[word] for word in words]


class Sung:
    """What the texts say of songs: of SONG, and of random words said twice.

    Attributes
    ----------
    induction, before : tuple of int and int
        Head with the largest induction score, and the previous-token head of layer 0.
    induction_score, duplicate_score, evenly : float
        The largest scores on random words said twice; and what a head that looks at all words
        alike gets as its duplicate-token score.
    weight, weight_without : float
        What `induction` gives at the second "clock" to what came after the first; the same with
        `before` muted.
    said, said_without : float
        How sure the model is of the song's next word there, as it stands and with `before` muted.
    """

    def __init__(self, model: Stories, tokenizer: Any) -> None:
        words = [i for i, word in enumerate(tokenizer.vocabulary) if word.isalpha()]
        twice = repeated_tokens(model, start=tokenizer.ids[tokenizer.start], among=words)
        table = twice.heads(measures=["induction", "duplicate"])
        self.induction, self.induction_score = _most(table, "induction")
        _, self.duplicate_score = _most(table, "duplicate")
        length = next(iter(twice.stacks.values()))[0].query_len
        again = range(length // 2 + 1, length)  # behind the start mark, each word comes twice
        self.evenly = sum(1 / (i + 1) for i in again) / len(again)

        ids = tokenizer(SONG)["input_ids"]
        mouse = int(ids[0, MOUSE])
        trace, shares = _run(model, ids)
        (calls,) = trace.stacks.values()
        layer, head = self.induction
        self.weight = float(calls[layer].weights()[0, head, CLOCK, MOUSE])
        self.said = float(shares[CLOCK, mouse])
        steps = _weights(calls)[0].diagonal(-1, dim1=-2, dim2=-1).mean(-1)
        self.before = 0, int(steps.argmax())
        with head_muted(model, calls[0], self.before[1]):
            trace, shares = _run(model, ids)
        (calls,) = trace.stacks.values()
        self.weight_without = float(calls[layer].weights()[0, head, CLOCK, MOUSE])
        self.said_without = float(shares[CLOCK, mouse])


@torch.no_grad()
def _run(model: Stories, ids: Tensor) -> tuple[Trace, Tensor]:
    """The trace of a pass, and the shares of all words behind each, (T, V)."""
    with capture(model) as trace:
        shares: Tensor = model(ids)[0].softmax(-1)
    return trace, shares


def _shares_without(
    model: Stories, ids: Tensor, calls: list[AttentionCall], place: Place
) -> Tensor:
    """The same shares with one head muted."""
    layer, head = place
    with head_muted(model, calls[layer], head):
        return _run(model, ids)[1]


def _weights(calls: list[AttentionCall]) -> Tensor:
    return torch.stack([call.weights()[0] for call in calls])  # (L, H, T, T)


@torch.no_grad()
def _sizes(model: Stories, call: AttentionCall, head: int) -> Tensor:
    """‖W_O v‖ of every key, (T,): how long what the head adds for it would be."""
    block: Any = model.blocks[call.layer]
    output = block.attention.output
    values: Any = call.v
    part = output.weight.unflatten(1, (call.heads, -1))[:, head]  # (D, d)
    sizes: Tensor = (values[0, head] @ part.T).norm(dim=-1)
    return sizes


def _most(table: HeadTable, measure: str) -> tuple[Place, float]:
    row = table.sort_by(measure)[0]
    return (row.layer, row.head), getattr(row, measure)


def _largest(shares: Tensor) -> Place:
    layer, head = divmod(int(shares.argmax()), shares.shape[1])
    return layer, head


def _of_family(animal: str) -> list[str]:
    """What an animal of this family does, in each mood."""
    family = next(i for i, animals in enumerate(ANIMALS) if animal in animals)
    return [deeds[family] for deeds in MOODS.values()]
