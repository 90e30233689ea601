import torch
from support import build, fit


def test_losses_are_equation_2():
    data, gan = build("model=lsgan", "model.a=-1", "model.b=2", "model.c=0.5", "data.resolution=16")
    torch.manual_seed(0)
    real, z = torch.randn(4, *data.shape).tanh(), torch.randn(4, gan.latent_dim)
    gan.latent = lambda like: z
    batch, fake = {"image": real}, gan.generator(z)
    D_x, D_Gz = gan.discriminator(real), gan.discriminator(fake)
    expected = ((D_x - 2) ** 2).mean() / 2 + ((D_Gz + 1) ** 2).mean() / 2
    torch.testing.assert_close(gan.discriminator_loss(batch), expected)
    torch.testing.assert_close(gan.generator_loss(batch), ((D_Gz - 0.5) ** 2).mean() / 2)


def test_real_and_fake_pass_the_discriminator_separately():
    data, gan = build("model=lsgan", "data.resolution=16")
    sizes = []
    gan.discriminator.register_forward_hook(lambda m, i, out: sizes.append(len(out)))
    fit(gan, data, steps=1)
    assert sizes == [16, 16, 16]
