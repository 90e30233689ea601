import torch
from support import build
from torch.nn.functional import relu

SMALL = ["model=biggan", "data.resolution=16"]


def prepared(*overrides):
    data, gan = build(*SMALL, *overrides)
    torch.manual_seed(0)
    z = torch.randn(4, gan.latent_dim)
    gan.latent = lambda like: z
    batch = {"image": torch.randn(4, *data.shape).tanh(), "label": torch.tensor([0, 5, 5, 9])}
    gan.eval()  # spectral norm stands still, so that losses can be computed twice
    return gan, z, batch


def test_discriminator_loss_is_the_conditional_hinge_game():
    gan, z, batch = prepared()
    G, D = gan.generator, gan.discriminator
    losses = []
    for row in range(4):
        x, y = batch["image"][row, None], batch["label"][row, None]
        losses.append(relu(1 - D(x, y)) + relu(1 + D(G(z[row, None], y), y)))
    expected = torch.cat(losses).mean()
    torch.testing.assert_close(gan.discriminator_loss(batch), expected)


def test_generator_loss_has_equation_3():
    gan, z, batch = prepared("model.orthogonality_weight=0.5")
    G, D = gan.generator, gan.discriminator
    adversarial = -D(G(z, batch["label"]), batch["label"]).mean()
    penalty = 0.0
    for name, weight in G.named_parameters():
        if weight.ndim > 1 and name != "shared.weight":
            rows = weight.detach().double().flatten(1)
            gram = rows @ rows.T
            penalty += (gram * (1 - torch.eye(len(gram)))).square().sum().item()
    expected = adversarial + 0.5 * penalty
    torch.testing.assert_close(gan.generator_loss(batch), expected, rtol=1e-4, atol=1e-4)


def test_generator_takes_one_of_several_steps():
    data, gan = build(*SMALL, "model.discriminator_steps=4")
    turns = []
    gan.descend = lambda player, *_: turns.append(player)
    for gan.iteration in range(8):
        gan.training_step({}, 0)
    assert turns.count("discriminator") == 8 and turns.count("generator") == 2
    assert turns[4] == "generator"


def test_truncation_scales_z():
    _, gan = build(*SMALL)
    z, label = torch.randn(3, gan.latent_dim), torch.tensor([1, 2, 3])
    assert torch.equal(gan.decode(z, label, truncation=0.5), gan.decode(0.5 * z, label))
