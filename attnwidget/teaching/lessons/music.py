"""Lesson 10: relative attention, on melodies that bring back what was played before."""

from __future__ import annotations

from attnwidget import zoo
from attnwidget.explorer import Explorer, explore
from attnwidget.teaching.chart import Chart
from attnwidget.teaching.lessons.music_measured import D4, F4, HIGHER, Measured
from attnwidget.teaching.questions import Choose, Estimate
from attnwidget.teaching.tour import Stop, Tour


def open_lesson() -> Explorer:
    """The bundled melody model, from its notes on a piano roll to what it plays without r."""
    model, tokenizer = zoo.load("melody")
    facts = Measured(model, tokenizer)
    stops = [*_heard(facts), *_found(facts), *_distances(facts), *_without(facts), *_moved(facts)]
    return explore(model, tokenizer, facts.text, tour=Tour(stops, "Music"))


def _heard(facts: Measured) -> list[Stop]:
    said, share = facts.next_note
    return [
        Stop(
            """
            A language model of melodies. Each note, with its length, is **one token**: higher
            notes stand higher, time goes to the right, and a bar line is a token, too. *Play it
            with* `p`*, and watch where each note looks.*
            """,
            view="roll", layer=0, head=facts.before, query=F4 + 1, key=None, highlight="picture",
        ),
        Stop(
            """
            Melodies repeat themselves. *Choose any note:* what is outlined is the passage around
            it, as it comes again elsewhere; dashed where it comes again **transposed**, each note
            the same number of semitones higher or lower.
            """,
            highlight="picture",
        ),
        Stop(
            "The song stops in the middle of its third phrase, at a G4. What comes next?",
            query=21, layer=0, head=facts.before,
            ask=Choose(
                ["D4 D4-, as in the two phrases before", "E4 E4-, two semitones higher"], 1,
                f"""
                The third phrase is the first, moved up by two semitones: what was D4 is E4 now. The
                model says {said}, {100 * share:.0f} %. (It is "Lightly row", and was not among
                what the model learned from.)
                """,
            ),
        ),
    ]  # fmt: skip


def _found(facts: Measured) -> list[Stop]:
    return [
        Stop(
            """
            Go back to the second phrase, to its [F4](#query). The model is about to say what comes
            next. Which note would tell it?
            """,
            query=F4, key=None,
            ask=Choose(
                ["the F4 of the first phrase", "the note after the F4 of the first phrase",
                 "the note before"], 1,
                """
                What came after F4 the first time will do so again. Finding it needs two steps:
                *where was I here before?* and *one further on*.
                """,
            ),
        ),
        Stop(
            f"""
            Head {facts.head} of layer {facts.layer} does just that: {100 * facts.weight:.0f} % of
            its weight lies on [D4](#key). It is an **induction head**, as language models of text
            have them. Over 1,000 motifs that open like none it has learned from, it puts
            {100 * facts.after:.0f} % on the note that came next.
            """,
            layer=facts.layer, head=facts.head, query=F4, key=D4,
        ),
        Stop(
            """
            *Go through the second phrase with ← and →, or play it:* the arc goes along, nearly to
            the end. How many tokens back does it reach from [F4](#query), bar lines counted?
            """,
            key=None,
            ask=Estimate(F4 - D4, within=0, why="""
            A phrase has 8 tokens with its bar lines; what came next is one further on.
            """),
        ),
    ]  # fmt: skip


def _distances(facts: Measured) -> list[Stop]:
    before, following = facts.shares["before"], facts.shares["next"]
    return [
        Stop(
            f"""
            But a [query](#query) is held against [keys](#key), and the key of D4 is made from D4
            alone. How could it tell that an F4 stood before it? By a head of the layer below:
            in head {facts.before} of layer 0 nearly every note looks at the **note before**, and
            takes along what that was.
            """,
            layer=0, head=facts.before, query=D4,
        ),
        Stop(
            r"""
            "Before" is a distance, and attention knows none. This model has no table of places.
            It has one vector $r$ for each **distance**, and a score is

            $$s_{ij} = (q_i \cdot k_j + q_i \cdot r_{i-j}) / \sqrt{d}$$

            what the note is, and how long ago it was, wherever both of them stand.
            """,
            view="positions", encoding="model", highlight="picture",
        ),
        Stop(
            f"""
            Head {facts.before} of layer 0 puts {100 * before[2]:.0f} % on the note before, in the
            mean. If only the first part of the score counted, $q \\cdot k$, how much would it be,
            in percent?
            """,
            view="roll", layer=0, head=facts.before, query=D4,
            ask=Estimate(
                round(100 * before[0]), within=12, unit="%",
                why="""
                Hardly more than chance: the note before may be any note. It is told by distance.
                """,
            ),
        ),
        Stop(
            """
            Both heads, with one part of the score alone. The note before is found by **distance**.
            What came next is found by **content**, as the layer below has written into each note
            which one stood before it. Two simple questions make one clever answer.
            """,
            chart=Chart(
                ["q·k alone", "q·r alone", "both"],
                {
                    f"layer 0, head {facts.before}: on the note before": before,
                    f"layer {facts.layer}, head {facts.head}: from F4 on D4": following,
                },
                y_title="weight", unit="%", top=1,
            ),
        ),
    ]  # fmt: skip


def _without(facts: Measured) -> list[Stop]:
    return [
        Stop(
            f"""
            With $r$, {100 * facts.repeating:.0f} % of 1,000 new motifs come back note by note once
            their first note is given. How many with $r = 0$, in percent?
            """,
            view="roll", layer=facts.layer, head=facts.head, query=F4, key=None,
            ask=Estimate(
                round(100 * facts.unplaced), within=10, unit="%",
                why=f"""
                {100 * facts.unplaced:.1f} %. Of the induction head's weight on what came next,
                {100 * facts.after:.0f} %, {100 * facts.unplaced_after:.0f} % are left.
                """,
            ),
        ),
        Stop(
            """
            Hear it. Here the model was given the first phrase and one note, and wrote the second
            phrase. *Play it:* `p`.
            """,
            text=facts.made, query=F4, highlight="picture",
        ),
        Stop(
            """
            And here it was given the same, with $r = 0$. It still knows which notes are likely,
            but not what came after what. *Play it.*
            """,
            text=facts.unplaced_made, query=10, highlight="picture",
        ),
    ]  # fmt: skip


def _moved(facts: Measured) -> list[Stop]:
    return [
        Stop(
            f"""
            Now all of the song {HIGHER} semitones higher, in a key in which no melody began that
            the model learned from. What will head {facts.head} of layer {facts.layer} look at, from
            the same place in the second phrase?
            """,
            text=facts.text, query=F4, key=None, view="roll", layer=0, head=facts.before,
            ask=Choose(
                ["what came next in the first phrase", "something else"], 0,
                f"""
                It holds notes against notes, and distances stay: {100 * facts.moved_weight:.0f} %,
                after {100 * facts.weight:.0f} %. Not quite as much: each pitch is a vector of its
                own, so the model is relative in **time**, and not in pitch.
                """,
            ),
        ),
        Stop(
            "Here it is: other notes, the same arc. *Play it, then try other heads.*",
            text=facts.moved, query=F4, layer=facts.layer, head=facts.head, highlight="picture",
        ),
        Stop(
            """
            Now your own melody: write it into the text line, as `C4 D4 E4/ F4/ G4 | E4- C4- || C4`,
            and *Run*; the view *Generation* goes on with it. And your own model: the piano
            roll comes with every tokenizer that has `notes(ids)`; the notebook of this lesson
            shows how.
            """,
            text="C4 D4 E4/ F4/ G4 | E4- C4- || C4", query=10, key=None,
        ),
    ]  # fmt: skip
