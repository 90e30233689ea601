import torch
from torch import nn

from gan_lab.losses.penalties import gradient_penalty, squared_gradient_norm


def test_norm_of_a_linear_discriminator_is_its_weight():
    torch.manual_seed(0)
    weight = torch.randn(12)
    inputs = torch.randn(5, 3, 2, 2, requires_grad=True)
    norm = squared_gradient_norm(inputs.flatten(1) @ weight, inputs)
    torch.testing.assert_close(norm, weight.square().sum().expand(5))


def test_norm_agrees_with_one_sample_at_a_time():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1), nn.Flatten(0))
    inputs = torch.randn(4, 6, requires_grad=True)
    together = squared_gradient_norm(network(inputs), inputs)
    for x, expected in zip(inputs, together, strict=True):
        jacobian = torch.autograd.functional.jacobian(network, x[None])
        torch.testing.assert_close(jacobian.square().sum(), expected)


def test_penalty_can_be_descended():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1), nn.Flatten(0))
    inputs = torch.randn(4, 6, requires_grad=True)
    squared_gradient_norm(network(inputs), inputs).mean().backward()
    gradient = network[0].weight.grad
    assert gradient.abs().max() > 0

    step = 1e-3  # central differences in one weight
    with torch.no_grad():
        network[0].weight[2, 3] += step
    upper = squared_gradient_norm(network(inputs), inputs).mean()
    with torch.no_grad():
        network[0].weight[2, 3] -= 2 * step
    lower = squared_gradient_norm(network(inputs), inputs).mean()
    torch.testing.assert_close((upper - lower) / (2 * step), gradient[2, 3], rtol=2e-3, atol=1e-5)


def test_penalty_vanishes_for_unit_gradient():
    torch.manual_seed(0)
    real, fake = torch.randn(2, 5, 3, 4, 4)
    direction = nn.functional.normalize(torch.randn(48), dim=0)
    penalty = gradient_penalty(
        lambda x: x.flatten(1) @ direction, real, fake, torch.rand(5, 1, 1, 1)
    )
    assert penalty.shape == (5,) and penalty.abs().max() < 1e-5


def test_penalty_looks_where_the_position_says():
    real, fake = torch.ones(2, 3), torch.zeros(2, 3)
    seen = []

    def critic(x):
        seen.append(x)
        return x.sum(1)

    gradient_penalty(critic, real, fake, torch.tensor([[1.0], [0.25]]))
    torch.testing.assert_close(seen[0].detach()[:, 0], torch.tensor([1.0, 0.25]))


def test_penalty_has_a_finite_slope_at_zero_gradient():
    network = nn.Linear(3, 1)
    nn.init.zeros_(network.weight)
    gradient_penalty(
        lambda x: network(x).squeeze(1), torch.ones(2, 3), torch.zeros(2, 3), torch.rand(2, 1)
    ).mean().backward()
    assert torch.isfinite(network.weight.grad).all()
