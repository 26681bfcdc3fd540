"""Objects that contain a model and its tokenizer: pipelines and sentence encoders."""

from __future__ import annotations

from typing import Any

import torch


def unwrapped(given: Any, tokenizer: Any = None) -> tuple[Any, Any]:
    """Return the model and the tokenizer inside `given`; anything else as it is.

    Known by what they have, so that neither library needs to be there: a ``transformers.pipeline``
    has ``model``, ``task`` and ``tokenizer``; the first part of a ``SentenceTransformer`` has the
    transformers model as ``auto_model``.

    Parameters
    ----------
    tokenizer : optional
        Given beside it; goes before the one inside.
    """
    model = given
    if isinstance(given, torch.nn.Module):
        model = getattr(next(given.children(), None), "auto_model", None)
    elif not isinstance(given, type) and hasattr(given, "task"):
        model = getattr(given, "model", None)
    if model is given or not isinstance(model, torch.nn.Module):
        return given, tokenizer
    inside = (getattr(given, name, None) for name in ("processor", "tokenizer", "image_processor"))
    readers = (reader for reader in (tokenizer, *inside) if reader is not None)
    return model, next(readers, None)
