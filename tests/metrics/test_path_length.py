import math

import pytest
import torch
from metrics.fakes import CPU, Data
from torch import nn

from gan_lab.media import Pictures
from gan_lab.metrics.path_length import PathLengthW, PathLengthZ, arc, trimmed_mean

Z, PIXELS = 6, 12


class SquaredDistance(nn.Module):
    """Pixels are the features."""

    def forward(self, x, y):
        return (x.double() - y.double()).square().flatten(1).sum(1)


class Linear(nn.Module):
    """z -> A z, as a style-based generator whose mapping is M z."""

    latent_dim, shape, num_classes = Z, (1, 3, 4), None

    def __init__(self, scale=0.01):
        super().__init__()
        draw = torch.Generator().manual_seed(0)
        self.matrix = scale * torch.randn(Z, PIXELS, generator=draw).double()
        self.map = torch.randn(Z, Z, generator=draw)

    def mapping(self, z, label=None):
        return (z @ self.map)[:, None].expand(-1, 2, -1)

    def synthesis(self, ws):
        return (ws[:, 0].double() @ self.matrix).view(-1, *self.shape)


class LinearGAN:
    latent_dim, shape, conditional = Z, (1, 3, 4), False
    device, medium = CPU, Pictures()

    def __init__(self):
        self.generator = self.generator_ema = Linear()

    def decode(self, z, label=None):
        return (z.double() @ self.generator_ema.matrix).view(-1, *self.shape)


def figure(kind, **options):
    made = kind(SquaredDistance(), extractor="pixels", num=4000, block=500, **options)
    made.prepare(Data(10), CPU)
    return made


@pytest.mark.parametrize("positions", ["full", "end"])
def test_straight_paths_of_a_linear_generator(positions):
    gan = LinearGAN()
    made = figure(PathLengthW, positions=positions, trim=0.0)
    # E |A M (z2 - z1)|^2 = 2 |A M|_F^2, wherever on the line.
    expected = 2 * (gan.generator.map.double() @ gan.generator.matrix).square().sum().item()
    assert made(gan, 0)[0] == pytest.approx(expected, rel=0.05)
    assert made.names == (f"ppl_w_{positions}",)


def test_arcs_of_an_isometry_have_the_speed_of_their_angle():
    gan = LinearGAN()
    gan.generator.matrix = torch.eye(Z, PIXELS).double() * 0.1
    found = figure(PathLengthZ, trim=0.0)(gan, 0)[0]
    draw = torch.Generator().manual_seed(5)
    a, b = torch.randn(2, 100_000, Z, generator=draw)
    t = torch.rand(100_000, generator=draw)
    angle = torch.nn.functional.cosine_similarity(a, b).acos()
    length = a.norm(dim=1).lerp(b.norm(dim=1), t)
    speed = (angle * length).square() + (b.norm(dim=1) - a.norm(dim=1)).square()
    assert found == pytest.approx(0.01 * speed.mean().item(), rel=0.05)


def test_arcs_begin_and_end_at_their_vectors():
    a, b = torch.randn(2, 8, Z).double()
    assert torch.allclose(arc(a, b, torch.zeros(8, 1).double()), a)
    assert torch.allclose(arc(a, b, torch.ones(8, 1).double()), b)
    middle = arc(a, b, torch.full((8, 1), 0.5).double()).norm(dim=1)
    assert torch.allclose(middle, (a.norm(dim=1) + b.norm(dim=1)) / 2)


def test_same_seed_same_figure_whatever_the_processes(monkeypatch):
    from gan_lab.metrics import sharing

    gan, made = LinearGAN(), figure(PathLengthZ)
    alone = made(gan, 3)
    assert made(gan, 3) == alone and made(gan, 4) != alone
    shards = []
    for rank in range(3):
        monkeypatch.setattr(sharing, "processes", lambda rank=rank: (rank, 3))
        monkeypatch.setattr(sharing, "gather", lambda rows, *_: shards.append(rows))
        assert math.isnan(made(gan, 3)[0])
    assert trimmed_mean(sharing.interleave(shards, 4000, 500)[:, 0], 0.01) == alone[0]


def test_extremes_are_left_out():
    values = torch.cat([torch.ones(98), torch.tensor([1e9, -1e9])])
    assert trimmed_mean(values, 0.02) == 1
    assert math.isnan(trimmed_mean(torch.tensor([1.0, math.nan]), 0.0))


def test_w_needs_a_mapping():
    gan = LinearGAN()
    assert figure(PathLengthW).applies(gan)
    gan.generator = nn.Identity()
    assert not figure(PathLengthW).applies(gan) and figure(PathLengthZ).applies(gan)


@pytest.mark.parametrize("option", [{"positions": "start"}, {"epsilon": 0.0}, {"trim": 0.5}])
def test_nonsense_is_refused(option):
    with pytest.raises(ValueError, match=next(iter(option))):
        figure(PathLengthZ, **option)
