import torch
from torch import nn

from gan_lab.losses.penalties import (
    consistency,
    drift,
    gradient_penalty,
    lecam,
    noisy_gradient_penalty,
    orthogonality,
    path_lengths,
    squared_gradient_norm,
)


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


def test_noisy_penalty_agrees_with_one_sample_at_a_time():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1), nn.Flatten(0))
    real, noise = torch.randn(2, 4, 6)
    together = noisy_gradient_penalty(network, real, noise)
    for x, delta, expected in zip(real, noise, together, strict=True):
        jacobian = torch.autograd.functional.jacobian(network, (x + delta)[None])
        torch.testing.assert_close((jacobian.norm() - 1).square(), expected)
    together.mean().backward()
    assert network[0].weight.grad.abs().max() > 0


def test_noisy_penalty_vanishes_for_unit_gradient():
    torch.manual_seed(0)
    direction = nn.functional.normalize(torch.randn(12), dim=0)
    real, noise = torch.randn(2, 5, 3, 2, 2)
    penalty = noisy_gradient_penalty(lambda x: x.flatten(1) @ direction, real, noise)
    assert penalty.shape == (5,) and penalty.abs().max() < 1e-5


def test_path_lengths_of_a_linear_generator():
    """Its Jacobian is its weight A, so that the length is ||A^T y|| over the root of the pixels."""
    torch.manual_seed(0)
    A, noise = torch.randn(3 * 2 * 4, 2 * 6), torch.randn(5, 3, 2, 4)
    ws = torch.randn(5, 2, 6, requires_grad=True)
    images = (ws.flatten(1) @ A.T).unflatten(1, (3, 2, 4))
    lengths = path_lengths(images, ws, noise)
    directions = noise.flatten(1) @ A / 8**0.5  # A^T y for each row
    per_layer = directions.unflatten(1, (2, 6)).square().sum(2)  # (B, L)
    torch.testing.assert_close(lengths, per_layer.mean(1).sqrt())


def test_path_lengths_of_an_orthogonal_generator_do_not_depend_on_the_size():
    torch.manual_seed(0)
    means = []
    for side in (4, 16):
        A, _ = torch.linalg.qr(torch.randn(side**2, side**2))
        ws = torch.randn(400, 1, side**2, requires_grad=True)
        images = (ws[:, 0] @ A).unflatten(1, (1, side, side))
        means.append(path_lengths(images, ws, torch.randn(400, 1, side, side)).mean())
    assert all(abs(mean - 1) < 0.02 for mean in means)


def test_path_lengths_can_be_descended():
    torch.manual_seed(0)
    synthesis = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 4))
    ws, noise = torch.randn(3, 1, 6, requires_grad=True), torch.randn(3, 1, 2, 2)

    def mean_length():
        images = synthesis(ws[:, 0]).unflatten(1, (1, 2, 2))
        return path_lengths(images, ws, noise).mean()

    mean_length().backward()
    gradient, step = synthesis[0].weight.grad[2, 3], 1e-3
    values = []
    for change in (step, -2 * step):
        with torch.no_grad():
            synthesis[0].weight[2, 3] += change
        values.append(mean_length())
    difference = (values[0] - values[1]) / (2 * step)
    torch.testing.assert_close(difference, gradient, rtol=2e-3, atol=1e-5)


def test_path_lengths_have_a_finite_slope_at_zero_gradient():
    weight = torch.zeros(4, 6, requires_grad=True)
    ws = torch.randn(3, 1, 6, requires_grad=True)
    images = (ws[:, 0] @ weight.T).unflatten(1, (1, 2, 2))
    path_lengths(images, ws, torch.randn(3, 1, 2, 2)).mean().backward()
    assert torch.isfinite(weight.grad).all()


def test_logit_penalties_by_hand():
    real, fake = torch.tensor([2.0, -1.0]), torch.tensor([0.5, 3.0])
    torch.testing.assert_close(drift(real), torch.tensor([4.0, 1.0]))
    torch.testing.assert_close(consistency(real, fake), torch.tensor([2.25, 16.0]))
    assert consistency(real, real).abs().max() == 0
    penalty = lecam(real, fake, real_anchor=torch.tensor(1.0), fake_anchor=torch.tensor(-1.0))
    torch.testing.assert_close(penalty, torch.tensor([3.0**2 + 0.5**2, 0.0 + 2.0**2]))


def test_orthogonal_filters_of_any_length_cost_nothing():
    torch.manual_seed(0)
    rows, _ = torch.linalg.qr(torch.randn(12, 5))
    weight = (torch.tensor([1.0, 2.0, 0.5, 3.0, 0.1]) * rows).T.reshape(5, 3, 2, 2)
    assert orthogonality(weight) < 1e-8


def test_orthogonality_agrees_with_one_pair_of_filters_at_a_time():
    torch.manual_seed(0)
    weight = torch.randn(4, 3, 2, 2)
    pairs = [(i, j) for i in range(4) for j in range(4) if i != j]
    expected = sum((weight[i] * weight[j]).sum().square() for i, j in pairs)
    torch.testing.assert_close(orthogonality(weight), expected)


def test_orthogonality_descends_along_the_known_gradient():
    """4 (W W^T * (1 - I)) W for filters in rows."""
    torch.manual_seed(0)
    weight = torch.randn(4, 12, requires_grad=True)
    (gradient,) = torch.autograd.grad(orthogonality(weight), weight)
    gram = weight @ weight.T
    torch.testing.assert_close(gradient, 4 * (gram * (1 - torch.eye(4))) @ weight)
