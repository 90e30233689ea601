import pytest
import torch
from support import build
from torch.nn.functional import softplus

from gan_lab.networks.esrgan import RRDBNet, UNetDiscriminator

SIZE = ["model=esrgan", "data=superres", "data.crop=16", "model.generator.num_blocks=1"]


def test_losses_are_equations_1_2_and_3():
    data, gan = build(*SIZE, "model.pixel_weight=3", "model.adversarial_weight=0.5")
    gan.content = lambda output, truth: (output - truth).square().flatten(1).mean(1)
    torch.manual_seed(0)
    low, real = torch.randn(4, *data.source_shape).tanh(), torch.randn(4, *data.shape).tanh()
    fake = gan.generator(low)
    real_logits, fake_logits = gan.discriminator(real), gan.discriminator(fake)
    above = torch.sigmoid(real_logits - fake_logits.mean())  # D_Ra(x_r, x_f)
    below = torch.sigmoid(fake_logits - real_logits.mean())
    adversarial = (-(1 - above).log() - below.log()).mean()
    difference = fake - real
    expected = difference.square().mean() + 0.5 * adversarial + 3 * difference.abs().mean()
    torch.testing.assert_close(gan.generator_loss({"low": low, "high": real}), expected)
    batch = {"low": low, "high": real, "fake": gan.kept("fake")}
    expected = (-above.log() - (1 - below).log()).mean()
    torch.testing.assert_close(gan.discriminator_loss(batch), expected)


def test_real_esrgans_recipe_judges_each_pixel():
    data, gan = build("model=esrgan_real", "data=superres", "data.crop=16")
    fake = torch.zeros(2, *data.shape)
    logits = gan.discriminator(fake)
    assert logits.shape == (2, 16, 16)
    torch.testing.assert_close(gan.game.generator(logits), softplus(-logits))


def test_paper_size_has_the_authors_number_of_weights():
    """16.70 M and 4.38 M in the authors' code."""
    generator = RRDBNet((3, 32, 32), (3, 128, 128))
    assert sum(w.numel() for w in generator.parameters()) == 16_697_987
    discriminator = UNetDiscriminator((3, 128, 128))
    assert sum(w.numel() for w in discriminator.parameters()) == 4_376_897


def test_reach_is_not_less_than_how_far_an_output_looks():
    network = RRDBNet((1, 8, 8), (1, 16, 16), scale=2, width=2, num_blocks=1)
    for weight in network.parameters():  # so that nothing cancels
        torch.nn.init.uniform_(weight, 0.1, 0.2)
    low = torch.rand(1, 1, 64, 64, dtype=torch.float32, requires_grad=True)
    network(low)[0, 0, 64, 64].backward()
    rows = low.grad[0, 0].abs().sum(1).nonzero()
    reach = int(max(32 - rows.min(), rows.max() - 32))
    assert network.reach - 2 <= reach <= network.reach


def test_crops_that_the_u_net_cannot_halve_are_refused():
    with pytest.raises(ValueError, match="multiple of 8"):
        UNetDiscriminator((3, 20, 20))
