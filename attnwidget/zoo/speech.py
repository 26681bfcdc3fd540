"""Sound in and out of Whisper: samples to its input, ids to text."""

from __future__ import annotations

import math
import wave
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from attnwidget.images.sound import Sound

RATE = 16_000
LONGEST = 30.0
# Two samples of the spectrogram, 10 ms apart, make one frame of the encoder.
FRAME = 0.02


class Speech:
    """Turns speech into ``input_features``, and ids into text.

    Parameters
    ----------
    tokenizer : Path
        The tokenizer.json of the model.
    """

    def __init__(self, tokenizer: Path) -> None:
        from tokenizers import Tokenizer
        from transformers import WhisperFeatureExtractor

        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._features = WhisperFeatureExtractor()

    def __len__(self) -> int:
        return int(self._tokenizer.get_vocab_size())

    def __call__(self, speech: Any, return_tensors: str = "pt") -> dict[str, torch.Tensor]:
        """``{"input_features": (1, 80, 3000) float32}``, log-mel, 10 ms a column, silence behind.

        Parameters
        ----------
        speech : array or Tensor (N,), str or Path
            Samples at 16 kHz, from -1 to 1, at most 30 s; or a WAV file of any rate.

        Raises
        ------
        ValueError
            If it is empty, longer, or of another shape.
        """
        samples = as_samples(speech)
        made = self._features(samples, sampling_rate=RATE, return_tensors=return_tensors)
        features: torch.Tensor = made["input_features"]
        return {"input_features": features}

    def sound(self, speech: Any) -> Sound:
        """The frames that the encoder makes of the same speech, with its spectrogram."""
        samples = as_samples(speech)
        frames = math.ceil(len(samples) / RATE / FRAME)
        heard = self(samples)["input_features"][0, :, : 2 * frames].numpy()  # low tones first
        least, most = float(heard.min()), float(heard.max())
        shown = np.rint(255 * (heard[::-1] - least) / max(most - least, 1e-9)).astype(np.uint8)
        return Sound(shown, (1, frames), length=round(LONGEST / FRAME), seconds=FRAME)

    def decode(self, ids: Iterable[int], skip_special_tokens: bool = True) -> str:
        text: str = self._tokenizer.decode(
            [int(i) for i in ids], skip_special_tokens=skip_special_tokens
        )
        return text

    def convert_ids_to_tokens(self, ids: Iterable[int]) -> list[str]:
        return [self._tokenizer.id_to_token(int(i)) or "" for i in ids]


def as_samples(speech: Any) -> NDArray[np.float32]:
    """(N,) float32 samples at 16 kHz."""
    if isinstance(speech, str | Path):
        return read_wave(Path(speech))
    if isinstance(speech, torch.Tensor):
        speech = speech.detach().cpu().numpy()
    samples = np.asarray(speech, np.float32)
    if samples.ndim != 1 or samples.size == 0:
        raise ValueError(
            f"Speech of shape {samples.shape} was given; one row of samples (N,) at {RATE:,} Hz is "
            "expected. Of several channels take one, or their mean."
        )
    if samples.size > LONGEST * RATE:
        raise ValueError(
            f"{samples.size / RATE:.1f} s of speech were given; Whisper hears at most "
            f"{LONGEST:.0f} s. Cut it: speech[:{int(LONGEST * RATE)}]."
        )
    return samples


def read_wave(path: Path, seconds: float | None = None) -> NDArray[np.float32]:
    """Samples of a WAV file of 16 bits, or of its beginning: channels averaged, at 16 kHz."""
    with wave.open(str(path), "rb") as file:
        if file.getsampwidth() != 2:
            raise ValueError(f"{path.name} has {8 * file.getsampwidth()} bits; 16 are read.")
        rate = file.getframerate()
        count = file.getnframes() if seconds is None else round(seconds * rate)
        raw = np.frombuffer(file.readframes(count), "<i2")
        samples = raw.reshape(-1, file.getnchannels()).mean(1) / 32768
    return as_samples(resampled(samples, rate))


def resampled(samples: NDArray[Any], rate: int) -> NDArray[np.float32]:
    """The same sound at 16 kHz: what is above half of either rate is left out."""
    count = round(len(samples) * RATE / rate)
    if count == len(samples):
        return samples.astype(np.float32)
    made = np.fft.irfft(np.fft.rfft(samples), count) * (count / len(samples))
    return made.astype(np.float32)
