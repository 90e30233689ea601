import pytest
import torch
from support import build, fit

SMALL = ["model=f_anogan", "model.encoder.width=8", "model.budget_kimg=0.16"]


def test_score_is_the_residual_and_kappa_times_that_of_features():
    data, gan = build(*SMALL, "model.feature_weight=3")
    torch.manual_seed(0)
    x = torch.randn(4, *data.shape).tanh()
    expected = []
    for row in x.unbind():
        x_hat = gan.generator_ema(gan.encoder(row[None]))
        f, f_hat = gan.discriminator.features(row[None]), gan.discriminator.features(x_hat)
        expected.append((row - x_hat[0]).pow(2).mean() + 3 * (f - f_hat).pow(2).mean())
    torch.testing.assert_close(gan.anomaly_score({"image": x}), torch.stack(expected).detach())


def test_game_ends_where_the_encoder_begins():
    data, gan = build(*SMALL)  # 5 of 10 steps
    turns = []
    descend = gan.descend
    gan.descend = lambda player, *rest: (turns.append((gan.stage, player)), descend(player, *rest))
    fit(gan, data, steps=10)
    assert turns == [(0, "discriminator")] * 5 + [(0, "generator")] + [(1, "encoder")] * 5


def test_latents_stay_within_their_bound():
    data, gan = build(*SMALL, "model.latent_bound=0.5")
    assert gan.encode(100 * torch.randn(4, *data.shape)).abs().max() <= 0.5


def test_a_share_beyond_the_run_is_refused():
    with pytest.raises(ValueError, match="gan_share=1"):
        build(*SMALL, "model.gan_share=1")
