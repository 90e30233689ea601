import pytest
import torch

from gan_lab.networks.wavegan import (
    WaveGANDiscriminator,
    WaveGANGenerator,
    quarterings,
    shifted,
    to_shifts,
)


def test_shifts_are_those_of_a_row_by_itself_with_what_is_missing_reflected():
    x = torch.randn(5, 3, 12)
    shifts = torch.arange(-2, 3)
    found = shifted(x, shifts)
    for row, shift, expected in zip(found, shifts.tolist(), x, strict=True):
        for t in range(12):
            place = t - shift
            place = -place if place < 0 else 22 - place if place > 11 else place
            assert torch.equal(row[:, t], expected[:, place])
    assert torch.equal(shifted(x, torch.zeros(5, dtype=torch.long)), x)


def test_all_shifts_are_as_likely():
    shifts = to_shifts(torch.linspace(0, 1 - 1e-7, 10_000), 2)
    assert torch.bincount(shifts + 2).tolist() == pytest.approx([2000] * 5, abs=1)
    assert to_shifts(torch.tensor([1 - 2**-24]), 7) == 7


def test_draws_shift_each_layer_but_the_last_and_none_are_no_shift():
    critic = WaveGANDiscriminator((1, 1024), width=4)
    x = torch.randn(2, 1, 1024)
    assert critic.num_shuffles == 2
    still = torch.full((2, 2), 0.5)
    assert torch.equal(critic(x, draws=still), critic(x))
    for layer in range(2):
        draws = still.clone()
        draws[1, layer] = 0.0  # one row, one layer
        first, second = critic(x, draws=draws) - critic(x)
        assert first == 0 and second != 0


@pytest.mark.parametrize(
    ("num_samples", "expected"),
    [(64, (1, 16)), (4096, (4, 16)), (5120, (4, 20)), (8192, (4, 32)), (16384, (5, 16))],
)
def test_lengths_are_quartered_down_to_sixteen_samples_or_more(num_samples, expected):
    assert quarterings(num_samples) == expected
    assert WaveGANGenerator((1, num_samples), 8, 1)(torch.zeros(1, 8)).shape == (1, 1, num_samples)


@pytest.mark.parametrize("num_samples", [16, 4098, 16000])
def test_other_lengths_are_refused_with_some_that_work(num_samples):
    with pytest.raises(ValueError, match=f"data.num_samples={num_samples}.*8192"):
        quarterings(num_samples)


def test_sizes_are_those_of_the_paper_s_tables():
    d, generator, critic = 64, 0, 0
    generator += 100 * 256 * d + 256 * d  # Table 3, from the dense layer on
    critic += 256 * d + 1
    for inputs, outputs in ((16 * d, 8 * d), (8 * d, 4 * d), (4 * d, 2 * d), (2 * d, d), (d, 1)):
        generator += 25 * inputs * outputs + outputs
        critic += 25 * inputs * outputs + inputs
    with torch.device("meta"):
        networks = WaveGANGenerator((1, 16384)), WaveGANDiscriminator((1, 16384))
    counts = [sum(w.numel() for w in network.parameters()) for network in networks]
    assert counts == [generator, critic]
