import pytest
import torch

from gan_lab.networks import small
from gan_lab.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from gan_lab.networks.sizes import halvings


@pytest.mark.parametrize(
    ("size", "expected"),
    [((8, 8), (1, 4, 4)), ((32, 32), (3, 4, 4)), ((28, 28), (2, 7, 7)), ((256, 192), (6, 4, 3))],
)
def test_sides_are_halved_down_to_a_small_rectangle(size, expected):
    assert halvings(*size) == expected


@pytest.mark.parametrize("size", [(7, 7), (100, 62), (4, 4), (33, 32)])
def test_sizes_out_of_reach_are_named(size):
    with pytest.raises(ValueError, match=rf"data.resolution={size[0]}x{size[1]}"):
        halvings(*size)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (4, 24, 16), (3, 28, 28)])
def test_networks_fit_the_shape(shape):
    for make_generator, make_discriminator in [
        (DCGANGenerator, DCGANDiscriminator),
        (small.generator, small.discriminator),
    ]:
        generator, discriminator = (
            make_generator(shape, width=4),
            make_discriminator(shape, width=4),
        )
        samples = generator(torch.randn(2, generator.latent_dim))
        assert samples.shape == (2, *shape)
        assert discriminator(samples).shape == (2,)


def test_points_get_perceptrons():
    generator = small.generator((2,), latent_dim=3, width=4, num_classes=5)
    points = generator(torch.randn(7, 3), torch.arange(7) % 5)
    assert points.shape == (7, 2)
    assert small.discriminator((2,), width=4)(points).shape == (7,)
