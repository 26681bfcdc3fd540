"""What every head of a stack is like, in numbers: all measures at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from attnwidget import labels
from attnwidget.call import AttentionCall
from attnwidget.generation.marks import positions_of
from attnwidget.measures import MEASURES, Measure
from attnwidget.measures.heads import OF_REPEATS, why_none
from attnwidget.measures.means import Means
from attnwidget.measures.repeated import ids_known, repeated_tokens
from attnwidget.measures.tokens import ids_of, padding_of
from attnwidget.messages import Picture, Progress, Slices, Want
from attnwidget.pictures.overview import MOST_WEIGHTS, QUICK_WEIGHTS
from attnwidget.pictures.where import index, quoted, stack_of
from attnwidget.session import Session, Snapshot
from attnwidget.trouble import Trouble, in_words

# Rows of a head that are measured where all would take too long.
SAMPLED_ROWS = 64
# Random tokens said twice: so many, in so many texts, as far as the model has positions.
LENGTH, TEXTS = 25, 8
# Ids that are looked at to find words among them.
_TRIED = 1_000


def paint(session: Session, snapshot: Snapshot, want: Want) -> Slices:
    """Measures of one batch item; from some rows of long texts first.

    With ``repeated`` they are the two that ask about tokens that come again, measured on random
    tokens said twice: the model is run on them once for each pass, unseen. Where it cannot be, they
    are measured on the text, and ``why_not`` says why.

    float32 ``values`` (M, L, H), NaN where a measure has none; ``why`` says so of one that has none
    in any head.

    Raises
    ------
    Trouble
        If `want` names a stack or batch item that does not exist, or no weights can be read.
    """
    stack = stack_of(snapshot, want)
    batch = index(want, "batch", snapshot.batch_size(stack))
    repeated = want.get("repeated")
    if not isinstance(repeated, bool):
        raise Trouble(f"repeated={quoted(repeated)} was asked for.", "It must be true or false.")
    if not repeated:
        yield from _of_text(snapshot, stack, batch, list(MEASURES.values()))
        return
    chosen = [MEASURES[name] for name in OF_REPEATS]
    try:
        made = _of_random(session, snapshot, stack, batch)
    except Exception as error:  # whatever the user's own forward raises on a text that is no text
        why_not = " ".join(in_words(error))
        yield from _of_text(snapshot, stack, batch, chosen, why_not=why_not)
    else:
        yield made


@dataclass(frozen=True)
class _Layer:
    """One layer, and the batch item of it that is measured, with its tokens."""

    call: AttentionCall
    item: int | None
    ids: torch.Tensor | None
    padding: torch.Tensor | None

    def means(self, measures: list[Measure], rows: list[int] | None) -> Means:
        return Means(self.call, measures, self.ids, self.padding, batch=self.item, rows=rows)


def _of_text(
    snapshot: Snapshot, stack: str, batch: int, chosen: list[Measure], why_not: str = ""
) -> Iterator[Picture | Progress]:
    inputs, calls = snapshot.pass_tokens.inputs, snapshot.stacks[stack]
    layers = []
    for call in calls:
        item = snapshot.item(call, batch)
        tokens = (_of_item(found(call, inputs), item) for found in (ids_of, padding_of))
        layers.append(_Layer(call, item, *tokens))
    weights = sum(call.heads * call.query_len * call.key_len for call in calls)
    facts = {"why_not": why_not, "on": "text", "said_twice": None}
    if weights > QUICK_WEIGHTS:
        values = []
        for at, layer in enumerate(layers):
            values.append(layer.means(chosen, _some(layer.call)).of_all_rows())
            yield Progress("measuring layer", at + 1, len(layers))
        exact = weights <= MOST_WEIGHTS
        yield _picture(stack, layers, chosen, values, {**facts, "sampled": True}, coarse=exact)
        if not exact:
            return
    values = []
    for at, layer in enumerate(layers):
        means = layer.means(chosen, None)
        for rows in means.bands:
            means.add(rows)
            if weights > QUICK_WEIGHTS:
                yield Progress("measuring layer", at + 1, len(layers))
        values.append(means.values)
    yield _picture(stack, layers, chosen, values, {**facts, "sampled": False})


def _of_item(tensor: torch.Tensor | None, item: int) -> torch.Tensor | None:
    return tensor if tensor is None or len(tensor) == 1 else tensor[item : item + 1]


def _some(call: AttentionCall) -> list[int] | None:
    """Queries evenly spread over a long text."""
    if call.query_len <= SAMPLED_ROWS:
        return None
    spread = np.linspace(0, call.query_len - 1, SAMPLED_ROWS)
    rows: list[int] = spread.round().astype(int).tolist()
    return rows


@dataclass(frozen=True)
class _SaidTwice:
    """What was measured on random tokens: the pass itself is let go, as it may be large.

    Attributes
    ----------
    ids : Tensor
        (B, T), what was run.
    facts : dict
        How many tokens there are in how many texts, and whether they are words.
    values : dict of str to dict
        By stack and layer: float64 (M, H).
    """

    ids: torch.Tensor
    facts: dict[str, Any]
    values: dict[str, dict[int, torch.Tensor]]


def _of_random(session: Session, snapshot: Snapshot, stack: str, batch: int) -> Picture:
    """The same of random tokens said twice."""
    own = snapshot.stacks[stack]
    if session.model is None:
        raise Trouble(
            "There is no model that could be run on another text.",
            "Give it: aw.explore(model, tokenizer, text).",
        )
    if ids_of(own[0], snapshot.pass_tokens.inputs) is None:
        raise Trouble(
            "This stack does not read token ids alone.",
            "Run the model on something that repeats itself.",
        )
    if snapshot.given is not None:
        snapshot.given.check_alone()
    kept: _SaidTwice | None = snapshot.measured.get("repeated")
    if kept is None:
        start = _start(snapshot, stack, batch)
        kept = snapshot.measured["repeated"] = _said_twice(session, session.model, start)
    found = kept.values.get(stack, {})
    shapes = {layer: values.shape[1] for layer, values in found.items()}
    if shapes != {call.layer: call.heads for call in own}:
        raise Trouble(
            "On random tokens the model has other layers.",
            "Run it on a text that repeats itself.",
        )
    layers = [_Layer(call, None, kept.ids, None) for call in own]
    facts = {"why_not": "", "on": "random", "said_twice": kept.facts, "sampled": False}
    chosen = [MEASURES[name] for name in OF_REPEATS]
    return _picture(stack, layers, chosen, [found[call.layer] for call in own], facts)


def _said_twice(session: Session, model: torch.nn.Module, start: int | None) -> _SaidTwice:
    words = _words(session)
    most = positions_of(model) or 2 * LENGTH + 1
    length = min(LENGTH, (most - 1) // 2, len(words) or LENGTH)
    trace = repeated_tokens(model, length, TEXTS, start=start, among=words or None)
    chosen = [MEASURES[name] for name in OF_REPEATS]
    values = {
        stack: {
            call.layer: Means(call, chosen, ids_of(call, trace.inputs)).of_all_rows()
            for call in calls
        }
        for stack, calls in trace.stacks.items()
    }
    facts = {"length": length, "texts": TEXTS, "are_words": bool(words)}
    return _SaidTwice(trace.inputs["source"], facts, values)


def _start(snapshot: Snapshot, stack: str, batch: int) -> int | None:
    """The mark that the text of the pass begins with, if it does with one."""
    ids = ids_of(snapshot.stacks[stack][0], snapshot.pass_tokens.inputs)
    tokens = snapshot.sides(stack, batch).queries
    real = next((i for i, token in enumerate(tokens) if token.kind != "padding"), None)
    if ids is None or real is None or tokens[real].kind != "special":
        return None
    return int(ids[batch % len(ids), real])


def _words(session: Session) -> list[int]:
    """Ids that the tokenizer has whole words or parts of words for, as far as it tells."""
    if session.tokenizer is None or session.model is None:
        return []
    known = ids_known(session.model)
    spread = [known[i] for i in np.linspace(0, len(known) - 1, min(_TRIED, len(known))).astype(int)]
    tokens = labels.read_tokens(session.tokenizer, spread)
    found = zip(spread, tokens, strict=True)
    words = [i for i, token in found if not token.kind and token.text.strip().isalpha()]
    return words if len(words) >= LENGTH else []


def _picture(
    stack: str,
    layers: list[_Layer],
    chosen: list[Measure],
    values: list[torch.Tensor],
    facts: dict[str, Any],
    *,
    coarse: bool = False,
) -> Picture:
    most = max(layer.call.heads for layer in layers)
    array: NDArray[np.float32] = np.full((len(chosen), len(layers), most), np.nan, np.float32)
    for at, (layer, of_layer) in enumerate(zip(layers, values, strict=True)):
        array[:, at, : layer.call.heads] = of_layer.numpy()
    missing = {one.name for i, one in enumerate(chosen) if np.isnan(array[i]).all()}
    has_ids = any(layer.ids is not None for layer in layers)
    measures = [
        {
            "name": one.name,
            "title": one.title,
            "said": one.said,
            "unit": one.unit,
            "why": " ".join(
                why_none(layers[0].call, missing & {one.name}, has_ids=has_ids, named=False)
            ),
        }
        for one in chosen
    ]
    where = {"stack": stack, "layers": [layer.call.layer for layer in layers]}
    return Picture(
        "heads", {**where, "measures": measures, **facts}, {"values": array}, coarse=coarse
    )
