"""attnwidget: see and step through the attention of any PyTorch transformer, live in Jupyter.

The names below load on first use, so that `import attnwidget` brings neither IPython nor
transformers with it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attnwidget import zoo
    from attnwidget.binding.capture import capture
    from attnwidget.call import AttentionCall
    from attnwidget.explorer import Explorer, explore
    from attnwidget.images.patches import Patches
    from attnwidget.measures.repeated import repeated_tokens
    from attnwidget.teaching.chart import Chart
    from attnwidget.teaching.key_value_store import KeyValueStore
    from attnwidget.teaching.lessons import lesson, lessons
    from attnwidget.teaching.questions import Choose, Estimate
    from attnwidget.teaching.tour import Stop, Tour
    from attnwidget.trace import Trace

__version__ = "0.1.0"

__all__ = [
    "AttentionCall",
    "Chart",
    "Choose",
    "Estimate",
    "Explorer",
    "KeyValueStore",
    "Patches",
    "Stop",
    "Tour",
    "Trace",
    "capture",
    "explore",
    "lesson",
    "lessons",
    "repeated_tokens",
    "zoo",
]

_HOMES = {
    "AttentionCall": "attnwidget.call",
    "Chart": "attnwidget.teaching.chart",
    "Choose": "attnwidget.teaching.questions",
    "Estimate": "attnwidget.teaching.questions",
    "Explorer": "attnwidget.explorer",
    "KeyValueStore": "attnwidget.teaching.key_value_store",
    "Patches": "attnwidget.images.patches",
    "Stop": "attnwidget.teaching.tour",
    "Tour": "attnwidget.teaching.tour",
    "Trace": "attnwidget.trace",
    "capture": "attnwidget.binding.capture",
    "explore": "attnwidget.explorer",
    "lesson": "attnwidget.teaching.lessons",
    "lessons": "attnwidget.teaching.lessons",
    "repeated_tokens": "attnwidget.measures.repeated",
}


def __getattr__(name: str) -> object:
    if name == "zoo":
        return import_module("attnwidget.zoo")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'attnwidget' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
