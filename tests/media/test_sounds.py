import wave

import numpy as np
import pytest
import torch

from gan_lab.errors import UserError
from gan_lab.media import Sounds
from gan_lab.media.sounds import GAP, PANEL_WIDTH, SPECTROGRAM_HEIGHT, WAVE_HEIGHT, spectrograms

SOUNDS = Sounds(8000, heard=3)


def read(path):
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def test_what_is_stored_is_clipped_and_comes_back_exactly():
    samples = torch.tensor([-2.0, -1.0, 0.0, 3 / 2**15, 1.0, 2.0]).view(6, 1, 1)
    stored = SOUNDS.stored(samples)
    assert stored.dtype == torch.int16
    assert stored.flatten().tolist() == [-32768, -32768, 0, 3, 32767, 32767]
    assert SOUNDS.stored(stored) is stored
    every = torch.arange(-(2**15), 2**15, dtype=torch.int16).view(-1, 1, 1)
    assert torch.equal(SOUNDS.stored(every.float() / 2**15), every)


def test_a_file_holds_all_sounds_one_after_another_and_a_folder_one_each(tmp_path):
    samples = torch.rand(3, 1, 50, generator=torch.Generator().manual_seed(0)) * 2 - 1
    SOUNDS.write(samples, tmp_path / "all.wav", 2)
    SOUNDS.write(samples, tmp_path / "each", 2)
    each = [read(path) for path in sorted((tmp_path / "each").iterdir())]
    assert np.array_equal(np.stack(each), SOUNDS.stored(samples)[:, 0].numpy())
    together = read(tmp_path / "all.wav").reshape(3, -1)
    assert np.array_equal(together[:, :50], np.stack(each))
    assert not together[:, 50:].any() and together.shape[1] == 50 + 800  # a tenth of a second
    with pytest.raises(UserError, match="not empty"):
        SOUNDS.write(samples, tmp_path / "each", 2)


def test_a_recording_has_a_sound_of_each_row(tmp_path):
    rows = torch.arange(3.0).repeat_interleave(5).view(15, 1, 1) / 4  # of five columns
    path = SOUNDS.recording(rows, tmp_path / "0001.0.png")
    assert path == tmp_path / "0001.0.wav"
    assert read(path).reshape(3, -1)[:, 0].tolist() == [0, 8192, 16384]
    assert len(read(SOUNDS.recording(rows[:2], path))) == 2 * 801  # fewer than are heard


def test_a_sheet_has_a_panel_for_each_sound_and_takes_what_is_not_a_number():
    samples = torch.zeros(7, 1, 300)
    samples[0, 0, 5], samples[1] = torch.nan, 5.0
    picture = SOUNDS.sheet(samples, 10)
    assert picture.width == 10 * (PANEL_WIDTH + GAP) + GAP
    assert picture.height == WAVE_HEIGHT + SPECTROGRAM_HEIGHT + 2 * GAP


def test_high_tones_stand_above_low_ones():
    times = torch.arange(2048) / 8000
    tones = torch.stack([torch.sin(2 * torch.pi * f * times) for f in (500.0, 3500.0)])
    brightness = spectrograms(tones, 96).sum((2, 3), dtype=float)  # (2, height)
    low, high = brightness.argmax(1)
    assert low == pytest.approx(SPECTROGRAM_HEIGHT * (1 - 500 / 4000), abs=2)
    assert high == pytest.approx(SPECTROGRAM_HEIGHT * (1 - 3500 / 4000), abs=2)
