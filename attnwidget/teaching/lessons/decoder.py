"""Lesson 6: a decoder writes one word at a time, looks back, and looks at the source."""

from __future__ import annotations

from attnwidget import zoo
from attnwidget.explorer import Explorer, explore
from attnwidget.teaching.chart import Chart
from attnwidget.teaching.lessons.decoder_measured import NOUN, TEXT, Measured
from attnwidget.teaching.questions import Choose
from attnwidget.teaching.tour import Stop, Tour


def open_lesson() -> Explorer:
    """The bundled translator, from a sentence that is written to what its heads look at."""
    model, tokenizer = zoo.load("translator")
    opened = explore(model, tokenizer, TEXT)
    opened.generate(20)
    facts = Measured(model, tokenizer, zoo.card("translator"), opened)
    opened.tour = Tour(
        [*_written(facts), *_masked(facts), *_crossing(facts), *_needed(facts)], "Decoder"
    )
    return opened


def _written(facts: Measured) -> list[Stop]:
    first, last = facts.written[0], len(facts.written)
    return [
        Stop(
            """
            An **encoder** reads an English sentence, and a **decoder** writes it in French, one
            word at a time. Everything here is a small trained model's own. *Press* `p` *to see it
            written again, or drag the slider.*
            """,
            view="generation", stack="cross", layer=facts.layer, head=facts.head, query=last - 1,
            key=None, written=last,
        ),
        Stop(
            f"""
            The encoder goes first. From layer to layer each word of the source gets a new
            representation from all the others, **in parallel**: the circles of a row fill at once.
            Then the decoder begins with nothing but a start mark, `<s>`, and the encoder's last
            row, and writes *{first}*.
            """,
            query=0, written=1,
        ),
        Stop(
            f"""
            *The* can be *le*, *la* or *les*. Before a word of the translation is there, how can the
            decoder know that it must write *{first}*?
            """,
            written=1,
            ask=Choose(
                [
                    "the encoder has worked *house* into *the*",
                    "it guesses, and corrects itself later",
                    "it looks at the French word that comes next",
                ], 0,
                f"""
                In the encoder [the](#query) looks {100 * facts.the_reads_noun:.0f} % at
                [house](#key), which is feminine in French: when the decoder looks at *the*, that is
                in it already.
                """,
            ),
        ),
        Stop(
            f"""
            The three kinds of attention in one picture. To write *{first}*, the decoder looks at
            *the* in the source (cross-attention, the lines); on the left, what *the* has read in
            the encoder.
            """,
            view="joined", highlight="picture", query=0,
            joined={"encoder": [[facts.reading_layer, head] for head in range(facts.heads)]},
        ),
        Stop(
            f"""
            It is not *the* alone: in layer {facts.reading_layer} of the encoder the article and all
            three adjectives look at [house](#key), {100 * facts.reading:.0f} % on average over
            heads. French needs its gender at all of them: *la*, *petite*, *rouge*, *vieille*.
            Nobody wrote that in.
            """,
            view="lines", stack="encoder", layer=facts.reading_layer, head=0,
            heads=[[facts.reading_layer, head] for head in range(facts.heads)], mean=True,
            direction="to", key=NOUN, query=None,
        ),
    ]  # fmt: skip


def _masked(facts: Measured) -> list[Stop]:
    return [
        Stop(
            """
            The decoder's own attention is **masked**: each position sees those up to and including
            itself. What is hatched is hidden. In training the whole translation is there at once:
            what would happen without the mask?
            """,
            view="matrix", stack="decoder", layer=0, head=0, heads=[], mean=False,
            direction="from", query=2, key=None,
            ask=Choose(
                ["it would copy the next word instead of learning", "it would only be slower"], 0,
                """
                To predict the word that comes next it would look at it. While it writes, that word
                is not there yet, and nothing would be left of what it learned.
                """,
            ),
        ),
        Stop(
            r"""
            How a word is hidden: its score becomes $-\infty$ before the softmax, and
            $e^{-\infty} = 0$. The rest of the row still sums to 1. *In this view* `.` *goes on
            through the steps.*
            """,
            view="steps", stage="mask", query=2,
        ),
        Stop(
            f"""
            What it reads is **shifted by one**: the row of `<s>` writes *{facts.written[0]}*, the
            row of *{facts.written[0]}* writes *{facts.written[1]}*. So all words are trained at
            once, each from those before it.
            """,
            view="generation", stack="cross", layer=facts.layer, head=facts.head, query=1,
            written=2, highlight="picture",
        ),
    ]  # fmt: skip


def _crossing(facts: Measured) -> list[Stop]:
    noun, colour = facts.written[facts.crossing - 1], facts.written[facts.crossing]
    return [
        Stop(
            f"""
            It has written *{" ".join(facts.written[: facts.crossing])}*, and the next word is
            *{colour}*. Which word of the source does this head look at now?
            """,
            view="generation", query=facts.crossing - 1, written=facts.crossing,
            ask=Choose(["small", "red", "house", "is"], 1, f"""
            English says *red house*, French *{noun} {colour}*: the links cross.
            """),
        ),
        Stop(
            f"""
            The crossing at a glance: a row for each word that is read, a column for each word of
            the source. From *small* it jumps over *red* to *house*, and back. This head's links are
            right in {100 * (1 - facts.wrong):.1f} % of the words of sentences that the model has
            never seen.
            """,
            view="matrix", query=facts.crossing, key=None,
        ),
        Stop(
            """
            Not every head is a dictionary. Wrong links of each cross-attention head, on the same
            sentences. In training the best one was *told* where to look, by a small penalty; what
            the others do, they found by themselves.
            """,
            chart=Chart(
                [f"head {name}" for name in facts.errors],
                {"wrong links": list(facts.errors.values())},
                y_title="share of wrong links", unit="%", top=1,
            ),
        ),
    ]  # fmt: skip


def _needed(facts: Measured) -> list[Stop]:
    return [
        Stop(
            """
            What can it do without? Without cross-attention the decoder writes French that has
            nothing to do with the source. How many sentences are still right, word for word, if
            the source is a *set*: the encoder is not told where its words stand?
            """,
            view="joined", stack="cross", query=facts.crossing,
            ask=Choose(["about 90 %", "about half", "next to none"], 2, """
            The words are all there, but who sees whom, and which adjective belongs to which noun,
            is said by their order.
            """),
        ),
        Stop(
            "Measured on sentences whose pairs of words were never seen together in training.",
            chart=Chart(
                list(facts.exact), {"translated without a mistake": list(facts.exact.values())},
                y_title="sentences", unit="%", top=1,
            ),
        ),
        Stop(
            f"""
            And for this sentence, with the best head muted: {facts.after}
            it says *{facts.says_without}*, and *{facts.says}* with {100 * facts.sure_without:.0f} %
            instead of {100 * facts.sure:.0f} %. *Which other words does it lose?*
            """,
            view="without", remove="head", stack="cross", layer=facts.layer, head=facts.head,
            query=facts.moved,
        ),
        Stop(
            """
            Now your own sentence: write it above, in small letters, and press *Generate again*. The
            model knows 502 English words, so keep to the simple ones: *the queen sees the old black
            cats .* And any encoder–decoder of yours: `aw.explore(model, tokenizer, text)`, then
            `ex.generate()`.
            """,
            view="generation", query=len(facts.written) - 1, written=len(facts.written),
        ),
    ]  # fmt: skip
