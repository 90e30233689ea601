import pytest
import torch
from support import build, fit, some

from gan_lab.errors import UserError

SMALL = ["model=musegan", "data=pianoroll", "data.num=40", "data.num_bars=2"]


def test_samples_are_notes_that_are_there_or_not():
    _, gan = build(*SMALL)
    samples = gan.sample(3, seed=0)
    assert set(samples.unique().tolist()) <= {-1.0, 1.0}
    assert torch.equal(gan.medium.stored(samples) > 0, samples > 0)


def test_critic_loss_agrees_with_one_sample_at_a_time():
    data, gan = build(*SMALL, "model.penalty_weight=3")
    real = some(data, 4)["image"]
    z, epsilon = torch.randn(4, gan.latent_dim), torch.rand(4, 1, 1, 1)
    gan.latent, gan.uniform = lambda like: z, lambda like: epsilon
    fake = gan.generator(z).detach()
    losses = []
    for x, x_tilde, e in zip(real, fake, epsilon, strict=True):
        x_hat = (e * x + (1 - e) * x_tilde)[None].requires_grad_()
        (gradient,) = torch.autograd.grad(gan.discriminator(x_hat).sum(), x_hat)
        adversarial = gan.discriminator(x_tilde[None]) - gan.discriminator(x[None])
        losses.append(adversarial + 3 * (gradient.norm() - 1) ** 2)
    torch.testing.assert_close(gan.discriminator_loss({"image": real}), torch.cat(losses).mean())


def test_generator_learns_through_binary_neurons_every_few_critic_steps():
    data, gan = build(*SMALL, "model.critic_steps=3")
    before = [w.clone() for w in gan.generator.parameters()]
    fit(gan, data, steps=2)
    assert all(torch.equal(a, b) for a, b in zip(before, gan.generator.parameters()))
    fit(gan, data, steps=3)
    moved = [not torch.equal(a, b) for a, b in zip(before, gan.generator.parameters())]
    assert all(moved)


def test_pictures_are_refused():
    with pytest.raises(UserError, match="data=digits has not.*conf/model/musegan.yaml"):
        build("model=musegan", "data=digits")


def test_a_piece_is_written_as_music(tmp_path):
    _, gan = build(*SMALL)
    samples = gan.sample(2, seed=0)
    for name in ("a.mid", "a.wav", "a.png", "folder"):
        gan.medium.write(samples, tmp_path / name, columns=2)
        assert (tmp_path / name).exists()
