"""Lesson 7: translation by recurrent networks, and the look-back that attention came from."""

from __future__ import annotations

import math

from attnwidget import zoo
from attnwidget.explorer import Explorer, explore
from attnwidget.teaching.lessons.before_transformers_measured import (
    ASKED,
    FLEUR,
    FLOWER,
    LA,
    LONG,
    MANY,
    NOT,
    REINE,
    WHITE,
    Picked,
    Translators,
)
from attnwidget.teaching.questions import Choose, Estimate
from attnwidget.teaching.tour import Stop, Tour


def open_lesson() -> Explorer:
    """The recurrent translator: one map of all steps of its decoder, and why it was left behind."""
    model, tokenizer = zoo.load("recurrent-translator")
    facts = Translators(model, tokenizer)
    picked = Picked(*zoo.load("pooling"))
    stops = [*_looked(facts), *_bottleneck(facts), *_compared(facts), *_slow(facts)]
    tour = Tour([*stops, *_pooled(picked), _own()], "Before transformers")
    return explore(model, tokenizer, facts.card["text"], tour=tour)


def _looked(facts: Translators) -> list[Stop]:
    return [
        Stop(
            f"""
            Translation before transformers: two recurrent networks. One **reads** the English,
            word after word; the other **writes** the French. At each step the writer looks back
            at what was read. It has just read [la](#query) and is about to write *fleur*: it looks
            {100 * facts.weights[LA, FLOWER]:.0f} % at [flower](#key).
            """,
            stack="cross", layer=0, head=0, query=LA, key=FLOWER, view="lines",
        ),
        Stop(
            """
            The row of a word is the step that **predicts the next one**. So which rows will look
            at *not*?
            """,
            key=None,
            ask=Choose(
                ["*ne* and *pas*", "*reine* and *trouve*", "*pas* alone"], 1,
                """
                French says *not* in two words, *ne … pas*. At *reine* it is about to write *ne*, at
                *trouve* it is about to write *pas*.
                """,
            ),
        ),
        Stop(
            f"""
            All steps in one map. It would be a diagonal, were it not for *ne … pas* and *fleur
            blanche*. Nobody told this model which words belong together: it learned that from
            translations. For {100 * facts.card["alignment_error"]:.0f} % of the words the strongest
            weight is on a wrong one. (In lesson 6, on the same sentences, for
            {100 * facts.transformer["alignment"]["error"]:.1f} %, but there a head was guided.)
            """,
            view="matrix", query=REINE, key=NOT, highlight="picture",
        ),
    ]  # fmt: skip


def _bottleneck(facts: Translators) -> list[Stop]:
    words = len(LONG.split(" → ")[0].split())
    right = round(100 * facts.share(facts.bottleneck, words, words))
    french = LONG.split(" → ")[1].split()
    said = " ".join(w if w in french else f"**{w}**" for w in facts.through_one_vector)
    return [
        Stop(
            f"""
            At first there was no look-back. The reader's last state, **one vector** of
            {facts.width} numbers, was all that the writer got, however long the sentence. Such a
            model, trained on the same data for as long: how many sentences of {words} words, like
            this one, does it translate without any mistake, in percent? (On screen is the one
            that looks back, and makes none here.)
            """,
            text=LONG, view="matrix", query=0, key=None,
            ask=Estimate(
                right, within=15, unit="%",
                why=f"""
                It writes: *{said}* It is French, but with wrong words, in bold: the strong cats
                have become clever boys, and the children play instead of laughing.
                """,
            ),
        ),
        Stop(
            f"""
            One vector is a **bottleneck**: short sentences fit through it, long ones do not. With
            the look-back the writer gets another mean of the reader's states at each step. From
            {MANY} words on {100 * facts.share(facts.card, MANY):.0f} % of the sentences are
            right with it, {100 * facts.share(facts.bottleneck, MANY):.0f} % without.
            """,
            chart=facts.by_length(),
        ),
    ]  # fmt: skip


def _compared(facts: Translators) -> list[Stop]:
    count = len(facts.words)
    most = math.e / (math.e + (count - 1) / math.e)
    dot_word = facts.words[facts.dot.index(max(facts.dot))]
    return [
        Stop(
            r"""
            How does the writer know where to look? It holds its own state $s$, the
            [query](#query), against each state $h_i$ of the reader, the [keys](#key): scores
            $\theta_i$. A softmax makes them weights, $\alpha = \mathrm{softmax}(\theta)$. *Each
            column is one step of that; choose another word with ← and →.*
            """,
            text=facts.card["text"], view="steps", stage="softmax", query=LA, key=FLOWER,
        ),
        Stop(
            r"""
            Three ways to compare: **dot**, $\theta_i = s^\top h_i$; **cosine**,
            $\theta_i = s^\top h_i / (\|s\| \|h_i\|)$; **additive**,
            $\theta_i = w^\top \tanh(W s + U h_i)$, a small network, used here. A cosine is
            between −1 and 1. How many times the weight of another word can a word get by it, at
            most?
            """,
            ask=Estimate(
                round(math.e**2, 1), within=0.5, unit="times",
                why=rf"""
                $e^1 / e^{{-1}} = e^2$. So among {count} words none could get more than
                {100 * most:.0f} %: a cosine needs a factor $\beta$ in front.
                """,
            ),
        ),
        Stop(
            f"""
            The same step by all three, from the same two networks. They were trained for the
            **additive** one, and only that finds *flower*. To the dot *{dot_word}* looks best, and
            the cosine, without a factor, hardly prefers any. The way to compare and the states
            that are compared are learned together.
            """,
            chart=facts.three_ways(),
        ),
        Stop(
            r"""
            The **context** is the mean of the reader's states by these weights,
            $c = \sum_i \alpha_i h_i$: each $h_i$ is [value](#value) and key in one. It is used
            twice: with $s$ to guess the next word, and, with that word, in the step after it.
            """,
            view="steps", stage="output",
        ),
    ]  # fmt: skip


def _slow(facts: Translators) -> list[Stop]:
    recurrent, transformer = facts.steps[ASKED]
    chain, short_chain = facts.chain
    return [
        Stop(
            f"""
            So each step needs the step before, in training too. {ASKED} English words, {ASKED}
            French ones: how many steps have to wait for one another? (The reader goes from both
            ends at the same time.)
            """,
            view="lines", query=FLEUR, key=WHITE,
            ask=Estimate(
                recurrent, within=0,
                why=f"""
                {ASKED} to read and {ASKED} to write. The transformer of lesson 6 takes
                {transformer}: one for each of its layers, all words at once.
                """,
            ),
        ),
        Stop(
            f"""
            That is why it is **slow**: more processors cannot help a step that waits. (In single
            operations, for {ASKED} words: {chain} one after another, and {short_chain} in the
            transformer.) It is not that it translates badly: {100 * facts.card["exact"]:.1f} %
            without any mistake, the transformer {100 * facts.transformer["exact"]:.1f} %. When it
            **writes** a new sentence, a transformer goes word by word, too.
            """,
            chart=facts.by_words(),
        ),
    ]  # fmt: skip


def _pooled(picked: Picked) -> list[Stop]:
    best = picked.sentences[picked.of_sentences.index(max(picked.of_sentences))]
    heaviest = picked.words[picked.of_words.index(max(picked.of_words))]
    others = [word for word in picked.words[:-1] if word != heaviest][:2]
    return [
        Stop(
            rf"""
            Who asks when nothing is written? Another model judges reviews. It has learned **one
            vector** $U$ that asks the same of every text: $\theta_i = \beta \cos(U, x_i)$, with
            $\beta = {picked.beta:.1f}$ learned, too. These bars are without it, $\beta = 0$: a
            plain mean. Which word of *{best}* will $U$ pick?
            """,
            chart=picked.evenly(),
            ask=Choose(
                [f"*{word}*" for word in (*others, heaviest)], 2,
                f"""
                {100 * max(picked.of_words):.0f} % go to *{heaviest}*, the word that judges.
                """,
            ),
        ),
        Stop(
            f"""
            **Attention pooling**, word level: the mean by these weights is the vector of the
            sentence. On average {100 * picked.card["adjective"]:.0f} % of the weight of a deciding
            sentence is on its adjective.
            """,
            chart=picked.word_level(),
        ),
        Stop(
            f"""
            Sentence level: another $U$ picks among the sentences' vectors. What is said of napkins
            and lamps decides nothing here. The model is right about
            {100 * picked.card["accuracy"]:.0f} % of new reviews; with all weights made equal,
            about {100 * picked.card["levelled"]:.0f} %, which is guessing. *The notebook opens it.*
            """,
            chart=picked.sentence_level(),
        ),
    ]  # fmt: skip


def _own() -> Stop:
    return Stop(
        """
        $U$ asks the same of all texts, the state $s$ asks anew at each step. In a transformer
        **every word** asks, all at once, and nothing recurrent is left. Now your own: write another
        sentence above and its French behind the arrow. Or your own decoder, step after step as it
        is: `aw.explore(model, tokenizer, text)`.
        """,
        view="lines", query=LA, key=None, highlight="text",
    )  # fmt: skip
