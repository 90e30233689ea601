"""Sound files, by the standard library alone."""

import wave
from pathlib import Path

import numpy as np

from gan_lab.files import atomic_write


def write_wav(sound: np.ndarray, sample_rate_hz: int, path: Path) -> None:
    """Write a sound (T,) int16 as one 16-bit mono file, whole or not at all."""

    def fill(file: Path) -> None:
        with wave.open(str(file), "wb") as output:
            output.setnchannels(1)
            output.setsampwidth(2)
            output.setframerate(sample_rate_hz)
            output.writeframes(sound.astype("<i2").tobytes())

    atomic_write(path, fill)
