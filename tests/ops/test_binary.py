import torch

from gan_lab.ops.binary import binary, one_at_most


def test_neurons_are_minus_one_or_one():
    x = torch.tensor([-3.0, -1e-6, 0.0, 1e-6, 2.0])
    assert binary(x).tolist() == [-1, -1, -1, 1, 1]


def test_gradient_is_that_of_a_scaled_sigmoid():
    x = torch.linspace(-4, 4, 9, dtype=torch.float64, requires_grad=True)
    weights = torch.arange(9.0, dtype=torch.float64)
    (ours,) = torch.autograd.grad((binary(x) * weights).sum(), x)
    (expected,) = torch.autograd.grad(((2 * x.sigmoid() - 1) * weights).sum(), x)
    torch.testing.assert_close(ours, expected)


def test_at_most_one_of_a_row_is_one():
    x = torch.tensor([[-3.0, -1e-6, 0.0], [1.0, 3.0, 2.0], [-1.0, -2.0, 0.5]])
    assert one_at_most(x).tolist() == [[-1, -1, -1], [-1, 1, -1], [-1, -1, 1]]


def test_gradient_of_one_at_most_is_that_of_a_softmax_with_none_among_the_choices():
    x = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(4, 5, dtype=torch.float64)
    (ours,) = torch.autograd.grad((one_at_most(x) * weights).sum(), x)
    soft = torch.cat([x.new_zeros(4, 1), x], 1).softmax(1)[:, 1:]
    (expected,) = torch.autograd.grad(((2 * soft - 1) * weights).sum(), x)
    torch.testing.assert_close(ours, expected)


def test_one_at_most_of_one_is_a_binary_neuron():
    x = torch.linspace(-4, 4, 9, dtype=torch.float64, requires_grad=True)
    one, other = one_at_most(x[:, None])[:, 0], binary(x)
    assert torch.equal(one, other)
    torch.testing.assert_close(*(torch.autograd.grad(y.sum(), x)[0] for y in (one, other)))
