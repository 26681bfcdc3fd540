"""The notebook on speech runs from top to bottom, and finds out when each word was said."""

from __future__ import annotations

import os
import re
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "notebooks"


def test_the_words_come_one_after_the_other() -> None:
    path = FOLDER / "04-speech.ipynb"
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")
    client = NotebookClient(notebook, timeout=240, kernel_name="python3")
    client.execute(env={**os.environ, **nowhere, "HF_HUB_OFFLINE": "1"}, cwd=str(FOLDER))
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    assert any("application/vnd.jupyter.widget-view+json" in o.get("data", {}) for o in outputs)
    said = re.findall(r"(\d\.\d\d) s  (\S+)", "".join(o.get("text", "") for o in outputs))
    words = [word for _, word in said]
    assert words[:6] == ["It", "was", "the", "best", "of", "times"]
    times = [float(time) for time, word in said if word.isalpha()]
    assert times == sorted(times)
