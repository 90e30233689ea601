import numpy as np
import pytest
import torch
from scipy import special, stats

from gan_lab.networks.ctgan import CTGANGenerator, PackDiscriminator, gumbel_softmax


def generator(seed=0):
    torch.manual_seed(seed)
    return CTGANGenerator((7,), [[1, 3], [4, 7]], 3, noise_dim=4, width=8)


def test_gumbel_softmax_agrees_with_scipys_gumbel_distribution():
    logits, normal = np.random.default_rng(0).normal(size=(2, 1000, 5))
    gumbel = stats.gumbel_r.ppf(stats.norm.cdf(normal))
    expected = special.softmax((logits + gumbel) / 0.2, axis=1)
    found = gumbel_softmax(torch.from_numpy(logits), torch.from_numpy(normal), 0.2)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_the_largest_entry_is_a_draw_of_the_softmax():
    logits = torch.tensor([0.0, 1.0, -1.0])
    normal = torch.randn(100_000, 3, generator=torch.Generator().manual_seed(0))
    drawn = gumbel_softmax(logits.expand(100_000, 3), normal, 0.2).argmax(1)
    shares = drawn.bincount(minlength=3) / 100_000
    torch.testing.assert_close(shares, logits.softmax(0), atol=5e-3, rtol=0)


def test_extreme_noise_stays_finite():
    normal = torch.tensor([[-12.0, 0.0, 12.0]])
    drawn = gumbel_softmax(torch.zeros(1, 3), normal, 0.2)
    assert drawn.isfinite().all() and drawn.argmax() == 2


def test_a_row_is_tanh_and_one_hot_parts():
    network = generator()
    z, condition = torch.randn(50, network.latent_dim), torch.eye(3)[torch.arange(50) % 3]
    assert network.latent_dim == 4 + 2 + 3
    row, logits = network(z, condition), network.logits(z, condition)
    assert row.shape == (50, 7) and row.abs().max() <= 1
    torch.testing.assert_close(row[:, [0, 3]], logits[:, [0, 3]].tanh())
    torch.testing.assert_close(row[:, 1:3], gumbel_softmax(logits[:, 1:3], z[:, 4:6], 0.2))
    torch.testing.assert_close(row[:, 4:7], gumbel_softmax(logits[:, 4:7], z[:, 6:9], 0.2))
    torch.testing.assert_close(row[:, 4:].sum(1), torch.ones(50))


def test_no_row_depends_on_another():
    network = generator()
    z, condition = torch.randn(6, network.latent_dim), torch.zeros(6, 3)
    torch.testing.assert_close(network(z, condition)[:2], network(z[:2], condition[:2]))


def test_packs_are_judged_together():
    torch.manual_seed(0)
    network = PackDiscriminator((5,), 2, pac=3, width=8, dropout=0.0)
    x, condition = torch.randn(12, 5), torch.randn(12, 2)
    logits = network(x, condition)
    assert logits.shape == (4,)
    other = x.clone()
    other[4] += 1  # of the second pack
    changed = network(other, condition) != logits
    assert changed.tolist() == [False, True, False, False]
    joined = torch.cat([torch.cat([a, b]) for a, b in zip(x[:3], condition[:3], strict=True)])
    torch.testing.assert_close(network.layers(joined[None]).squeeze(), logits[0])


def test_an_empty_pack_is_refused():
    with pytest.raises(ValueError, match="pac=0"):
        PackDiscriminator((5,), 2, pac=0)
