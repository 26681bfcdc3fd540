"""Write docs/measures.md from the docstrings of the measures: ``python -m tests.record_measures``.

pytest checks that the page is what this makes. The numbers in it are measured here.
"""

from __future__ import annotations

import inspect
from pathlib import Path

import attnwidget as aw
from attnwidget.measures import MEASURES, measure

PAGE = Path(__file__).parent.parent / "docs" / "measures.md"

OPENING = """\
# Measures of heads

<!-- Made by `python -m tests.record_measures` from the docstrings in attnwidget/measures. -->

```python
import attnwidget as aw

with aw.capture(model) as trace:
    model(**inputs)
trace.heads()  # a row for each head, a column for each measure
trace.heads().sort_by("induction")[:5]  # the largest first
aw.repeated_tokens(model).heads()  # the same on random tokens said twice
```

In the widget it is "Colour by" in the view "grid", or `ex.measure = "induction"`, `ex.sort = True`.
"""


def page() -> str:
    """The whole page as Markdown."""
    parts = [OPENING, "## How they are taken\n", _rules(), "## The measures\n"]
    for one in MEASURES.values():
        unit = f" In {one.unit}." if one.unit in ("nats", "tokens") else ""
        parts.append(f"### `{one.name}`: {one.title.lower()}\n")
        parts.append(f"What it says: {one.said}.{unit}\n")
        formula, *rest = inspect.cleandoc(one.definition).split("\n\n")
        parts.append(f"> {_line(formula)}\n")
        parts += [f"{_line(text)}\n" for text in rest]
    parts += ["## The bundled model\n", _example()]
    return "\n".join(parts).rstrip() + "\n"


def _line(text: str) -> str:
    return " ".join(text.split())


def _rules() -> str:
    """What the module says that all measures share; its definition list as paragraphs."""
    said = []
    for paragraph in inspect.cleandoc(measure.__doc__ or "").split("\n\n")[1:]:
        head, *body = paragraph.split("\n")
        is_term = bool(body) and body[0].startswith("    ")
        said.append(f"**{head}.** {_line(' '.join(body))}" if is_term else _line(paragraph))
    return "\n\n".join(said) + "\n"


def _example() -> str:
    model, tokenizer = aw.zoo.load("stories")
    words = [i for i, word in enumerate(tokenizer.vocabulary) if word.isalpha()]
    trace = aw.repeated_tokens(model, start=tokenizer.ids["<s>"], among=words)
    names = ["induction", "duplicate", "previous", "entropy"]
    table = trace.heads(measures=names).sort_by("induction")
    lines = [
        "`aw.repeated_tokens` on the words of `stories`, the start mark in front:",
        "",
        f"| layer | head | {' | '.join(names)} |",
        f"|---:|---:|{'---:|' * len(names)}",
    ]
    for row in table:
        numbers = " | ".join(f"{getattr(row, name):.2f}" for name in names)
        lines.append(f"| {row.layer} | {row.head} | {numbers} |")
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page())
