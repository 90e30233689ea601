import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.nn.functional import affine_grid, grid_sample

from gan_lab.ops.sampling import sample


def problem():
    draw = torch.Generator().manual_seed(0)
    images = torch.randn(2, 3, 5, 4, dtype=torch.float64, generator=draw, requires_grad=True)
    theta = torch.eye(2, 3, dtype=torch.float64) + 0.3 * torch.randn(
        2, 2, 3, dtype=torch.float64, generator=draw
    )
    return images, affine_grid(theta, [2, 3, 6, 7], align_corners=False)


def test_values_and_gradient_are_those_of_torch():
    images, positions = problem()
    ours = sample(images, positions)
    theirs = grid_sample(images, positions, align_corners=False)
    assert torch.equal(ours, theirs)
    (expected,) = torch.autograd.grad(theirs.square().sum(), images)
    (found,) = torch.autograd.grad(ours.square().sum(), images)
    assert torch.allclose(found, expected)


def test_differentiable_twice():
    images, positions = problem()
    assert gradcheck(lambda x: sample(x, positions), images)
    assert gradgradcheck(lambda x: sample(x, positions).square(), images)


def test_scattering_is_the_transpose_of_sampling():
    images, positions = problem()
    values = torch.randn(2, 3, 6, 7, dtype=torch.float64)
    (scattered,) = torch.autograd.grad(sample(images, positions), images, values)
    assert torch.allclose((scattered * images).sum(), (values * sample(images, positions)).sum())
