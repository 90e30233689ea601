import pytest
import torch

from gan_lab.ops.minibatch import minibatch_deviation


def test_a_group_of_equal_rows_deviates_by_nothing():
    x = torch.randn(1, 3, 2, 2).expand(4, -1, -1, -1)
    assert minibatch_deviation(x)[:, 3].abs().max() < 1e-3


def test_each_channel_is_the_mean_deviation_of_its_share_of_the_features():
    torch.manual_seed(0)
    x = torch.randn(6, 4, 2, 3, dtype=torch.float64)
    out = minibatch_deviation(x, group_size=3, num_channels=2)
    assert out.shape == (6, 6, 2, 3)
    assert torch.equal(out[:, :4], x)
    for group in (slice(0, 3), slice(3, 6)):
        for channel, share in enumerate((slice(0, 2), slice(2, 4))):
            expected = x[group, share].std(0, correction=0).mean()
            torch.testing.assert_close(
                out[group, 4 + channel], expected.expand(3, 2, 3), rtol=1e-6, atol=0
            )


@pytest.mark.parametrize("rows, group", [(8, 4), (6, 3), (5, 1), (2, 2), (1, 1), (10, 2)])
def test_groups_are_the_largest_that_divide_the_minibatch(rows, group):
    torch.manual_seed(0)
    levels = minibatch_deviation(torch.randn(rows, 2, 2, 2))[:, 2, 0, 0]
    assert len(levels.unique()) == (rows // group if group > 1 else 1)


def test_halves_of_a_minibatch_form_the_groups_of_the_whole():
    x = torch.randn(16, 3, 4, 4)
    halves = torch.cat([minibatch_deviation(half) for half in x.chunk(2)])
    torch.testing.assert_close(halves, minibatch_deviation(x))


def test_is_twice_differentiable():
    torch.manual_seed(0)
    x = torch.randn(4, 2, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(minibatch_deviation, x)
    assert torch.autograd.gradgradcheck(minibatch_deviation, x)
