"""All heads of a trace, measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

from attnwidget.call import AttentionCall
from attnwidget.measures import MEASURES, Measure
from attnwidget.measures.means import Means
from attnwidget.measures.table import HeadRow, HeadTable
from attnwidget.measures.tokens import given_ids, ids_of, padding_of
from attnwidget.trouble import Trouble, in_words

OF_PLACES = ("distance", "previous", "first", "itself", "window")
OF_REPEATS = ("duplicate", "induction")


def head_table(
    stacks: Mapping[str, list[AttentionCall]],
    inputs: Mapping[str, Tensor],
    measures: Iterable[str] | None = None,
    ids: Any = None,
) -> HeadTable:
    """Measure all heads of these stacks: see ``Trace.heads``.

    Parameters
    ----------
    inputs : mapping of str to Tensor
        What the pass's own arguments tell of its tokens: see ``pass_tokens.inputs_of``.
    """
    chosen = chosen_measures(measures)
    rows: list[HeadRow] = []
    notes: list[str] = []
    fits = ids is None
    for stack, calls in stacks.items():
        given = ids.get(stack) if isinstance(ids, Mapping) else ids
        of_stack: list[HeadRow] = []
        has_ids = False
        for call in calls:
            known = ids_of(call, inputs) if given is None else given_ids(call, given)
            has_ids = has_ids or known is not None
            try:
                means = Means(call, chosen, known, padding_of(call, inputs))
                values = means.of_all_rows().tolist()
            except Trouble as trouble:
                notes.append(f"{stack}, layer {call.layer}: {' '.join(in_words(trouble))}")
                values = [[float("nan")] * call.heads for _ in chosen]
            for head in range(call.heads):
                numbers = {one.name: values[i][head] for i, one in enumerate(chosen)}
                of_stack.append(HeadRow(stack, call.layer, head, **numbers))
        fits = fits or (given is not None and has_ids)
        names = {
            one.name
            for one in chosen
            if all(value != value for value in (getattr(row, one.name) for row in of_stack))
        }
        notes += [f"{stack}: {why}" for why in why_none(calls[0], names, has_ids=has_ids)]
        rows += of_stack
    if not fits:
        raise _unfit(stacks, ids)
    return HeadTable(rows, [one.name for one in chosen], notes)


def chosen_measures(names: Iterable[str] | None) -> list[Measure]:
    """Measures by their names, all of them for None.

    Raises
    ------
    Trouble
        If there is no such measure; names those that there are.
    """
    if names is None:
        return list(MEASURES.values())
    names = [names] if isinstance(names, str) else list(names)
    unknown = [name for name in names if name not in MEASURES]
    if unknown or not names:
        raise Trouble(
            f"There is no measure {unknown[0]!r}." if unknown else "No measure was asked for.",
            f"Choose from {', '.join(MEASURES)}.",
        )
    return [MEASURES[name] for name in names]


def why_none(
    call: AttentionCall, names: set[str], *, has_ids: bool, named: bool = True
) -> list[str]:
    """Why these measures have no value in any head of a stack, in sentences.

    Parameters
    ----------
    call : AttentionCall
        Any of the stack.
    names : set of str
        Measures that are NaN in all heads.
    has_ids : bool
        Whether the ids of the tokens were known.
    named : bool
        Whether the sentences say of which measures they are.
    """
    missing = [name for name in MEASURES if name in names]
    repeats = [name for name in missing if name in OF_REPEATS]
    of_places = [name for name in missing if name in OF_PLACES]
    others = [name for name in missing if name not in (*OF_REPEATS, *OF_PLACES, "value_norm")]
    reasons = []
    if call.kind != "self":
        reasons.append(("Queries and keys are not the same tokens here", [*of_places, *repeats]))
        of_places = repeats = []
    reasons.append(("No query has such a choice of keys", [*others, *of_places]))
    if "value_norm" in missing:
        why = "The values are not known" if call.v is None else "No query has such a choice of keys"
        reasons.append((why, ["value_norm"]))
    if not has_ids:
        reasons.append(("The ids of the tokens are not known", repeats))
    else:
        again = "No token comes again in this text"
        later = "No token comes again in this text, later than at once"
        reasons.append((later if repeats == ["induction"] else again, repeats))
    said = []
    for why, of in reasons:
        if of:
            said.append(f"{why}: {_listed(of)}." if named else f"{why}.")
    return said


def _listed(names: list[str]) -> str:
    if len(names) == 1:
        return f"{names[0]} has no value"
    return f"{', '.join(names[:-1])} and {names[-1]} have no value"


def _unfit(stacks: Mapping[str, list[AttentionCall]], ids: Any) -> Trouble:
    own = {name: calls[0] for name, calls in stacks.items() if calls[0].kind == "self"}
    lengths = ", ".join(f"{name}: {call.batch_size} × {call.key_len}" for name, call in own.items())
    what = f"for the stacks {sorted(ids)}" if isinstance(ids, Mapping) else f"as {_shape(ids)}"
    return Trouble(
        f"ids were given {what}, which fits no stack that looks at its own tokens.",
        f"Give one id per token; batch × tokens are {lengths or 'in none'}.",
    )


def _shape(ids: Any) -> str:
    shape = getattr(ids, "shape", None) or (len(ids),)
    return " × ".join(str(n) for n in shape)
