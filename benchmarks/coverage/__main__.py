"""``python -m benchmarks.coverage``: see what is captured of each model type.

``python -m benchmarks.coverage bert t5`` looks at these alone; ``--jobs 2`` at two at a time;
a name that ends in ``.md`` is where the table goes, and one that ends in ``.jsonl`` the details.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from benchmarks.coverage.judge import OTHERS
from benchmarks.coverage.sweep import sweep
from benchmarks.coverage.table import page


def main() -> None:
    words = sys.argv[1:]
    jobs = 1
    if "--jobs" in words:
        at = words.index("--jobs")
        jobs = int(words[at + 1])
        del words[at : at + 2]
    files = [Path(word) for word in words if word.endswith((".md", ".jsonl"))]
    names = [word for word in words if not word.endswith((".md", ".jsonl"))]
    unknown = set(names) - {*CONFIG_MAPPING, *OTHERS}
    if unknown:
        sys.exit(f"unknown: {', '.join(sorted(unknown))}")
    records = sweep(names or [*CONFIG_MAPPING, *OTHERS], jobs)
    for file in files:
        if file.suffix == ".jsonl":
            file.write_text("".join(json.dumps(record) + "\n" for record in records))
        else:
            file.write_text(page(records))


if __name__ == "__main__":
    main()
