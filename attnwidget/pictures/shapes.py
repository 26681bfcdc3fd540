"""The shape of everything that goes through one attention: how many of what, at each step."""

from __future__ import annotations

import dataclasses
from typing import Any

from attnwidget.call import AttentionCall
from attnwidget.messages import Picture, Want
from attnwidget.pictures.where import call_of, stack_of
from attnwidget.session import Session, Snapshot
from attnwidget.steps.inputs import Layer, inputs_of
from attnwidget.steps.projection import module_at, projection_of
from attnwidget.steps.vectors import why_no_vectors


def picture(session: Session, snapshot: Snapshot, want: Want) -> Picture:
    """Sizes of one call, and the layers around it that were found in the model.

    B ``batch``, H ``heads``, Hkv ``kv_heads``, Tq ``query_len``, Tk ``key_len``, ``d`` and ``dv``
    are those of the call; null where they are not known. ``layers`` has what makes queries, keys
    and values ("q", "k", "v", "kv" or "qkv") and what the heads' outputs go through ("o"), each
    only if it was found by its name and its size, with its own path, the shape of its weight as the
    model keeps it, and the number of its parameters. ``width`` is how many numbers a token has in
    the stream the queries come from, ``key_width`` in that of the keys, ``out_width`` after the
    output projection: the sizes of those layers.

    Raises
    ------
    Trouble
        If `want` names a stack or layer that does not exist.
    """
    call = call_of(snapshot, want)
    stack = stack_of(snapshot, want)
    dv = _value_size(call)
    found, why_no_inputs = inputs_of(session.model, call, dv)
    layers = {role: _facts(layer) for role, layer in found.items()}
    output, why_no_output = None, "The size of the heads' outputs is not known."
    if dv is not None:
        output, why_no_output = projection_of(session.model, call, call.heads * dv)
    if output is not None:
        bias = 0 if output.bias is None else output.bias.numel()
        layers["o"] = {
            "name": output.name,
            "path": output.path,
            "shape": _stored(session, output.path, output.weight.shape),
            "bias": output.bias is not None,
            "parameters": output.weight.numel() + bias,
        }
    module = module_at(session.model, call.module)
    return Picture(
        "shapes",
        {
            "stack": stack,
            "layer": call.layer,
            "module": call.module,
            "module_class": "" if module is None else type(module).__name__,
            "attention": call.kind,
            "causal": call.causal,
            "batch": call.batch_size,
            "windows": call.windows,
            "heads": call.heads,
            "kv_heads": call.kv_heads,
            "query_len": call.query_len,
            "key_len": call.key_len,
            "d": call.head_dim if call.q is not None else None,
            "dv": dv,
            "width": _inputs(found, "q"),
            "key_width": _inputs(found, "k"),
            "out_width": None if output is None else int(output.weight.shape[0]),
            "layers": layers,
            "why_no_inputs": why_no_inputs,
            "why_no_output": "" if output is not None else why_no_output,
            "why_no_products": "" if call.q is not None else why_no_vectors(call),
            "layers_alike": _layers_alike(snapshot, stack, call),
        },
    )


def _value_size(call: AttentionCall) -> int | None:
    known = call.v if call.v is not None else call.output
    return None if known is None else int(known.shape[-1])


def _inputs(found: dict[str, Layer], letter: str) -> int | None:
    """How many numbers the layer takes that makes these vectors."""
    return next((layer.inputs for role, layer in found.items() if letter in role), None)


def _facts(layer: Layer) -> dict[str, Any]:
    facts = dataclasses.asdict(layer)
    return {name: facts[name] for name in ("name", "path", "bias", "parameters")} | {
        "shape": list(layer.shape)
    }


def _stored(session: Session, path: str, shape: tuple[int, ...]) -> list[int]:
    """The shape of a weight as the model keeps it, which may be W or its transpose."""
    weight = getattr(module_at(session.model, path), "weight", None)
    return [int(size) for size in (shape if weight is None else weight.shape)]


def _layers_alike(snapshot: Snapshot, stack: str, call: AttentionCall) -> int:
    """How many layers of the stack have as many heads of the same sizes."""

    def sizes(one: AttentionCall) -> tuple[Any, ...]:
        return one.heads, one.kv_heads, one.head_dim, _value_size(one)

    return sum(sizes(one) == sizes(call) for one in snapshot.stacks[stack])
