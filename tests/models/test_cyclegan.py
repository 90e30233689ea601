import pytest
import torch
from support import build, fit, some

from gan_lab.models.cyclegan import CycleGAN
from gan_lab.networks.cyclegan import CycleDiscriminator, CycleGenerator, ResnetGenerator
from gan_lab.networks.pix2pix import PatchDiscriminator

DATA = ["data=unpaired", "data.resolution=16", "data.num=64"]


def prepared(*overrides):
    data, gan = build("model=cyclegan", *DATA, *overrides)
    return gan, some(data, 4)


def mean_square(x):
    return x.square().mean()


def test_losses_are_equations_1_to_3_with_least_squares():
    gan, batch = prepared("model.cycle_weight=3", "model.identity_weight=0.25")
    G, F = gan.generator.a_to_b, gan.generator.b_to_a
    D_X, D_Y = gan.discriminator.a, gan.discriminator.b
    x, y = batch["domain_a"], batch["domain_b"]
    adversarial = mean_square(D_Y(G(x)) - 1) + mean_square(D_X(F(y)) - 1)
    cycle = (F(G(x)) - x).abs().mean() + (G(F(y)) - y).abs().mean()
    identity = (G(y) - y).abs().mean() + (F(x) - x).abs().mean()
    expected = adversarial + 3 * cycle + 3 * 0.25 * identity
    torch.testing.assert_close(gan.generator_loss(batch), expected)

    fakes = {"fake_a": gan.kept("fake_a"), "fake_b": gan.kept("fake_b")}
    torch.testing.assert_close(fakes["fake_b"], G(x))
    expected = sum(
        (mean_square(D(real) - 1) + mean_square(D(fake))) / 2
        for D, real, fake in ((D_X, x, F(y)), (D_Y, y, G(x)))
    )
    torch.testing.assert_close(gan.discriminator_loss({**batch, **fakes}), expected)


@pytest.mark.parametrize(("weight", "passes"), [(0.5, 2), (0.0, 2)])
def test_no_translation_is_computed_twice_in_a_step(weight, passes):
    """x and y in one pass and the cycle in another; the discriminators' turn needs none."""
    data, gan = build("model=cyclegan", *DATA, f"model.identity_weight={weight}")
    rows = []
    gan.generator.a_to_b.register_forward_hook(lambda _, x, y: rows.append(len(x[0])))
    fit(gan, data, steps=2)
    assert len(rows) == 2 * passes
    assert sum(rows) == 2 * data.batch_size * (3 if weight else 2)


def test_both_directions_answer():
    gan, batch = prepared()
    forth, back = gan.generate(batch), gan.generate(batch, reverse=True)
    torch.testing.assert_close(forth, gan.generator_ema.a_to_b(batch["domain_a"]).clamp(-1, 1))
    torch.testing.assert_close(back, gan.generator_ema.b_to_a(batch["domain_b"]).clamp(-1, 1))


def test_learning_rate_falls_in_the_second_half():
    data, gan = build("model=cyclegan", *DATA, "trainer.kimg=0.128")
    rates = []
    step = gan.training_step

    def watched(batch, batch_idx):
        rates.append(gan.trainer.optimizers[0].param_groups[0]["lr"])
        step(batch, batch_idx)

    gan.training_step = watched
    fit(gan, data, steps=8)
    assert rates == pytest.approx([1e-3] * 5 + [0.75e-3, 0.5e-3, 0.25e-3])


def test_identity_loss_needs_equal_shapes():
    shapes = (1, 16, 16), (3, 16, 16)
    players = CycleGenerator(*shapes, 4, 1), CycleDiscriminator(*shapes, 4, 1)
    with pytest.raises(ValueError, match="identity_weight"):
        CycleGAN(generator=players[0], discriminator=players[1], optimizers={})


def test_paper_size_has_the_authors_number_of_weights():
    """11.378 M and 2.765 M: what the authors' code prints for 256 px and 9 blocks."""
    generator, discriminator = ResnetGenerator((3, 256, 256), (3, 256, 256)), PatchDiscriminator(3)
    counts = [sum(w.numel() for w in player.parameters()) for player in (generator, discriminator)]
    assert counts == [11_378_179, 2_764_737]
