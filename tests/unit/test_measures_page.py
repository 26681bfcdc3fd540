"""docs/measures.md is what the docstrings say, and what the bundled model does."""

from __future__ import annotations

from attnwidget.measures import MEASURES
from tests.record_measures import PAGE, page


def test_the_page_is_made_from_the_docstrings() -> None:
    made = page()
    assert PAGE.read_text() == made, "python -m tests.record_measures"
    for one in MEASURES.values():
        assert f"### `{one.name}`" in made
