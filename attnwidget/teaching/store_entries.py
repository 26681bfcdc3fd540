"""What a reader gives a key-value store, read into plain lists; what cannot be read, in words."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attnwidget.trouble import Trouble

Embed = Callable[[str], Any]
Vectors = list[list[float]]

MOST_ENTRIES = 1000
MOST_PIXELS = 256
PICTURE = "data:image/png;base64,"


def read_keys(given: Any, embed: Embed | None) -> Vectors:
    """Read n vectors of d numbers each."""
    keys = _vectors("keys", given, embed)
    if len(keys) > MOST_ENTRIES:
        raise Trouble(
            f"The store would hold {len(keys)} entries.",
            f"At most {MOST_ENTRIES} can be shown. Give fewer keys and values.",
        )
    return keys


def read_query(given: Any, embed: Embed | None) -> Vectors:
    """Read m vectors of d numbers each, of one vector or several."""
    is_one = texts_in(given) is None and _dims(given) == 1
    return _vectors("query", [given] if is_one else given, embed)


def texts_in(given: Any) -> list[str] | None:
    """The texts, where texts were given for keys or queries."""
    if isinstance(given, str):
        return [given]
    if isinstance(given, Sequence) and given and all(isinstance(item, str) for item in given):
        return list(given)
    return None


def _dims(given: Any) -> int:
    """1 for one vector of numbers, 2 for several; 0 for what is neither."""
    try:
        return int(np.ndim(_plain(given)))
    except (TypeError, ValueError):
        return 0


def _plain(given: Any) -> Any:
    """Tensors as arrays, also in lists; anything else as it is."""
    if hasattr(given, "detach"):
        return given.detach().cpu().double().numpy()
    if isinstance(given, list | tuple):
        return [_plain(item) for item in given]
    return given


def _vectors(name: str, given: Any, embed: Embed | None) -> Vectors:
    texts = texts_in(given)
    if texts is not None:
        given = [_embedded(name, text, embed) for text in texts]
    expected = f"Give {name} as an array of shape ({'n' if name == 'keys' else 'm'}, d)"
    try:
        array = np.asarray(_plain(given), dtype=np.float64)
    except (TypeError, ValueError):
        sizes = _sizes(given)
        raise Trouble(
            f"{name} holds vectors of different sizes, {sizes}."
            if sizes
            else f"{name} is {_short(given)}, which is no list of vectors.",
            f"{expected}, all of one size d.",
        ) from None
    if array.size == 0:
        if array.ndim == 2 and array.shape[0] > 0:
            raise Trouble(f"{name} holds vectors without numbers.", f"{expected} with d ≥ 1.")
        raise Trouble(
            "The store is empty." if name == "keys" else "There is no query.",
            f"{expected} with at least one vector.",
        )
    if array.ndim != 2:
        raise Trouble(f"{name} has the shape {array.shape}.", f"{expected}, also where d is 1.")
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        row, column = bad[0]
        raise Trouble(
            f"{name}[{row}][{column}] is {array[row, column]}.",
            "Every number has to be finite. Correct or leave out that vector.",
        )
    return array.tolist()  # type: ignore[no-any-return]


def _sizes(given: Any) -> str:
    try:
        sizes = sorted({len(item) for item in given})
    except TypeError:
        return ""
    return " and ".join(map(str, sizes[:3])) if len(sizes) > 1 else ""


def _short(given: Any) -> str:
    text = repr(given)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _embedded(name: str, text: str, embed: Embed | None) -> Any:
    if embed is None:
        raise Trouble(
            f"{name} holds the text {text[:40]!r}, and there is no function to embed it.",
            "Give embed=, a function of a text that returns a vector, or give numbers.",
        )
    try:
        return np.asarray(_plain(embed(text)), dtype=np.float64).reshape(-1)
    except Exception as error:
        raise Trouble(
            f"embed({text[:40]!r}) failed: {type(error).__name__}: {error}",
            "It has to take a text and return one vector of numbers.",
        ) from error


def read_values(given: Any, pictures: dict[str, NDArray[np.float64]]) -> list[Any]:
    """Read n numbers, vectors, texts or pictures; pictures become PNG as data URLs.

    `pictures` keeps the pixels (h, w, 3), from 0 to 1, of each URL that was given out.
    """
    if isinstance(given, str) or not hasattr(given, "__len__"):
        raise Trouble(f"values is {_short(given)}.", "Give a list with one value for each key.")
    items = list(given)
    if not items:
        raise Trouble("The store is empty.", "Give at least one value.")
    if all(isinstance(item, str) for item in items):
        return _texts_or_pictures(items, pictures)
    if any(isinstance(item, str) for item in items):
        raise Trouble(
            "values mixes texts with other things.",
            "Give values of one kind: numbers, vectors, texts or pictures.",
        )
    if all(hasattr(item, "convert") for item in items):  # of PIL
        items = [np.asarray(item.convert("RGB")) for item in items]
    try:
        array = np.asarray([_plain(item) for item in items])
        numbers = array.astype(np.float64)
    except (TypeError, ValueError):
        raise Trouble(
            "values holds things of different kinds or sizes.",
            "Give numbers, vectors of one size, texts, or pictures of one size.",
        ) from None
    if not np.isfinite(numbers).all():
        at = int(np.argwhere(~np.isfinite(numbers))[0][0])
        raise Trouble(f"values[{at}] is not finite.", "Every number has to be finite.")
    if numbers.ndim == 1 or (numbers.ndim == 2 and numbers.shape[1] > 0):
        return numbers.tolist()  # type: ignore[no-any-return]
    if numbers.ndim == 3 or (numbers.ndim == 4 and numbers.shape[3] == 3):
        return _pictures(array, pictures)
    raise Trouble(
        f"values has the shape {array.shape}.",
        "Give numbers (n,), vectors (n, dv), texts, or pictures (n, h, w) or (n, h, w, 3).",
    )


def _texts_or_pictures(items: list[str], pictures: dict[str, NDArray[np.float64]]) -> list[Any]:
    shown = [item in pictures for item in items]
    if any(shown) and not all(shown):
        raise Trouble("values mixes pictures with texts.", "Give values of one kind.")
    return items


def _pictures(array: NDArray[Any], pictures: dict[str, NDArray[np.float64]]) -> list[Any]:
    height, width = array.shape[1:3]
    if not 0 < max(height, width) <= MOST_PIXELS or 0 in (height, width):
        raise Trouble(
            f"values holds pictures of {height} × {width} pixels.",
            f"Give pictures of 1 to {MOST_PIXELS} pixels a side. Shrink them first.",
        )
    shares = array / 255.0 if array.dtype.kind in "iu" else array.astype(np.float64)
    if shares.min() < 0 or shares.max() > 1:
        raise Trouble(
            f"The pictures' numbers run from {array.min():.4g} to {array.max():.4g}.",
            "Give whole numbers from 0 to 255, or others from 0 to 1.",
        )
    if shares.ndim == 3:
        shares = np.repeat(shares[..., None], 3, axis=-1)
    urls = []
    for pixels in shares:
        url = PICTURE + base64.b64encode(png(pixels)).decode()
        pictures[url] = pixels
        urls.append(url)
    return urls


def png(pixels: NDArray[np.float64]) -> bytes:
    """A PNG (ISO/IEC 15948) of (h, w, 3) numbers from 0 to 1, 8 bits each."""
    height, width, _ = pixels.shape
    rows = np.rint(pixels * 255).astype(np.uint8).reshape(height, width * 3)
    # Each row begins with the number of its filter: 0, none.
    lines = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1).tobytes()

    def chunk(name: bytes, content: bytes) -> bytes:
        check = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(lines, 9))
        + chunk(b"IEND", b"")
    )


def check_together(
    keys: Vectors, values: list[Any], query: Vectors, names: list[str], query_names: list[str]
) -> None:
    """Raise Trouble where the parts of a store do not go together."""
    again = "To change their number, call store.set_entries(keys, values, names)."
    if len(keys) != len(values):
        raise Trouble(
            f"There are {len(keys)} keys and {len(values)} values.",
            f"Each key needs one value. {again}",
        )
    if len(names) != len(keys):
        raise Trouble(
            f"There are {len(keys)} keys and {len(names)} names.",
            f"Each key needs one name. {again}",
        )
    if len(query[0]) != len(keys[0]):
        raise Trouble(
            f"query has the shape ({len(query)}, {len(query[0])}), "
            f"keys has ({len(keys)}, {len(keys[0])}).",
            "They are compared, so both need the same last size d. Give a query of the keys' size.",
        )
    if query_names and len(query_names) != len(query):
        raise Trouble(
            f"There are {len(query)} queries and {len(query_names)} query_names.",
            "Give one name for each query, or an empty list for none.",
        )
