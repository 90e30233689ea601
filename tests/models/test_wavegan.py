import pytest
import torch
from support import build, small

from gan_lab.errors import UserError


def test_critic_loss_agrees_with_one_sound_at_a_time():
    data, gan = build(*small("wavegan_conditional"), "model.penalty_weight=3")
    torch.manual_seed(0)
    real, label = torch.randn(4, *data.shape).tanh(), torch.tensor([0, 2, 5, 2])
    z, epsilon = torch.randn(4, gan.latent_dim), torch.rand(4, 1, 1)
    draws = torch.rand(3, 4, gan.discriminator.num_shuffles)  # of real, fake and between
    queue = [*draws, epsilon]
    gan.latent, gan.uniform = lambda like: z, lambda like, *shape: queue.pop(0)
    fake = gan.generator(z, label).detach()
    found = gan.discriminator_loss({"image": real, "label": label})

    losses = []
    for i in range(4):

        def critic(x, draw, y=label[i, None], i=i):
            return gan.discriminator(x, y, draw[i, None])

        x_hat = (epsilon[i] * real[i] + (1 - epsilon[i]) * fake[i])[None].requires_grad_()
        (gradient,) = torch.autograd.grad(critic(x_hat, draws[2]).sum(), x_hat)
        adversarial = critic(fake[i, None], draws[1]) - critic(real[i, None], draws[0])
        losses.append(adversarial + 3 * (gradient.norm() - 1) ** 2)
    torch.testing.assert_close(found, torch.cat(losses).mean())


def test_the_critic_s_embedding_is_projected_on_and_the_preset_without_labels_has_none():
    _, gan = build(*small("wavegan"))
    assert not gan.conditional and not hasattr(gan.discriminator, "embedding")
    data, gan = build(*small("wavegan_conditional"))
    critic, x = gan.discriminator, torch.randn(2, *data.shape)
    before = critic(x, torch.tensor([1, 2]))
    with torch.no_grad():
        critic.embedding.weight[2] = 0
    after = critic(x, torch.tensor([1, 2]))
    assert after[0] == before[0] and after[1] != before[1]


def test_lengths_that_cannot_be_reached_are_refused_early():
    with pytest.raises(UserError, match="data.num_samples=1000"):
        build(*small("wavegan"), "data.num_samples=1000")


@pytest.mark.parametrize("model", ["wavegan", "specgan"])
def test_pictures_are_refused_with_the_data_that_fit(model):
    with pytest.raises(UserError, match="choose data=audio"):
        build(f"model={model}")
