import torch

from gan_lab.ops.binary import binary


def test_neurons_are_minus_one_or_one():
    x = torch.tensor([-3.0, -1e-6, 0.0, 1e-6, 2.0])
    assert binary(x).tolist() == [-1, -1, -1, 1, 1]


def test_gradient_is_that_of_a_scaled_sigmoid():
    x = torch.linspace(-4, 4, 9, dtype=torch.float64, requires_grad=True)
    weights = torch.arange(9.0, dtype=torch.float64)
    (ours,) = torch.autograd.grad((binary(x) * weights).sum(), x)
    (expected,) = torch.autograd.grad(((2 * x.sigmoid() - 1) * weights).sum(), x)
    torch.testing.assert_close(ours, expected)
