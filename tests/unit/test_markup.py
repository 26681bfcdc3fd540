"""Markdown of stops becomes a tree of harmless elements, formulas become MathML."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnwidget.teaching.markup import _ATTRIBUTES, _MATHML, _TAGS, parse
from attnwidget.trouble import Trouble

ALLOWED = {*_TAGS.values(), *_MATHML, "br", "code", "pre", "span"}


def text_of(nodes: list[Any]) -> str:
    return "".join(n if isinstance(n, str) else text_of(n[2:]) for n in nodes)


def elements(nodes: list[Any]) -> list[Any]:
    own = [node for node in nodes if not isinstance(node, str)]
    return own + [below for node in own for below in elements(node[2:])]


@pytest.mark.parametrize(
    ("written", "nodes"),
    [
        ("Look at **it**.", [["p", {}, "Look at ", ["strong", {}, "it"], "."]]),
        ("a *b*\nc `d`", [["p", {}, "a ", ["em", {}, "b"], " ", "c ", ["code", {}, "d"]]]),
        ("- x\n- y", [["ul", {}, ["li", {}, ["p", {}, "x"]], ["li", {}, ["p", {}, "y"]]]]),
        ("[q](#query)", [["p", {}, ["span", {"of": "query"}, "q"]]]),
        ("# Title", [["h3", {}, "Title"]]),
        ("", []),
    ],
)
def test_markdown_is_read(written: str, nodes: list[Any]) -> None:
    assert parse(written) == nodes


def test_a_formula_is_mathml() -> None:
    [[tag, _, math]] = parse(r"$\frac{q \cdot k}{\sqrt{d}}$")
    assert (tag, math[0], math[1]["display"]) == ("p", "math", "inline")
    assert [e[0] for e in elements([math])].count("mfrac") == 1
    assert text_of([math]) == "q·kd"
    [[_, _, block]] = parse("$$h = X a$$")
    assert block[1]["display"] == "block"


def test_money_and_code_are_no_formulas() -> None:
    for written in ("$5 and $6", "`$x$`", r"5\$ or 6\$"):
        assert not any(e[0] == "math" for e in elements(parse(written))), written


def test_html_links_and_pictures_are_only_texts() -> None:
    nodes = parse('<b onclick="x()">hi</b> [a](http://x.y) ![p](http://x.y/z.png)')
    assert {e[0] for e in elements(nodes)} == {"p"}
    assert text_of(nodes) == '<b onclick="x()">hi</b> a p'


def test_a_formula_that_cannot_be_read_is_told_with_what_was_given() -> None:
    with pytest.raises(Trouble, match=r"formula \$\\frac\{\$ cannot be read.*Write it as LaTeX"):
        parse(r"See $\frac{$ there")


@given(st.text(alphabet=st.sampled_from("ab*_`$<>&[]()#!\\\n -1.{}^"), max_size=60))
def test_whatever_is_written_only_harmless_elements_come(written: str) -> None:
    try:
        nodes = parse(written)
    except Trouble:
        return  # a formula that is none
    for tag, attributes, *_ in elements(nodes):
        assert tag in ALLOWED
        assert set(attributes) <= _ATTRIBUTES | {"of"}
