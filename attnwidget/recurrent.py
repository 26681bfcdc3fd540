"""Joining the steps of a recurrent decoder: each asks once, and all within one forward pass."""

from __future__ import annotations

from collections.abc import Iterable

from attnwidget.binding.stitched import Step, Stitched
from attnwidget.call import AttentionCall


def joined_steps(calls: Iterable[AttentionCall]) -> list[AttentionCall]:
    """The calls of one stack and pass, those that one module made step after step joined into one.

    A decoder of the kind that was before transformers looks back at its source once for each word
    that it writes: T calls of one query each become one call of T queries, (B, H, T, Tk). What is
    asked at a step depends on the step before, so there is no earlier place to see them together.
    """
    calls = list(calls)
    by_module: dict[tuple[str, str], list[AttentionCall]] = {}
    for call in calls:
        by_module.setdefault((call.module, call.kind), []).append(call)
    together = list(by_module.values())
    if not any(map(_are_steps, together)):
        return calls
    return [
        call.at_layer(layer)
        for layer, call in enumerate(
            call for made in together for call in ([_joined(made)] if _are_steps(made) else made)
        )
    ]


def _are_steps(calls: list[AttentionCall]) -> bool:
    first = calls[0]
    return (
        len(calls) > 1
        and first.kind in ("cross", "additive")
        and all(
            call.query_len == 1
            and (call.batch_size, call.heads, call.key_len)
            == (first.batch_size, first.heads, first.key_len)
            for call in calls
        )
    )


def _joined(calls: list[AttentionCall]) -> AttentionCall:
    first = calls[0]
    items = list(range(first.batch_size))
    evidence = Stitched(
        [Step(call._evidence, at, 0, items) for at, call in enumerate(calls)],
        [(at, 0) for at in range(len(calls))],
        first.key_len,
        [f"Each row is one of {len(calls)} steps, made one after the other."],
        one_sequence=False,
    )
    return first.with_evidence(evidence)
