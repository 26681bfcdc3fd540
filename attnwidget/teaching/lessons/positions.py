"""Lesson 4: attention knows no order; what brings it in, and what breaks without it."""

from __future__ import annotations

import copy

import torch

from attnwidget import zoo
from attnwidget.explorer import Explorer, explore
from attnwidget.teaching.lessons.heads_measured import IT, TEXT
from attnwidget.teaching.questions import Choose, Estimate
from attnwidget.teaching.tour import Stop, Tour
from attnwidget.zoo.stories import Stories


def open_lesson() -> Explorer:
    """The bundled language model: its positions, and the model without them."""
    model, tokenizer = zoo.load("stories")
    ids = torch.as_tensor(tokenizer(TEXT)["input_ids"]).reshape(1, -1)
    broken = _broken(_changed_without_places(model, ids), ids.shape[1])
    tour = Tour([*_lost(), *_brought_in(), *broken], "Positions")
    return explore(model, tokenizer, TEXT, tour=tour)


def _changed_without_places(model: Stories, ids: torch.Tensor) -> int:
    """At how many words the first choice is another when all places are zero."""
    without = copy.deepcopy(model)
    with torch.no_grad():
        without.places.weight.zero_()
        return int((model(ids).argmax(-1) != without(ids).argmax(-1)).sum())


def _lost() -> list[Stop]:
    return [
        Stop(
            """
            Attention alone is a store, and a store is a set. Here one head of a language model
            works on the words of a sentence, without its mask. *Shuffle them.*
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
        Stop(
            """
            A causal mask brings in a little order: who stands before whom decides who may be
            looked at. *Tick "with the model's causal mask" and shuffle again: now results
            change.*
            """,
            highlight="picture",
        ),
    ]  # fmt: skip


def _brought_in() -> list[Stop]:
    return [
        Stop(
            """
            To tell places apart they are written **into** the words. This model has learned one
            vector for each place, and adds it to the word that stands there: $x_t + p_t$. Rows
            are places, columns the numbers of the vector. *Choose a place with ← and →.*
            """,
            view="positions", encoding="model", highlight="picture",
        ),
        Stop(
            "How alike are the vectors of neighbouring places, compared with places far apart?",
            ask=Choose(
                ["hardly more: each place has its own", "nearly the same, as sines are"], 0,
                """
                Seen in *Cosines of the positions*: off the diagonal nearly all are small. A
                head that looks one place back must tell that place from the next one.
                """,
            ),
        ),
        Stop(
            r"""
            Nothing needs to be learned: the first transformer **wrote** its places with sines
            and cosines of many frequencies, $p_{t,2i} = \sin(t / 10000^{2i/d})$ and
            $p_{t,2i+1} = \cos(t / 10000^{2i/d})$: like the hands of many clocks, from fast to
            slow. Here neighbours **are** alike.
            """,
            encoding="sine",
        ),
        Stop(
            "Why are they **added**, and not put beside the word?",
            ask=Choose(
                ["the vectors stay as short as the words", "beside the word they would be lost"],
                0,
                """
                Concatenated, $[x; p]$ works as well: $W [x; p] = W_x x + W_p p$ is again a sum,
                of two parts of a wider matrix. But the vectors grow longer.
                """,
            ),
        ),
        Stop(
            """
            Places can also come in at the scores. **Relative**: a number for each distance
            $t - s$ is added to the score. It may be learned (T5: one for each range of
            distances, in each head) or written, as here.
            """,
            encoding="relative",
        ),
        Stop(
            r"""
            **Rotary**: query and key are turned by an angle for each place. For the same two
            words $q_t \cdot k_s$ then depends only on how far apart they stand. Llama and most
            models of today do this. *Move both places together, then one alone.*
            """,
            encoding="rotary",
        ),
    ]  # fmt: skip


def _broken(changed: int, words: int) -> list[Stop]:
    return [
        Stop(
            f"""
            Take the places out of the trained model. At how many of the {words} words is its
            first choice of what comes next another one?
            """,
            view="lines", layer=0, head=1, query=IT, key=None, encoding="model",
            ask=Estimate(
                changed, within=2,
                why="""
                Most next words of so short a story are settled by which words came before. What
                breaks is what depends on **where** something stood, as at the second *it*.
                """,
            ),
        ),
        Stop(
            "Without positions: the strip shows at which words the prediction moved most.",
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
            Now on your own model: `aw.explore(model, tokenizer, text, view="positions")` finds
            learned, sine, rotary and relative positions, and says so where there are none.
            """,
            view="positions",
        ),
    ]  # fmt: skip
