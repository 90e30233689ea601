import torch

from gan_lab.losses.perceptual import (
    FeatureDistance,
    FeatureError,
    PyramidDistance,
    WeightedFeatureDistance,
)


def test_a_constant_difference_is_as_large_at_every_size():
    x = torch.rand(3, 1, 16, 16)
    offset = torch.tensor([0.0, 0.5, 1.0]).view(3, 1, 1, 1)
    torch.testing.assert_close(PyramidDistance()(x, x + offset), offset.flatten())


def test_fine_differences_count_less_than_coarse_ones():
    checks = torch.ones(1, 1, 16, 16)
    checks[..., ::2, 1::2] = checks[..., 1::2, ::2] = -1
    halves = torch.ones(1, 1, 16, 16)
    halves[..., 8:] = -1
    zero = torch.zeros(1, 1, 16, 16)
    distance = PyramidDistance()
    assert distance(checks, zero) < 0.5 * distance(halves, zero)


def test_feature_distance_is_the_angle_between_features():
    distance = FeatureDistance(lambda x: [x, 3 * x])
    x, y = torch.zeros(2, 3, 4, 4), torch.zeros(2, 3, 4, 4)
    x[:, 0], y[0, 1], y[1, 0] = 2.0, 5.0, 7.0  # at a right angle; in line
    torch.testing.assert_close(distance(x, y), torch.tensor([4.0, 0.0]))
    grey = torch.rand(2, 1, 4, 4)
    torch.testing.assert_close(distance(grey, grey), torch.zeros(2))


def test_weights_of_channels_are_equation_1_of_zhang():
    torch.manual_seed(0)
    x, y = torch.rand(2, 3, 4, 4), torch.rand(2, 3, 4, 4)
    weights = [torch.tensor([1.0, 2.0, 0.0]), torch.tensor([0.5, 0.0, 3.0])]
    distance = WeightedFeatureDistance(lambda p: [p, p.square()], weights)
    expected = torch.zeros(2)
    for w, a, b in zip(weights, (x, x.square()), (y, y.square())):
        a, b = (f / f.square().sum(1, keepdim=True).sqrt() for f in (a, b))
        expected += (w.view(1, 3, 1, 1) * (a - b) ** 2).sum(1).mean((1, 2))
    torch.testing.assert_close(distance(x, y), expected)
    ones = WeightedFeatureDistance(lambda p: [p], [torch.ones(3)])
    torch.testing.assert_close(ones(x, y), FeatureDistance(lambda p: [p])(x, y))


def test_feature_errors_are_means_over_places_and_layers():
    x, y = torch.zeros(2, 3, 4, 4), torch.full((2, 3, 4, 4), 3.0)
    layers = lambda p: [p, 2 * p]  # noqa: E731
    torch.testing.assert_close(FeatureError(layers)(x, y), torch.full((2,), 4.5))
    torch.testing.assert_close(FeatureError(layers, power=2)(x, y), torch.full((2,), 22.5))
