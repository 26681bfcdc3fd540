"""Lesson 8: patches are tokens; what a vision transformer looks at, and how far."""

from __future__ import annotations

from attnwidget import zoo
from attnwidget.explorer import Explorer, explore
from attnwidget.teaching.lessons.vision_measured import (
    CLASS,
    EIGHT,
    FIRST,
    LAST,
    Measured,
    place,
)
from attnwidget.teaching.questions import Choose, Estimate
from attnwidget.teaching.tour import Stop, Tour


def open_lesson() -> Explorer:
    """The bundled vision transformer on all digits held out, opened at an 8."""
    model, processor = zoo.load("digits-vit")
    hybrid, _ = zoo.load("digits-hybrid")
    facts = Measured(model, hybrid, (zoo.card("digits-vit"), zoo.card("digits-hybrid")))
    stops = [*_cut(facts), *_class_token(facts), *_distances(facts), *_positions(facts), _own()]
    return explore(
        model,
        processor,
        inputs={"pixel_values": facts.pixels},
        tour=Tour(stops, "Vision"),
    )


def _cut(facts: Measured) -> list[Stop]:
    layer, head = LAST
    (one, first), (two, second), *_, (ink, last) = facts.components
    return [
        Stop(
            """
            A transformer has read this handwritten 8. The image of 8 × 8 pixels was cut into
            **patches** of 2 × 2, to be read as a language model reads words; in front of them
            stands a [class token](#query), off which the digit is read. The stronger the blue over
            a patch, the more that token looks at it. How many tokens are there in all?
            """,
            view="image", batch=EIGHT, layer=layer, head=head, query=CLASS, key=None,
            ask=Estimate(17, within=0, why="4 × 4 patches, and the class token."),
        ),
        Stop(
            """
            Here they are, row by row, like the words of a sentence. For attention they are a set:
            that two of them lie side by side in the image, it is not told. *Go through them with ←
            and →.*
            """,
            view="lines", highlight="picture",
        ),
        Stop(
            rf"""
            How does a patch become a vector? A matrix $E \in \mathbb{{R}}^{{64 \times 4}}$, the
            same for all patches, makes 64 numbers of its 4 pixels. Its rows are **filters**, and
            these are the four directions in which they differ: {one} ({100 * first:.0f} %), {two}
            ({100 * second:.0f} %), the diagonals, and last {ink} ({100 * last:.0f} %). **Edges**,
            as in the first layer of a convolutional network.
            """,
            view="filters", highlight="picture",
        ),
    ]  # fmt: skip


def _class_token(facts: Measured) -> list[Stop]:
    (first_layer, first_head), (layer, head) = FIRST, LAST
    (there, share), (here, weight) = facts.first, facts.last
    return [
        Stop(
            f"""
            What does the [class token](#query) look at when it reads an 8? In this head of layer
            {first_layer}: {100 * share:.0f} % at [{place(there)}](#key), on paper with hardly any
            ink. It has not looked at anything before. What of all this depends on the image?
            """,
            view="image", layer=first_layer, head=first_head, key=there,
            ask=Choose(
                ["its query", "the keys it meets", "both"], 1,
                """
                The class token comes in as the same vector, whatever the image shows: so its first
                question is always the same. Only what it meets is different.
                """,
            ),
        ),
        Stop(
            f"""
            A 7, and the same head: {100 * facts.first_of_seven:.0f} % at the same place. It is
            the largest weight for {100 * facts.always:.0f} % of the {facts.blanked} images. *Go
            through some with ‹ and › above.*
            """,
            batch=facts.seven, highlight="picture",
        ),
        Stop(
            f"""
            The 8 again, three layers on. By now the class token has taken in some of the image, and
            so its question is one about **this** image: {100 * weight:.0f} % go to
            [{place(here)}](#key), the left of the lower loop. Put bare paper there: what will the
            model read?
            """,
            batch=EIGHT, layer=layer, head=head, key=here,
            ask=Choose(
                ["still an 8", "a 9", "a 3"], ["8", "9", "3"].index(facts.read[0]),
                f"""
                A {facts.read[0]}, at {100 * facts.read[1]:.0f} %. Of the {facts.eights} eights that
                it reads rightly, {facts.kept} stay eights without this patch.
                """,
            ),
        ),
        Stop(
            f"""
            This is what it was shown: the loop is open, and an eye, too, may take it for a 9. The
            head has lost its hold: the largest weight is {100 * facts.last_blanked:.0f} % now.
            *Look at the other heads with* `[` *and* `]`.
            """,
            batch=facts.blanked, scale="linear", highlight="picture",
        ),
        Stop(
            f"""
            Every patch in turn, at all eights. The more the class token looks at one in the last
            layer, the more are lost when it is blank (rank correlation {facts.agree:.2f}). But the
            {100 * facts.first_of_eights:.0f} % of layer {first_layer} lie where none is lost; ink
            all over that patch loses {facts.eights - facts.inked}. A large weight is no proof:
            change what it looks at, and see.
            """,
            batch=EIGHT, scale="sqrt", chart=facts.looked_at_eights(),
        ),
    ]  # fmt: skip


def _distances(facts: Measured) -> list[Stop]:
    at = facts.vit["selection"]
    layer, head = at["layer"], at["head"]
    vit, hybrid = facts.by_layer(facts.vit), facts.by_layer(facts.hybrid)
    return [
        Stop(
            f"""
            Patches look, too. In this head [{place(at["query"])}](#query) looks
            {100 * facts.vit["weight"]:.0f} % at [the one below](#key). *Go through the patches with
            ← and →.* Were all weights equal, a patch would look {facts.even:.1f} patches far on the
            mean. How far does it look in this head?
            """,
            view="image", batch=facts.seven, **at,
            ask=Estimate(
                round(facts.distance(layer, head), 1), within=0.4, unit="patches",
                why=f"The mean over all patches of {facts.blanked} images.",
            ),
        ),
        Stop(
            f"""
            All heads. Only {facts.vit["strongly_local"]} of 16 looks less than two thirds as far as
            even attention: that one is local, as a convolution is. *Local early, global later*
            holds roughly: {", ".join(f"{far:.1f}" for far in vit)} patches on the mean, by layer.
            """,
            view="distances", highlight="picture",
        ),
        Stop(
            """
            Now a **hybrid**: a small ResNet in front, whose 3 × 3 convolutions look near. Do the
            heads of its layer 0 look nearer than these, or farther?
            """,
            ask=Choose(
                ["nearer", "about as far", "farther"], 2,
                "What is near has been looked at already.",
            ),
        ),
        Stop(
            f"""
            Both models, trained alike. In layer 0 the hybrid's heads look {hybrid[0]:.1f} patches
            far, about as even attention would, the ViT's {vit[0]:.1f}. The count of strongly local
            heads, {facts.vit["strongly_local"]} and {facts.hybrid["strongly_local"]} of 16, is a
            thin proof; these means show it better. Read rightly are
            {100 * facts.vit["accuracy"]:.1f} % and {100 * facts.hybrid["accuracy"]:.1f} %.
            """,
            chart=facts.distances(),
        ),
    ]  # fmt: skip


def _positions(facts: Measured) -> list[Stop]:
    vit, hybrid = facts.vit, facts.hybrid
    patch, features = facts.place_told
    return [
        Stop(
            """
            Nobody told the ViT that its patches make a square. It has 16 learned vectors, one for
            each place, that are added to the patches. Which of them have become alike?
            """,
            view="image", batch=EIGHT, layer=1, head=0, query=11, key=None,
            ask=Choose(
                ["those of places that are near", "all of them", "none: each has its own"], 0,
                f"""
                Roughly: nearness and likeness agree, ranked, at {vit["nearness"]:.2f} of 1.
                """,
            ),
        ),
        Stop(
            f"""
            Each small square belongs to one place and shows how alike it is to all 16: most to
            itself, then to its neighbours. The square of the image has been found again. (In the
            hybrid it has not: {hybrid["nearness"]:.2f}.)
            """,
            view="positions", encoding="model", highlight="picture",
        ),
        Stop(
            f"""
            Zeros in place of these vectors, and the 8 is an 8 no more. Of all images the ViT read
            {100 * vit["accuracy"]:.0f} % rightly. And now?
            """,
            view="without", remove="positions", highlight="picture",
            ask=Estimate(
                round(100 * vit["without_positions"]), within=8, unit="%",
                why="Guessing would make 10 %. A heap of patches is hardly a digit.",
            ),
        ),
        Stop(
            """
            Dealt out in another order, they are no better. And the hybrid, without its position
            vectors: how does it fare?
            """,
            remove="order",
            ask=Choose(
                ["about as badly", "half as well as before", "nearly as well as before"], 2,
                f"""
                {100 * hybrid["without_positions"]:.1f} % instead of {100 * hybrid["accuracy"]:.1f}.
                """,
            ),
        ),
        Stop(
            f"""
            Its convolutions know the place already, from the edges of the image and from all that
            is around. From what they make of a patch its place is guessed rightly at
            {100 * features:.0f} %, from the ViT's patches at {100 * patch:.0f} %, by chance at 6 %.
            What is known need not be learned again.
            """,
            chart=facts.without_positions(),
        ),
    ]  # fmt: skip


def _own() -> Stop:
    return Stop(
        """
        Now on your own model: `aw.explore(model, processor, image)` with any ViT of transformers,
        or, where there is no processor, `tokens=aw.Patches(image, grid=(14, 14), prefix=1)`. In the
        notebook you cut the image yourself, measure how far a head looks, and shuffle the patches.
        """,
        view="image", batch=EIGHT, layer=LAST[0], head=LAST[1], query=CLASS, key=None,
        highlight="picture",
    )  # fmt: skip
