"""Markdown with formulas, as a tree that the page can draw: no HTML ever goes through it."""

from __future__ import annotations

import html
import inspect
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

from latex2mathml.converter import convert_to_element
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from mdit_py_plugins.dollarmath import dollarmath_plugin

from attnwidget.trouble import Trouble

# A text, or [tag, attributes, *children].
Node = str | list[Any]

_TAGS = {
    "paragraph": "p",
    "heading": "h3",
    "strong": "strong",
    "em": "em",
    "bullet_list": "ul",
    "ordered_list": "ol",
    "list_item": "li",
    "blockquote": "blockquote",
}
# [query](#query) is written in the colour that queries have everywhere.
_COLOURED = {"#query": "query", "#key": "key", "#value": "value"}
_MATHML = frozenset(
    "math mrow mi mo mn mtext mspace mstyle mfrac msqrt mroot msup msub msubsup mover munder"
    " munderover mtable mtr mtd mpadded mphantom".split()
)
_ATTRIBUTES = frozenset("display stretchy mathvariant columnalign width fence accent".split())


def parse(text: str) -> list[Node]:
    r"""Read Markdown (CommonMark, without HTML, pictures and links) with formulas between ``$``.

    ``[query](#query)``, and so for key and value, is written in the colour of queries.

    Parameters
    ----------
    text : str
        Such as ``"Look at **it**: $\frac{q \cdot k}{\sqrt{d}}$"``; may be indented as
        docstrings are.

    Returns
    -------
    list of nodes
        A node is a text, or a list of tag, attributes and children; tags are those of HTML and
        MathML that carry text and formulas, and nothing that could load or run anything.

    Raises
    ------
    Trouble
        If a formula cannot be read.
    """
    markdown = MarkdownIt("commonmark").disable(["html_block", "html_inline"])
    # As Pandoc reads dollars, so that "$5 and $6" is money.
    markdown.use(dollarmath_plugin, allow_space=False, allow_digits=False)
    return _nodes(SyntaxTreeNode(markdown.parse(inspect.cleandoc(text))))


def _nodes(parent: SyntaxTreeNode) -> list[Node]:
    return [node for child in parent.children for node in _read(child)]


def _read(node: SyntaxTreeNode) -> Iterator[Node]:
    if node.type in ("text", "text_special"):
        yield node.content
    elif node.type == "softbreak":
        yield " "
    elif node.type == "hardbreak":
        yield ["br", {}]
    elif node.type == "code_inline":
        yield ["code", {}, node.content]
    elif node.type in ("code_block", "fence"):
        yield ["pre", {}, node.content.rstrip("\n")]
    elif node.type == "math_inline":
        yield _formula(node.content, "inline")
    elif node.type == "math_block":
        yield ["p", {}, _formula(node.content, "block")]
    elif node.type in _TAGS:
        yield [_TAGS[node.type], {}, *_nodes(node)]
    elif node.type == "link" and node.attrs.get("href") in _COLOURED:
        yield ["span", {"of": _COLOURED[str(node.attrs["href"])]}, *_nodes(node)]
    else:  # other links, and pictures, are their texts
        yield from _nodes(node)


def _formula(source: str, display: str) -> Node:
    try:
        root = convert_to_element(source, display=display)
    except Exception as problem:  # whatever the library makes of a mistake
        raise Trouble(
            f"The formula ${source}$ cannot be read ({type(problem).__name__}).",
            r"Write it as LaTeX does: $\frac{q \cdot k}{\sqrt{d}}$.",
        ) from problem
    return _mathml(root)


def _mathml(element: ET.Element) -> list[Any]:
    tag = element.tag.rpartition("}")[2]
    text = html.unescape(element.text or "")  # the library writes signs by their numbers
    children: list[Node] = [text] if text.strip() else []
    children += [_mathml(child) for child in element]
    attributes = {n: v for n, v in element.attrib.items() if n in _ATTRIBUTES}
    return [tag if tag in _MATHML else "mrow", attributes, *children]
