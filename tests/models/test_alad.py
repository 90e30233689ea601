import pytest
import torch
from support import build


@pytest.fixture
def game():
    data, gan = build("model=alad")
    torch.manual_seed(0)
    x, z = torch.randn(4, *data.shape).tanh(), torch.randn(4, gan.latent_dim)
    gan.latent = lambda like: z  # none outside training
    gan.eval()  # spectral norm rests
    return gan, x, z


def test_three_discriminators_see_pairs_samples_and_latents_that_come_back(game):
    gan, x, z = game
    G, E, D = gan.generator, gan.generator.encode, gan.discriminator
    expected = (
        (D.pair(x, E(x)), D.pair(G(z), z)),
        (D.samples(x, x), D.samples(x, G(E(x)))),
        (D.latents(z, z), D.latents(z, E(G(z)))),
    )
    torch.testing.assert_close(gan.judge_cycles(x), expected)


def test_generator_learns_from_fakes_and_from_both_of_the_pairs(game):
    gan, x, _ = game
    (real, fake), (_, samples), (_, latents) = gan.judge_cycles(x)
    log = torch.nn.functional.logsigmoid
    expected = -(log(-real) + log(fake) + log(samples) + log(latents)).mean()
    torch.testing.assert_close(gan.generator_loss({"image": x}), expected)


def test_score_is_how_far_features_are_from_those_of_a_perfect_return(game):
    gan, x, _ = game
    f = gan.discriminator.samples.features
    made = gan.generator_ema(gan.generator_ema.encode(x))
    expected = torch.stack([(f(a, a) - f(a, b)).abs().mean() for a, b in pairs(x, made)])
    torch.testing.assert_close(gan.score(x), expected)


def pairs(x, made):
    return zip(x.split(1), made.split(1), strict=True)


def test_every_layer_of_the_discriminators_is_held(game):
    gan, _, _ = game
    for layer in gan.discriminator.modules():
        if isinstance(layer, torch.nn.Linear | torch.nn.Conv2d):
            assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2) < 1.5
