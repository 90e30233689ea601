import torch
from support import build


def test_both_players_see_the_label():
    data, gan = build("model=cgan")
    z, x = (
        torch.randn(1, gan.latent_dim).repeat(2, 1),
        torch.rand(1, *data.shape).repeat(2, 1, 1, 1),
    )
    label = torch.tensor([3, 8])
    fake, logits = gan.generator(z, label), gan.discriminator(x, label)
    assert (fake[0] - fake[1]).abs().max() > 1e-4
    assert (logits[0] - logits[1]).abs() > 1e-6


def test_discriminator_loss_is_equation_2_with_r1():
    data, gan = build("model=cgan", "model.r1_weight=0.4")
    torch.manual_seed(0)
    real, label = torch.randn(4, *data.shape).tanh(), torch.tensor([0, 5, 5, 9])
    z = torch.randn(4, gan.latent_dim)
    gan.latent = lambda like: z
    D_x = torch.sigmoid(gan.discriminator(real, label))
    D_Gz = torch.sigmoid(gan.discriminator(gan.generator(z, label), label))
    value = D_x.log().mean() + (1 - D_Gz).log().mean()
    x = real.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(gan.discriminator(x, label).sum(), x)
    expected = -value + 0.2 * gradient.square().flatten(1).sum(1).mean()
    batch = {"image": real, "label": label}
    torch.testing.assert_close(gan.discriminator_loss(batch), expected)


def test_asked_label_decides_the_sample():
    _, gan = build("model=cgan")
    assert torch.equal(
        gan.sample(3, seed=0, label=4), gan.sample(3, seed=0, label=torch.full((3,), 4))
    )
    assert not torch.equal(gan.sample(3, seed=0, label=4), gan.sample(3, seed=0, label=5))
