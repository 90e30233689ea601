import math

import pytest
import torch

from gan_lab.ops.spectrogram import griffin_lim, log_mel, mel_filters, spectrum, waves_of


def noise(num, samples):
    return torch.randn(num, samples, generator=torch.Generator().manual_seed(0)) / 10


def test_a_frame_is_the_transform_of_what_its_window_sees():
    x = noise(2, 128)
    frames = spectrum(x, 32, 8)
    assert frames.shape == (2, 17, 16)
    window = [0.5 - 0.5 * math.cos(2 * math.pi * n / 32) for n in range(32)]
    for frame in (0, 1, 7, 15):
        around = [8 * frame - 16 + n for n in range(32)]
        seen = [x[1, t].item() if 0 <= t < 128 else 0.0 for t in around]
        for k in (0, 3, 16):
            turned = [
                w
                * v
                * complex(math.cos(2 * math.pi * k * n / 32), -math.sin(2 * math.pi * k * n / 32))
                for n, (w, v) in enumerate(zip(window, seen, strict=True))
            ]
            assert abs(sum(turned) - complex(frames[1, k, frame])) < 1e-5


@pytest.mark.parametrize("hop", [8, 16])
def test_waves_come_back_from_their_spectrum(hop):
    x = noise(3, 256)
    x[:, -16:] = 0  # the last half window is in frames that are left out
    torch.testing.assert_close(waves_of(spectrum(x, 32, hop), 32, hop), x, atol=1e-5, rtol=0)


def test_griffin_lim_finds_waves_of_given_magnitudes():
    times = torch.arange(4096) / 8000
    x = torch.stack([torch.sin(2 * torch.pi * f * times) for f in (300.0, 440.0, 1000.0)])
    x = x * torch.hann_window(4096)
    magnitudes = spectrum(x, 256, 64).abs()
    errors = [
        (spectrum(griffin_lim(magnitudes, 64, n), 256, 64).abs() - magnitudes).norm()
        / magnitudes.norm()
        for n in (0, 8, 64)
    ]
    assert errors[2] < errors[1] < errors[0] and errors[2] < 0.1
    assert torch.equal(griffin_lim(magnitudes, 64, 4), griffin_lim(magnitudes, 64, 4))


def test_mel_filters_agree_with_the_triangles_one_by_one():
    filters = mel_filters(10, 64, 8000)
    top = 2595 * math.log10(1 + 4000 / 700)
    corners = [700 * (10 ** (top * n / 11 / 2595) - 1) for n in range(12)]
    for band in range(10):
        low, peak, high = corners[band : band + 3]
        for k in range(33):
            hertz = k * 8000 / 64
            up, down = (hertz - low) / (peak - low), (high - hertz) / (high - peak)
            assert filters[band, k].item() == pytest.approx(max(0.0, min(up, down)), abs=1e-5)


def test_neighbouring_mel_filters_sum_to_one():
    filters = mel_filters(20, 512, 16000)
    peaks = filters.argmax(1)
    total = filters.sum(0)[peaks[0] + 1 : peaks[-1]]
    torch.testing.assert_close(total, torch.ones_like(total))


def test_a_tone_is_loudest_in_its_mel_band_and_silence_is_at_the_floor():
    times = torch.arange(4096) / 8000
    bands = log_mel(
        torch.stack([torch.sin(2 * torch.pi * 1000 * times), torch.zeros(4096)]),
        8000, num_mels=40, window=256, hop=128,
    )  # fmt: skip
    assert bands.shape == (2, 40, 32)
    mel = 2595 * math.log10(1 + 1000 / 700) / (2595 * math.log10(1 + 4000 / 700))
    assert (bands[0, :, 5:-5].argmax(0) + 1 - mel * 41).abs().max() < 1
    torch.testing.assert_close(bands[1], torch.full((40, 32), math.log(1e-4)))
