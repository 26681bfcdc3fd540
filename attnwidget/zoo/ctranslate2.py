"""Reading the weights of a CTranslate2 model file (model.bin), without CTranslate2.

The layout, all numbers little-endian: version, name and revision of the kind of model; the number
of tensors, and for each its name, shape, dtype and bytes; then names that stand for others. A name
is its length and so many bytes, the last of them zero.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

VERSION = 6
DTYPES = {0: torch.float32, 1: torch.int8, 2: torch.int16, 3: torch.int32, 4: torch.float16}


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a model file by name, in the dtypes they have there.

    Raises
    ------
    ValueError
        If the file is of another version, or ends too early.
    """
    with path.open("rb") as file:
        version = _number(file, "<I")
        if version != VERSION:
            raise ValueError(f"{path.name} has version {version} of its format; {VERSION} is read.")
        _name(file)  # of the kind of model
        _number(file, "<I")
        tensors = {}
        for _ in range(_number(file, "<I")):
            name = _name(file)
            shape = [_number(file, "<I") for _ in range(_number(file, "<B"))]
            dtype = DTYPES[_number(file, "<B")]
            data = bytearray(_bytes(file, _number(file, "<I")))
            tensors[name] = torch.frombuffer(data, dtype=dtype).reshape(shape)
        for _ in range(_number(file, "<I")):
            alias = _name(file)
            tensors[alias] = tensors[_name(file)]
    return tensors


def _bytes(file: BinaryIO, count: int) -> bytes:
    found = file.read(count)
    if len(found) < count:
        raise ValueError(f"{file.name} ends {count - len(found)} bytes too early.")
    return found


def _number(file: BinaryIO, form: str) -> int:
    (number,) = struct.unpack(form, _bytes(file, struct.calcsize(form)))
    return int(number)


def _name(file: BinaryIO) -> str:
    return _bytes(file, _number(file, "<H")).rstrip(b"\0").decode()
