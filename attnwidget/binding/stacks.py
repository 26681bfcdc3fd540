"""Stacks: like calls of one pass together, under plain words, numbered by layer.

A stack is told by the path of the module, by the names of the classes around it, and by the kind
of the call. Two stacks that would have the same word are told apart by those words of their paths
that the other does not have.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from attnwidget.call import AttentionCall

if TYPE_CHECKING:
    from attnwidget.binding.attribution import Names

# Parts with a role of their own, wherever they are in the path.
_PARTS = {
    "Q-former": re.compile(r"q_?former", re.I),
    "resampler": re.compile(r"resampler", re.I),
    "mask decoder": re.compile(r"mask_?decoder", re.I),
}
# Towers by what they read; the innermost component that says so counts.
_TOWERS = {
    "vision": re.compile(r"vision|visual|image|video|(?<![a-z])(vit|visn)(?![a-z])", re.I),
    "audio": re.compile(r"audio", re.I),
    "speech": re.compile(r"speech", re.I),
    "multimodal": re.compile(r"^multi_?modal_(model|encoder)$", re.I),
    "text": re.compile(r"(?<![a-z])(text|lang)(?![a-z])", re.I),
    "": re.compile(r"language", re.I),  # named by what it does
}
_SIDE_OF_CLASS = re.compile(r"Vision|Visual(?!Bert)|ViT(?![a-z])|Text|EncoderDecoder")
_ENCODER_DECODER = re.compile(r"encoder|decoder", re.I)
# Attention to the encoder is no part of it.
_ENCODER_ATTENTION = re.compile(r"(?<![a-zA-Z])(encoder|enc)_att")
# What every path says, and tells nothing apart.
_COMMON = frozenset(
    "model module layer layers block blocks stage stages transformer tower wrapped self attention"
    " attn att attend attends mixer".split()
)
_OF_TOWERS = frozenset({"encoder", "resblocks"})  # nor these in a tower
_MOST_MAPS = 4  # of one layer that have a stack each
_ORDINALS = ("", "2nd map", "3rd map", "4th map")
_Group = tuple[str, str, str]  # word, container, and slot where a layer has two attentions


@dataclass(frozen=True)
class Stack:
    """A stack that has its name.

    Attributes
    ----------
    name : str
        What it is called, for the life of the binding.
    words : tuple of str
        Words that the paths of all its modules have.
    """

    name: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class _Parts:
    """A module's path around its numbers."""

    container: str  # what is in front of the first number, or of the last name
    numbers: tuple[int, ...]
    slot: str  # what is behind the first number, without further numbers
    words: tuple[str, ...]
    listed: bool  # whether it stands in a list, rather than having a number in its name


def place_calls(calls: list[AttentionCall], names: Names, layer_idx: dict[int, int]) -> None:
    """Sort the calls of one pass into stacks and number them there.

    Parameters
    ----------
    layer_idx : dict
        ``module.layer_idx`` by index into `calls`, where a module has one.
    """
    # Names are kept for the life of the binding: a single decoding step cannot tell by itself
    # whether its model looks back only, nor which other stacks there are.
    new = {(call.module, call.kind): call for call in calls}
    new = {key: call for key, call in new.items() if key not in names.stacks}
    if new:
        _name(new, names)
    stacks: dict[str, list[int]] = {}
    for i, call in enumerate(calls):
        stacks.setdefault(names.stacks[call.module, call.kind].name, []).append(i)
    for name, members in stacks.items():
        paths = [calls[i].module for i in members]
        maps = _maps(paths)
        firsts = [i for i, nth in zip(members, maps, strict=True) if nth == 0]
        layers = _layers([(calls[i].module, layer_idx.get(i)) for i in firsts])
        at = -1
        for i, nth in zip(members, maps, strict=True):
            at += nth == 0
            calls[i].stack, calls[i].layer = _with(name, _ORDINALS[nth]), layers[at]


def _maps(paths: list[str]) -> list[int]:
    """Which of its layer's maps each call is, from 0.

    A layer that attends twice makes its calls one after the other. A layer that is run again
    later, or a single module that is used in place of many, counts as another layer.
    """
    again = [i > 0 and paths[i - 1] == path for i, path in enumerate(paths)]
    counts = Counter(paths)
    runs = len(paths) - sum(again)
    if runs == 1 or runs > len(counts) or max(counts.values()) > _MOST_MAPS:
        return [0] * len(paths)
    nth = [0] * len(paths)
    for i in range(1, len(paths)):
        nth[i] = nth[i - 1] + 1 if again[i] else 0
    return nth


def _layers(members: list[tuple[str, int | None]]) -> list[int]:
    numbers = []
    for path, idx in members:
        parts = _parts(path)
        named = next(iter(parts.numbers), None)
        numbers.append(idx if idx is not None and not parts.listed else named)
    if None in numbers or len(set(numbers)) < len(numbers):
        return list(range(len(members)))
    return [number for number in numbers if number is not None]


def _name(new: dict[tuple[str, str], AttentionCall], names: Names) -> None:
    """Find the stacks of modules that were not seen before."""
    rooms: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for key, call in new.items():
        room = _word(call, names), _parts(call.module).container
        rooms.setdefault(room, []).append(key)
    groups: dict[_Group, list[tuple[str, str]]] = {}
    for (word, container), keys in rooms.items():
        # Two attentions of one layer are two stacks, those of different layers one.
        layers = [_parts(path).numbers[:1] for path, _ in keys]
        split = len(set(layers)) < len(layers) and all(layers)
        for key in keys:
            slot = _parts(key[0]).slot if split else ""
            groups.setdefault((word, container, slot), []).append(key)
    wanted: dict[str, list[_Group]] = {}
    words: dict[_Group, tuple[str, ...]] = {}
    for group, keys in groups.items():
        if group not in names.groups:
            wanted.setdefault(group[0], []).append(group)
            words[group] = _shared(path for path, _ in keys)
    for word, together in wanted.items():
        known = [stack.words for group, stack in names.groups.items() if group[0] == word]
        everywhere = set(word.lower().split())
        everywhere |= set.intersection(*map(set, (*known, *(words[group] for group in together))))
        own = {group: [w for w in words[group] if w not in everywhere] for group in together}
        taken = {stack.name for stack in names.groups.values()}
        for group, name in _told_apart(word, own, taken).items():
            names.groups[group] = Stack(name, words[group])
    for group, keys in groups.items():
        for key in keys:
            names.stacks[key] = names.groups[group]


def _told_apart(word: str, own: dict[_Group, list[str]], taken: set[str]) -> dict[_Group, str]:
    """Name stacks of one word by as little as tells them apart.

    What nothing but a number tells apart is one stack.
    """
    made: dict[_Group, str] = {}
    ways = {}
    for group, words in own.items():
        short, slot = _telling(word, words), group[2]
        ways[group] = (
            (short, _telling(word, _words(slot)), short) if slot else (short, words, words)
        )
    for way in range(3):
        left = {g: _with(word, " ".join(ways[g][way])) for g in own if g not in made}
        many = Counter(left.values())
        fits = {g: n for g, n in left.items() if way == 2 or (many[n] == 1 and n not in taken)}
        made |= fits
        taken = taken | set(fits.values())
    return made


def _telling(word: str, words: Sequence[str]) -> list[str]:
    tower = _TOWERS.get(word)
    said = word.lower().split()
    return [
        w
        for w in words
        if w.lower() not in _COMMON
        and w.lower() not in said
        and not (tower and (w in _OF_TOWERS or tower.search(w)))
    ]


def _with(word: str, more: str) -> str:
    if not more:
        return word
    if "backbone" in more.split():
        return "backbone" if word == "encoder" else f"{word} (backbone)"
    return f"{word[:-1]}, {more})" if word.endswith(")") else f"{word} ({more})"


def _word(call: AttentionCall, names: Names) -> str:
    """Word for the stack of a call, by its kind and by what it is part of."""
    path = call.module.split(".") if call.module else []
    prefixes = [".".join(path[:n]) for n in range(len(path) + 1)]
    classes = [names.classes.get(prefix, "") for prefix in prefixes]
    kind = "cross" if call.kind == "additive" else call.kind  # a recurrent decoder's attention
    inside = any(of.search(name) for of in _TOWERS.values() for name in path)
    near = (*path, *classes[1:]) if inside else (*path, *classes)  # the root has other parts, too
    part = next((word for word, of in _PARTS.items() if any(map(of.search, near))), "")
    if part == "resampler" and kind in ("self", "cross"):
        return part if kind == "cross" else "resampler self"
    if kind != "self":
        return f"{part} {kind}" if part and kind == "cross" else kind
    if part:
        return part
    named = _sides(path)
    tower, depth = _tower(path, classes)
    if tower in ("vision", "multimodal"):
        return tower
    if tower in ("audio", "speech"):
        return "decoder" if named[:1] == ["decoder"] else tower
    role = next(iter(named), "") or next(iter(_sides(reversed(classes))), "")
    role = role or ("decoder" if call.causal else "")
    if tower == "text" and role != "decoder" and not _sides(path[:depth]):
        return "text"
    return role or "attention"


def _tower(path: list[str], classes: list[str]) -> tuple[str, int]:
    """What a module's tower reads, and how deep in the path it begins."""
    for i in reversed(range(len(path))):
        for tower, of in _TOWERS.items():
            if of.search(path[i]):
                first = next(n for n, part in enumerate(path) if of.search(part))
                return tower, first
    for i, name in enumerate(classes):
        found = _SIDE_OF_CLASS.findall(name)
        if found and found[-1] != "EncoderDecoder":
            return ("" if found[-1] == "Text" else "vision"), i
    return "", 0


def _sides(texts: Iterable[str]) -> list[str]:
    """Return "encoder" or "decoder" for each text that has exactly one of the words."""
    found = ({word.lower() for word in _ENCODER_DECODER.findall(text)} for text in texts)
    return [words.pop() for words in found if len(words) == 1]


def _shared(paths: Iterable[str]) -> tuple[str, ...]:
    first, *others = (_parts(path).words for path in paths)
    return tuple(w for w in first if all(w in other for other in others))


@functools.lru_cache(maxsize=4096)
def _parts(path: str) -> _Parts:
    parts = path.split(".")
    at = next((i for i, part in enumerate(parts) if part.isdigit()), None)
    if at is None:
        numbers = tuple(int(n) for n in re.findall(r"[A-Za-z_](\d+)(?=\.|$)", path)[:1])
        return _Parts(".".join(parts[:-1]), numbers, "", _words(path), False)
    slot = ".".join(part for part in parts[at + 1 :] if not part.isdigit())
    numbers = tuple(int(part) for part in parts[at:] if part.isdigit())
    return _Parts(".".join(parts[:at]), numbers, slot, _words(path), True)


def _words(path: str) -> tuple[str, ...]:
    """Words of a path in order, each once: "text_model.SelfAttention" is text, model, self, ..."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", _ENCODER_ATTENTION.sub("att", path))
    words = (w for w in re.split(r"[._\d]+", text) if w)
    return tuple(dict.fromkeys(w if w.isupper() else w.lower() for w in words))
