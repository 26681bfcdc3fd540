"""Lesson 4: attention knows no order; what brings it in, and what breaks without it."""

from __future__ import annotations

from attnwidget import zoo
from attnwidget.explorer import Explorer, explore
from attnwidget.teaching.lessons.heads import IT, TEXT
from attnwidget.teaching.questions import Choose
from attnwidget.teaching.tour import Stop, Tour


def open_lesson() -> Explorer:
    """The bundled language model: its positions, and the model without them."""
    model, tokenizer = zoo.load("stories")
    tour = Tour([*_lost(), *_brought_in(), *_broken()], "Positions")
    return explore(model, tokenizer, TEXT, tour=tour)


def _lost() -> list[Stop]:
    return [
        Stop(
            """
            Attention alone is a store, and a store is a set. Here one head of a language
            model works on the words of a sentence, without its mask. *Shuffle them.*
            """,
            view="order", layer=2, head=2, query=IT, key=None, highlight="picture",
        ),
        Stop(
            "*dog bites man* and *man bites dog*: what is different for attention alone?",
            ask=Choose(
                ["nothing but the order of the results", "who bites", "everything"], 0,
                "Each word gets exactly the same result in both. Who bites cannot be told.",
            ),
        ),
    ]  # fmt: skip


def _brought_in() -> list[Stop]:
    return [
        Stop(
            """
            So the place must be written **into** the words. This model has learned one vector
            for each place, and adds it to the word that stands there: $x_t + p_t$. Rows are
            places, columns the numbers of the vector. *Choose a place with ← and →.*
            """,
            view="positions", highlight="picture",
        ),
        Stop(
            """
            On the right, how alike the vectors of two places are, as cosines. What would you
            expect of a model that often looks at the word before?
            """,
            ask=Choose(
                ["neighbours are told apart", "neighbours are the same"], 0,
                "A head that looks one place back must tell that place from the next one.",
            ),
        ),
        Stop(
            r"""
            Nothing needs to be learned: the first transformer **wrote** its places with sines
            and cosines of many frequencies, $p_{t,2i} = \sin(t / 10000^{2i/d})$ and
            $p_{t,2i+1} = \cos(t / 10000^{2i/d})$: like the hands of many clocks, from fast to
            slow. *Switch to sine and cosine to see them beside the learned ones.*
            """,
        ),
        Stop(
            "Why **added**, and not put beside the word?",
            ask=Choose(
                ["To save width: the sum is as long as the word", "It must be added to be seen"], 0,
                """
                Concatenated, $[x_t; p_t]$ works as well, and $W [x; p] = W_x x + W_p p$ is
                again a sum; but the vectors grow longer. In a wide space words and places
                hardly collide.
                """,
            ),
        ),
        Stop(
            r"""
            Places can also come in at the scores. **Relative**: a learned number for each
            distance $t - s$ is added to the score (T5). **Rotary**: query and key are turned
            by an angle for each place, so that $q_t \cdot k_s$ depends on the distance $t -
            s$ alone (Llama and most models today). *This view shows both on models that have
            them.*
            """,
        ),
    ]  # fmt: skip


def _broken() -> list[Stop]:
    return [
        Stop(
            """
            Take the places out of the trained model, and ask what comes after *it*. What
            breaks?
            """,
            view="lines", layer=0, head=1, query=IT, key=None,
            ask=Choose(
                ["little: the words are all there", "the next word, nearly everywhere"], 1,
                "Heads such as this one, which looks at the word before, have nothing to go by.",
            ),
        ),
        Stop(
            "Without positions: the strip below shows at which words the prediction moved most.",
            view="without", remove="positions", highlight="picture",
        ),
        Stop(
            """
            Here the places are all there, but dealt out in another order: the model reads the
            words as if they stood elsewhere.
            """,
            remove="order",
        ),
        Stop(
            """
            Now on your own model: `aw.explore(model, tokenizer, text, view="positions")`
            finds learned, sine, rotary and relative positions, and says so where there are
            none.
            """,
            view="positions",
        ),
    ]  # fmt: skip
