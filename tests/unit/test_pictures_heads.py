"""The numbers of heads that a page is sent: those of the table, for the batch item on screen."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import attnwidget as aw
from attnwidget.measures import MEASURES
from attnwidget.messages import Picture, Progress
from attnwidget.pictures import heads, paint
from attnwidget.session import Session
from attnwidget.trouble import Trouble
from tests.unit.head_pictures import ask_anything, check_plain_json
from tests.unit.models import (
    HEADS,
    PLAIN,
    D,
    NanoGPT,
    Sdpa,
    transformers_inputs,
    transformers_model,
)
from tests.unit.test_measures import looking
from tests.unit.test_pictures import draw, session_over


def heads_of(session: Session, stack: str, *, repeated: bool = False, batch: int = 0) -> Picture:
    made = draw(session, kind="heads", stack=stack, repeated=repeated, batch=batch)
    for one in made:
        check_plain_json(one)
    assert [one.coarse for one in made] == [True] * (len(made) - 1) + [False]
    return made[-1]


def values_of(made: Picture, name: str) -> np.ndarray[Any, Any]:
    return made.arrays["values"][[one["name"] for one in made.facts["measures"]].index(name)]


def run(model: nn.Module, inputs: Any) -> Session:
    session = Session(model)
    session.run_inputs(inputs)
    return session


@pytest.mark.parametrize("name", ["gpt2", "llama", "bert", "t5"])
@pytest.mark.parametrize("padded", ["no", "left", "right"])
def test_an_item_of_a_batch_is_measured_as_if_it_were_alone(name: str, padded: str) -> None:
    inputs = transformers_inputs(name, padded)
    inputs["input_ids"][:, 4:6] = inputs["input_ids"][:, 3:5]
    session = run(transformers_model(name), inputs)
    snapshot = session.snapshot
    assert snapshot is not None
    for batch in (0, 1):
        alone = {key: value[batch : batch + 1] for key, value in inputs.items()}
        with aw.capture(session.model) as trace, torch.no_grad():
            session.model(**alone)
        for stack in snapshot.stacks:
            made = heads_of(session, stack, batch=batch)
            assert made.facts["layers"] == [0, 1]
            assert made.arrays["values"].shape == (len(MEASURES), 2, HEADS)
            for measure in MEASURES:
                own = [getattr(row, measure) for row in trace.heads(stack)]
                np.testing.assert_allclose(values_of(made, measure).ravel(), own, atol=1e-5)


@pytest.mark.parametrize("name", ["sdpa grouped", "nanoGPT flash", "single heads", "mha cross"])
def test_plain_models_have_their_numbers_too(name: str) -> None:
    torch.manual_seed(0)
    shelf = PLAIN[name]
    args, kwargs = shelf.inputs()
    session = Session(shelf.make().eval())
    session.attach()
    session.model(*args, **kwargs)
    (stack,) = session.snapshot.stacks
    rows = session.snapshot.trace.heads(measures=["entropy", "value_norm"])
    made = [heads_of(session, stack, batch=batch) for batch in (0, 1)]
    for measure in ("entropy", "value_norm"):
        mean = sum(values_of(one, measure).ravel() for one in made) / 2
        np.testing.assert_allclose(mean, [getattr(row, measure) for row in rows], atol=1e-5)
    session.detach()


def test_layers_with_fewer_heads_have_no_number_for_those_they_lack() -> None:
    one, three = looking(1)[None, None], torch.stack([looking(1), looking(2), looking(0)])[None]
    made = heads_of(session_over([one, three]), "decoder")
    previous = values_of(made, "previous")
    assert previous.shape == (2, 3)
    assert np.isnan(previous).tolist() == [[False, True, True], [False, False, False]]
    assert previous[1].tolist() == [1, 0, 0]


# -- on random tokens said twice ------------------------------------------------------------------


def test_induction_of_the_bundled_model_is_measured_on_random_words() -> None:
    ex = aw.explore()
    session = ex._session
    made = heads_of(session, "decoder", repeated=True)
    assert made.facts["on"] == "random"
    assert made.facts["said_twice"] == {"length": 25, "texts": 8, "are_words": True}
    assert [one["name"] for one in made.facts["measures"]] == ["duplicate", "induction"]
    induction = values_of(made, "induction")
    assert np.unravel_index(induction.argmax(), induction.shape) == (2, 0)
    assert induction.max() > 0.9
    # Said twice by hand, on other words, the mark of the beginning in front.
    again = session.snapshot.measured["repeated"].ids
    assert again[:, 0].tolist() == [session.tokenizer.ids["<s>"]] * 8
    texts = [session.tokenizer.vocabulary[i] for i in again[:, 1:].flatten().tolist()]
    assert all(text.isalpha() for text in texts)
    ex.close()


def test_the_model_is_run_once_for_each_pass_and_unseen() -> None:
    model, tokenizer = aw.zoo.load("stories")
    session = Session(model, tokenizer)
    session.run("The animal slept.")
    session.attach()
    before = session.snapshot
    made = [heads_of(session, "decoder", repeated=True) for _ in range(2)]
    assert session.snapshot is before
    np.testing.assert_array_equal(made[0].arrays["values"], made[1].arrays["values"])
    kept = before.measured["repeated"]
    heads_of(session, "decoder", repeated=True)
    assert before.measured["repeated"] is kept
    session.detach()


@pytest.mark.parametrize("name", ["gpt2", "bert", "t5"])
def test_models_of_transformers_are_measured_on_random_tokens(name: str) -> None:
    session = run(transformers_model(name), transformers_inputs(name))
    for stack in session.snapshot.stacks:
        made = heads_of(session, stack, repeated=True)
        if stack == "cross":
            assert made.facts["on"] == "text"
            assert "does not read token ids alone" in made.facts["why_not"]
            continue
        assert made.facts["on"] == "random"
        assert made.facts["said_twice"]["are_words"] is False
        assert not np.isnan(made.arrays["values"]).any()


def test_few_positions_make_fewer_tokens() -> None:
    model = transformers_model("bert", max_position_embeddings=17)
    made = heads_of(run(model, transformers_inputs("bert")), "encoder", repeated=True)
    assert made.facts["said_twice"]["length"] == 8


class Fixed(nn.Module):
    """Takes no text but one of a certain length."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = NanoGPT()

    def forward(self, ids: torch.Tensor) -> Any:
        if ids.shape[1] != 4:
            raise RuntimeError("four tokens, please")
        return self.inner(ids)


@pytest.mark.parametrize(
    ("session", "why_not"),
    [
        (lambda: session_over([looking(1)[None, None]]), "There is no model"),
        (lambda: run(Sdpa("causal"), torch.randn(1, 4, D)), "does not read token ids alone"),
        (lambda: run(Fixed(), torch.tensor([[3, 4, 3, 5]])), "four tokens, please"),
    ],
)
def test_where_the_model_cannot_be_run_the_text_is_measured_and_that_is_said(
    session: Callable[[], Session], why_not: str
) -> None:
    made_by = session()
    (stack,) = made_by.snapshot.stacks
    made = heads_of(made_by, stack, repeated=True)
    assert made.facts["on"] == "text"
    assert made.facts["said_twice"] is None
    assert why_not in made.facts["why_not"]


def test_why_a_measure_has_no_value_is_said() -> None:
    why = {
        one["name"]: one["why"]
        for one in heads_of(session_over([looking(1)[None, None]]), "decoder").facts["measures"]
    }
    assert why["previous"] == ""
    assert why["induction"] == why["duplicate"] == "The ids of the tokens are not known."
    assert why["value_norm"] == "The values are not known."
    session = run(NanoGPT(), torch.tensor([[1, 2, 3, 4]]))
    made = heads_of(session, next(iter(session.snapshot.stacks)))
    why = {one["name"]: one["why"] for one in made.facts["measures"]}
    assert why["duplicate"] == "No token comes again in this text."
    assert math.isnan(values_of(made, "induction")[0, 0])


# -- long texts -----------------------------------------------------------------------------------


def test_a_long_text_comes_from_some_rows_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "QUICK_WEIGHTS", 100)
    monkeypatch.setattr(heads, "SAMPLED_ROWS", 3)
    session = run(transformers_model("gpt2"), transformers_inputs("gpt2"))
    want = {"key": "k", "kind": "heads", "stack": "", "batch": 0, "repeated": False}
    made = list(paint(session, want))
    pictures = [one for one in made if isinstance(one, Picture)]
    assert [one.coarse for one in pictures] == [True, False]
    assert [one.facts["sampled"] for one in pictures] == [True, False]
    assert [one for one in made if isinstance(one, Progress)][-1] == Progress(
        "measuring layer", 2, 2
    )
    call = session.snapshot.trace.calls[0]
    rows = call.weights(head=1, queries=[3, 6], batch=0)[0, 0]  # row 0 has no choice
    expected = torch.special.entr(rows.double()).sum(-1).mean()
    assert values_of(pictures[0], "entropy")[0, 1] == pytest.approx(float(expected), abs=1e-5)


def test_of_a_text_too_long_to_read_some_rows_are_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "QUICK_WEIGHTS", 100)
    monkeypatch.setattr(heads, "MOST_WEIGHTS", 200)
    monkeypatch.setattr(heads, "SAMPLED_ROWS", 3)
    session = run(transformers_model("gpt2"), transformers_inputs("gpt2"))
    made = heads_of(session, next(iter(session.snapshot.stacks)))
    assert made.facts["sampled"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"stack": "vision"}, "stack='vision' does not exist"),
        ({"batch": 1}, "batch=1"),
        ({"repeated": 1}, "repeated=1 was asked for"),
        ({"repeated": None}, "must be true or false"),
    ],
)
def test_wants_of_what_is_not_there_are_refused(wrong: dict[str, Any], words: str) -> None:
    session = session_over([looking(1)[None, None]])
    with pytest.raises(Trouble) as raised:
        draw(session, **{"kind": "heads", "stack": "decoder", "repeated": False, **wrong})
    assert words in str(raised.value)


def test_any_want_is_drawn_or_refused_in_words() -> None:
    ask_anything("heads", "stack", "batch", "repeated")


def test_names_and_traits_are_those_of_the_measures() -> None:
    ex = aw.explore(measure="induction", sort=True)
    assert (ex.measure, ex.sort) == ("induction", True)
    for name in (*MEASURES, None):
        ex.measure = name
    with pytest.raises(Exception, match="measure"):
        ex.measure = "depth"
    ex.close()
