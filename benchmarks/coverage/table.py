"""docs/coverage.md: what is captured of each model type."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Any

import torch
import transformers

from benchmarks.coverage.judged import VERDICTS

HEAD = ("model", "class", "calls", "own maps found", "error", "W @ V", "verdict")
MEANING = {
    "exact": "every map the model reports was found within 1e-5 or, where it reports none, every "
    "call's weights times its values give its output within 1e-5",
    "exact by W@V": "the model reports other maps than it computed with; the weights captured, "
    "times the values, give its output within 1e-5",
    "explained": "a call's weights could not be confirmed, and its note says so",
    "no attention": "no call was seen, and the model reports no weights",
    "missed": "the model reports weights that were not seen",
    "differs": "the output under capture is not the same",
    "failed": "an exception, no end within a minute, or a crash",
    "not built": "the model could not be made or run by itself",
}
INTRODUCTION = (
    "`python -m benchmarks.coverage docs/coverage.md` makes this page. Each model type of "
    "transformers is built tiny from its default config, with random weights, and run with and "
    "without capture. The maps found are compared with those the model reports itself under eager "
    "attention (`error`), and each call's weights times its values with the output the model "
    "computed (`W @ V`, relative). Hand-written models and torch.nn follow as `plain`."
)
LONGEST_NOTE = 110


def page(records: list[dict[str, Any]]) -> str:
    """Markdown of the whole page."""
    judged = [r for r in records if r["verdict"] != "not built"]
    left = [r for r in records if r["verdict"] == "not built"]
    identical = sum(bool(r["identical"]) for r in judged)
    same = f"Output with capture identical to the last bit: {identical} of {len(judged)}."
    versions = (
        f"Python {platform.python_version()}, torch {torch.__version__}, "
        f"transformers {transformers.__version__}"
    )
    return "\n".join(
        [
            "# Which models are captured",
            "",
            INTRODUCTION,
            "",
            f"{date.today()}, {versions}. {same}",
            "",
            *_totals(records),
            "",
            "## What was seen",
            "",
            *_rows(HEAD, [_cells(record) for record in judged]),
            "",
            "## What could not be made or run",
            "",
            *_rows(("model", "reason"), [(r["name"], _plain(r["why"])) for r in left]),
            "",
        ]
    )


def _totals(records: list[dict[str, Any]]) -> list[str]:
    counts = Counter(record["verdict"] for record in records)
    rows = [(v, str(counts[v]), MEANING[v]) for v in VERDICTS if counts[v]]
    return _rows(("verdict", "models", "meaning"), rows)


def _cells(record: dict[str, Any]) -> tuple[str, ...]:
    calls = ", ".join(f"{count} {source}" for source, count in record["sources"].items())
    maps = f"{record['matched']} of {record['reported']}" if record["reported"] else ""
    note = _plain(record["why"])
    return (
        record["name"],
        record["model_class"],
        calls or "0",
        maps,
        _number(record["own_error"]),
        _number(record["check"]),
        f"{record['verdict']}: {note}" if note else record["verdict"],
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.0e}"


def _plain(text: str) -> str:
    text = text.replace("|", "/").replace("<", "(").replace(">", ")")
    return text if len(text) <= LONGEST_NOTE else f"{text[:LONGEST_NOTE].rsplit(' ', 1)[0]} …"


def _rows(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [head, tuple("---" for _ in head), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]
