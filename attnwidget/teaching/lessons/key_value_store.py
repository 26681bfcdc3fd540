"""Lesson 1: a query is held against keys, and a blend of their values comes back."""

from __future__ import annotations

import math

import numpy as np
import torch

from attnwidget import zoo
from attnwidget.binding.capture import capture
from attnwidget.teaching.key_value_store import KeyValueStore
from attnwidget.teaching.questions import Choose, Estimate
from attnwidget.teaching.store_examples import examples
from attnwidget.teaching.store_numbers import weights
from attnwidget.teaching.tour import Stop, Tour


def open_lesson() -> KeyValueStore:
    """The store with its recipe book, and the tour that ends at what a model has learned."""
    store = KeyValueStore()
    stops = [*_recipes(), *_numbers(), *_regression(), *_learned()]
    store.tour = Tour(stops, "The key-value store")
    return store


def _recipes() -> list[Stop]:
    book = examples()["recipes"]
    query, keys = np.array(book["query"]), np.array(book["keys"])
    lasagna, pizza = weights(query, keys, book["beta"], hard=False, by_distance=False)[0, :2]
    return [
        Stop(
            """
            A recipe book saves, finds and manages **pairs**: under each title ([key](#key))
            stands a recipe ([value](#value)). You come with a wish, the [query](#query)
            *lasagne*. No title is spelled that way, and yet a recipe will come back.
            """,
            screen="recipes", step="scores", predict=False,
        ),
        Stop(
            r"""
            So query and titles are not compared letter by letter, but as **arrows**. Each
            gets a score, the scalar product $q \cdot k$: large where two arrows point the
            same way, negative where they point apart. *Drag the query, or move it with the
            arrow keys.*
            """,
            highlight="table",
        ),
        Stop(
            """
            The angle decides the sign of a score, and the lengths how large it gets: an arrow
            twice as long gets twice the score. The **cosine** takes the lengths out and leaves
            the angle: 1 for the same direction, 0 for a right angle, −1 for the opposite one.
            """,
            highlight="arithmetic",
        ),
        Stop(
            """
            **Hard attention** takes the best score alone: all of *Lasagna*, nothing of the
            others. The attention $a$ is a row of zeros with a single 1.
            """,
            hard=True, step="blend", highlight="blend",
        ),
        Stop(
            """
            Now the wish stands between *Lasagna* and *Pizza*, a little nearer to *Pizza*.
            What does hard attention return?
            """,
            query=[[-2.1, 2.2]], query_names=["baked, with cheese"], step="scores",
            ask=Choose(
                ["half of each recipe", "only one of the two recipes", "no recipe at all"], 1,
                """
                However narrow the win, the winner takes it all. Small changes of the query
                change nothing, until everything changes at once: they give no hint which way is
                better, and so nothing can be *learned* from them.
                """,
            ),
        ),
        Stop(
            r"""
            **Soft attention** lets all take part. The soft(arg)max turns scores into shares:
            $a_i = \frac{e^{\beta s_i}}{\sum_j e^{\beta s_j}}$. None is negative, and together
            they make 1: $\lVert a \rVert_1 = 1$.
            """,
            hard=False, step="softargmax", highlight="flow",
        ),
        Stop(
            rf"""
            Back at *lasagne*, {100 * lasagna:.0f} % of what comes back is Lasagna and
            {100 * pizza:.0f} % is Pizza: a **blend of values**, $h = \sum_i a_i v_i$, written out
            below the bar.
            """,
            query=[[-1.8, 1.0]], query_names=["lasagne"], step="blend", highlight="blend",
        ),
        Stop(
            "β says how picky the query is. Predict: what comes back at $\\beta = 0$?",
            highlight="beta",
            ask=Choose(
                ["the first recipe", "the mean of all recipes", "nothing"], 1,
                """
                With β = 0 every score becomes 0, and $e^0 = 1$ for all: everyone takes part
                alike.
                """,
            ),
        ),
        Stop(
            r"""
            At $\beta = 0$ every recipe gets the same share, whatever you wish for: the query no
            longer counts.
            """,
            beta=0.0, highlight="blend",
        ),
        Stop(
            r"""
            At $\beta = \infty$ soft attention has become hard. (Only where scores are exactly
            equal do they still share.) In between, at $1/\sqrt{d}$, is where transformers work;
            lesson 2 says why. *Move the slider.*
            """,
            beta=math.inf, highlight="beta",
        ),
        Stop(
            """
            Sort the book by title, or by taste: nothing changes. A store is a **set**; its
            entries have no order. *Add, rename and remove some, and edit what they say.*
            """,
            beta=2**-0.5, highlight="table",
        ),
    ]  # fmt: skip


def _numbers() -> list[Stop]:
    entries = examples()["numbers"]
    twice = np.array([[0.0, 5.0, 0.0]])  # the key of B, and of C
    attention = weights(
        twice, np.array(entries["keys"]), entries["beta"], hard=False, by_distance=False
    )
    shared = float(attention[0] @ np.array(entries["values"]))
    return [
        Stop(
            """
            The same with bare numbers: each [key](#key) has three, each [value](#value) is
            one whole number. The first query is just the key of A, so it gets A's 10.
            """,
            screen="numbers", query=[[5, 0, 0]], step="blend", highlight="table",
        ),
        Stop(
            """
            B and C have the **same** key, with the values 20 and 40. Predict: what does a
            query that fits both get?
            """,
            query=[[0, 5, 0]], step="scores",
            ask=Estimate(
                round(shared, 3), within=0.5,
                why="Equal scores give equal shares: the mean of 20 and 40.",
            ),
        ),
        Stop(
            "Half of 20 and half of 40. Equal keys share, and what comes back is a mean.",
            step="blend", highlight="blend",
        ),
        Stop(
            """
            Three queries at once: each has its own row of attention, and none knows of the
            others. The first one fits B, C and D alike. *Click another one for its row.*
            """,
            query=[[0, 5, 5], [5, 0, 0], [0, 5, 0]], step="blend", highlight="table",
        ),
        Stop(
            "Which sizes must agree?",
            ask=Choose(
                ["query and key", "key and value", "all three"], 0,
                r"""
                $q, k \in \mathbb{R}^{d'}$ are compared, so they share a size. $v \in
                \mathbb{R}^{d''}$ may have any: here a single number.
                """,
            ),
        ),
    ]  # fmt: skip


def _regression() -> list[Stop]:
    return [
        Stop(
            r"""
            One number is enough for a key. Let the keys be $x$, the values $y$, and let the
            score be nearness, $-\frac{1}{2} (q - k)^2$, as a product would favour the largest
            $x$: points near the $x$ that is asked answer with more weight. Attention does
            **regression**. *Drag the points.*
            """,
            screen="regression", highlight="plane",
        ),
        Stop(
            r"""
            Here β says how far a point is heard: about $\sigma = 1/\sqrt{\beta}$, the width of
            the kernel. What will a much larger β make of the curve?
            """,
            ask=Choose(
                ["flat, the mean of all points", "steps from point to point", "a straight line"], 1,
                "Only the nearest point is heard then: hard attention again.",
            ),
        ),
        Stop(
            """
            β = 200: every point rules its own neighbourhood. *Move β down to 0.5: then all are
            heard everywhere, and the curve lies flat.*
            """,
            beta=200.0, highlight="plane",
        ),
    ]  # fmt: skip


def _learned() -> list[Stop]:
    """Keys, values and a query that a model made of the same words."""
    model, tokenizer = zoo.load("pairs")
    text = zoo.card("pairs")["text"]
    with capture(model) as trace, torch.no_grad():
        model(**tokenizer(text))
    call = trace.stacks["attention"][0]
    words, _ = tokenizer.split(text)
    head, asks = 0, 0
    query, keys, values = (
        [[round(number, 4) for number in vector] for vector in part[0, head].tolist()]
        for part in (call.q, call.k, call.v)
        if part is not None
    )
    return [
        Stop(
            f"""
            Where do keys come from? Nobody wrote these: a small model **learned** three
            matrices, and makes the query, the key and the value of each word from the same
            word $x$: $q = W_q x$, $k = W_k x$, $v = W_v x$. This is the question that
            *{words[asks]}* asks.
            """,
            screen="numbers", keys=keys, values=values, query=[query[asks]],
            query_names=[words[asks]], names=words, beta=None, step="scores",
        ),
        Stop(
            """
            It has learned to ask *what do I eat?* The words are a store for each other: that
            is **self-attention**, and lesson 2.
            """,
            step="blend", highlight="sentence",
        ),
        Stop(
            """
            Now on your own data. In a cell: `aw.KeyValueStore(keys, values, query, names)`,
            with vectors, or with texts and a function that embeds them. `store.result` reads
            what comes back; `store.query = …` asks something else.
            """,
        ),
    ]  # fmt: skip
