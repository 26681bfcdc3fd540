"""What is shown of positions, made again from the model's own parts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import traitlets
from torch import Tensor, nn

import attnwidget as aw
from attnwidget import pictures
from attnwidget.changed.places import positions_removed, positions_shuffled
from attnwidget.messages import Picture
from attnwidget.positions.finder import positions_of
from attnwidget.positions.tables import is_sine_and_cosine
from attnwidget.session import Session
from attnwidget.trace import Trace
from attnwidget.trouble import Trouble
from tests.unit.models import HEADS, D, Notebook
from tests.unit.test_pictures_without import LanguageModel, inputs_of, session_of, sinusoids

ADDED = ["stories", "gpt2", "bert", "opt", "fused encoder", "vit"]


def drawn(session: Session, stack: str = "") -> Picture:
    (made,) = pictures.paint(session, {"key": "k", "kind": "positions", "stack": stack})
    assert isinstance(made, Picture)
    assert all(np.isfinite(array).all() for array in made.arrays.values())
    return made


def cosines(rows: Tensor) -> np.ndarray[Any, Any]:
    numbers = rows.double().numpy()
    lengths = np.sqrt((numbers**2).sum(1))
    return (numbers @ numbers.T) / lengths / lengths[:, None]


@pytest.mark.parametrize("name", ADDED)
def test_rows_that_are_added_are_those_of_the_model(name: str) -> None:
    session = session_of(name)
    made = drawn(session)
    assert session.model is not None
    own = {**dict(session.model.named_parameters()), **dict(session.model.named_buffers())}
    table = own[made.facts["path"]].detach().reshape(-1, made.facts["width"])
    if name == "opt":
        table = table[2:]  # it leaves the first two rows out
    rows = table[:64]
    assert made.facts["positions"] == len(table)
    assert made.facts["found"] == ("sine and cosine" if name == "fused encoder" else "learned")
    assert made.facts["said"] == f"{made.facts['found']}, added to the embeddings"
    assert made.facts["tokens"] == session.snapshot.stacks[made.facts["stack"]][0].query_len  # type: ignore[union-attr]
    assert np.array_equal(made.arrays["encoding"], rows.numpy())
    assert made.arrays["columns"].tolist() == list(range(rows.shape[1]))
    assert made.arrays["similarity"] == pytest.approx(cosines(rows), abs=1e-6)


def test_patches_of_an_image_make_a_grid_behind_the_class_token() -> None:
    assert drawn(session_of("vit")).facts["grid"] == [4, 4, 1]
    assert drawn(session_of("bert")).facts["grid"] is None


def test_rotary_angles_are_those_by_which_the_model_turns() -> None:
    session = session_of("llama")
    made = drawn(session)
    angles = 10_000.0 ** (-np.arange(0, D // HEADS, 2) / (D // HEADS))  # Su et al. 2021
    assert made.arrays["angles"] == pytest.approx(angles, rel=1e-6)
    assert made.facts["found"] == "rotary"
    assert "turned by an angle" in made.facts["said"]
    cos, sin = session.model.model.rotary_emb(torch.ones(1), torch.arange(64)[None])  # type: ignore[union-attr, operator]
    assert made.arrays["encoding"] == pytest.approx(cos[0, :, : len(angles)].numpy(), abs=1e-5)
    # A vector turned to one position, against the same turned to another.
    turned = torch.cat([cos[0, :, : len(angles)], sin[0, :, : len(angles)]], 1)
    assert made.arrays["similarity"] == pytest.approx(cosines(turned), abs=1e-5)


@pytest.mark.parametrize("stack", ["encoder", "decoder"])
def test_a_relative_bias_is_what_the_model_adds_for_each_distance(stack: str) -> None:
    session = session_of("t5")
    made = drawn(session, stack)
    layer = getattr(session.model, stack).block[0].layer[0].SelfAttention
    with torch.no_grad():
        added = layer.compute_bias(65, 65)[0].numpy()  # (H, Tq, Tk)
    assert made.facts["found"] == "relative bias"
    assert made.facts["path"].startswith(stack)
    for column, distance in enumerate(made.arrays["distances"].tolist()):
        query = 64 if distance <= 0 else 0
        expected = added[:, query, query + distance]
        assert made.arrays["encoding"][:, column] == pytest.approx(expected, abs=1e-6)
    assert (made.arrays["distances"].max() == 0) == (stack == "decoder")


def test_the_slopes_of_alibi_halve_from_head_to_head() -> None:
    made = drawn(session_of("bloom"))
    slopes = 2.0 ** (-8 * np.arange(1, HEADS + 1) / HEADS)  # Press et al. 2022
    expected = slopes[:, None] * made.arrays["distances"]
    assert made.facts["found"] == "ALiBi"
    assert made.arrays["encoding"] == pytest.approx(expected, rel=1e-5)


class WithTable(nn.Module):
    """An attention with a table in front, by whatever name and in whatever shape."""

    def __init__(self, name: str, table: Tensor, parameter: bool = False) -> None:
        super().__init__()
        if parameter:
            self.register_parameter(name, nn.Parameter(table))
        else:
            self.register_buffer(name, table)
        self.name = name
        self.norm = nn.LayerNorm(table.shape[-1])
        self.first = nn.Linear(table.shape[-1], D)
        self.attention = Notebook()

    def forward(self, x: Tensor) -> Tensor:
        table = getattr(self, self.name).squeeze()[: x.shape[1]]
        made: Tensor = self.attention(self.first(self.norm(x + table)))[0]
        return made


def run(model: nn.Module, width: int) -> Session:
    session = Session(model.eval())
    session.run_inputs(torch.randn(1, 5, width, generator=torch.Generator().manual_seed(0)))
    return session


@pytest.mark.parametrize("halves", [False, True])
def test_of_wide_sines_and_cosines_pairs_of_all_frequencies_are_shown(halves: bool) -> None:
    full = sinusoids(100, 512)
    table = torch.cat([full[:, 0::2], full[:, 1::2]], 1) if halves else full
    made = drawn(run(WithTable("pe", table[None]), 512))
    columns = made.arrays["columns"].tolist()
    assert (made.facts["found"], made.facts["positions"], made.facts["width"]) == (
        "sine and cosine",
        100,
        512,
    )
    assert made.arrays["encoding"].shape == (64, 128)
    assert np.array_equal(made.arrays["encoding"], table[:64][:, columns].numpy())
    pairs = {(c % 256) if halves else c // 2 for c in columns}
    assert (len(columns), len(pairs), min(pairs), max(pairs)) == (128, 64, 0, 255)
    assert made.arrays["similarity"] == pytest.approx(cosines(table[:64]), abs=1e-6)


@pytest.mark.parametrize(
    ("name", "shape", "parameter"),
    [
        ("pe", (1, 20, D), False),
        ("pe", (20, 1, D), False),
        ("pos_embed", (1, 20, D), True),
        ("position_embedding", (20, D), True),
        ("pos_enc", (20, D), False),
    ],
)
def test_tables_are_found_by_name_in_any_of_the_usual_shapes(
    name: str, shape: tuple[int, ...], parameter: bool
) -> None:
    table = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    made = drawn(run(WithTable(name, table, parameter), D))
    assert made.facts["path"] == name
    assert np.array_equal(made.arrays["encoding"], table.reshape(20, D).numpy())
    assert made.facts["found"] == "learned"


@pytest.mark.parametrize("name", ["pos_ids", "relative_position_bias_table", "attn_mask", "scale"])
def test_other_tables_are_not_taken_for_positions(name: str) -> None:
    made = drawn(run(WithTable(name, torch.zeros(20, D)), D))
    assert (made.facts["found"], made.arrays, made.facts["parts"]) == ("none", {}, [])
    assert "Looked for" in made.facts["said"]


def test_rotary_sines_inside_an_attention_are_not_added() -> None:
    """As GPT-J keeps them: they must not be taken for a table of the embeddings."""
    import transformers as hf

    config = hf.GPTJConfig(n_embd=D, n_head=2, n_layer=1, vocab_size=50, rotary_dim=4)
    assert not positions_of(hf.GPTJForCausalLM(config)).tables


def test_a_table_that_no_name_tells_is_found_when_the_model_runs() -> None:
    model = LanguageModel(Notebook, table="whatever").eval()
    assert not positions_of(model)
    session = Session(model)
    session.run_inputs(inputs_of("course notebook"))
    made = drawn(session)
    assert made.facts["path"] == "whatever.weight"
    assert np.array_equal(made.arrays["encoding"], model.whatever.weight.detach().numpy())


def test_a_text_that_counts_is_not_taken_for_positions() -> None:
    """Its token embedding is asked for 0, 1, 2, ... as well."""
    from tests.unit.models import NanoGPT

    session = Session(NanoGPT().eval())
    session.run_inputs(torch.arange(7)[None])
    assert drawn(session).facts["found"] == "none"


def test_without_a_model_there_is_nothing_to_look_into() -> None:
    session = Session()
    session.take(Trace.from_arrays([torch.ones(1, HEADS, 7, 7)]), {})
    made = drawn(session)
    assert made.facts["found"] == "none"
    assert "no model" in made.facts["said"]
    with pytest.raises(Trouble, match="stack"):
        drawn(session, "decoder")


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (sinusoids(32, 16), True),
        (sinusoids(32, 16) * 3, True),
        (torch.randn(32, 16, generator=torch.Generator().manual_seed(0)), False),
        (torch.ones(32, 15), False),
        (sinusoids(1, 16), False),
    ],
)
def test_sines_and_cosines_are_known_by_their_circles(table: Tensor, expected: bool) -> None:
    assert is_sine_and_cosine(table) is expected


def test_a_model_with_a_config_alone_tells_its_width() -> None:
    class Bare(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.pos_emb = nn.Parameter(torch.randn(8, 12))
            self.config = SimpleNamespace(hidden_size=12)

    (table,) = positions_of(Bare()).tables
    assert table.is_added


def test_which_positions_are_shown_is_a_trait_that_a_stop_can_set() -> None:
    stops = [aw.Stop("Turned.", encoding="rotary"), aw.Stop("Its own.", encoding="model")]
    ex = aw.explore(view="positions", encoding="sine", tour=stops)
    assert ex.encoding == "rotary"
    ex.stop = 1
    assert ex.encoding == "model"
    with pytest.raises(traitlets.TraitError):
        ex.encoding = "guessed"
    with pytest.raises(traitlets.TraitError, match="encoding='guessed' cannot be"):
        aw.explore(tour=[aw.Stop("No.", encoding="guessed")])
    ex.close()


def test_vectors_of_distances_are_those_that_queries_are_held_against() -> None:
    session = Session(*aw.zoo.load("melody"))
    session.run(aw.zoo.card("melody")["text"])
    made = drawn(session)
    assert session.model is not None
    rows = session.model.get_parameter("blocks.0.attention.distance.weight").detach()
    assert made.facts["found"] == "relative keys"
    assert (made.facts["positions"], made.facts["width"]) == rows.shape
    assert made.facts["parts"] == [f"blocks.{n}.attention.distance.weight" for n in range(2)]
    assert np.array_equal(made.arrays["encoding"], rows[:64].numpy())
    assert made.arrays["similarity"] == pytest.approx(cosines(rows[:64]), abs=1e-6)


class WithDistances(nn.Module):
    """Attention with a table in it, by whatever name and in whatever shape."""

    def __init__(self, name: str, rows: int, width: int, parameter: bool) -> None:
        super().__init__()
        self.attention = nn.Module()
        self.attention.add_module("query", nn.Linear(32, 32))
        table = nn.Embedding(rows, width)
        if parameter:
            self.attention.register_parameter(name, nn.Parameter(table.weight))
        else:
            self.attention.add_module(name, table)


@pytest.mark.parametrize("parameter", [True, False])
@pytest.mark.parametrize(
    ("name", "rows", "width", "is_found"),
    [
        ("distance", 64, 8, True),
        ("rel_pos_k", 64, 8, True),
        ("relative_keys", 64, 32, True),
        ("relative_position_bias_table", 64, 8, False),  # a number for each head
        ("relative_values", 64, 8, False),
        ("relative_keys", 63, 8, False),  # to both sides
        ("relative_keys", 64, 7, False),
        ("memory", 64, 8, False),
    ],
)
def test_relative_keys_are_found_by_name_and_shape(
    name: str, rows: int, width: int, is_found: bool, parameter: bool
) -> None:
    found = positions_of(WithDistances(name, rows, width, parameter)).relative_keys
    path = f"attention.{name}" if parameter else f"attention.{name}.weight"
    assert [one.path for one in found] == ([path] if is_found else [])


def test_without_relative_keys_their_vectors_are_zero_and_come_back() -> None:
    model, tokenizer = aw.zoo.load("melody")
    ids = tokenizer(aw.zoo.card("melody")["text"])["input_ids"]
    zeroed, _ = aw.zoo.load("melody")
    with torch.no_grad():
        for name, weights in zeroed.named_parameters():
            if name.endswith("distance.weight"):
                weights.zero_()
        before, expected = model(ids), zeroed(ids)
        found = positions_of(model)
        with positions_removed(found):
            assert torch.equal(model(ids), expected)
        with positions_shuffled(found, lambda _: ids.shape[1]) as order:
            assert sorted(order) == list(range(ids.shape[1])) != order
            assert not torch.allclose(model(ids), before)
        assert torch.equal(model(ids), before)
