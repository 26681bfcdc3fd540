"""Lesson 5: the encoder block, a stream that attention and feed-forward read from and add to."""

from __future__ import annotations

from typing import Any

from attnwidget import zoo
from attnwidget.explorer import Explorer, explore
from attnwidget.teaching.chart import Chart
from attnwidget.teaching.lessons.encoder_block_measured import CLS, Measured
from attnwidget.teaching.questions import Choose, Estimate
from attnwidget.teaching.tour import Stop, Tour

PARTS = ("attention", "feed-forward", "both")


def open_lesson() -> Explorer:
    """The bundled sentiment model, from what it looks at to what it cannot do without."""
    model, tokenizer = zoo.load("sentiment")
    card = zoo.card("sentiment")
    facts = Measured(model, tokenizer, card, zoo.load("stories"))
    tour = Tour(
        [*_turned(card, facts), *_added(facts), *_alone(facts), *_cut(card, facts)], "Encoder block"
    )
    return explore(model, tokenizer, card["text"], tour=tour)


def _turned(card: dict[str, Any], facts: Measured) -> list[Stop]:
    at = card["selection"]
    return [
        Stop(
            f"""
            An encoder has read this review and takes it for *positive*. All that it says, it reads
            off its first token, [<cls>](#query), which stands for no word: in layer {at["layer"]}
            that one looks {100 * card["weight"]:.0f} % at [perfect](#key).
            """,
            view="lines", **{**at, "query": CLS},
        ),
        Stop(
            f"""
            Now the review is turned about: *{card["twin"]}* Where will [<cls>](#query) look in the
            same head?
            """,
            ask=Choose(
                ["at *good*, which stands before *but*", "at *perfect* again", "at *never*"], 2,
                """
                The word that turns *perfect* over. Counting good words and bad ones would not do:
                here both are good.
                """,
            ),
        ),
        Stop(
            f"""
            {100 * facts.look:.0f} % on [never](#key), and the review is now *negative*. *Write one
            of your own above, with* not, hardly *or* far from.
            """,
            text=card["twin"], key=facts.never, highlight="picture",
        ),
    ]  # fmt: skip


def _added(facts: Measured) -> list[Stop]:
    attention, feed_forward = facts.attention[1], facts.feed_forward[1]
    (shortest, longest), (shorter, longer) = facts.summed, facts.normed
    return [
        Stop(
            rf"""
            What the heads found is mixed by $W_h$ to {facts.width} numbers: attention's answer,
            $f(x)$. It does not replace what [<cls>](#query) was, $x$. It is **added**:
            $x + f(x)$. How long is $f(x)$, compared with $x$?
            """,
            view="steps", stage="projection",
            ask=Choose(
                ["a tenth: a small correction", "half as long", "longer than $x$"], 2,
                f"{attention:.1f} times as long here: this layer says something new.",
            ),
        ),
        Stop(
            f"""
            The whole block. Down the left runs the **residual stream**: {facts.width} numbers for
            each token. Attention reads from it and adds {100 * attention:.0f} % of its length; then
            the feed-forward reads from it and adds {100 * feed_forward:.0f} %. *Step through the
            tokens with ← and →.*
            """,
            view="block", highlight="picture",
        ),
        Stop(
            rf"""
            Behind each sum stands a LayerNorm: **Add & Norm**, or *post-norm*,
            $\mathrm{{norm}}(x + f(x))$. After the first sum the tokens are {shortest:.1f} to
            {longest:.1f} long, behind its norm {shorter:.1f} to {longer:.1f}. Most models of today
            have the norm in the branch: *pre-norm*, $x + f(\mathrm{{norm}}(x))$. What becomes of
            their stream from block to block?
            """,
            ask=Choose(
                ["it grows", "it keeps its length", "it shrinks"], 0,
                "No norm shortens the sum again: what a block adds stays in it.",
            ),
        ),
        Stop(
            """
            Measured: this model, and the language model of lesson 3, which is pre-norm. In its
            stream every block adds to what is there; here a norm sets the length anew behind each
            sum.
            """,
            chart=Chart(
                ["as it comes in", *(f"behind block {n}" for n in range(len(facts.pre) - 1))],
                {
                    "pre-norm (stories)": facts.pre,
                    "post-norm (this one)": _as_many(facts.post, len(facts.pre)),
                },
                y_title="mean length of a token in the stream",
                top=1.1 * max(facts.pre),
            ),
        ),
    ]  # fmt: skip


def _as_many(numbers: list[float], count: int) -> list[float | None]:
    """A model of fewer blocks has no numbers for the last ones."""
    return [*numbers, *[None] * (count - len(numbers))]


def _alone(facts: Measured) -> list[Stop]:
    return [
        Stop(
            rf"""
            The **feed-forward**: two matrices with a ReLU between, $W_2\,\mathrm{{relu}}(W_1 x)$,
            {facts.width} → {4 * facts.width} → {facts.width}. Shuffle the words in front of it, and
            put its results back in order. What has changed?
            """,
            view="block", layer=0, highlight="picture",
            ask=Choose(
                ["nothing", "words that moved far", "everything"], 0,
                """
                It is **position-wise**: each token goes through the same matrices alone, as in a
                1 × 1 convolution. Only attention carries something from word to word. The
                notebook shows both by numbers.
                """,
            ),
        ),
        Stop(
            f"""
            That is a block, and what comes out is as wide as what went in: so blocks can be
            **stacked**. Here are two, in the first BERT 12. On top a classifier makes two numbers.
            Of how many of the {facts.words} tokens does it read the stream?
            """,
            layer=1,
            ask=Estimate(
                1, within=0,
                why="""
                Of `<cls>` alone. What that one has not gathered by then, through attention, is
                lost.
                """,
            ),
        ),
    ]  # fmt: skip


def _cut(card: dict[str, Any], facts: Measured) -> list[Stop]:
    shares = card["without_residuals"]
    words, kept, alone = facts.alike
    return [
        Stop(
            """
            Take the residual connections away: $f(x)$ in place of $x + f(x)$, all weights as they
            are. In which layer does that do more harm?
            """,
            view="lines", layer=0, head=2, query=CLS, key=None,
            ask=Choose(
                ["in layer 0, next to the words", "in layer 1, next to the answer"], 0,
                "See what it then says of this review.",
            ),
        ),
        Stop(
            f"""
            Without those of layer 0 the review is *positive* at {100 * facts.without:.0f} %: wrong,
            and quite sure. *Now cut those of layer 1 instead: press ↓.*
            """,
            view="without", remove="residual", highlight="picture",
        ),
        Stop(
            f"""
            One review is no proof. As trained, the model is right about
            {100 * card["accuracy"]:.2f} % of reviews whose pairs of words it never met, half of
            which are positive. How many, in percent, without the residual connections of layer 0?
            """,
            ask=Estimate(
                round(100 * shares["layer 0, both"]), within=8, unit="%",
                why="As good as tossing a coin.",
            ),
        ),
        Stop(
            f"""
            Layer by layer. In layer 0 the connection around **attention** is the one that matters:
            {100 * shares["layer 0, attention"]:.0f} % without it. The feed-forward there can nearly
            do without, and layer 1 hardly notices. With all four cut it is
            {100 * shares["all four"]:.0f} %.
            """,
            chart=Chart(
                ["nowhere: as trained", *PARTS],
                {
                    f"in layer {layer}": [
                        card["accuracy"],
                        *(shares[f"layer {layer}, {part}"] for part in PARTS),
                    ]
                    for layer in (0, 1)
                },
                x_title="around what residual connections are cut",
                y_title="reviews it is right about",
                unit="%",
                top=1.1,
            ),
        ),
        Stop(
            f"""
            Why there? What attention brings to the words of a review is nearly the same for each.
            Two of their vectors have a cosine of {kept:.2f} on average, but {alone:.2f} without
            $x$: a word forgets what it was, and layer 1 can hardly tell *never* from the rest.
            In layer 1 this costs little: only `<cls>` is read behind it.
            """,
            chart=Chart(
                ["as they come in", "norm(x + f(x))", "norm(f(x)), cut"],
                {"cosine": [words, kept, alone]},
                x_title="the words of this review, at attention of layer 0",
                y_title="mean cosine between two of them",
                top=1.1,
            ),
        ),
        Stop(
            """
            Now on your own model: `aw.explore(model, tokenizer, text, view="block")` finds its
            blocks, pre-norm, post-norm or parallel, and measures what each part adds. In the
            notebook you write Add & Norm, and cut residual connections, in plain PyTorch.
            """,
            view="block", layer=0, highlight="picture",
        ),
    ]  # fmt: skip
