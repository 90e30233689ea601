import pytest
import torch
from support import build, fit
from torch.nn.functional import softplus

from gan_lab.networks.srgan import PictureDiscriminator, PlaceDiscriminator, SRResNet, subpixel

SIZE = ["model=srgan", "data=superres", "data.crop=16", "model.generator.num_blocks=1"]


def prepared(*overrides):
    data, gan = build(*SIZE, *overrides)
    torch.manual_seed(0)
    batch = {
        "low": torch.randn(4, *data.source_shape).tanh(),
        "high": torch.randn(4, *data.shape).tanh(),
    }
    return gan, batch


def test_losses_are_the_pixel_error_and_then_equation_3():
    gan, batch = prepared("model.adversarial_weight=0.5", "model.content.weights.gradient=0")
    fake = gan.generator(batch["low"])
    near = (fake - batch["high"]).abs().mean()
    torch.testing.assert_close(gan.warmup_loss(batch), near)
    expected = near + 0.5 * softplus(-gan.discriminator(fake)).mean()
    torch.testing.assert_close(gan.generator_loss(batch), expected)
    batch["fake"] = gan.kept("fake")
    real_logits, fake_logits = gan.discriminator(batch["high"]), gan.discriminator(fake)
    expected = softplus(-real_logits).mean() + softplus(fake_logits).mean()
    torch.testing.assert_close(gan.discriminator_loss(batch), expected)


def test_the_discriminator_rests_until_the_first_stage_is_over():
    data, gan = build(*SIZE, "model.warmup_kimg=0.048")  # three steps of 16
    turns, descend = [], gan.descend
    gan.descend = lambda players, *rest: turns.append(players) or descend(players, *rest)
    fit(gan, data, steps=5)
    assert turns == ["generator"] * 3 + ["generator", "discriminator"] * 2


def test_paper_size_has_the_papers_layers():
    """The convolutions of Figure 4; the authors have batch norms beside them."""
    generator = SRResNet((3, 24, 24), (3, 96, 96))
    convolutions = sum(w.numel() for n, w in generator.named_parameters() if w.ndim == 4)
    assert convolutions == 81 * 3 * 64 * 2 + 33 * 9 * 64 * 64 + 2 * 9 * 64 * 256
    discriminator = PictureDiscriminator((3, 96, 96))
    shapes = [w.shape for w in discriminator.parameters() if w.ndim == 2]
    assert shapes == [(1024, 512 * 6 * 6), (1, 1024)]
    logits = PlaceDiscriminator((3, 96, 96))(torch.zeros(2, 3, 96, 96))
    assert logits.shape == (2, 6, 6)


def test_reach_is_how_far_an_output_looks():
    for scale in (2, 4):
        network = SRResNet((1, 8, 8), (1, 8 * scale, 8 * scale), scale, width=4, num_blocks=2)
        low = torch.randn(1, 1, 64, 64, requires_grad=True)
        for place in range(32 * scale, 33 * scale):
            low.grad = None
            network(low)[0, 0, place, place].backward()
            rows = low.grad[0, 0].abs().sum(1).nonzero()
            reach = max(32 - rows.min(), rows.max() - 32)
            assert network.reach - 2 <= reach <= network.reach


def test_at_first_the_pixels_made_of_one_are_alike():
    grow = subpixel(4)
    x = grow(torch.randn(2, 4, 5, 5))
    assert torch.equal(x[..., ::2, ::2], x[..., 1::2, 1::2])
    assert torch.equal(x[..., ::2, ::2], x[..., ::2, 1::2])


def test_scales_that_do_not_double_are_refused():
    with pytest.raises(ValueError, match="scale=3"):
        SRResNet((3, 8, 8), (3, 24, 24), scale=3)
