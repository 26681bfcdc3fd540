"""What a tokenizer of any make tells of token ids: their pieces, its marks, places in the text.

Tokenizers are foreign code and come in all makes: every question may go unanswered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

# What tokenizers give for an id: letters, or the bytes themselves; None if nothing.
Piece = str | bytes | None

# Methods that give pieces, and whether they take a list of ids. The last two are those of
# sentencepiece and tiktoken.
_PIECES = (
    ("convert_ids_to_tokens", True),
    ("id_to_token", False),
    ("id_to_piece", True),
    ("decode_tokens_bytes", True),
)
_UNKNOWN = re.compile(r"\W+unk(nown)?\W+", re.IGNORECASE)


def ask(function: Any, *args: Any, **kwargs: Any) -> Any:
    """What foreign code answers; None if it raises, as no label is worth an exception."""
    try:
        return function(*args, **kwargs)
    except Exception:
        return None


def get(owner: Any, name: str) -> Any:
    """An attribute of a foreign object; None if there is none or reading it raises."""
    return ask(getattr, owner, name)


def backend_of(tokenizer: Any) -> Any:
    """The tokenizers.Tokenizer that works inside, or None."""
    for backend in (get(tokenizer, "backend_tokenizer"), tokenizer):
        if callable(get(backend, "id_to_token")) and ask(hasattr, backend, "pre_tokenizer"):
            return backend
    return None


def well_formed(text: str) -> str:
    """`text`, with U+FFFD for lone surrogates, which no message can carry."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def pieces_of(tokenizer: Any, ids: Sequence[int]) -> list[Piece] | None:
    """What each id stands for as the vocabulary spells it; None if the tokenizer tells of none."""
    for name, takes_lists in _PIECES:
        method = get(tokenizer, name)
        if not callable(method):
            continue
        pieces = _of_all(method, ids) if takes_lists else None
        if pieces is None:  # one bad id must not take the others' texts away
            pieces = [_of_one(method, i, takes_lists) for i in ids]
        if any(piece is not None for piece in pieces):
            return pieces
    return None


def _of_all(method: Callable[..., Any], ids: Sequence[int]) -> list[Piece] | None:
    found = ask(method, list(ids))
    if not isinstance(found, list | tuple) or len(found) != len(ids):
        return None
    return [_clean(piece) for piece in found]


def _of_one(method: Callable[..., Any], token_id: int, takes_lists: bool) -> Piece:
    found = ask(method, [token_id] if takes_lists else token_id)
    if takes_lists:
        found = found[0] if isinstance(found, list | tuple) and len(found) == 1 else None
    return _clean(found)


def _clean(piece: Any) -> Piece:
    if piece is None or isinstance(piece, bytes):
        return piece
    return well_formed(str(piece))


def decoded(tokenizer: Any, ids: Sequence[int]) -> str | None:
    """The text of ids as the tokenizer decodes it, or None."""
    text = ask(get(tokenizer, "decode"), list(ids))
    return well_formed(text) if isinstance(text, str) else None


@dataclass(frozen=True)
class Marks:
    """Ids that are no text.

    Attributes
    ----------
    special : frozenset of int
        What the tokenizer itself calls special, less the unknown word. Empty if it does not tell.
    unknown : frozenset of int
        Ids that stand for a word which the vocabulary lacks.
    added : frozenset of int
        Ids whose piece is written as it is, in no spelling.
    padding : int or None
        The id that fills up a batch, if it means nothing else.
    """

    special: frozenset[int]
    unknown: frozenset[int]
    added: frozenset[int]
    padding: int | None


def marks_of(tokenizer: Any) -> Marks:
    """Which ids the tokenizer says are marks."""
    backend = backend_of(tokenizer)
    id_of = get(backend, "token_to_id")
    added = _added(tokenizer)
    roles = {
        name: _number(get(tokenizer, f"{name}_token_id"))
        for name in ("bos", "eos", "cls", "sep", "mask", "pad")
    }
    unknown = {
        _number(get(tokenizer, "unk_token_id")),
        _number(ask(id_of, get(get(backend, "model"), "unk_token"))),
    }
    unknown -= set(roles.values())  # GPT-2 has one id for all of them: a mark, no word
    unknown |= {i for i, token in added.items() if looks_unknown(get(token, "content"))}
    names = ask(list, get(tokenizer, "special_tokens_set")) or ()  # tiktoken
    special = [
        *(i for i, token in added.items() if get(token, "special")),
        *(ask(list, get(tokenizer, "all_special_ids")) or ()),
        *(ask(get(tokenizer, "encode_single_token"), name) for name in names),
    ]
    pad = roles.pop("pad")
    if pad is None:
        pad = _number(ask(id_of, ask(lambda: backend.padding["pad_token"])))
    return Marks(
        frozenset(i for i in map(_number, special) if i is not None and i not in unknown),
        frozenset(i for i in unknown if i is not None),
        frozenset(added),
        None if pad in roles.values() or pad in unknown else pad,
    )


def looks_unknown(piece: Any) -> bool:
    """Whether a piece is named like the one for words that the vocabulary lacks: ``[UNK]``."""
    return isinstance(piece, str) and _UNKNOWN.fullmatch(piece) is not None


def _added(tokenizer: Any) -> dict[int, Any]:
    added = ask(get(tokenizer, "get_added_tokens_decoder"))  # tokenizers
    if added is None:
        added = get(tokenizer, "added_tokens_decoder")  # transformers
    items = ask(lambda: list(added.items())) or ()
    return {i: token for i, token in items if isinstance(i, int)}


def _number(token_id: Any) -> int | None:
    return token_id if isinstance(token_id, int) else None


@dataclass(frozen=True)
class Places:
    """Where the tokens of a text stand in it.

    Attributes
    ----------
    spans : list of (int, int)
        Start and end of each token in the text; equal for what is not in it.
    special : list of bool
        Whether the tokenizer put the token there, not the text.
    """

    spans: list[tuple[int, int]]
    special: list[bool]


def places_of(tokenizer: Any, text: str, ids: Sequence[int]) -> Places | None:
    """Where tokens stand in `text`; None if the tokenizer cannot tell or makes other ids of it."""
    if get(tokenizer, "is_fast") is True:
        way = _places_by_transformers
    elif backend_of(tokenizer) is not None:
        way = _places_by_tokenizers
    else:
        return None
    for add_special in (True, False):
        found = ask(way, tokenizer, text, add_special)
        if found is not None and found[0] == list(ids):
            places: Places = found[1]
            if len(places.spans) == len(places.special) == len(ids):
                return places
    return None


def _places_by_transformers(
    tokenizer: Any, text: str, add_special: bool
) -> tuple[list[int], Places]:
    made = tokenizer(
        text,
        add_special_tokens=add_special,
        return_offsets_mapping=True,
        return_special_tokens_mask=True,
        verbose=False,
    )
    return list(made["input_ids"]), _places(made["offset_mapping"], made["special_tokens_mask"])


def _places_by_tokenizers(tokenizer: Any, text: str, add_special: bool) -> tuple[list[int], Places]:
    made = tokenizer.encode(text, add_special_tokens=add_special)
    return list(made.ids), _places(made.offsets, made.special_tokens_mask)


def _places(spans: Any, special: Any) -> Places:
    return Places([(int(start), int(stop)) for start, stop in spans], [bool(s) for s in special])
