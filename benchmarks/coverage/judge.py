"""One model under capture, judged against itself."""

from __future__ import annotations

import contextlib
import copy
import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from attnwidget.binding.capture import capture
from attnwidget.call import EXACT, AttentionCall
from attnwidget.trace import NOT_SEEN, Trace
from benchmarks.coverage import configs, inputs
from benchmarks.coverage.judged import Judged
from benchmarks.coverage.known import OWN_MAPS_DIFFER
from benchmarks.coverage.matching import match
from benchmarks.coverage.others import other_models

OTHERS = other_models()
OWN_MAPS = re.compile(r"attentions(\.|$)")


def judge_named(name: str) -> Judged:
    """Build a model type of transformers, or one of the other models, and judge it."""
    judged = Judged(name)
    if name in OTHERS:
        return judge(judged, *OTHERS[name]())
    first: Exception | None = None
    for how in configs.TRIES:
        try:
            model = configs.build(name, how)
            given = inputs_for(model)
        except Exception as error:
            first = first or error
            continue
        judged.config = how
        return judge(judged, model, (), given)
    judged.verdict, judged.why = "not built", in_short(first or LookupError(name))
    return judged


def judge(judged: Judged, model: nn.Module, args: tuple[Any, ...], given: dict[str, Any]) -> Judged:
    """Run a model with and without capture, and compare with what it reports itself."""
    judged.model_class = type(model).__name__
    judged.inputs = [f"{n} {tuple(v.shape)}" for n, v in given.items() if torch.is_tensor(v)]
    without = _run(model, args, given)
    try:
        with capture(model) as trace:
            with_it = _run(model, args, given)
        _describe(judged, trace, _ran(model, args, given))
    except Exception as error:
        judged.why = in_short(error)
        return judged
    judged.identical = same(without, with_it)
    reported = _own_maps(model, args, given)
    maps = _once([(path, own) for path, own in reported if _is_map(own)])
    judged.no_maps = [f"{path} {tuple(own.shape)}" for path, own in reported if not _is_map(own)]
    judged.reported = len(maps)
    try:
        match(judged, maps, trace.calls)
        if judged.unmatched and not judged.strange:
            judged.matched_under_eager = _matched_under_eager(model, args, given, maps)
    except Exception as error:
        judged.why = in_short(error)
        return judged
    judged.verdict, judged.why = _verdict(judged, trace.calls)
    return judged


def in_short(error: BaseException) -> str:
    """Class and first sentence of an exception."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}"


def inputs_for(model: nn.Module) -> dict[str, Any]:
    """Return the first inputs the model takes."""
    first: Exception | None = None  # of the fullest inputs, as far as they got
    torch.manual_seed(1)
    for number, given in enumerate(inputs.candidates(model)):
        for _ in range(3):  # placeholders for pictures, then for sound
            try:
                _run(model, (), given)
                return given
            except Exception as error:
                first = error if number == 0 else first
                more = inputs.with_media_tokens(model, given, error)
                if more is None:
                    break
                given = more  # noqa: PLW2901
    raise first or LookupError("no inputs known for it")


def _run(model: nn.Module, args: tuple[Any, ...], given: dict[str, Any]) -> Any:
    """One forward pass, from the same random state each time, on copies of the inputs."""
    torch.manual_seed(2)
    np.random.seed(2)  # noqa: NPY002 - what the models use
    with torch.no_grad():
        return model(*copy.deepcopy(args), **copy.deepcopy(given))


def _ran(model: nn.Module, args: tuple[Any, ...], given: dict[str, Any]) -> set[str]:
    """Paths of the modules that are called in a forward pass."""
    ran: set[str] = set()
    hooks = [
        module.register_forward_hook(lambda *_, name=name: ran.add(name))
        for name, module in model.named_modules()
    ]
    try:
        _run(model, args, given)
    finally:
        for hook in hooks:
            hook.remove()
    return ran


def tensors(value: Any, path: str = "") -> Iterator[tuple[str, Tensor]]:
    """All tensors of an output, each with where it is."""
    if isinstance(value, Tensor):
        yield path, value
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from tensors(part, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for i, part in enumerate(value):
            yield from tensors(part, f"{path}.{i}")
    elif hasattr(value, "__dict__") and not isinstance(value, nn.Module):
        yield from tensors(vars(value), path)


def same(one: Any, other: Any) -> bool:
    """Whether two outputs hold the same tensors to the last bit."""
    pairs = list(tensors(one)), list(tensors(other))
    return len(pairs[0]) == len(pairs[1]) and all(
        a.shape == b.shape and a.dtype == b.dtype and bool(_equal(a, b).all())
        for (_, a), (_, b) in zip(*pairs, strict=True)
    )


def _equal(a: Tensor, b: Tensor) -> Tensor:
    return (a == b) | ((a != a) & (b != b))  # NaN equals NaN here


def _describe(judged: Judged, trace: Trace, ran: set[str]) -> None:
    for call in trace.calls:
        for counts, key in (
            (judged.sources, call.source),
            (judged.stacks, call.stack),
            (judged.statuses, call.status),
        ):
            counts[key] = counts.get(key, 0) + 1
        if call.note and call.note not in judged.notes:
            judged.notes.append(call.note)
    judged.calls = len(trace.calls)
    checks = [c for call in trace.calls if not math.isnan(c := call.check())]
    judged.check = max(checks, default=None)
    report = trace.report()
    judged.looks_like = [
        row.module for row in report if row.status == NOT_SEEN and row.module in ran
    ]
    judged.troubles = [row.note for row in report if row.status == "not read"]


def _own_maps(
    model: nn.Module, args: tuple[Any, ...], given: dict[str, Any]
) -> list[tuple[str, Tensor]]:
    """What the same weights report under eager attention; nothing where they report nothing."""
    eager = _eager(model)
    if eager is None:
        return []
    for more in ({"output_attentions": True}, {"output_attentions": True, "return_dict": True}):
        try:
            output = _run(eager, args, given | more)
        except Exception:  # not every model takes these
            continue
        found = [(p, t) for p, t in tensors(output) if OWN_MAPS.search(p) and t.dim() >= 3]
        if found:
            return _packed([(p, t) for p, t in found if t.is_floating_point()])
    return []


def _eager(model: nn.Module) -> nn.Module | None:
    if not hasattr(model, "set_attn_implementation"):
        return None
    eager = copy.deepcopy(model)
    with contextlib.suppress(ValueError):  # it has but one
        eager.set_attn_implementation("eager")
    return eager


def _matched_under_eager(
    model: nn.Module, args: tuple[Any, ...], given: dict[str, Any], maps: list[tuple[str, Tensor]]
) -> bool:
    eager = _eager(model)
    if eager is None:
        return False
    again = Judged("")
    with capture(eager) as trace:
        _run(eager, args, given)
    match(again, maps, trace.calls)
    return not again.unmatched


def _packed(maps: list[tuple[str, Tensor]]) -> list[tuple[str, Tensor]]:
    """Maps of one layer that are reported sequence by sequence, as one with blocks."""
    layers: dict[str, list[Tensor]] = {}
    for path, own in maps:
        is_one_of_several = re.search(r"attentions\.\d+\.\d+$", path) and own.shape[0] == 1
        layers.setdefault(path.rsplit(".", 1)[0] if is_one_of_several else path, []).append(own)
    return [
        (path, parts[0] if len(parts) == 1 else _blocks(parts)) for path, parts in layers.items()
    ]


def _blocks(parts: list[Tensor]) -> Tensor:
    heads = [torch.block_diag(*(part[0, h] for part in parts)) for h in range(parts[0].shape[1])]
    return torch.stack(heads)[None]


def _is_map(own: Tensor) -> bool:
    real = own.float().nan_to_num()
    return bool((real >= -1e-4).all()) and bool((real.sum(-1) <= 1.01).all())


def _once(maps: list[tuple[str, Tensor]]) -> list[tuple[str, Tensor]]:
    """Without what is reported a second time under another name."""
    kept: list[tuple[str, Tensor]] = []
    for path, own in maps:
        again = any(
            before.shape == own.shape
            and path.rsplit(".", 1)[0] != other.rsplit(".", 1)[0]
            and torch.equal(before, own)
            for other, before in kept
        )
        if not again:
            kept.append((path, own))
    return kept


def _verdict(judged: Judged, calls: list[AttentionCall]) -> tuple[str, str]:
    known = OWN_MAPS_DIFFER.get(judged.name, "")
    if not judged.identical:
        return "differs", "the output is not the same"
    if judged.troubles:
        return "missed", judged.troubles[0]
    if judged.strange and not known:
        first = next(text for text in judged.unmatched if text.endswith("shape"))
        return "missed", first
    if not calls:
        return "no attention", _no_maps(judged) or _looks_like(judged)
    if any(call.status not in ("exact", "checked") or call.check() > EXACT for call in calls):
        return ("explained", judged.notes[0]) if judged.notes else ("missed", "not exact, no note")
    if judged.unmatched:
        eager = "its eager attention computes something else, found exactly when it runs"
        return "exact by W@V", known or (
            eager if judged.matched_under_eager else judged.unmatched[0]
        )
    return "exact", known or _no_maps(judged) or _looks_like(judged)


def _looks_like(judged: Judged) -> str:
    many = len(judged.looks_like)
    return f"no weights in {judged.looks_like[0]} and {many - 1} more" if many else ""


def _no_maps(judged: Judged) -> str:
    return f"it reports {judged.no_maps[0].lstrip('.')}, no weights" if judged.no_maps else ""
