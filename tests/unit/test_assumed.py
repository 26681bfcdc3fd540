"""What the kernel assumes a page will want is what the page does want, key by key."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

import attnwidget as aw
from attnwidget.assumed import wants_of_page
from tests.record_messages import FOLDER, explorer
from tests.unit.test_explorer import listen
from tests.unit.test_session import Tiny

PAGE = json.loads((FOLDER / "page.json").read_text())
# The traits with which the page was recorded at its beginning: js/tests/recorded.test.js.
RECORDED = {"layer": 1, "head": 2, "query": 3, "key": 0}


def wants_by_key(wants: Any) -> dict[str, Any]:
    """As they go over the wire, without what is only fetched ahead."""
    plain = json.loads(json.dumps(list(wants)))
    return {want["key"]: want for want in plain if not want.get("prefetch")}


def test_it_is_what_the_page_was_recorded_to_want() -> None:
    ex = explorer()
    for name, value in RECORDED.items():
        setattr(ex, name, value)
    snapshot = ex._session.snapshot
    assert snapshot is not None
    assumed = wants_by_key(wants_of_page(snapshot, ex))
    recorded = [wants_by_key(message["wants"]) for message in PAGE]
    assert assumed in recorded, "js/src/wants.js and attnwidget/assumed.py have drifted apart"
    ex.close()


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"words": True, "hide": ["special", "first"]}, "model| 0 words first special"),
        ({"heads": [0, 2]}, "tile| 0 |1.0 all,all 2048x2048"),
        ({"heads": [0, 2], "mean": True}, "tile| 0 |1.0+1.2 all,all 2048x2048"),
        ({"view": "grid"}, "overview| 0 |48"),
        ({"view": "scaling"}, "scaling| 0 |1.2"),
        ({"view": "order", "words": True}, "order| 0 |1.2"),
        ({"view": "order", "words": True}, "model| 0 "),
        ({"view": "generation", "words": True}, "generation| 0 |1.2"),
        ({"view": "shapes"}, "shapes| 0 |1"),
        ({"view": "block", "words": True}, "block| 0 words"),
        ({"view": "roll", "words": True}, "roll| 0 words"),
        ({"view": "steps", "query": 3, "words": True}, "steps| 0 |1.2 3"),
        ({"view": "steps", "query": 3, "words": True}, "model| 0 "),
        ({"view": "positions", "words": True}, "positions| 0 "),
        ({"view": "distances", "words": True}, "distances| 0 "),
        ({"view": "filters"}, "filters| 0 "),
        ({"view": "image", "words": True}, "image| 0 words"),
        ({"view": "image", "query": 3}, "patch_rows| 0 |1 from 3"),
        ({"view": "image", "key": 2, "direction": "to"}, "patch_rows| 0 |1 to 2"),
        ({"view": "without", "query": 3, "words": True}, "without| 0 |1.2 3"),
        ({"view": "without", "query": 3, "words": True}, "model| 0 "),
        ({"view": "without", "query": 3, "remove": "order"}, "without| 0 |order 3"),
        ({"measure": "entropy", "words": True}, "heads| 0 |text"),
        ({"measure": "induction", "words": True}, "heads| 0 |repeated"),
    ],
)
def test_it_follows_the_selection(changed: dict[str, Any], key: str) -> None:
    ex = explorer()
    ex.layer, ex.head = 1, 2
    for name, value in changed.items():
        setattr(ex, name, value)
    snapshot = ex._session.snapshot
    assert snapshot is not None
    assert key in wants_by_key(wants_of_page(snapshot, ex))
    ex.close()


def test_a_page_that_could_not_be_heard_is_sent_what_it_will_want() -> None:
    """ "Run all": the widget is displayed, and the training cell begins at once."""
    import torch

    async def cells() -> list[str]:
        model = Tiny()
        ex = aw.explore(model)
        sent = listen(ex)
        model(torch.tensor([[1, 2, 3]]))
        assert sent == [], "not on any page"
        ex._repr_mimebundle_()
        model(torch.tensor([[1, 2, 3]]))
        ex.close()
        return [content["kind"] for content, _ in sent if content["type"] == "picture"]

    kinds = asyncio.run(cells())
    assert kinds[:2] == ["model", "tile"]
    assert "overview" in kinds
