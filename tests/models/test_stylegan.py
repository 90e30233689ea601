import pytest
import torch
from support import build, fit
from torch.nn.functional import logsigmoid

TINY = ["data.resolution=16", "model.generator.latent_dim=16"]


@pytest.mark.parametrize("model", ["stylegan", "stylegan_conditional"])
def test_losses_agree_with_the_equations(model):
    data, gan = build(f"model={model}", *TINY, "model.r1_weight=0.5")
    torch.manual_seed(0)
    real, fake = torch.randn(8, *data.shape).tanh(), torch.randn(8, *data.shape).tanh()
    batch = {"image": real, "label": torch.arange(8)}
    condition = (batch["label"],) if gan.conditional else ()
    gan.fake = lambda batch: fake
    gan.discriminator.grow(1.5)
    D, shown = gan.discriminator, gan.discriminator.faded(real).requires_grad_()
    (slope,) = torch.autograd.grad(D(shown, *condition).sum(), shown)
    expected = -logsigmoid(D(shown, *condition)) - logsigmoid(-D(fake, *condition))
    expected = expected + 0.25 * slope.square().flatten(1).sum(1)
    torch.testing.assert_close(gan.discriminator_loss(batch), expected.mean())
    expected = -logsigmoid(D(fake, *condition)).mean()
    torch.testing.assert_close(gan.generator_loss(batch), expected)


def test_styles_are_mixed_within_the_layers_that_run():
    _, gan = build("model=stylegan", *TINY)
    B, L = 500, gan.generator.num_ws
    latents = iter([torch.zeros(B, 16), torch.ones(B, 16)])
    gan.latent = lambda like: next(latents)
    draws = torch.rand(B, 2, generator=torch.Generator().manual_seed(0))
    gan.uniform = lambda like, n: draws
    gan.generator.mapping.forward = lambda z, label: z[:, None, :1].expand(-1, L, -1)
    gan.generator.grow(1)
    assert (L, gan.generator.num_ws_used) == (6, 4)
    second = gan.styles(torch.zeros(B, 1), None)[..., 0]  # 1 where the second latent rules
    assert torch.equal(second.sort(1).values, second)  # from a crossover to the last layer
    first_layers = (1 - second).sum(1).int()
    mixed = first_layers < L
    assert torch.equal(mixed, draws[:, 0] < 0.9)
    counts = torch.bincount(first_layers[mixed], minlength=4).tolist()
    assert counts[0] == 0 and min(counts[1:]) > 120 and len(counts) == 4


def test_fakes_have_noise_of_their_own():
    data, gan = build("model=stylegan", *TINY)
    with torch.no_grad():
        for layer in gan.generator.synthesis.layers:
            layer.noise_strength.fill_(1)
    gan.grow = lambda: None
    samples = []
    gan.judge_fake = lambda fake, label: samples.append(fake) or fake.sum((1, 2, 3))
    gan.latent = lambda like: torch.zeros(len(like), gan.latent_dim)
    fit(gan, data, steps=1)
    assert not torch.allclose(*samples[0][:2])


def test_samples_are_truncated_in_w():
    _, gan = build("model=stylegan", *TINY, "model.generator.truncated_layers=99")
    gan.generator_ema.mapping.w_avg.normal_()
    one, other = gan.sample(2, seed=0, truncation=0.0)
    torch.testing.assert_close(one, other)
    one, other = gan.sample(2, seed=0, truncation=0.5)
    assert not torch.allclose(one, other)


def test_mean_w_is_learned_and_averaged():
    data, gan = build("model=stylegan", *TINY)
    fit(gan, data, steps=3)
    assert gan.generator.mapping.w_avg.norm() > 0
    assert torch.equal(gan.generator.mapping.w_avg, gan.generator_ema.mapping.w_avg)
