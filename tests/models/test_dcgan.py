import torch
from support import build, fit

from gan_lab.networks.dcgan import DCGANDiscriminator, DCGANGenerator


def test_generator_has_the_sizes_of_figure_1():
    network = DCGANGenerator((3, 64, 64), latent_dim=100, width=128)
    sizes = []
    for layer in network.layers:
        if isinstance(layer, torch.nn.ConvTranspose2d):
            layer.register_forward_hook(lambda m, i, out: sizes.append(tuple(out.shape[1:])))
    network(torch.randn(2, 100))
    assert sizes == [(1024, 4, 4), (512, 8, 8), (256, 16, 16), (128, 32, 32), (3, 64, 64)]


def test_weights_start_at_a_standard_deviation_of_2_percent():
    for network in (DCGANGenerator((3, 32, 32)), DCGANDiscriminator((3, 32, 32))):
        for name, weight in network.named_parameters():
            if weight.ndim == 4 and weight.numel() > 10_000:
                assert abs(weight.std().item() - 0.02) < 0.001, name


def test_batch_norm_of_a_player_at_rest_uses_the_batch_but_keeps_its_statistics():
    data, gan = build("model=dcgan", "data.resolution=16")
    layer = next(m for m in gan.generator.modules() if isinstance(m, torch.nn.BatchNorm2d))
    seen = []

    def watched(batch):
        before = layer.running_mean.clone()
        fake = gan.generator(gan.latent(batch["image"]))
        assert torch.equal(before, layer.running_mean)
        seen.append(fake.std().item())
        return gan.discriminator(fake).mean()

    gan.discriminator_loss = watched
    watched.__name__ = "discriminator_loss"
    fit(gan, data, steps=2)
    assert (
        len(seen) == 2 and layer.running_mean.abs().max() > 0
    )  # the generator's own turn moved it


def test_real_and_fake_pass_the_discriminator_separately():
    data, gan = build("model=dcgan", "data.resolution=16")
    sizes = []
    gan.discriminator.register_forward_hook(lambda m, i, out: sizes.append(len(out)))
    fit(gan, data, steps=1)
    assert sizes == [16, 16, 16]
