import pytest
import torch

from gan_lab.networks.specgan import SpecGANDiscriminator, SpecGANGenerator, enlarging, pyramid


def test_sizes_are_those_of_the_paper_s_tables():
    d, generator, critic = 64, 0, 0
    generator += 100 * 256 * d + 256 * d  # Table 5, from the dense layer on
    critic += 256 * d + 1
    for inputs, outputs in ((16 * d, 8 * d), (8 * d, 4 * d), (4 * d, 2 * d), (2 * d, d), (d, 1)):
        generator += 25 * inputs * outputs + outputs
        critic += 25 * inputs * outputs + inputs
    sizes = {"window": 256, "hop": 128}  # 128 x 128
    with torch.device("meta"):
        networks = SpecGANGenerator((1, 16384), **sizes), SpecGANDiscriminator((1, 16384), **sizes)
    counts = [sum(w.numel() for w in network.parameters()) for network in networks]
    assert counts == [generator, critic]


@pytest.mark.parametrize(
    ("sides", "num_both", "num_one", "smallest"),
    [
        ((128, 128), 5, 0, (4, 4)),
        ((128, 32), 3, 2, (4, 4)),
        ((32, 128), 3, 2, (4, 4)),
        ((64, 80), 4, 0, (4, 5)),
        ((8, 7), 0, 1, (4, 7)),
    ],
)
def test_each_side_is_halved_as_often_as_it_can_be(sides, num_both, num_one, smallest):
    strides, *found = pyramid(*sides)
    assert tuple(found) == smallest
    assert strides[:num_both] == [(2, 2)] * num_both
    assert len(strides) == num_both + num_one and (2, 2) not in strides[num_both:]


@pytest.mark.parametrize("sides", [(4, 4), (128, 9), (36, 64)])
def test_other_sides_are_refused(sides):
    with pytest.raises(ValueError, match=f"{sides[0]} and {sides[1]}"):
        pyramid(*sides)


def test_spectrograms_may_be_longer_in_either_direction():
    for hop, frames in ((128, 16), (16, 128)):
        shape, label = (1, 2048), torch.tensor([0, 2])
        generator = SpecGANGenerator(shape, 128 * 2, hop, 5, 2, 3)
        critic = SpecGANDiscriminator(shape, 128 * 2, hop, 2, 3)
        fake = generator(torch.randn(2, 5), label)
        assert fake.shape == (2, *generator.spectrogram_shape) == (2, 1, 128, frames)
        assert critic(fake, label).shape == (2,)


@pytest.mark.parametrize("stride", [(2, 2), (2, 1)])
def test_enlarging_keeps_the_second_moment_of_what_relu_lets_through(stride):
    torch.manual_seed(0)
    x = torch.randn(4, 64, 16, 16)
    y = enlarging(64, 64, stride)(x.relu())
    assert y.shape[2:] == (16 * stride[0], 16 * stride[1])
    assert y[:, :, 4:-4, 4:-4].square().mean().item() == pytest.approx(1, abs=0.1)


def test_the_critic_s_embedding_is_projected_on():
    critic = SpecGANDiscriminator((1, 1024), 64, 32, 2, 3)
    x, label = torch.randn(2, 1, 32, 32), torch.tensor([0, 2])
    before = critic(x, label)
    with torch.no_grad():
        critic.embedding.weight[2] += 1.0
    first, second = critic(x, label) - before
    assert first == 0 and torch.isclose(second, critic.layers(x)[1].sum(), atol=1e-4)
