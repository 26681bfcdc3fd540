"""Record tours as the page is sent them: ``python -m tests.record_tours``.

pytest checks that the kernel still sends this, vitest leads a reader through it, and so does the
page in js/dev.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attnwidget as aw

FOLDER = Path(__file__).parent / "fixtures" / "tours"

# As the page of js/dev shows it, so that its stops need no other pass.
TEXT = "The animal didn't cross the street because it was too tired , so it slept ."


def of_explorer() -> list[aw.Stop]:
    """Every kind of stop in an explorer."""
    return [
        aw.Stop("The word **it** could mean two things. The [query](#query) of *it* knows which.",
                layer=2, head=2, query=14, key=None, view="lines"),
        aw.Stop("Which word does it look at?", highlight="heads", view="text",
                ask=aw.Choose(["street", "animal", "the $n$-th word"], 1, "It slept.")),
        aw.Stop("The weight is $a_i = \\frac{e^{s_i}}{\\sum_j e^{s_j}}$. How much, in percent?",
                view="matrix", ask=aw.Estimate(98.5, within=5, unit="%", why="Nearly all.")),
        aw.Stop("Another layer.\n\n- a list\n- of `two`", layer=0, highlight="picture"),
        aw.Stop("Another text.", text="The dog slept because it was tired .", query="it"),
    ]  # fmt: skip


def of_store() -> list[aw.Stop]:
    """Every kind of stop in a key-value store."""
    return [
        aw.Stop("A [query](#query) is held against every [key](#key).", step="scores"),
        aw.Stop("Three numbers now.", screen="numbers", step="blend", highlight="table"),
        aw.Stop("Hard.", beta=float("inf"), highlight="beta"),
        aw.Stop(
            "Your own.", keys=[[1, 0], [0, 1]], values=[1, 2], query=[[1, 1]], names=["x", "y"]
        ),
    ]


def record() -> dict[str, Any]:
    """The trait `tour` of both widgets."""
    ex = aw.explore(text=TEXT)
    ex.tour = aw.Tour(of_explorer(), title="Who is it?")
    store = aw.KeyValueStore(tour=of_store())
    made = {"explorer": ex.get_state("tour")["tour"], "store": store.get_state(["tour"])["tour"]}
    ex.close()
    store.close()
    return made


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, tour in record().items():
        (FOLDER / f"{name}.json").write_text(json.dumps(tour, indent=1) + "\n")
