import torch
from support import build


def test_critic_loss_agrees_with_one_sample_at_a_time():
    data, gan = build("model=wgan_gp", "model.penalty_weight=3")
    torch.manual_seed(0)
    real = torch.randn(4, *data.shape).tanh()
    z, epsilon = torch.randn(4, gan.latent_dim), torch.rand(4, 1, 1, 1)
    gan.latent, gan.uniform = lambda like: z, lambda like: epsilon
    fake = gan.generator(z).detach()

    losses = []
    for x, x_tilde, e in zip(real, fake, epsilon, strict=True):
        x_hat = (e * x + (1 - e) * x_tilde)[None].requires_grad_()
        (gradient,) = torch.autograd.grad(gan.discriminator(x_hat).sum(), x_hat)
        adversarial = gan.discriminator(x_tilde[None]) - gan.discriminator(x[None])
        losses.append(adversarial + 3 * (gradient.norm() - 1) ** 2)
    expected = torch.cat(losses).mean()
    torch.testing.assert_close(gan.discriminator_loss({"image": real}), expected)
