"""The piano roll: tokens that are notes, with their pitches and times."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
import torch

import attnwidget as aw
from attnwidget import pictures
from attnwidget.messages import Picture
from attnwidget.session import Session
from attnwidget.trouble import Trouble
from attnwidget.zoo.notes import read
from tests.unit.test_session import Tiny

TEXT = "C4 E4/ R/ Bb3. | G4- || C5---"


def roll(session: Session, **more: Any) -> Picture:
    (made,) = pictures.paint(session, {"kind": "roll", "key": "", "stack": "", "batch": 0, **more})
    assert isinstance(made, Picture)
    return made


def offers(session: Session) -> list[str]:
    (made,) = pictures.paint(session, {"kind": "model", "key": "", "stack": "", "batch": 0})
    assert isinstance(made, Picture)
    views: list[str] = made.facts["offers"]
    return views


@pytest.fixture
def melody() -> Session:
    session = Session(*aw.zoo.load("melody"))
    session.run(TEXT)
    return session


def test_every_note_has_its_pitch_and_time_and_marks_have_none(melody: Session) -> None:
    made = roll(melody)
    expected: list[tuple[int | None, float, float] | None] = [None]  # the start mark
    now = 0.0
    for token in TEXT.split():
        sound = read(token)
        expected.append(sound and (sound[0], now, sound[1]))
        now += sound[1] if sound else 0
    assert made.facts["notes"] == expected
    assert now == 9.5
    assert made.facts["names"] == {"58": "Bb3", "60": "C4", "64": "E4", "67": "G4", "72": "C5"}
    assert made.arrays == {}


def test_it_is_offered_where_tokens_are_notes(melody: Session) -> None:
    assert offers(melody)[0] == "roll"
    words = Session(*aw.zoo.load("stories"))
    words.run("The dog slept.")
    assert "roll" not in offers(words)
    with pytest.raises(Trouble, match="are no notes"):
        roll(words)


def test_each_item_of_a_batch_has_its_own_melody(melody: Session) -> None:
    ids = [melody.tokenizer.encode(text) for text in ("C4 D4", "E4 | ")]
    melody.run_inputs({"input_ids": torch.tensor(ids)})
    assert roll(melody, batch=0).facts["notes"][1:] == [(60, 0.0, 1.0), (62, 1.0, 1.0)]
    assert roll(melody, batch=1).facts["notes"][1:] == [(64, 0.0, 1.0), None]
    with pytest.raises(Trouble, match="batch"):
        roll(melody, batch=2)


class Sound(NamedTuple):
    pitch: Any
    length: Any


@pytest.mark.parametrize(
    ("sound", "expected"),
    [
        (Sound(60, 1), (60, 0.0, 1.0)),
        (Sound(None, 0.5), (None, 0.0, 0.5)),
        (Sound(60.5, 1), None),
        (Sound(True, 1), None),
        (Sound(128, 1), None),
        (Sound(60, 0), None),
        (Sound(60, float("nan")), None),
        (Sound(60, float("inf")), None),
        ("C4", None),
    ],
)
def test_what_a_foreign_tokenizer_says_is_checked(sound: Any, expected: Any) -> None:
    class Foreign:
        def notes(self, ids: list[int]) -> list[Any]:
            if ids == [3]:
                raise RuntimeError("foreign")
            return [sound] if ids == [2] else [Sound(64, 1.0)]

    session = Session(Tiny(), Foreign())
    session.run_inputs({"ids": torch.tensor([[2, 3, 1]])})
    notes = roll(session).facts["notes"]
    lasts = expected[2] if expected else 0.0
    assert notes == [expected, None, (64, lasts, 1.0)]
