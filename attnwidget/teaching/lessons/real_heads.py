"""Lesson 9: what the heads of a language model do, found by measures and by muting them."""

from __future__ import annotations

from attnwidget import zoo
from attnwidget.explorer import Explorer, explore
from attnwidget.teaching.chart import Chart
from attnwidget.teaching.lessons.heads_measured import ANIMAL, IT, TEXT
from attnwidget.teaching.lessons.real_heads_measured import (
    CLOCK,
    MOUSE,
    SONG,
    STREET,
    TIRED,
    TWIN,
    Measured,
    Sung,
)
from attnwidget.teaching.questions import Choose, Estimate
from attnwidget.teaching.tour import Stop, Tour


def open_lesson() -> Explorer:
    """The bundled language model: its heads by measures, and one by one by what they are for."""
    model, tokenizer = zoo.load("stories")
    facts, sung = Measured(model, tokenizer), Sung(model, tokenizer)
    stops = [*_by_place(facts), *_by_repeats(sung), *_coreference(facts), *_weight_or_effect(facts)]
    return explore(model, tokenizer, TEXT, tour=Tour(stops, "Real heads"))


def _by_place(facts: Measured) -> list[Stop]:
    layer, head = facts.previous
    sink_layer, sink_head = facts.first
    return [
        Stop(
            f"""
            Three looks at a language model. The first: all its {facts.layers * facts.heads} heads
            at a glance. One of them looks at the word **before**, in nearly every row. In which
            layer is it?
            """,
            view="grid", layer=1, head=0, query=IT, key=None,
            ask=Choose(
                [f"layer {number}" for number in range(facts.layers)], layer,
                f"Number {head}. With {facts.layers * facts.heads} heads one can look; with "
                "hundreds one has to **measure**.",
            ),
        ),
        Stop(
            f"""
            So every head gets a number: its mean weight on the word before, from 0 to 1. Sorted by
            it, head {head} of layer {layer} comes first with {facts.previous_share:.2f}: a
            **previous-token head**. *Colour by other measures; point at a name for what it says.*
            """,
            measure="previous", sort=True, layer=layer, head=head,
        ),
        Stop(
            f"""
            By its weight on the **first** token, head {sink_head} of layer {sink_layer} leads:
            {100 * facts.first_share:.0f} % on average. But the first token is only the mark where
            a text starts. What is it looked at for?
            """,
            measure="first", layer=sink_layer, head=sink_head,
            ask=Choose(
                ["to find out how the text begins", "to add little where there is nothing to say"],
                1,
                f"""
                The weights of a row must sum to 1, so they go where they do least: what this head
                adds for the start mark is {facts.size_of_start:.1f} long, for other tokens
                {facts.size_of_others:.1f} in the mean. Such a token is called a **sink**.
                """,
            ),
        ),
    ]  # fmt: skip


def _by_repeats(sung: Sung) -> list[Stop]:
    layer, head = sung.induction
    first_layer, first_head = sung.before
    return [
        Stop(
            """
            A song of ten words in any order, sung twice. Only the first time tells how the second
            goes on. At the second [clock](#query), the previous-token head looks at *seven*. That
            does not help. Where should a head look that wants to know the next word?
            """,
            text=SONG, view="text", measure=None, sort=False, query=CLOCK, key=None,
            layer=first_layer, head=first_head,
            ask=Choose(
                ["at the first *clock*", "at the word after the first *clock*"], 1,
                """
                Heads of the first kind are **duplicate-token** heads, of the second **induction**
                heads: these look at what came next the last time.
                """,
            ),
        ),
        Stop(
            f"""
            Head {head} of layer {layer} does: from [clock](#query), {100 * sung.weight:.0f} % of
            its weight goes to [mouse](#key). And *mouse* is what the model says next,
            {100 * sung.said:.0f} %.
            """,
            view="lines", layer=layer, head=head, query=CLOCK, key=MOUSE,
        ),
        Stop(
            f"""
            Measured on random words said twice: layer {layer}, head {head} has an induction score
            of {sung.induction_score:.2f}. *Colour by "duplicate token"*: the largest score is
            {sung.duplicate_score:.2f}, and a head that looks at all words alike would get
            {sung.evenly:.2f}. This model has **no** duplicate-token head. SmolLM2, in the notebook,
            has.
            """,
            view="grid", measure="induction", sort=True,
        ),
        Stop(
            f"""
            Attention compares two words. How can [clock](#query) find [mouse](#key), which is
            quite another word? What if the previous-token head of layer {first_layer} is muted:
            how sure of *mouse* is the model then, in percent?
            """,
            view="lines", measure=None, sort=False, layer=first_layer, head=first_head,
            query=MOUSE, key=MOUSE - 1,
            ask=Estimate(
                round(100 * sung.said_without), within=20, unit="%",
                why=f"""
                Two heads work together. The early one wrote into *mouse* that *clock* stands before
                it; the later one searches for just that. Without it, its weight on *mouse* falls
                from {100 * sung.weight:.0f} % to {100 * sung.weight_without:.0f} %.
                """,
            ),
        ),
        Stop(
            """
            The prediction after [clock](#query) with that head muted. The strip shows that nearly
            every word of the second time has lost its next one.
            """,
            view="without", remove="head", query=CLOCK, key=None, highlight="picture",
        ),
    ]  # fmt: skip


def _coreference(facts: Measured) -> list[Stop]:
    layer, head = facts.pronoun
    mood_layer, mood_head = facts.mood
    word, share = facts.next_best
    other, other_share = facts.says_without_mood
    weight, mood_weight = facts.weight[facts.pronoun], facts.weight[facts.mood]
    without = facts.without[facts.pronoun]
    return [
        Stop(
            f"""
            The second look: one head between words. Which links [it](#query)? **Layer {layer}, head
            {head}**: {100 * weight:.0f} % of the second *it* goes to [animal](#key). It is the head
            with the sink: where it finds nothing, it rests on the start mark.
            """,
            text=TEXT, view="lines", layer=layer, head=head, query=IT, key=ANIMAL,
        ),
        Stop(
            f"""
            The third look: one number from its parts. {100 * weight:.0f} % is what the softmax
            makes of a row of scaled products $q \\cdot k$. *Click on the stages on top to go back
            to the query and the keys.*
            """,
            view="steps", stage="softmax",
        ),
        Stop(
            f"""
            In these stories each family of animals has its own word for each mood: tired, an
            *animal* or a *cat* **slept**, a *horse* **rested**, a *fox* **lay**; scared, an
            *animal* **whined**. Here the model says *slept*, {100 * facts.said:.0f} %. What does it
            confuse when the head that links [it](#query) to [animal](#key) is muted?
            """,
            view="lines",
            ask=Choose(
                ["who it was: *rested*, *lay*", "the mood: *whined*, *played*"], 0,
                f"""
                *slept* falls from {100 * facts.said:.0f} % to {100 * without:.0f} %, and *{word}*
                gets {100 * share:.0f} %.
                """,
            ),
        ),
        Stop(
            f"""
            Layer {layer}, head {head} muted: *slept* {100 * facts.said:.0f} % before,
            {100 * without:.0f} % after. What it would say instead is right for tired animals, but
            for other ones. *Choose another head of the layer, and come back.*
            """,
            view="without", remove="head", key=None, highlight="picture",
        ),
        Stop(
            f"""
            Head {mood_head} of the same layer looks from [it](#query) at [tired](#key),
            {100 * mood_weight:.0f} %. It was the induction head: in a song it continues, here it
            finds the mood. What is lost with it?
            """,
            view="lines", layer=mood_layer, head=mood_head, key=TIRED,
            ask=Choose(
                ["who it was", "the mood"], 1,
                f"""
                The model then says *{other}*, {100 * other_share:.0f} %: what a scared animal of
                the same family does.
                """,
            ),
        ),
        Stop(
            """
            Both measured: how much of the prediction are words for **tired** animals of any family,
            how much are words for **this** family in any mood. One head brings who, the other
            brings how.
            """,
            chart=Chart(
                ["all heads", f"without {layer}.{head}", f"without {mood_layer}.{mood_head}"],
                {"right mood": facts.of_mood, "right family": facts.of_animal},
                x_title="heads as layer.head: shares of the prediction after “it”", unit="%", top=1,
            ),
        ),
    ]  # fmt: skip


def _weight_or_effect(facts: Measured) -> list[Stop]:
    layer, head = facts.idle
    three = [facts.pronoun, facts.mood, facts.idle]
    words = ["animal", "tired", "tired"]
    street_layer, street_head = facts.street
    return [
        Stop(
            f"""
            One more head looks from [it](#query) at [tired](#key): number {head} of layer {layer},
            with {100 * facts.weight[facts.idle]:.0f} %, more than the one before. How sure of
            *slept* is the model without **it**, in percent?
            """,
            view="lines", layer=layer, head=head, query=IT, key=TIRED,
            ask=Estimate(
                round(100 * facts.without[facts.idle]), within=5, unit="%",
                why="""
                Nothing is missed: what it brings, others bring as well, or nobody reads it here. A
                large weight is no proof of a large effect.
                """,
            ),
        ),
        Stop(
            """
            Three ways to ask what a head does for [it](#query), for three heads. Its **weight**
            says least. The **size** of what it adds is nearer (`weigh="output"`). But only
            **muting** tells what the prediction would be, and only of one head at a time.
            """,
            chart=Chart(
                [f"{at[0]}.{at[1]} at {word}" for at, word in zip(three, words, strict=True)],
                {
                    "weight": [facts.weight[at] for at in three],
                    "size, of the largest": [facts.size[at] for at in three],
                    "“slept” lost when muted": [facts.said - facts.without[at] for at in three],
                },
                x_title="layer.head at the word that it looks at", unit="%", top=1,
            ),
        ),
        Stop(
            f"""
            Does a head own a job? *tired* has become *wide*, so it is the [street](#key) that is
            meant. Now head {street_head} of layer {street_layer} links [it](#query),
            {100 * facts.street_share:.0f} %; muting it takes *stayed* from
            {100 * facts.stayed:.0f} % to {100 * facts.stayed_without_street:.0f} %. The head of
            before still looks there, {100 * facts.pronoun_at_street:.0f} %, but muted it changes
            little: {100 * facts.stayed_without_pronoun:.0f} %.
            """,
            text=TWIN, view="lines", layer=street_layer, head=street_head, query=IT, key=STREET,
        ),
        Stop(
            """
            Now on your own model: `aw.repeated_tokens(model).heads()` finds its induction heads,
            *Without* mutes any of them. The notebook of this lesson asks SmolLM2: it has 270 heads,
            and no single one decides what *it* is.
            """,
            view="grid", measure="previous",
        ),
    ]  # fmt: skip
