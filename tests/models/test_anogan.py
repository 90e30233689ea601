import pytest
import torch
from support import build


def test_search_finds_the_latent_that_a_sample_came_from():
    data, gan = build("model=anogan", "model.search_steps=300", "model.generator.latent_dim=2")
    torch.manual_seed(0)
    z = 0.5 * torch.randn(3, 2)
    x = gan.generator_ema(z)
    start = gan.distance(x, gan.generator_ema(torch.zeros_like(z)))
    assert (gan.anomaly_score({"image": x}) < 0.1 * start).all()


def test_distance_agrees_with_one_sample_at_a_time():
    data, gan = build("model=anogan", "model.feature_share=0.3")
    torch.manual_seed(0)
    x, x_hat = torch.randn(2, 4, *data.shape).tanh().unbind()
    expected = []
    for a, b in zip(x, x_hat, strict=True):
        f = gan.discriminator.features(a[None]) - gan.discriminator.features(b[None])
        expected.append(0.7 * (a - b).abs().mean() + 0.3 * f.abs().mean())
    torch.testing.assert_close(gan.distance(x, x_hat), torch.stack(expected))


def test_a_search_takes_a_step():
    with pytest.raises(ValueError, match="search_steps=0"):
        build("model=anogan", "model.search_steps=0")
