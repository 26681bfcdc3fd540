"""Trace: the attention calls of one or more forward passes, and what was looked at."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from attnwidget.arrays import calls_from_arrays
from attnwidget.call import AttentionCall
from attnwidget.recurrent import joined_steps
from attnwidget.stitch import stitched_calls
from attnwidget.trouble import Trouble

if TYPE_CHECKING:
    from attnwidget.measures.table import HeadTable

NOT_SEEN = "no attention weights seen in this layer"


@dataclass(frozen=True)
class Searched:
    """What was looked at.

    Attributes
    ----------
    model_class : str
        Class name of the bound model, "" where there is none.
    modules : int
        How many modules it has.
    passes : int
        How many forward passes were seen.
    without_record : mapping of str to str
        Why, in words, for the paths of modules that gave no record although they are called
        attention or are known to stand in its place; "" where that is not known.
    troubles : tuple of str
        Calls that were seen but could not be read, in words.
    said : tuple of str
        What else is to be known of the model, in words.
    """

    model_class: str = ""
    modules: int = 0
    passes: int = 0
    without_record: Mapping[str, str] = field(default_factory=dict)
    troubles: tuple[str, ...] = ()
    said: tuple[str, ...] = ()

    @property
    def why_nothing(self) -> str:
        """What to say of a trace without calls."""
        if self.passes:
            times = "once" if self.passes == 1 else f"{self.passes} times"
            return f"{self.model_class} ran {times}, and no attention was seen in it."
        return (
            f"The forward of {self.model_class} was not called. Where its parts are called "
            "directly, as by a training_step that calls self.model, bind that part."
        )


@dataclass(frozen=True)
class Row:
    """One line of a report; None where a layer gave no record."""

    module: str
    status: str
    note: str = ""
    stack: str | None = None
    layer: int | None = None
    kind: str | None = None
    source: str | None = None
    heads: int | None = None
    kv_heads: int | None = None
    query_len: int | None = None
    key_len: int | None = None
    check: float | None = None


class Report(list[Row]):
    """Rows that print as a table."""

    def __str__(self) -> str:
        head = ("stack", "layer", "module", "source", "heads", "queries x keys", "status", "check")
        lines = [head, *(_cells(row) for row in self)]
        widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
        table = []
        for line, note in zip(lines, ["note", *(row.note for row in self)], strict=True):
            cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
            table.append("  ".join([*cells, note]).rstrip())
        return "\n".join(table)

    __repr__ = __str__


def _cells(row: Row) -> tuple[str, ...]:
    heads = "" if row.heads is None else str(row.heads)
    if row.heads != row.kv_heads:
        heads = f"{row.heads} ({row.kv_heads} kv)"
    size = "" if row.query_len is None else f"{row.query_len} x {row.key_len}"
    check = "" if row.check is None or math.isnan(row.check) else f"{row.check:.0e}"
    layer = "" if row.layer is None else str(row.layer)
    return row.stack or "", layer, row.module, row.source or "", heads, size, row.status, check


class Trace:
    """Attention calls in order of execution.

    Parameters
    ----------
    calls : iterable of AttentionCall
        Calls to begin with.
    searched : callable, optional
        Gives a Searched for the paths of the modules that gave a record.
    said : tuple of str
        What to know of the pass as a whole, in sentences.
    inputs : mapping of str to Tensor, optional
        What the arguments of the last pass tell of its tokens, such as their ids.

    Examples
    --------
    >>> trace = Trace.from_arrays([[[[[1.0, 0.0], [0.5, 0.5]]]]])
    >>> trace.calls[0].weights(head=0, queries=1).tolist()
    [[[[0.5, 0.5]]]]
    """

    def __init__(
        self,
        calls: Iterable[AttentionCall] = (),
        *,
        searched: Callable[[set[str]], Searched] | None = None,
        said: tuple[str, ...] = (),
        inputs: Mapping[str, torch.Tensor] | None = None,
    ) -> None:
        self.said = said
        self.inputs = dict(inputs or {})
        self._searched = searched
        calls = list(calls)
        self._passes: deque[list[AttentionCall]] = deque([calls] if calls else [])

    @classmethod
    def from_arrays(cls, attention: Iterable[Any]) -> Trace:
        """Read maps from elsewhere.

        Parameters
        ----------
        attention : sequence over layers
            Tensors, arrays or nested lists of shape (B, H, Tq, Tk), such as a transformers
            model's ``attentions``; None for a layer without attention.

        Raises
        ------
        Trouble
            If a layer has another shape; it is named.
        """
        return cls(calls_from_arrays(attention))

    def add_pass(
        self,
        calls: list[AttentionCall],
        keep: int | None = None,
        max_bytes: int | None = None,
        *,
        inputs: Mapping[str, torch.Tensor] | None = None,
    ) -> None:
        """Append the calls of one forward pass and drop the oldest passes beyond the limits.

        Parameters
        ----------
        keep : int, optional
            Most passes to hold.
        max_bytes : int, optional
            Most bytes of tensors to hold, each storage counted once. The last pass always stays.
        inputs : mapping of str to Tensor, optional
            See `Trace`.
        """
        self._passes.append(calls)
        self.inputs = dict(inputs or {})
        while keep is not None and len(self._passes) > keep:
            self._passes.popleft()
        while max_bytes is not None and len(self._passes) > 1 and self.nbytes > max_bytes:
            self._passes.popleft()

    @property
    def calls(self) -> list[AttentionCall]:
        """All calls held, in order of execution."""
        return [call for calls in self._passes for call in calls]

    @property
    def stacks(self) -> dict[str, list[AttentionCall]]:
        """The calls of the last pass by stack, in order of layers.

        Steps of a recurrent decoder, one query each in `calls`, are one call of all rows here.
        """
        stacks: dict[str, list[AttentionCall]] = {}
        for call in self._passes[-1] if self._passes else []:
            stacks.setdefault(call.stack, []).append(call)
        return {
            name: joined_steps(sorted(calls, key=lambda call: call.layer))
            for name, calls in stacks.items()
        }

    @property
    def nbytes(self) -> int:
        """Bytes of all storages that the calls keep alive, each counted once."""
        storages = {}
        for call in self.calls:
            for tensor in call.tensors():
                storage = tensor.untyped_storage()
                storages[storage.data_ptr()] = storage.nbytes()
        return sum(storages.values())

    def searched_by(self, searched: Callable[[set[str]], Searched]) -> None:
        """Say who knows what was looked at: see the parameter `searched`."""
        self._searched = searched

    @property
    def searched(self) -> Searched:
        """What was looked at to find these calls."""
        if self._searched is None:
            return Searched()
        return self._searched({call.module for call in self.calls})

    def stitch(self) -> Trace:
        """Join the steps of a generation into one map per layer.

        Each forward pass of ``model.generate()`` computes only the rows of its new tokens. Here
        every layer gets one call with the rows of all steps held of the last sequence, T tokens
        long: (B, H, T, T), or (B, H, T, Tk) over the Tk keys of another sequence. Rows, and
        keys that a step did not have (later tokens, or those a sliding window had dropped), have
        weight 0 and are not visible. Nothing is computed or copied until it is read, and reading a
        row reads the step that made it.

        Where a step computed tokens again, as after an assistant's proposal was refused, the later
        rows count. In beam search, batch item b is the beam that is b in the last step, followed
        back through the steps by its keys.

        Returns
        -------
        Trace
            One pass of calls that are read like others. `AttentionCall.note` says from how many
            steps each is stitched, and what is special. A call of a single pass stays as it is.

        Raises
        ------
        Trouble
            If of several steps only the last is held, or a step does not tell where it stands.
            Where some of the first are missing, their rows see no key and the note says so.
        """
        seen = self._searched(set()).passes if self._searched else 0
        held = list(self._passes)
        return Trace(stitched_calls(held, seen > len(held)), searched=self._searched)

    def report(self) -> Report:
        """Return one row per call of the last pass, and per attention-like module without one.

        This checks every call, which for long texts takes as long as a few forward passes.
        """
        rows = [
            Row(
                module=call.module,
                status=call.status,
                note=call.note,
                stack=call.stack,
                layer=call.layer,
                kind=call.kind,
                source=call.source,
                heads=call.heads,
                kv_heads=call.kv_heads,
                query_len=call.query_len,
                key_len=call.key_len,
                check=call.check(),
            )
            for calls in self.stacks.values()
            for call in calls
        ]
        searched = self.searched
        rows += [
            Row(module=name, status=NOT_SEEN, note=why)
            for name, why in searched.without_record.items()
        ]
        rows += [Row(module="", status="not read", note=text) for text in searched.troubles]
        rows += [Row(module="", status="note", note=text) for text in searched.said]
        if searched.model_class and not self.calls:
            rows.append(Row(module="", status="nothing seen", note=searched.why_nothing))
        return Report(rows)

    def heads(
        self,
        stack: str | None = None,
        measures: Iterable[str] | None = None,
        ids: Any = None,
    ) -> HeadTable:
        """Return what each head of the last pass is like, in numbers: one row per head.

        Every number is a mean over the rows (queries) of a head, of all batch items; the docstrings
        in ``attnwidget.measures``, and docs/measures.md, say of which rows and of what. Weights are
        read in bands of rows, once for all measures.

        Parameters
        ----------
        stack : str, optional
            Only the heads of this one.
        measures : iterable of str, optional
            Only these, of "entropy", "evenness", "largest", "distance", "previous", "first",
            "itself", "window", "duplicate", "induction" and "value_norm".
        ids : Tensor or sequence of int, or dict of stack to one, optional
            Vocabulary ids of the tokens, (T,) or (B, T), which "duplicate" and "induction" go by.
            Where the pass was given ids, for all of its tokens, they are known.

        Returns
        -------
        HeadTable
            A list of `HeadRow` that prints as a table, with ``sort_by("induction")`` and
            ``to_pandas()``. NaN where a measure has no value; ``notes`` say why.

        Raises
        ------
        Trouble
            If there is no attention, stack or measure of that name, or `ids` fit no stack.
        """
        from attnwidget.measures.heads import head_table

        stacks = self.stacks
        if not stacks:
            raise Trouble("The trace holds no attention.", self.searched.why_nothing)
        if stack is not None:
            if stack not in stacks:
                raise Trouble(f"There is no stack {stack!r}.", f"Choose from {', '.join(stacks)}.")
            stacks = {stack: stacks[stack]}
        return head_table(stacks, self.inputs, measures, ids)

    def __repr__(self) -> str:
        passes = f", {len(self._passes)} passes" if len(self._passes) > 1 else ""
        stacks = ", ".join(f"{name}: {len(calls)}" for name, calls in self.stacks.items())
        return f"Trace({len(self.calls)} calls{passes}; {stacks or 'no attention seen'})"
