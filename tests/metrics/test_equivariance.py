"""Equivariance of generators that are equivariant by construction, and of some that are not."""

import math

import pytest
import torch
from torch import nn
from torch.nn.functional import leaky_relu

from gan_lab.errors import UserError
from gan_lab.metrics.equivariance import (
    EquivarianceR,
    EquivarianceT,
    bandlimit,
    pseudo_rotated,
    rotated,
    rotation,
    translated,
)
from gan_lab.networks.stylegan3 import FourierFeatures, Signal, StyleGAN3Generator
from gan_lab.ops.filtered import Jinc

SIZE = 32
MIDDLES = (torch.arange(SIZE) + 0.5) / SIZE - 0.5


class Waves(nn.Module):
    """A sum of waves of up to 4 cycles per picture, exact at every place of the plane."""

    def __init__(self):
        super().__init__()
        draw = torch.Generator().manual_seed(0)
        self.frequencies = 8 * torch.rand(2, 6, generator=draw) - 4

    def forward(self, ws, noise=None, *, transform=None):
        transform = torch.eye(3) if transform is None else transform
        x, y = torch.meshgrid(MIDDLES, MIDDLES, indexing="xy")
        place = torch.stack([x, y, torch.ones_like(x)], 2) @ transform[:2].T  # (H, W, 2)
        cycles = place @ self.frequencies + ws[:, None, None]  # (B, H, W, 6)
        return torch.sin(2 * math.pi * cycles).mean(3)[:, None]


class Still(Waves):
    """The same pictures, whatever is asked."""

    def forward(self, ws, noise=None, *, transform=None):
        return super().forward(ws)


class Padded(nn.Module):
    """3x3 convolutions between zeros, on Fourier features: what StyleGAN2's layers would do."""

    def __init__(self, w_dim=6):
        super().__init__()
        self.input = FourierFeatures(w_dim, Signal(8, SIZE, SIZE, 2.0, 2.3))
        self.layers = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1) for _ in range(6))
        for layer in self.layers:
            nn.init.normal_(layer.weight, std=(2 / 72) ** 0.5)

    def forward(self, ws, noise=None, *, transform=None):
        x = self.input(ws, transform)
        for layer in self.layers:
            x = leaky_relu(layer(x), 0.2)
        return x[:, :3]


class Generator(nn.Module):
    latent_dim, num_classes = 6, None

    def __init__(self, synthesis):
        super().__init__()
        self.synthesis = synthesis

    def mapping(self, z, label=None):
        return z


class FakeGAN:
    device = torch.device("cpu")

    def __init__(self, generator, num_classes=None):
        self.generator = self.generator_ema = generator.eval()
        self.latent_dim, self.num_classes = generator.latent_dim, num_classes
        self.conditional = num_classes is not None


def stylegan3(**options):
    torch.manual_seed(0)
    network = StyleGAN3Generator((3, SIZE, SIZE), 6, 6, **{"num_layers": 6, **options})
    for layer in network.synthesis.layers:
        nn.init.normal_(layer.bias)
    return FakeGAN(network)


def test_exact_equivariance_is_found():
    gan = FakeGAN(Generator(Waves()))
    whole, fractional = EquivarianceT(num=8)(gan, 0)
    assert whole == pytest.approx(120, abs=2)  # as far as rounding lets it be told
    assert fractional > 45  # Lanczos's filter is not perfect
    (turned,) = EquivarianceR(num=8)(gan, 0)
    assert turned > 45


def test_pictures_that_stand_still_are_not_equivariant():
    gan = FakeGAN(Generator(Still()))
    assert max(EquivarianceT(num=8)(gan, 0) + EquivarianceR(num=8)(gan, 0)) < 25


def test_stylegan3_t_shifts_and_r_turns_where_padded_layers_do_not():
    """Random networks: about 90 and 80 dB for what they are made for, 30 dB for what not."""
    t, r = stylegan3(width=8), stylegan3(width=16, kernel=1, lowpass=Jinc())
    torch.manual_seed(0)
    padded = FakeGAN(Generator(Padded()))
    of_t, of_r, of_padded = (EquivarianceT(num=4)(gan, 0) for gan in (t, r, padded))
    assert min(*of_t, *of_r) > max(of_padded) + 25
    turned_t, turned_r = (EquivarianceR(num=4)(gan, 0)[0] for gan in (t, r))
    assert turned_r > turned_t + 25 and turned_r > 60


def test_figures_are_a_function_of_the_seed_and_share_out_over_labels():
    class Labelled(Generator):
        def mapping(self, z, label):
            assert set(label.tolist()) <= set(range(7))
            return z + label[:, None]

    gan = FakeGAN(Labelled(Waves()), num_classes=7)
    figure = EquivarianceT(num=6, block=4)
    assert figure(gan, 3) == figure(gan, 3) != figure(gan, 4)
    assert figure.names == ("eq_t", "eq_t_frac") and not figure.lower_is_better
    assert figure.parameters() == {"block": 4, "most": 0.125}


def test_only_generators_that_take_a_transform_are_measured():
    assert EquivarianceR().applies(stylegan3(width=2))
    plain = nn.Linear(6, 6)
    plain.latent_dim = 6
    assert not EquivarianceR().applies(FakeGAN(plain))
    plain.synthesis = nn.Identity()
    assert not EquivarianceT().applies(FakeGAN(plain))


def test_bad_counts_are_refused():
    with pytest.raises(UserError, match="num=2, block=4"):
        EquivarianceT(num=2)


def test_whole_shifts_move_pixels():
    x = torch.rand(2, 3, 6, 8)
    moved, mask = translated(x, 2, -1, reach=1)
    assert torch.equal(moved[:, :, :-1, 2:], x[:, :, 1:, :-2])
    expected = torch.zeros(6, 8, dtype=torch.bool)
    expected[:-1, 2:] = True
    assert torch.equal(mask, expected)


def test_shifts_and_turns_of_a_wave_are_those_of_its_place():
    waves = Waves()
    x = waves(torch.zeros(1, 6))
    shift = torch.eye(3)
    shift[0, 2], shift[1, 2] = 1.3 / SIZE, -2.6 / SIZE
    moved, mask = translated(x, 1.3, -2.6, reach=3)
    expected = waves(torch.zeros(1, 6), transform=shift.inverse())
    assert ((moved - expected) * mask).abs().max() < 0.02
    assert mask.sum() == (SIZE - 5) ** 2

    turned, mask = rotated(x, 2.5)
    expected = waves(torch.zeros(1, 6), transform=rotation(2.5).inverse())
    assert ((turned - expected) * mask).abs().max() < 0.02
    assert 100 < mask.sum() < SIZE**2 / 2
    assert (pseudo_rotated(x, 2.5)[0] - x)[..., 6:-6, 6:-6].abs().max() < 0.02


def test_quarter_turn_turns_the_pixels():
    x = Waves()(torch.zeros(1, 6))
    turned, mask = rotated(x, math.pi / 2)
    assert ((turned - x.rot90(1, (2, 3))) * mask).abs().max() < 0.02


def test_rotation_cuts_the_corners_off_the_spectrum():
    filter = bandlimit(rotation(math.pi / 4), 1)
    assert filter.sum() == pytest.approx(1)
    gain = torch.fft.fft2(filter, (64, 64)).abs()
    assert gain[0, 24] > 0.8 > 0.2 > gain[31, 31]  # axes stay, corners go
