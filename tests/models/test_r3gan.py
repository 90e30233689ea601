import torch
from support import build


def test_losses_agree_with_one_pair_at_a_time():
    data, gan = build("model=r3gan_small", "model.gamma=0.5")
    torch.manual_seed(0)
    real, z = torch.randn(4, *data.shape).tanh(), torch.randn(4, gan.latent_dim)
    gan.latent = lambda like: z
    fake = gan.generator(z).detach()
    D, log_sigmoid = gan.discriminator, torch.nn.functional.logsigmoid

    def squared_norm(x):
        x = x[None].requires_grad_()
        return torch.autograd.grad(D(x).sum(), x)[0].square().sum()

    pairs = list(zip(real, fake, strict=True))
    for_discriminator = [
        -log_sigmoid(D(x[None]) - D(y[None])) + 0.25 * (squared_norm(x) + squared_norm(y))
        for x, y in pairs
    ]
    for_generator = [-log_sigmoid(D(y[None]) - D(x[None])) for x, y in pairs]
    batch = {"image": real}
    torch.testing.assert_close(gan.discriminator_loss(batch), torch.cat(for_discriminator).mean())
    torch.testing.assert_close(gan.generator_loss(batch), torch.cat(for_generator).mean())
