"""Lesson 3: several heads ask several questions at once, and a last matrix merges the answers."""

from __future__ import annotations

from attnwidget import zoo
from attnwidget.explorer import Explorer, explore
from attnwidget.teaching.lessons.heads_measured import ANIMAL, IT, TEXT, Measured
from attnwidget.teaching.questions import Choose, Estimate
from attnwidget.teaching.tour import Stop, Tour


def open_lesson() -> Explorer:
    """The bundled language model, from all its heads at a glance to one that is muted."""
    model, tokenizer = zoo.load("stories")
    facts = Measured(model, tokenizer)
    tour = Tour([*_questions(facts), *_merged(facts), *_muted(facts)], "Heads")
    return explore(model, tokenizer, TEXT, tour=tour)


def _questions(facts: Measured) -> list[Stop]:
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
            {100 * facts.pronoun_share:.0f} % at [animal](#key), the noun that it stands for. *Go
            through the heads with* `[` *and* `]`*, through the layers with ↑ and ↓.*
            """,
            view="lines", layer=noun_layer, head=noun_head, query=IT, key=ANIMAL,
        ),
        Stop(
            "Could **one** head ask both questions, *who stands before me?* and *who is it?*",
            ask=Choose(
                ["Yes, it attends to both words", "Only badly: it gets their mean"], 1,
                """
                It could put half its weight on each. But what comes back is one blend: in it the
                two answers are mixed, and both words got the same use of $W_v$. With two heads
                each answer has numbers of its own.
                """,
            ),
        ),
    ]  # fmt: skip


def _merged(facts: Measured) -> list[Stop]:
    heads, width = facts.heads, facts.width
    return [
        Stop(
            f"""
            What becomes of {heads} answers? The same words go to each head; the shapes say
            how: (batch, heads, sequence, d). {heads} queries, {heads} keys and {heads} values of
            a word make a vector in $\\mathbb{{R}}^{{3Hd}}$. *Point at a box for its matrix.*
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
            $\mathbb{{R}}^{{Hd}}$, $H d = {heads} \cdot {width} = {heads * width}$.
            """,
            view="steps", stage="heads", query=IT,
        ),
        Stop(
            rf"""
            A last matrix, $W_h \in \mathbb{{R}}^{{E \times Hd}}$, mixes them and brings them back
            to the width of the stream, $E = {heads * width}$. Without it the answers would stay in
            separate drawers.
            """,
            stage="projection",
        ),
        Stop(
            """
            Large models save memory: several query heads **share** one key and value head
            (grouped queries, GQA; where all share one: multi-query, MQA). The questions stay as
            many, but what is kept while writing shrinks. This small model shares nothing. *Choose
            fewer key/value heads to see what sharing would save.*
            """,
            view="shapes",
        ),
    ]  # fmt: skip


def _muted(facts: Measured) -> list[Stop]:
    (layer, head), (noun_layer, noun_head) = facts.clause, facts.pronoun
    return [
        Stop(
            f"""
            Does the model need a head? **Mute** one, and see what it then says. After
            [it](#query) the story goes on with *slept*, {100 * facts.said:.0f} %. This head, number
            {head} of layer {layer}, looks mostly at the comma. What if it is silent?
            """,
            view="lines", layer=layer, head=head, query=IT, key=None,
            ask=Choose(
                ["the same word, nearly as sure", "another word"], 1,
                f"""
                The model says *{facts.says_without_clause}*, as after the first *it*. Delete the
                comma from the text, and it does so with all heads in place, too.
                """,
            ),
        ),
        Stop(
            """
            So this is what becomes of the prediction, here and at every other word. *Mute the
            other heads of the layer by a click on their bars.*
            """,
            view="without", remove="head", highlight="picture",
        ),
        Stop(
            f"""
            And the head that found the *animal*, number {noun_head} of layer {noun_layer}? It
            looks {100 * facts.pronoun_share:.0f} % there. How sure of *slept* is the model without
            it, in percent?
            """,
            view="lines", layer=noun_layer, head=noun_head, key=ANIMAL,
            ask=Estimate(
                round(100 * facts.said_without_pronoun), within=15, unit="%",
                why="Less sure, but it still says so: other heads know something of it, too.",
            ),
        ),
        Stop(
            "A large weight is no proof of a large effect. What a head does shows when it is gone.",
            view="without", highlight="picture",
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
