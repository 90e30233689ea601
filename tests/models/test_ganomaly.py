import pytest
import torch
from support import build


@pytest.fixture
def game():
    data, gan = build("model=ganomaly", "model.context_weight=7", "model.encoding_weight=3")
    torch.manual_seed(0)
    return gan, torch.randn(4, *data.shape).tanh()


def test_generator_loss_is_the_papers_sum(game):
    gan, x = game
    losses = []
    for row in x.unbind():
        z = gan.generator.encoder(row[None])
        x_hat = gan.generator.decoder(z)
        z_hat = gan.generator.again(x_hat)
        f, f_hat = gan.discriminator.features(row[None]), gan.discriminator.features(x_hat)
        context = (row - x_hat[0]).abs().mean()
        losses.append((f - f_hat).pow(2).mean() + 7 * context + 3 * (z - z_hat).pow(2).mean())
    torch.testing.assert_close(gan.generator_loss({"image": x}), torch.stack(losses).mean())


def test_score_goes_from_the_papers_to_the_residual(game):
    gan, x = game
    z, x_hat, z_hat = gan.generator_ema.chain(x)
    latent, residual = (z - z_hat).abs().mean(1), (x - x_hat).abs().mean((1, 2, 3))
    for share in (0.0, 0.25, 1.0):
        gan.residual_share = share
        expected = (1 - share) * latent + share * residual
        torch.testing.assert_close(gan.score(x), expected)
    with pytest.raises(ValueError, match="residual_share=2"):
        build("model=ganomaly", "model.residual_share=2")


def test_what_comes_back_as_itself_scores_nothing(game):
    gan, x = game
    gan.generator_ema.chain = lambda x: (x.flatten(1), x, x.flatten(1))
    assert gan.anomaly_score({"image": x}).abs().max() == 0
