"""Whisper from its package: the weights are read right, it understands speech, and is explored."""

from __future__ import annotations

import struct
import wave
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import attnwidget as aw
from attnwidget import zoo
from attnwidget.zoo import ctranslate2
from attnwidget.zoo.speech import RATE, Speech, as_samples, read_wave, resampled

SECONDS = 4.3


def dickens() -> np.ndarray[Any, Any]:
    """The first words of a recording that comes with a package."""
    spec = find_spec("moonshine_voice")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    path = Path(spec.submodule_search_locations[0]) / "assets" / "two_cities.wav"
    return read_wave(path, seconds=SECONDS)


@pytest.fixture(scope="module")
def whisper() -> tuple[Any, Speech]:
    model, reader = zoo.load("whisper")
    return model, reader


def test_it_writes_down_what_is_said_and_each_word_looks_where_it_was_heard(
    whisper: tuple[Any, Speech],
) -> None:
    model, reader = whisper
    samples = dickens()
    ex = aw.explore(
        model, reader, inputs=reader(samples), tokens={"encoder": reader.sound(samples)},
        stack="cross", view="image",
    )  # fmt: skip
    snapshot = ex._session.snapshot
    assert snapshot is not None
    words = [token.text for token in snapshot.sides("cross").queries]
    assert words[0].startswith("<|")
    said = " ".join(words[2:])
    assert said == "It was the best of times , it was the worst of times ."
    keys = snapshot.sides("cross").keys
    assert (len(keys), keys[0].text, keys[100].text) == (1500, "0.00 s", "2.00 s")
    assert [key.kind for key in keys].index("padding") == round(SECONDS * 50)
    assert keys[7].patch == (0, 7)
    assert {call.status for call in ex.trace.calls} == {"exact"}
    # One of the heads that Whisper's authors align words with time by: what it looks at, when a
    # word is about to be written, moves along with the words.
    times = snapshot.call("cross", 2).weights(head=5)[0, 0].argmax(-1)[1:-2] / 50  # seconds
    assert len(times) == len(words) - 3
    assert bool((times.diff() > 0).all())
    assert 1 < times[0] < times[-1] < SECONDS
    ex.close()


def test_speech_of_the_wrong_shape_or_length_is_refused() -> None:
    for wrong, said in (
        (np.zeros((2, 100)), r"shape \(2, 100\)"),
        (np.zeros(0), r"shape \(0,\)"),
        (np.zeros(31 * RATE), "31.0 s of speech"),
    ):
        with pytest.raises(ValueError, match=said):
            as_samples(wrong)


def test_sound_of_another_rate_stays_the_same_sound(tmp_path: Path) -> None:
    times = np.arange(48_000) / 48_000
    tone = np.sin(2 * np.pi * 440 * times)
    at_rate = resampled(tone, 48_000)
    assert at_rate.shape == (RATE,)
    np.testing.assert_allclose(at_rate, np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE), atol=1e-4)
    path = tmp_path / "tone.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(48_000)
        both = np.stack([tone, tone], 1)
        file.writeframes((both * 32767).astype("<i2").tobytes())
    np.testing.assert_allclose(read_wave(path), at_rate, atol=1e-3)


def test_a_model_file_is_read_to_its_end(tmp_path: Path) -> None:
    def name(text: str) -> bytes:
        return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"

    numbers = np.arange(6, dtype="<f4").reshape(2, 3)
    tensor = name("a/weight") + struct.pack("<BIIBI", 2, 2, 3, 0, 24) + numbers.tobytes()
    whole = (
        struct.pack("<I", 6) + name("Spec") + struct.pack("<II", 3, 1) + tensor
        + struct.pack("<I", 1) + name("b") + name("a/weight")
    )  # fmt: skip
    path = tmp_path / "model.bin"
    path.write_bytes(whole)
    read = ctranslate2.read_tensors(path)
    assert torch.equal(read["a/weight"], torch.arange(6.0).reshape(2, 3))
    assert read["b"] is read["a/weight"]
    path.write_bytes(whole[:-40])
    with pytest.raises(ValueError, match="bytes too early"):
        ctranslate2.read_tensors(path)
    path.write_bytes(struct.pack("<I", 5) + whole[4:])
    with pytest.raises(ValueError, match="version 5"):
        ctranslate2.read_tensors(path)
