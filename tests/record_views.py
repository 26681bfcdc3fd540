"""Record what the views that have a picture of their own are sent, from the bundled model.

``python -m tests.record_views`` writes tests/fixtures/views anew, a file for each kind of picture.
pytest checks that the kernel still sends this, vitest draws it, and so does the page in js/dev.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import attnwidget as aw
from attnwidget.zoo.words import WordTokenizer
from tests.unit.images import a_picture, of_kind, processor, vit
from tests.unit.test_generate import language_model

FOLDER = Path(__file__).parent / "fixtures" / "views"

PLACE = {"stack": "", "batch": 0,
         "reading": {"words": False, "hide": [], "renormalise": False, "pair": None}}  # fmt: skip
IT, LAYER, HEAD = 14, 2, 2  # where the bundled model finds the animal
WANTS: list[dict[str, Any]] = [
    {"kind": "block", **PLACE},
    {"kind": "steps", **PLACE, "heads": [[LAYER, HEAD]], "query": IT, "keys": None},
    {"kind": "order", **PLACE, "heads": [[LAYER, HEAD]]},
    {"kind": "shapes", **PLACE, "layer": LAYER},
    {"kind": "scaling", **PLACE, "heads": [[LAYER, HEAD]]},
    {"kind": "positions", **PLACE},
    *(
        {"kind": "without", **PLACE, "heads": [[LAYER, HEAD]], "at": IT, "what": what}
        for what in ("head", "positions", "order")
    ),
    {"kind": "scaling", **PLACE, "heads": [[0, 0]]},
    *(
        {"kind": "heads", "stack": "", "batch": 0, "repeated": repeated}
        for repeated in (False, True)
    ),
]


# What the bundled model writes into a refrain, and the head that copies it from its first line.
REFRAIN, NEW = "Song: old dog new cat red sun. old dog", 9
WORDS = """the red house is far away from here and we see it la maison rouge est loin d ici et nous
    voyons un chat noir dans jardin il dort bien sous grand arbre vert mais elle chante avec moi"""
# Of tiny models that read a picture: a vision transformer, and one with windows.
WANTS_OF_IMAGES: list[dict[str, Any]] = [
    {"kind": "image", **PLACE},
    {"kind": "patch_rows", **PLACE, "layer": 1, "direction": "from", "at": 0},
    {"kind": "distances", **PLACE},
]

# About to write "rouge", which stands behind its noun in French.
TRANSLATED = "the small red house that she sees is old ."
WANTS_OF_JOINED: list[dict[str, Any]] = [
    {"kind": "joined", "batch": 0, "at": at, "source": source, "encoder": None, "decoder": None,
     "cross": [[1, 0]]}
    for at, source in ((3, None), (10, None), (3, 2))
]  # fmt: skip


def record() -> dict[str, list[dict[str, Any]]]:
    """By kind: wants, each with the message that answers it, its buffers in base64."""
    by_kind = recorded(aw.explore(), WANTS)
    by_kind["generation"] = []
    for writing, head, how in (
        (aw.explore(text=REFRAIN), [2, 0], {}),
        (untrained_translator(), [1, 1], {"do_sample": True, "seed": 1, "min_new_tokens": NEW}),
    ):
        writing.generate(NEW, **how)
        wants = [{"kind": "generation", **PLACE, "heads": [head]}]
        by_kind["generation"] += recorded(writing, wants)["generation"]
    translating = aw.explore(*aw.zoo.load("translator"), TRANSLATED)
    by_kind |= recorded(translating, WANTS_OF_JOINED)
    small = vit(image_size=96, patch_size=16, num_hidden_layers=3, num_attention_heads=4)
    by_kind |= recorded(aw.explore(small, processor(96), a_picture()), WANTS_OF_IMAGES)
    with_windows = aw.explore(of_kind("Swin"), processor(), a_picture(), batch=5)
    place = {**PLACE, "batch": 5}
    by_kind["image"] += recorded(with_windows, [{"kind": "image", **place}])["image"]
    melody = aw.explore(*aw.zoo.load("melody"), aw.zoo.card("melody")["text"])
    by_kind |= recorded(melody, [{"kind": "roll", **PLACE}])
    smaller = aw.explore(vit(), processor(), a_picture())
    return by_kind | recorded(smaller, [{"kind": "filters", **PLACE}])


def untrained_translator() -> aw.Explorer:
    """An encoder–decoder of random weights, and so of random words."""
    model = language_model("bart")
    tokenizer = WordTokenizer(["<s>", "<unk>", *WORDS.split()], start="")
    return aw.explore(model, tokenizer, "the red house is far away")


def recorded(ex: aw.Explorer, wants: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """What is sent for these wants."""
    sent: list[tuple[dict[str, Any], list[bytes]]] = []

    def keep(content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        if content["type"] == "picture" and not content["coarse"]:
            sent.append((content, buffers or []))

    ex.send = keep  # type: ignore[method-assign]
    listed = [{"key": f"{number}", **want} for number, want in enumerate(wants)]
    ex._handle_custom_msg({"type": "wants", "view": "recorded", "wants": listed}, [])
    ex.close()
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for content, buffers in sent:
        want = wants[int(content["key"])]
        texts = [base64.b64encode(buffer).decode() for buffer in buffers]
        made = {"want": want, "content": content, "buffers": texts}
        by_kind.setdefault(want["kind"], []).append(made)
    return by_kind


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for kind, made in record().items():
        (FOLDER / f"{kind}.json").write_text(json.dumps(made, indent=1) + "\n")
