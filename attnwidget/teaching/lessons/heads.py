"""Lesson 3: several heads ask several questions at once, and a last matrix merges the answers."""

from __future__ import annotations

from typing import Any

import torch

from attnwidget import zoo
from attnwidget.binding.capture import capture
from attnwidget.explorer import Explorer, explore
from attnwidget.teaching.questions import Choose, Estimate
from attnwidget.teaching.tour import Stop, Tour
from attnwidget.zoo.stories import Stories

# A second "it" to look from: the model cannot know at the first what "tired" will tell it.
TEXT = "The animal didn't cross the street because it was too tired, so it slept."
IT = 14


def open_lesson() -> Explorer:
    """The bundled language model, from all its heads at a glance to one that is muted."""
    model, tokenizer = zoo.load("stories")
    facts = _Measured(model, tokenizer)
    tour = Tour([*_questions(facts), *_merged(facts), *_muted()], "Heads")
    return explore(model, tokenizer, TEXT, tour=tour)


class _Measured:
    """What the texts say of the model, measured on it.

    Attributes
    ----------
    before : tuple of int and int
        Layer and head that look most at the token before.
    before_share : float
        How much of their weight goes there, on average.
    pronoun : tuple of int and int
        Layer and head in which "it" looks most at "animal".
    pronoun_share : float
        Its weight.
    layers, heads, width : int
        Layers, heads of each, and numbers of a head.
    """

    def __init__(self, model: Stories, tokenizer: Any) -> None:
        with capture(model) as trace, torch.no_grad():
            model(torch.as_tensor(tokenizer(TEXT)["input_ids"]).reshape(1, -1))
        (calls,) = trace.stacks.values()
        weights = torch.stack([call.weights()[0] for call in calls])  # (L, H, T, T)
        shares = weights.diagonal(-1, dim1=-2, dim2=-1).mean(-1)  # (L, H)
        self.before, self.before_share = _largest(shares)
        self.pronoun, self.pronoun_share = _largest(weights[..., IT, 2])
        self.layers, self.heads = weights.shape[:2]
        self.width = model.words.embedding_dim // self.heads


def _largest(shares: torch.Tensor) -> tuple[tuple[int, int], float]:
    layer, head = divmod(int(shares.argmax()), shares.shape[1])
    return (layer, head), float(shares.max())


def _questions(facts: _Measured) -> list[Stop]:
    layer, head = facts.before
    noun_layer, noun_head = facts.pronoun
    return [
        Stop(
            f"""
            A small language model has {facts.layers} layers with {facts.heads} **heads** each.
            Every head has its own $W_q$, $W_k$ and $W_v$: it asks its own question, at every
            word, at the same time as all the others. Each square is one head: rows look,
            columns are looked at.
            """,
            view="grid", layer=layer, head=head, query=IT, key=None,
        ),
        Stop(
            "This one draws a line just below the diagonal. What may its question be?",
            view="matrix",
            ask=Choose(
                ["Which word stands before me?", "Which means the same?", "Which is the first?"],
                0,
                f"""
                On average {100 * facts.before_share:.0f} % of a row goes to the word before. Nobody
                wrote that in: it was learned.
                """,
            ),
        ),
        Stop(
            f"""
            Another head, in layer {noun_layer}: the pronoun [it](#query) looks
            {100 * facts.pronoun_share:.0f} % at [animal](#key). Who is too tired, it asks, and has
            found out. *Go through the heads with* `[` *and* `]`*, through the layers with ↑
            and ↓.*
            """,
            view="lines", layer=noun_layer, head=noun_head, query=IT, key=2,
        ),
        Stop(
            "Could **one** head ask both questions, *who stands before me?* and *who is it?*",
            ask=Choose(
                ["Yes, it would attend to both words", "No, it would only get their mean"], 1,
                """
                It could put half its weight on each. But its weights sum to 1 and its values
                are added up: what comes back is one vector, the mean, in which nobody can
                tell who answered what. Two questions need two heads.
                """,
            ),
        ),
    ]  # fmt: skip


def _merged(facts: _Measured) -> list[Stop]:
    heads, width = facts.heads, facts.width
    return [
        Stop(
            f"""
            What becomes of {heads} answers? The same words go to each head; the shapes say
            how: (batch, heads, sequence, d). *Point at a box for its matrix.*
            """,
            view="shapes", highlight="picture",
        ),
        Stop(
            f"""
            The stream has {heads * width} numbers for each word, and there are {heads} heads.
            How many numbers has the query of one head?
            """,
            ask=Estimate(width, within=0, why=f"""
            {heads * width} / {heads}: the heads share the width.
            """),
        ),
        Stop(
            rf"""
            Here are the outputs of all heads at [it](#query), side by side: one vector in
            $\mathbb{{R}}^{{hd}}$, $h d = {heads} \cdot {width} = {heads * width}$.
            """,
            view="steps", stage="heads", query=IT,
        ),
        Stop(
            r"""
            A last matrix, $W_h \in \mathbb{R}^{d \times hd}$, mixes them and brings them back
            to the size of the stream. Without it the answers would stay in separate drawers.
            """,
            stage="projection",
        ),
        Stop(
            """
            Large models save memory: several query heads **share** one key and value head
            (grouped queries; all of them: multi-query). Queries stay many, so the questions
            do; what is kept while writing shrinks. This small model shares nothing; *point at
            the heads to see what sharing would save.*
            """,
            view="shapes",
        ),
    ]  # fmt: skip


def _muted() -> list[Stop]:
    return [
        Stop(
            """
            Does the model need a head? **Mute** one, and see what it then says. After
            [it](#query) the story goes on with *slept*. This head of layer 1 hardly looks at
            anything that you would call important. What if it is silent?
            """,
            view="lines", layer=1, head=1, query=IT, key=None,
            ask=Choose(
                ["the same word, nearly as sure", "another word"], 1,
                """
                It looks at the comma: it marks where a new clause begins, and with that, that
                something is now *done*.
                """,
            ),
        ),
        Stop(
            """
            Without it the model goes on as after the first *it*. A weight is not a reason:
            what a head does shows when it is gone. *Click the bars below to mute the other
            heads.*
            """,
            view="without", remove="head", highlight="picture",
        ),
        Stop(
            """
            Now on your own model: `aw.explore(model, tokenizer, text)`. Heads, steps, shapes
            and *without* work on it as it stands, also on a `MultiHeadAttention` that you
            wrote yourself: the notebook of this lesson does that next.
            """,
            view="grid",
        ),
    ]  # fmt: skip
