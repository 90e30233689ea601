import pytest
import torch
from torch.nn.functional import interpolate, leaky_relu

from gan_lab.networks.df_gan import DFGenerator, FusionBlock, OneWayDiscriminator


def shaken(network):
    """Weights at random: affine transformations and residual branches begin as if absent."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in network.parameters():
            weight.copy_(0.3 * torch.randn(weight.shape, generator=generator))
    return network


def test_a_block_is_the_papers_which_doubles_first():
    block = shaken(FusionBlock(6, 4, condition_dim=5, hidden=7))
    x, c = torch.randn(2, 6, 3, 3), torch.randn(2, 5)
    h = big = interpolate(x, scale_factor=2)
    for affine in block.first:
        h = leaky_relu(affine(h, c), 0.2)
    h = block.convolution1(h)
    for affine in block.second:
        h = leaky_relu(affine(h, c), 0.2)
    torch.testing.assert_close(block(x, c), block.shortcut(big) + block.convolution2(h))


@pytest.mark.parametrize("shape", [(3, 16, 16), (1, 24, 32)])
def test_players_fit_shapes_that_are_not_square(shape):
    generator = shaken(DFGenerator(shape, 4, 5, width=4, hidden=8))
    discriminator = OneWayDiscriminator(shape, 5, width=4, joined=8)
    fake = generator(torch.randn(2, 4), torch.randn(2, 5))
    assert fake.shape == (2, *shape)
    assert discriminator(fake, torch.randn(2, 5)).shape == (2,)


def test_a_sentence_decides_what_is_drawn_and_what_is_believed():
    generator = shaken(DFGenerator((3, 16, 16), latent_dim=4, sentence_dim=5, width=4, hidden=8))
    discriminator = shaken(OneWayDiscriminator((3, 16, 16), sentence_dim=5, width=4, joined=8))
    z, e = torch.randn(1, 4).expand(2, -1), torch.randn(2, 5)
    fake = generator(z, e)
    assert (fake[0] - fake[1]).abs().max() > 1e-3
    logits = discriminator(fake[:1].expand(2, -1, -1, -1), e)
    assert logits[0] != logits[1]
