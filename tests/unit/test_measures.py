"""Measures of heads: against heads whose numbers are known, and made again by hand in float64."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

import attnwidget as aw
from attnwidget.binding.capture import capture
from attnwidget.call import AttentionCall
from attnwidget.measures import MEASURES, heads, means
from attnwidget.measures.places import WINDOW
from attnwidget.measures.table import HeadRow, HeadTable
from attnwidget.trace import Trace
from attnwidget.trouble import Trouble
from tests.unit.models import HEADS, PLAIN, D, Sdpa, transformers_inputs, transformers_model
from tests.unit.test_generate import language_model

T = 9
SONG = [5, 6, 7, 8, 5, 6, 7, 8, 5]


def trace_of(*maps: Tensor) -> Trace:
    return Trace.from_arrays([a if a.dim() == 4 else a[None, None] for a in maps])


def looking(offset: int) -> Tensor:
    """Every query looks that far back, or at itself where there is nothing so far back."""
    a = torch.zeros(T, T)
    for i in range(T):
        a[i, i - offset if i >= offset else i] = 1
    return a


EVEN = torch.ones(T, T).tril() / torch.arange(1, T + 1)[:, None]
LATER = range(1, T)  # the first row has no choice
HALF_ON_FIRST = EVEN / 2 + torch.eye(T)[0] / 2


@pytest.mark.parametrize(
    ("of", "name", "value"),
    [
        (EVEN, "entropy", np.mean([math.log(i + 1) for i in LATER])),
        (EVEN, "evenness", 1),
        (EVEN, "largest", np.mean([1 / (i + 1) for i in LATER])),
        (EVEN, "distance", np.mean([i / 2 for i in LATER])),
        (EVEN, "previous", np.mean([1 / (i + 1) for i in LATER])),
        (EVEN, "first", np.mean([1 / (i + 1) for i in LATER])),
        (EVEN, "itself", np.mean([1 / (i + 1) for i in LATER])),
        (EVEN, "window", np.mean([(WINDOW + 1) / (i + 1) for i in range(WINDOW + 1, T)])),
        (EVEN, "duplicate", np.mean([1 / 5, 1 / 6, 1 / 7, 1 / 8, 2 / 9])),
        (EVEN, "induction", np.mean([1 / 5, 1 / 6, 1 / 7, 1 / 8, 2 / 9])),
        (HALF_ON_FIRST, "first", np.mean([0.5 + 0.5 / (i + 1) for i in LATER])),
        (looking(1), "previous", 1),
        (looking(1), "entropy", 0),
        (looking(1), "evenness", 0),
        (looking(1), "largest", 1),
        (looking(1), "distance", 1),
        (looking(1), "itself", 0),
        (looking(1), "window", 1),
        (looking(0), "itself", 1),
        (looking(0), "distance", 0),
        (looking(0), "previous", 0),
        (looking(T), "first", 0),
        (looking(3), "window", 0),
        (looking(4), "duplicate", 1),
        (looking(4), "induction", 0),
        (looking(3), "induction", 1),
        (looking(3), "duplicate", 0),
    ],
)
def test_heads_made_by_hand_have_the_numbers_that_they_must_have(
    of: Tensor, name: str, value: float
) -> None:
    (row,) = trace_of(of).heads(ids=SONG)
    assert getattr(row, name) == pytest.approx(value, abs=1e-6)


def test_without_a_mask_the_row_of_the_first_token_counts_too() -> None:
    even = torch.full((T, T), 1 / T)
    (row,) = trace_of(even).heads()
    apart = (torch.arange(T)[:, None] - torch.arange(T)).abs().double()
    assert row.entropy == pytest.approx(math.log(T), abs=1e-6)
    assert row.distance == pytest.approx(float(apart.mean()), abs=1e-6)
    assert row.previous == row.first == row.itself == pytest.approx(1 / T)


def test_what_goes_to_a_sink_goes_to_no_key() -> None:
    (row,) = trace_of(EVEN / 4).heads()
    (whole,) = trace_of(EVEN).heads()
    assert row.entropy == pytest.approx(whole.entropy, abs=1e-6)
    assert row.distance == pytest.approx(whole.distance, abs=1e-6)
    assert row.previous == pytest.approx(whole.previous / 4)
    assert row.largest == pytest.approx(whole.largest / 4)


# -- made again by hand ---------------------------------------------------------------------------


def by_hand(
    call: AttentionCall, ids: Tensor | None = None, padding: Tensor | None = None
) -> dict[str, list[float]]:
    """By measure and head: every row looked at on its own, in float64."""
    weights, visible = call.weights().double(), call.visible()
    of: dict[str, list[list[float]]] = {name: [[] for _ in range(call.heads)] for name in MEASURES}
    queries, keys = call.query_positions.tolist(), call.key_positions.tolist()
    v = None if call.v is None or call.v.shape[2] != call.key_len else call.v.double()
    for b in range(call.batch_size):
        said = None if ids is None else ids[b % len(ids)].tolist()
        gaps = [False] * (1 + max(keys + queries))
        if padding is not None:
            gaps = padding[b % len(padding)].tolist()
        first = gaps.index(False) if False in gaps else 0
        for h in range(call.heads):
            for n, i in enumerate(queries):
                row, sees = weights[b, h, n], visible[b, h, n].tolist()
                if not bool(row.isfinite().all()) or sum(sees) < 2:
                    continue
                if call.kind == "self" and gaps[i]:
                    continue
                p = row / row.sum()
                entropy = -sum(x * math.log(x) for x in p.tolist() if x > 0)
                if float(row.min()) >= 0:
                    of["entropy"][h].append(entropy)
                    of["evenness"][h].append(entropy / math.log(sum(sees)))
                of["largest"][h].append(float(row.max()))
                if v is not None:
                    values = v[b % len(v), h * v.shape[1] // call.heads]
                    of["value_norm"][h].append(float((row * values.norm(dim=-1)).sum()))
                if call.kind != "self":
                    continue
                distances = torch.tensor([abs(i - j) for j in keys], dtype=torch.float64)
                of["distance"][h].append(float((p * distances).sum()))
                kinds = {
                    "previous": [j == i - 1 for j in keys],
                    "first": [j == first < i for j in keys],
                    "itself": [j == i for j in keys],
                    "window": [abs(i - j) <= WINDOW for j in keys],
                }
                if said is not None:
                    kinds["duplicate"] = [
                        j < i and said[j] == said[i] and not gaps[j] for j in keys
                    ]
                    kinds["induction"] = [
                        0 < j < i and said[j - 1] == said[i] and not gaps[j - 1] for j in keys
                    ]
                for name, kind in kinds.items():
                    among = [k and s for k, s in zip(kind, sees, strict=True)]
                    if 0 < sum(among) < sum(sees):
                        of[name][h].append(float(row[torch.tensor(kind)].sum()))
    return {
        name: [float(np.mean(rows)) if rows else math.nan for rows in of_heads]
        for name, of_heads in of.items()
    }


def check_against_hand(
    trace: Trace, ids: Any = None, padding: Tensor | None = None, rel: float = 1e-4
) -> HeadTable:
    table = trace.heads() if ids is None else trace.heads(ids=ids)
    rows = {(row.stack, row.layer, row.head): row for row in table}
    assert len(rows) == len(table)
    for stack, calls in trace.stacks.items():
        for call in calls:
            known = trace.inputs.get("source") if ids is None else torch.as_tensor(ids)
            known = None if known is None or known.dtype is torch.bool else known
            if known is not None and known.dim() == 1:
                known = known[None]
            if known is not None and known.shape[1] != call.key_len:
                known = None
            expected = by_hand(call, known, padding if call.kind == "self" else None)
            for name, values in expected.items():
                got = [getattr(rows[stack, call.layer, h], name) for h in range(call.heads)]
                assert got == pytest.approx(values, rel=rel, abs=1e-5, nan_ok=True), (stack, name)
    return table


def caught(model: nn.Module, *args: Any, **kwargs: Any) -> Trace:
    with capture(model) as trace, torch.no_grad():
        model(*args, **kwargs)
    return trace


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("name", [name for name, shelf in PLAIN.items() if shelf.calls])
def test_models_of_any_make_are_measured_on_the_weights_they_used(name: str) -> None:
    torch.manual_seed(0)
    shelf = PLAIN[name]
    args, kwargs = shelf.inputs()
    padding = None
    if "padded" in name or "padding" in name:
        padding = torch.zeros(2, 5, dtype=torch.bool)
        padding[1, 3:] = True
    check_against_hand(caught(shelf.make().eval(), *args, **kwargs), padding=padding)


@pytest.mark.parametrize("padded", ["no", "left", "right"])
@pytest.mark.parametrize(
    ("name", "attention"),
    [
        ("bert", "sdpa"),
        ("gpt2", "sdpa"),
        ("gpt2", "eager"),
        ("llama", "sdpa"),
        ("gpt_oss", "eager"),
    ],
)
def test_models_of_transformers_are_measured_without_their_padding(
    name: str, attention: str, padded: str
) -> None:
    inputs = transformers_inputs(name, padded)
    inputs["input_ids"][:, 5] = inputs["input_ids"][:, 3]
    padding = inputs["attention_mask"] == 0 if padded != "no" else None
    trace = caught(transformers_model(name, attention), **inputs)
    table = check_against_hand(trace, padding=padding)
    assert all(0 <= row.duplicate <= 1 for row in table)
    assert not any(math.isnan(row.value_norm) for row in table)


def test_an_encoder_decoder_has_no_places_in_its_cross_attention() -> None:
    inputs = transformers_inputs("t5", "right")
    table = caught(transformers_model("t5"), **inputs).heads()
    assert {row.stack for row in table} == {"encoder", "decoder", "cross"}
    for row in table:
        of_places = [getattr(row, name) for name in heads.OF_PLACES]
        assert [math.isnan(value) for value in of_places] == [row.stack == "cross"] * 5
        assert row.entropy > 0
        assert 0 < row.evenness <= 1
    assert any(note.startswith("cross: Queries and keys are not the same") for note in table.notes)


def test_ids_of_the_decoder_are_its_own() -> None:
    inputs = transformers_inputs("t5")
    inputs["decoder_input_ids"] = torch.tensor([[9, 8, 9, 8, 9]] * 2)
    trace = caught(transformers_model("t5"), **inputs)
    own = [row.induction for row in trace.heads("decoder")]
    given = [row.induction for row in trace.heads("decoder", ids=[9, 8, 9, 8, 9])]
    named = [
        row.induction
        for row in trace.heads(ids={"decoder": [9, 8, 9, 8, 9]})
        if row.stack == "decoder"
    ]
    assert own == given == named
    assert not any(map(math.isnan, own))


def test_half_precision_is_measured_on_float32_weights() -> None:
    model = transformers_model("llama").to(torch.bfloat16)
    trace = caught(model, **transformers_inputs("llama"))
    assert trace.calls[0].dtype is torch.bfloat16
    with torch.autocast("cpu", torch.bfloat16):
        inside = trace.heads()
    assert [row.entropy for row in inside] == [row.entropy for row in trace.heads()]
    check_against_hand(trace)


def test_a_single_token_says_nothing_and_that_is_said() -> None:
    table = caught(Sdpa("causal"), torch.randn(1, 1, D)).heads()
    assert len(table) == HEADS
    for row in table:
        assert all(math.isnan(getattr(row, name)) for name in MEASURES)
    assert "No query has such a choice of keys" in table.notes[0]


def test_steps_behind_a_cache_count_places_in_the_whole_text() -> None:
    model = language_model("gpt2").eval()
    ids = torch.tensor([[3, 4, 5, 3, 4, 5, 3]])
    with capture(model, keep="all") as trace, torch.no_grad():
        out = model.generate(ids, max_new_tokens=4, do_sample=False)
    whole = caught(model, out[:, :-1])
    joined = trace.stitch()
    for name in MEASURES:
        expected = [getattr(row, name) for row in whole.heads()]
        got = [getattr(row, name) for row in joined.heads(ids=out)]
        assert got == pytest.approx(expected, abs=1e-5), name
    # The last step alone is the last row alone.
    last = trace.heads(ids=out, measures=["distance", "induction", "duplicate"])
    for row in last:
        call = trace.stacks[row.stack][row.layer]
        assert (call.query_len, call.key_len) == (1, out.shape[1] - 1)
        a, there = call.weights(head=row.head)[0, 0, 0], out[0, :-1]
        apart = torch.arange(len(a) - 1, -1, -1)
        assert row.distance == pytest.approx(float((a * apart).sum()), abs=1e-5)
        same = there[:-1] == there[-1]
        assert row.duplicate == pytest.approx(float(a[:-1][same].sum()), abs=1e-6, nan_ok=True)
    assert "ids of the tokens are not known" in trace.heads().notes[0]


def test_a_window_of_keys_has_lost_the_first_token() -> None:
    model = language_model("mistral", sliding_window=4).eval()
    with capture(model) as trace, torch.no_grad():
        model.generate(torch.arange(3, 10)[None], max_new_tokens=5, do_sample=False)
    table = trace.heads(measures=["first", "previous", "distance"])
    call = trace.calls[0]
    assert int(call.key_positions[0]) > 0
    for row in table:
        assert math.isnan(row.first)
        assert 0 < row.previous < 1
        assert 0 < row.distance < 4


numbers = st.integers(0, 2**32 - 1)


@given(
    seed=numbers,
    batch=st.integers(1, 2),
    heads=st.integers(1, 3),
    length=st.integers(1, 7),
    causal=st.booleans(),
)
def test_bounds_hold_and_permuted_heads_permute_rows(
    seed: int, batch: int, heads: int, length: int, causal: bool
) -> None:
    generator = torch.Generator().manual_seed(seed)
    scores = 3 * torch.randn(batch, heads, length, length, generator=generator)
    if causal:
        scores = scores.masked_fill(torch.ones(length, length).triu(1).bool(), -math.inf)
    ids = torch.randint(0, 3, (batch, length), generator=generator)
    trace = trace_of(scores.softmax(-1))
    table = check_against_hand(trace, ids)
    for row in table:
        for name, one in MEASURES.items():
            value = getattr(row, name)
            most = {"nats": math.log(length), "tokens": length - 1}.get(one.unit, 1)
            assert math.isnan(value) or -1e-5 <= value <= most + 1e-5
    order = torch.randperm(heads, generator=generator).tolist()
    permuted = trace_of(scores.softmax(-1)[:, order]).heads(ids=ids)
    for at, head in enumerate(order):
        for name in MEASURES:
            same = getattr(table[head], name), getattr(permuted[at], name)
            assert same[0] == pytest.approx(same[1], abs=1e-6, nan_ok=True)


def test_a_weight_that_is_no_number_takes_its_row_out() -> None:
    a = torch.full((T, T), 1 / T)
    a[3, 4] = math.nan
    (row,) = trace_of(a).heads()
    assert row.entropy == pytest.approx(math.log(T), abs=1e-6)
    a[:] = math.nan
    (row,) = trace_of(a).heads()
    assert math.isnan(row.entropy)


@pytest.mark.parametrize("cells", [1, 100, 700])
def test_bands_of_rows_make_the_same_numbers(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    trace = caught(transformers_model("llama"), **transformers_inputs("llama", "left"))
    whole = trace.heads()
    monkeypatch.setattr(means, "CELLS_AT_ONCE", cells)
    for row, other in zip(whole, trace.heads(), strict=True):
        for name in MEASURES:
            same = getattr(row, name), getattr(other, name)
            assert same[0] == pytest.approx(same[1], abs=1e-6, nan_ok=True)


# -- asked for wrongly, or not to be had ----------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"stack": "vision"}, "There is no stack 'vision'. Choose from decoder."),
        ({"measures": ["entropy", "depth"]}, "no measure 'depth'. Choose from entropy, evenness"),
        ({"measures": []}, "No measure was asked for"),
        ({"ids": [1, 2]}, "fits no stack"),
        ({"ids": {"encoder": SONG}}, "for the stacks ['encoder'], which fits no stack"),
        ({"ids": torch.zeros(3, T, dtype=torch.int64)}, "3 × 9"),
        ({"ids": "text"}, "cannot be read as token ids"),
        ({"ids": [0.5] * T}, "cannot be read as token ids"),
    ],
)
def test_what_cannot_be_measured_is_said(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(Trouble) as raised:
        trace_of(EVEN).heads(**asked)
    assert words in str(raised.value)


def test_a_trace_without_attention_is_refused() -> None:
    with capture(nn.Linear(2, 2)) as trace:
        pass
    with pytest.raises(Trouble, match="holds no attention"):
        trace.heads()


@pytest.mark.parametrize(
    ("ids", "note"),
    [
        (None, "decoder: The ids of the tokens are not known: duplicate and induction have no"),
        (list(range(T)), "decoder: No token comes again in this text: duplicate and induction"),
        (
            [1, 1, *range(2, T)],
            "decoder: No token comes again in this text, later than at once: induction",
        ),
    ],
)
def test_texts_without_repeats_have_no_scores_of_them(ids: Any, note: str) -> None:
    table = trace_of(EVEN).heads(ids=ids)
    assert math.isnan(table[0].induction)
    assert any(said.startswith(note) for said in table.notes), table.notes


def test_weights_that_were_overwritten_leave_nan_and_a_note() -> None:
    trace = caught(Sdpa("causal"), torch.randn(1, 4, D))
    trace.calls[0].q.zero_()
    table = trace.heads()
    assert all(math.isnan(row.entropy) for row in table)
    assert "overwritten after the call" in table.notes[0]


# -- the table ------------------------------------------------------------------------------------


def test_it_prints_sorts_and_is_cut_like_a_list() -> None:
    heads = torch.stack([looking(3), looking(1), torch.full((T, T), math.nan)])[None]
    table = trace_of(heads).heads(measures=["induction", "previous"], ids=SONG)
    lines = str(table).splitlines()
    assert lines[0].split() == ["stack", "layer", "head", "induction", "previous"]
    assert lines[1].split()[2:] == ["0", "1.000", "0.000"]
    assert lines[3].split()[2:] == ["2", "–", "–"]
    assert len({len(line) for line in lines[:4]}) == 1
    by_previous = table.sort_by("previous")
    assert [row.head for row in by_previous] == [1, 0, 2]
    assert isinstance(by_previous[:2], HeadTable)
    assert by_previous[:2].measures == ("induction", "previous")
    assert str(by_previous[:1]).splitlines()[1].split()[2] == "1"
    with pytest.raises(Trouble, match="no column 'entropy'"):
        table.sort_by("entropy")


def test_html_is_escaped() -> None:
    table = HeadTable([HeadRow("<b>x</b>", 0, 0, entropy=1.0)], ["entropy"], ["a < b"])
    made = table._repr_html_()
    assert "<b>" not in made
    assert "&lt;b&gt;x&lt;/b&gt;" in made
    assert "a &lt; b" in made
    assert "<td>1.000</td>" in made


def test_a_long_table_is_cut_with_a_word() -> None:
    table = trace_of(torch.full((1, 300, 2, 2), 0.5)).heads(measures=["entropy"])
    assert str(table).splitlines()[257] == "… and 44 more."
    assert table._repr_html_().count("<tr>") == 257


def test_pandas_gets_the_asked_columns() -> None:
    frame = trace_of(looking(1)).heads(measures=["previous", "largest"]).to_pandas()
    assert list(frame.columns) == ["stack", "layer", "head", "previous", "largest"]
    assert frame["previous"].tolist() == [1.0]


def test_without_pandas_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        trace_of(looking(1)).heads().to_pandas()


def test_every_measure_has_a_column_a_formula_and_a_source() -> None:
    for name, one in MEASURES.items():
        assert math.isnan(getattr(HeadRow("", 0, 0), name))
        assert any(year in one.definition for year in ("2019", "2020", "2022", "1966"))
        assert (
            "From 0" in one.definition or "from 0" in one.definition or "From 1 /" in one.definition
        )
        assert one.said[0].islower()
        assert not one.said.endswith(".")
    assert aw.Trace.heads.__doc__ is not None
    assert all(f'"{name}"' in aw.Trace.heads.__doc__ for name in MEASURES)
