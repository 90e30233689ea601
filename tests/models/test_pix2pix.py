import pytest
import torch
from support import build, fit
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from gan_lab.networks.pix2pix import PatchDiscriminator, UNet

SIZE = ["data.resolution=16", "data.num=64"]


def prepared(*overrides):
    data, gan = build("model=pix2pix", "data=pairs", *SIZE, "model.generator.dropout=0", *overrides)
    torch.manual_seed(0)
    batch = {
        "source": torch.randn(4, *data.source_shape).tanh(),
        "target": torch.randn(4, *data.shape).tanh(),
    }
    return gan, batch


def test_losses_are_equations_1_3_and_4():
    gan, batch = prepared("model.l1_weight=7")
    x, y = batch["source"], batch["target"]
    fake = gan.generator(x)
    real_logits = gan.discriminator(torch.cat([x, y], 1))
    fake_logits = gan.discriminator(torch.cat([x, fake], 1))
    ones, zeros = torch.ones_like(real_logits), torch.zeros_like(real_logits)
    expected = cross_entropy(fake_logits, ones) + 7 * (fake - y).abs().mean()
    torch.testing.assert_close(gan.generator_loss(batch), expected)
    expected = (cross_entropy(real_logits, ones) + cross_entropy(fake_logits, zeros)) / 2
    batch["fake"] = gan.kept("fake")
    torch.testing.assert_close(gan.discriminator_loss(batch), expected)


def test_outputs_are_computed_once_in_a_step():
    data, gan = build("model=pix2pix", "data=pairs", *SIZE)
    calls = []
    gan.generator.register_forward_hook(lambda *_: calls.append(1))
    fit(gan, data, steps=3)
    assert len(calls) == 3


def test_a_patch_of_three_halvings_is_70_pixels_wide():
    """Section 6.1.2: the logits in the middle depend on 70 pixels, no more and no less."""
    for halvings, side in ((3, 70), (2, 34), (1, 16)):
        network = PatchDiscriminator(1, width=4, halvings=halvings)
        for layer in network.layers:  # norms look at the whole picture
            if isinstance(layer, torch.nn.InstanceNorm2d):
                layer.forward = lambda x: x
        image = torch.randn(1, 1, 128, 128, requires_grad=True)
        logits = network(image)
        middle = logits.shape[-1] // 2
        logits[0, middle, middle].backward()
        rows = image.grad[0, 0].abs().sum(1).nonzero()
        assert rows.max() - rows.min() + 1 == side


def test_paper_size_has_the_authors_number_of_weights():
    """54.414 M and 2.769 M: the authors' code at 256 px, whose batch norms have weights."""
    generator = UNet((3, 256, 256), (3, 256, 256))
    assert abs(sum(w.numel() for w in generator.parameters()) - 54_414_000) < 5_000
    discriminator = PatchDiscriminator(6)
    assert abs(sum(w.numel() for w in discriminator.parameters()) - 2_769_000) < 4_000


def test_sizes_that_cannot_be_halved_are_refused():
    with pytest.raises(ValueError, match="resolution"):
        UNet((3, 18, 32), (3, 18, 32))
