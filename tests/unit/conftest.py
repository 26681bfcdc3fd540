"""Every file begins with nothing bound, whatever explorers the files before left open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from attnwidget.binding import bound


@pytest.fixture(autouse=True, scope="module")
def nothing_is_bound() -> Iterator[None]:
    yield
    for binding in list(bound._bindings):
        binding.detach()
