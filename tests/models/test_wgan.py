import torch
from support import build, fit


def test_weights_of_the_critic_are_clipped_after_every_step():
    data, gan = build("model=wgan", "model.clip=0.003")
    fit(gan, data, steps=3)
    largest = max(w.abs().max().item() for w in gan.discriminator.parameters())
    assert abs(largest - 0.003) < 1e-9


def test_critic_loss_is_the_negative_of_the_estimated_distance():
    data, gan = build("model=wgan")
    real = torch.randn(16, *data.shape).tanh()
    z = torch.randn(16, gan.latent_dim)
    gan.latent = lambda like: z
    distance = gan.discriminator(real).mean() - gan.discriminator(gan.generator(z)).mean()
    torch.testing.assert_close(gan.discriminator_loss({"image": real}), -distance)


def test_generator_moves_once_in_five_steps():
    data, gan = build("model=wgan")
    before = gan.generator.end.weight.clone()
    fit(gan, data, steps=4)
    assert torch.equal(before, gan.generator.end.weight)
