import torch

from gan_lab.losses.perceptual import FeatureDistance, PyramidDistance


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
