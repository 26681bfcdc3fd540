"""What a module is called: by the module around it, and by its class."""

from __future__ import annotations

import re

import torch


def names_of(path: str, module: torch.nn.Module) -> tuple[str, str]:
    """The last part of its path, and its class in small letters with underscores."""
    of_class = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(module).__name__).lower()
    return path.rpartition(".")[2], of_class
