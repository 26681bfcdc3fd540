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
    width, heads = model.words.embedding_dim, model.within.heads
    steps = _step_by_step(width, width // heads)
    tour = Tour([*_combined(), *steps, *_scaled(), *_unordered(), *_across()], "Self-attention")
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
            What *dog* takes home is a **linear combination**, $h = V a$, of what the words
            offer: their values, $V = W_v X$. (With the words themselves it would be $h = X a$.)
            The coefficients $a$ sum to 1; they are the row framed here, lying down.
            """,
            view="matrix", highlight="picture",
        ),
        Stop(
            """
            Every word asks at the same time. Each row here is one such $a$; stood up side by
            side they are the columns of the matrix $A$, and all results at once are $H = V A$.
            *Go through the words with ← and →.*
            """,
        ),
    ]  # fmt: skip


def _step_by_step(width: int, head_width: int) -> list[Stop]:
    return [
        Stop(
            f"""
            Now one number of that matrix from its parts. The query is the word, turned,
            stretched and cut from {width} numbers to {head_width} by a learned matrix:
            $q = W_q x$. *Point at a bar for its number.*
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
            Each value $v = W_v x$ is scaled by its share, and all are added up. To the values
            **no non-linearity** is applied: given the shares, the result is a plain weighted
            sum. Only the shares depend on the words in another way, through $q \\cdot k$ and the
            softmax.
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
            Without the division, scores grow with $\sqrt{d}$. *Move the slider up*: the softmax
            **saturates**, one share is nearly 1, and its gradient nearly 0. Divided, scores of
            random vectors have variance 1 at every $d$. (A trained head may want to be pickier,
            as this one: its own variance stands beside.)
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
            [keys](#key) and [values](#value) from another, a box of toys. Every word of the room
            looks into the box, also *bone* and *sofa*, which have no toy to find; the toys look
            at nobody.
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
