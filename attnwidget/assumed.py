"""What a page that has not been heard yet will want to see: js/src/wants.js is the twin.

A page opened by "Run all" speaks to a kernel that is busy from then on, and is heard only when the
last cell has ended. Until then it can be sent what it is sure to ask for, under the same keys.
"""

from __future__ import annotations

from collections.abc import Sequence

from attnwidget.measures.heads import OF_REPEATS
from attnwidget.messages import Want
from attnwidget.reading import Reading
from attnwidget.session import Snapshot
from attnwidget.traits import Choice

# As in wants.js.
_MOST_EXACT_CELLS = 65_536
_LARGEST_SIDE = 2_048
_SMALL, _LARGE = 24, 48
_MOST_OVERVIEW_BYTES = 4 * 1024 * 1024
_NUMBERS_OF_LINES, _FEWEST_LINES, _MOST_LINES = 16_384, 8, 64
_TOKENS_AT_ONCE, _CANDIDATES = 16, 5


def wants_of_page(snapshot: Snapshot, choice: Choice) -> tuple[Want, ...]:
    """What a page shows of the selection at first, most important first, as far as can be known.

    How large a matrix is on its screen cannot, so that of a long text is left out: the page draws
    it from the thumbnails.
    """
    pair = choice.pair
    reading = Reading(
        choice.words,
        frozenset(choice.hide),
        choice.renormalise,
        (pair[0], pair[1]) if pair else None,
        choice.weigh,
        (choice.target[0], choice.target[1]) if choice.target else None,
    )
    stack = "" if choice.stack == next(iter(snapshot.stacks)) else choice.stack
    context = f"{stack} {choice.batch} {_in_words(reading)}"
    of_context: dict[str, object] = {
        "stack": stack,
        "batch": choice.batch,
        "reading": reading.facts,
    }
    call = snapshot.call(choice.stack, choice.layer)

    where: dict[str, object]

    def want(kind: str, rest: str | None, **where: object) -> Want:
        key = f"{kind}|{context}" if rest is None else f"{kind}|{context}|{rest}"
        return {"key": key, "kind": kind, **where}

    wants: list[Want] = [want("model", None, **of_context)]
    if choice.view == "steps" and choice.query is not None:
        known = wants[0]["key"]
        wants += [one for one in _of_steps(choice, stack) if one["key"] != known]
    if choice.view in ("generation", "order"):
        known = wants[0]["key"]
        wants += [one for one in _of_plain_head(choice, stack) if one["key"] != known]
    if choice.view == "scaling":
        of_head = {"heads": [[choice.layer, choice.head]]}
        wants.append(want("scaling", f"{choice.layer}.{choice.head}", **of_context, **of_head))
    if choice.view == "shapes":
        wants.append(want("shapes", str(choice.layer), **of_context, layer=choice.layer))
    if choice.view == "grid" and choice.weigh == "gradient":
        wants.append(want("direct", None, **of_context))
    if choice.view in ("block", "roll"):
        wants.append(want(choice.view, None, **of_context))
    if choice.view == "image":
        wants.append(want("image", None, **of_context))
        at = choice.query if choice.direction == "from" else choice.key
        if at is not None and reading.keeps_tokens:  # items are tokens
            where = {"layer": choice.layer, "direction": choice.direction, "at": at}
            rest = f"{choice.layer} {choice.direction} {at}"
            wants.append(want("patch_rows", rest, **of_context, **where))
    if choice.view in ("positions", "without", "distances", "filters"):
        known = wants[0]["key"]
        wants += [one for one in _of_tokens(choice, stack) if one["key"] != known]
    if choice.measure is not None:
        wants += _of_measure(choice, stack)
    for heads in _sets(choice):
        named = "+".join(f"{layer}.{head}" for layer, head in heads)
        if _is_small(call.query_len, call.key_len):
            side = _LARGEST_SIDE
            where = {"heads": heads, "rows": None, "cols": None, "size": [side, side]}
            rest = f"{named} all,all {side}x{side}"
            wants.append(want("tile", rest, **of_context, **where))
        elif choice.view in ("lines", "text"):
            for direction, lists in (("from", call.query_len), ("to", call.key_len)):
                count = min(max(_NUMBERS_OF_LINES // lists, _FEWEST_LINES), _MOST_LINES)
                where = {"heads": heads, "direction": direction, "count": count}
                wants.append(want("lines", f"{named} {direction} {count}", **of_context, **where))
    all_heads = sum(call.heads for call in snapshot.stacks[choice.stack])
    sizes = [_SMALL]
    if choice.view == "grid" and all_heads * _LARGE**2 <= _MOST_OVERVIEW_BYTES:
        sizes = [_LARGE, _SMALL]
    wants += [want("overview", str(size), **of_context, size=size) for size in sizes]
    wants.append(want("check", str(choice.layer), stack=stack, layer=choice.layer))
    if choice.query is not None and call.kind == "self":
        start = choice.query - choice.query % _TOKENS_AT_ONCE
        at = [start, start + _TOKENS_AT_ONCE]
        where = {"stack": stack, "batch": choice.batch, "at": at, "count": _CANDIDATES}
        wants.append(want("predictions", f"{at[0]}-{at[1]}", **where))
    return tuple(wants)


def _of_steps(choice: Choice, stack: str) -> list[Want]:
    """Steps are about tokens, whatever the reading: they come with the facts of the plain one."""
    context = f"{stack} {choice.batch} "
    plain = {"stack": stack, "batch": choice.batch, "reading": Reading().facts}
    heads = [[choice.layer, choice.head]]
    key = f"steps|{context}|{choice.layer}.{choice.head} {choice.query}"
    of_row = {"heads": heads, "query": choice.query, "keys": None}
    return [
        {"key": key, "kind": "steps", **plain, **of_row},
        {"key": f"model|{context}", "kind": "model", **plain},
    ]


def _of_plain_head(choice: Choice, stack: str) -> list[Want]:
    """Tokens are shuffled, and written, as the model has them, whatever the reading."""
    context = f"{stack} {choice.batch} "
    plain = {"stack": stack, "batch": choice.batch, "reading": Reading().facts}
    key = f"{choice.view}|{context}|{choice.layer}.{choice.head}"
    return [
        {"key": key, "kind": choice.view, **plain, "heads": [[choice.layer, choice.head]]},
        {"key": f"model|{context}", "kind": "model", **plain},
    ]


def _of_tokens(choice: Choice, stack: str) -> list[Want]:
    """What is made from the tokens as the model has them: positions, and being without them."""
    context = f"{stack} {choice.batch} "
    plain = {"stack": stack, "batch": choice.batch, "reading": Reading().facts}
    kind = "positions" if choice.view == "without" else choice.view
    own: Want = {"key": f"{kind}|{context}", "kind": kind, **plain}
    if choice.view == "without":
        if choice.query is None:
            return []
        what = {
            "head": f"{choice.layer}.{choice.head}",
            "residual": f"residual {choice.layer}",
        }.get(choice.remove, choice.remove)
        own = {
            "key": f"without|{context}|{what} {choice.query}",
            "kind": "without",
            **plain,
            "heads": [[choice.layer, choice.head]],
            "at": choice.query,
            "what": choice.remove,
        }
    return [own, {"key": f"model|{context}", "kind": "model", **plain}]


def _of_measure(choice: Choice, stack: str) -> list[Want]:
    """Heads are measured on the tokens as the model has them, or on random ones said twice."""
    of_stack = {"kind": "heads", "stack": stack, "batch": choice.batch}
    key = f"heads|{stack} {choice.batch} |"
    text: Want = {"key": f"{key}text", **of_stack, "repeated": False}
    if choice.measure not in OF_REPEATS:
        return [text]
    return [{"key": f"{key}repeated", **of_stack, "repeated": True}, text]


def _sets(choice: Choice) -> list[Sequence[Sequence[int]]]:
    """Heads that are drawn side by side: each alone, or all as their mean."""
    selected = [choice.layer, choice.head]
    heads = [list(head) for head in choice.heads]
    if selected not in heads:
        return [[selected]]
    return [heads] if choice.mean else [[head] for head in heads]


def _is_small(rows: int, cols: int) -> bool:
    return rows * cols <= _MOST_EXACT_CELLS and max(rows, cols) <= _LARGEST_SIDE


def _in_words(reading: Reading) -> str:
    """As `reading_in_words` in js/src/place.js."""
    parts = ["words"] if reading.words else []
    parts += sorted(reading.hide)
    parts += ["renormalised"] if reading.renormalise else []
    parts += [f"{reading.pair[0]}-{reading.pair[1]}"] if reading.pair else []
    parts += [reading.weigh] if reading.weigh != "pattern" else []
    if reading.weigh == "gradient" and reading.target:
        parts.append(",".join("" if one is None else str(one) for one in reading.target))
    return " ".join(parts)
