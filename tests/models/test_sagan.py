import torch
from support import build, fit


def test_losses_are_equation_4_with_labels():
    data, gan = build("model=sagan_conditional")
    torch.manual_seed(0)
    real, label = 3 * torch.randn(6, *data.shape), torch.tensor([0, 5, 5, 9, 1, 1])
    z, batch = torch.randn(6, gan.latent_dim), {"image": real, "label": label}
    gan.latent = lambda like: z
    gan.generator.eval(), gan.discriminator.eval()  # each pass would move their state
    D_x = gan.discriminator(real, label)
    D_Gz = gan.discriminator(gan.generator(z, label), label)
    zero = torch.zeros(6)
    value = torch.minimum(zero, -1 + D_x).mean() + torch.minimum(zero, -1 - D_Gz).mean()
    torch.testing.assert_close(gan.discriminator_loss(batch), -value)
    torch.testing.assert_close(gan.generator_loss(batch), -D_Gz.mean())


def test_discriminator_learns_four_times_as_fast():
    _, gan = build("model=sagan")
    generator, discriminator = gan.configure_optimizers()
    assert generator.defaults["lr"] == 1e-4 and discriminator.defaults["lr"] == 4e-4


def test_attention_is_learned():
    data, gan = build("model=sagan")
    gammas = gan.generator.attention.gamma, gan.discriminator.blocks[1].gamma
    assert [gamma.item() for gamma in gammas] == [0, 0]
    fit(gan, data, steps=2)
    assert all(gamma.item() != 0 for gamma in gammas)


def test_asked_label_decides_the_sample_once_batch_norm_has_learned():
    data, gan = build("model=sagan_conditional")
    fit(gan, data, steps=3)
    assert not torch.equal(gan.sample(3, seed=0, label=4), gan.sample(3, seed=0, label=5))
    assert torch.equal(
        gan.sample(3, seed=0, label=4), gan.sample(3, seed=0, label=torch.full((3,), 4))
    )
