"""Lesson 2: a set looks at itself, with queries, keys and values made of the same words."""

from __future__ import annotations

from attnwidget import zoo
from attnwidget.explorer import Explorer, explore
from attnwidget.teaching.questions import Choose, Estimate
from attnwidget.teaching.tour import Stop, Tour

# Width of the question on the variance of a scalar product.
ASKED_WIDTH = 64


def open_lesson() -> Explorer:
    """The model of animals, foods and homes: attention over a set, and nothing else."""
    model, tokenizer = zoo.load("pairs")
    tour = Tour([*_combined(), *_step_by_step(), *_scaled(), *_unordered(), *_across()],
                "Self-attention")  # fmt: skip
    return explore(model, tokenizer, zoo.card("pairs")["text"], tour=tour)


def _combined() -> list[Stop]:
    return [
        Stop(
            """
            Here is a room with animals, foods and homes, in no order. A small model has learned
            who eats what and who lives where. [dog](#query) looks at the words of the room, itself
            among them: **self-attention**.
            """,
            stack="attention", layer=0, head=0, query="dog", key=None, view="lines",
        ),
        Stop(
            r"""
            What *dog* takes home is $h = X a$: a **linear combination** of the words (through
            their values), with coefficients $a$ that sum to 1. The row framed here is $a$.
            """,
            view="matrix", highlight="picture",
        ),
        Stop(
            """
            Every word asks at the same time. One row $a$ for each of them makes the whole matrix
            $A$, and all results at once are $H = X A$. *Go through the words with ← and →.*
            """,
        ),
    ]  # fmt: skip


def _step_by_step() -> list[Stop]:
    return [
        Stop(
            """
            Now one number of that matrix from its parts. The query is the word, turned and
            stretched by a learned matrix: $q = W_q x$. Hover a bar for its number.
            """,
            view="steps", stage="query", query="dog",
        ),
        Stop(
            """
            Every word also makes a key, $k = W_k x$, from the same $x$ with another matrix: what a
            word **asks** and what it **answers to** are different things.
            """,
            stage="keys",
        ),
        Stop(
            r"""
            Query and key are held against each other number by number, and the products are
            summed: $q \cdot k$. Predict: which word gets the largest sum?
            """,
            stage="products",
            ask=Choose(["dog itself", "the food of the dog", "the cat"], 1,
                       "Its key points where the query points. Nobody told it to: training did."),
        ),
        Stop("The sums: a scalar product for each word.", stage="sum"),
        Stop(
            r"""
            They are divided by $\sqrt{d}$, and the softmax makes them positive and sum to 1. The
            largest score is taken off first, which changes nothing but keeps $e^s$ small.
            """,
            stage="softmax",
        ),
        Stop(
            """
            Each value $v = W_v x$ is scaled by its share, and all are added up. That is all of
            attention: **no non-linearity** but the softmax. It works by direction alone.
            """,
            stage="output",
        ),
    ]  # fmt: skip


def _scaled() -> list[Stop]:
    return [
        Stop(
            rf"""
            Why $\sqrt{{d}}$? Let the numbers of $q$ and $k$ be independent, with mean 0 and
            variance 1. What is the variance of $q \cdot k$ for $d = {ASKED_WIDTH}$?
            """,
            view="steps", stage="scale",
            ask=Estimate(
                ASKED_WIDTH, within=0,
                why="Each product has variance 1, and variances of independent numbers add up.",
            ),
        ),
        Stop(
            r"""
            Without the division, scores grow with $\sqrt{d}$, the softmax **saturates**, one share
            is nearly 1, and its gradient is nearly 0. Divided, the variance is 1 at every $d$.
            *Move the slider.*
            """,
            view="scaling", highlight="picture",
        ),
    ]  # fmt: skip


def _unordered() -> list[Stop]:
    return [
        Stop(
            "The words of the room are shuffled. What happens to the result of *dog*?",
            view="lines", query="dog",
            ask=Choose(["it changes", "it stays, and moves along with the word"], 1,
                       "The sum over all words does not know in which order they were added."),
        ),
        Stop(
            r"""
            *Shuffle them and see.* Permute the inputs and the outputs permute likewise:
            $f(X P) = f(X) P$. The largest difference is how a computer rounds, no more.
            """,
            view="order", highlight="picture",
        ),
    ]  # fmt: skip


def _across() -> list[Stop]:
    return [
        Stop(
            """
            **Cross-attention** is the same with two sets: [queries](#query) from the room,
            [keys](#key) and [values](#value) from another, a box of toys. The animals look into
            the box; the toys look at nobody.
            """,
            stack="cross", layer=0, head=0, query="dog", key=None, view="lines",
        ),
        Stop(
            """
            Now on your own words: write other animals above, their things after them, and toys
            behind the slash. Or on your own model: `aw.explore(model, tokenizer, text)`, then the
            view *Steps*.
            """,
            highlight="text",
        ),
    ]  # fmt: skip
