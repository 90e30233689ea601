import pytest
import torch
from support import build


@pytest.fixture
def game():
    data, gan = build("model=egbad")
    torch.manual_seed(0)
    x, z = torch.randn(4, *data.shape).tanh(), torch.randn(4, gan.latent_dim)
    gan.latent = lambda like: z  # none outside training
    return gan, x, z


def test_pairs_are_samples_with_codes_and_images_of_latents(game):
    gan, x, z = game
    real, fake = gan.judge_pairs(x)
    torch.testing.assert_close(real, gan.discriminator(x, gan.generator.encode(x)))
    torch.testing.assert_close(fake, gan.discriminator(gan.generator(z), z))


def test_players_want_the_opposite_of_both_pairs(game):
    gan, x, _ = game
    real, fake = gan.judge_pairs(x)
    log = torch.nn.functional.logsigmoid
    expected = -(log(real) + log(-fake)).mean()
    torch.testing.assert_close(gan.discriminator_loss({"image": x}), expected)
    torch.testing.assert_close(gan.generator_loss({"image": x}), -(log(-real) + log(fake)).mean())


def test_score_is_a_mean_of_residual_and_features(game):
    gan, x, _ = game
    expected = []
    for row in x.unbind():
        z = gan.generator_ema.encode(row[None])
        x_hat = gan.generator_ema(z)
        f = gan.discriminator.features(row[None], z) - gan.discriminator.features(x_hat, z)
        expected.append(0.9 * (row - x_hat[0]).abs().mean() + 0.1 * f.abs().mean())
    torch.testing.assert_close(gan.score(x), torch.stack(expected))
