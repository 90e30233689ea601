import torch
from support import build, fit


def test_losses_are_equations_16_and_17():
    data, gan = build("model=sngan")
    torch.manual_seed(0)
    real, z = 3 * torch.randn(6, *data.shape), torch.randn(6, gan.latent_dim)
    gan.latent = lambda like: z
    gan.discriminator.eval()  # each pass would take a step of power iteration
    gan.discriminator.judgement.linear.parametrizations.weight.original.data.mul_(-1)
    D_x, D_Gz = gan.discriminator(real), gan.discriminator(gan.generator(z))
    zero, batch = torch.zeros(6), {"image": real}
    value = torch.minimum(zero, -1 + D_x).mean() + torch.minimum(zero, -1 - D_Gz).mean()
    torch.testing.assert_close(gan.discriminator_loss(batch), -value)
    torch.testing.assert_close(gan.generator_loss(batch), -D_Gz.mean())


def test_five_discriminator_steps_for_each_generator_step():
    data, gan = build("model=sngan")
    turns, descend = [], gan.descend
    gan.descend = lambda players, *rest: (turns.append(players[0]), descend(players, *rest))
    fit(gan, data, steps=10)
    assert "".join(turns) == "dddddgdddddg"


def test_power_iteration_takes_one_step_for_each_of_the_discriminators():
    data, gan = build("model=sngan", "model.discriminator_steps=1")
    layer = gan.discriminator.judgement.linear
    (norm,) = layer.parametrizations.weight
    steps = []
    norm._power_method = lambda weight, num: steps.append(num)
    fit(gan, data, steps=3)
    assert steps == [1, 1, 1]


def test_labels_reach_both_players_if_the_networks_take_them():
    classes = ["+model.generator.num_classes=10", "+model.discriminator.num_classes=10"]
    data, gan = build("model=sngan", *classes)
    fit(gan, data, steps=5)
    assert not torch.equal(gan.sample(3, seed=0, label=4), gan.sample(3, seed=0, label=5))
