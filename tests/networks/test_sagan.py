import pytest
import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from gan_lab.networks.attention import SelfAttention
from gan_lab.networks.sagan import SAGANDiscriminator, SAGANGenerator


def test_networks_have_the_size_that_the_biggan_paper_states():
    """81.5 million weights on ImageNet at 128 px: Brock et al. 2019, Table 1."""
    G = SAGANGenerator((3, 128, 128), num_classes=1000)
    D = SAGANDiscriminator((3, 128, 128), num_classes=1000)
    total = sum(weight.numel() for network in (G, D) for weight in network.parameters())
    assert round(total / 1e6, 1) == 81.5


def test_features_of_32_pixels_attend_to_themselves():
    seen = []
    for network, x in (
        (SAGANGenerator((3, 128, 128), width=2), torch.randn(1, 128)),
        (SAGANDiscriminator((3, 128, 128), width=2), torch.randn(1, 3, 128, 128)),
    ):
        (layer,) = (m for m in network.modules() if isinstance(m, SelfAttention))
        layer.register_forward_hook(lambda m, i, out: seen.append(tuple(out.shape[1:])))
        network(x)
    assert seen == [(8, 32, 32), (4, 32, 32)]


def test_every_convolution_of_both_players_is_spectrally_normalised():
    kinds = nn.Conv2d | nn.Linear
    for network in (SAGANGenerator((1, 8, 8), width=2), SAGANDiscriminator((1, 8, 8), width=2)):
        assert all(is_parametrized(m) for m in network.modules() if isinstance(m, kinds))


@pytest.mark.parametrize("shape", [(1, 8, 8), (4, 16, 16), (3, 24, 32)])
@pytest.mark.parametrize("num_classes", [None, 3])
def test_small_and_rectangular_pictures(shape, num_classes):
    label = None if num_classes is None else torch.tensor([2, 0])
    G = SAGANGenerator(shape, latent_dim=4, width=2, num_classes=num_classes)
    D = SAGANDiscriminator(shape, width=2, num_classes=num_classes)
    fake = G(torch.randn(2, 4), label)
    assert fake.shape == (2, *shape) and fake.abs().max() <= 1
    assert D(fake, label).shape == (2,)
